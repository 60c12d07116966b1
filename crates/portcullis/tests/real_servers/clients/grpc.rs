//! gRPC's own client and server, of Python, with the gate between them.

use std::process::Command;

use crate::gate::{Gate, script, serving};
use crate::support::{Program, stderr, stdout};

/// The Python that has `grpc`: the first of the path, or the system's.
fn python() -> Command {
    let has = |python: &&str| {
        Command::new(python).args(["-c", "import grpc"]).output().is_ok_and(|output| output.status.success())
    };
    let python = ["python3", "/usr/bin/python3"].into_iter().find(has);
    Command::new(python.expect("a python3 with `grpc` (Debian's package python3-grpcio)"))
}

fn site() -> (Gate, Program) {
    let mut server = python();
    server.arg(script("grpc_server.py"));
    let (server, port) = serving(server, &[]);
    let configuration = format!(
        "[[app]]\nname = \"rpc\"\nhosts = [\"rpc.test\"]\nupstream = \"http://127.0.0.1:{port}\"\n\
         protocol = \"http2\"\naccess = \"identified\"\n\
         [[app.route]]\nname = \"parcels\"\npath = \"/parcels.Parcels/*\"\n\
         [[app.route]]\nname = \"closed\"\npath = \"/parcels.Parcels/Closed\"\nrequire = {{ role = [\"admin\"] }}\n"
    );
    let start = "\"$0\" key create robot > robot.key && exec \"$0\" run";
    let gate = Gate::start_in(tempfile::tempdir().unwrap(), &configuration, start);
    (gate, server)
}

#[test]
fn calls_streams_errors_and_refusals() {
    let (gate, _server) = site();
    let key = std::fs::read_to_string(gate.folder.path().join("robot.key")).unwrap();
    let output = python()
        .arg(script("grpc_client.py"))
        .args([&gate.address.port().to_string(), key.trim()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let said = stdout(&output);
    let lines: Vec<_> = said.lines().collect();
    let [once, many, fail, closed, unknown] = lines[..] else { panic!("{said}") };
    assert_eq!(once, "Once lecrap");
    assert_eq!(many, "Many 124750", "five hundred answers in one stream");
    assert_eq!(fail, "Fail|NOT_FOUND|no such parcel|the service");
    assert!(closed.starts_with("Closed|PERMISSION_DENIED|"), "{closed}");
    assert!(unknown.starts_with("Once|UNAUTHENTICATED|"), "{unknown}");
}

/// What libraries show as a status of gRPC is a 200 of HTTP; anything else they would show as a fault of the network.
#[test]
fn a_refused_call_is_answered_200() {
    let (gate, _server) = site();
    let output = Command::new("curl")
        .args(["-sS", "-i", "--http2-prior-knowledge", "--max-time", "20", "-H", "Host: rpc.test"])
        .args(["-H", "Content-Type: application/grpc", "-H", "TE: trailers", "--data-binary", "12345"])
        .arg(format!("http://{}/parcels.Parcels/Once", gate.address))
        .output()
        .unwrap();
    let answer = stdout(&output);
    assert!(answer.starts_with("HTTP/2 200"), "{answer}");
    assert!(answer.contains("\r\ngrpc-status: 16\r\n"), "{answer}");
}
