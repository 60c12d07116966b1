//! The life of the process: taking up changes, ending, being started again. What a caller on an open connection notices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how tests fail")]

#[path = "life/gate.rs"]
mod gate;
#[path = "life/past.rs"]
mod past;
#[path = "life/shadow.rs"]
mod shadow;
mod support;

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gate::{Caller, Gate};
use support::stderr;

/// Longest wait for something that happens by itself.
const PATIENCE: Duration = Duration::from_secs(30);

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn the_next_request_on_an_open_connection_is_decided_by_the_new_policy() {
    let gate = Gate::start("anyone");
    let mut caller = Caller::connect(gate.address);
    assert_eq!(caller.get("/"), 200);
    gate.write("identified");
    let (status, told) = gate.admin("POST", "/reload");
    assert_eq!(status, 200, "{told}");
    assert_eq!(caller.get("/"), 401, "the same connection, the new policy");
    gate.write("anyone");
    assert_eq!(gate.admin("POST", "/reload").0, 200);
    assert_eq!(caller.get("/"), 200);
}

#[test]
fn a_signal_and_a_changed_file_are_noticed_too() {
    let gate = Gate::start("anyone");
    let mut caller = Caller::connect(gate.address);
    gate.write("identified");
    gate.signal("HUP");
    until("SIGHUP is taken up", || caller.get("/") == 401);
    gate.write("anyone");
    until("a changed file is noticed", || caller.get("/") == 200);
}

#[test]
fn a_bad_file_changes_nothing_and_is_named() {
    let gate = Gate::start("anyone");
    let mut caller = Caller::connect(gate.address);
    std::fs::write(gate.folder.path().join("policies/a.cedar"), "permit (principal, action resource);")
        .unwrap();
    let (status, told) = gate.admin("POST", "/reload");
    assert_eq!(status, 422, "{told}");
    assert!(told.contains("a.cedar"), "{told}");
    assert_eq!(caller.get("/"), 200, "what was in force stays in force");
    let (_, ready) = gate.admin("GET", "/readyz");
    assert!(ready.contains("a.cedar"), "{ready}");
    let (_, metrics) = gate.admin("GET", "/metrics");
    let counted = metrics.lines().any(|line| {
        line.starts_with("portcullis_reloads_total{") && line.contains("refused") && line.ends_with(" 1")
    });
    assert!(counted, "{metrics}");
    let said = gate.said();
    let named = |line: &serde_json::Value| line["level"] != "INFO" && line.to_string().contains("a.cedar");
    assert!(said.iter().any(named), "{said:?}");

    std::fs::remove_file(gate.folder.path().join("policies/a.cedar")).unwrap();
    assert_eq!(gate.admin("POST", "/reload").0, 200);
    assert!(!gate.admin("GET", "/readyz").1.contains("a.cedar"));
}

/// Whoever is told a reference finds what was logged about the request by it.
#[test]
fn what_concerns_a_request_is_logged_with_its_reference() {
    let gate = Gate::start("anyone");
    let request = "GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n";
    // Whoever is answered, is answered by a gate whose log is open.
    assert!(support::exchange(gate.address, request).starts_with("HTTP/1.1 200 "));
    let log = gate.folder.path().join("data/log");
    std::fs::rename(&log, gate.folder.path().join("away")).unwrap();
    std::fs::write(&log, "in the way").unwrap();
    let mut refused = String::new();
    until("the log cannot be written", || {
        refused = support::exchange(gate.address, request);
        refused.starts_with("HTTP/1.1 503 ")
    });
    let reference = refused.lines().find_map(|line| line.strip_prefix("x-portcullis-ref: ")).unwrap();
    let said = gate.said();
    let about = |line: &serde_json::Value| line["fields"]["reference"] == reference;
    assert!(said.iter().any(about), "{reference} is not in {said:?}");
}

#[test]
fn only_operators_reload() {
    let gate = Gate::start("anyone");
    assert_eq!(gate.admin_with("POST", "/reload", "").0, 401);
    assert_eq!(gate.admin_with("GET", "/metrics", "Authorization: Bearer wrong\r\n").0, 401);
    assert_eq!(gate.admin("GET", "/reload").0, 405);
}

/// Promise P5, scaled to a test: no answer is missing, none is of neither version, and right after a reload every answer
/// is of the new one.
#[test]
fn reloads_under_load_lose_nothing() {
    let gate = Gate::start("anyone");
    let (ending, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let _ending = Ending(&ending);
        for _ in 0..3 {
            scope.spawn(|| {
                let mut caller = Caller::connect(gate.address);
                while !ending.load(Ordering::Relaxed) {
                    let status = caller.get("/");
                    assert!(status == 200 || status == 401, "{status}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut watching = Caller::connect(gate.address);
        for turn in 0..40 {
            let (access, status) = if turn % 2 == 0 { ("identified", 401) } else { ("anyone", 200) };
            gate.write(access);
            assert_eq!(gate.admin("POST", "/reload").0, 200);
            assert_eq!(watching.get("/"), status, "turn {turn}");
        }
    });
    assert!(asked.load(Ordering::Relaxed) > 100, "there was no load");
}

/// Ends the load also where the test fails.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_request_under_way_ends_before_the_process_does() {
    let mut gate = Gate::start("anyone");
    let mut slow = Caller::connect(gate.address);
    let mut idle = Caller::connect(gate.address);
    assert_eq!(idle.get("/"), 200);
    slow.send("/slow");
    gate.origin.wait_for_slow();
    gate.signal("TERM");
    until("no new connections are taken", || std::net::TcpStream::connect(gate.address).is_err());
    assert!(idle.ended(), "an idle connection is closed at once");
    gate.origin.finish_slow();
    assert_eq!(slow.receive(), 200);
    assert!(gate.process.0.wait().unwrap().success());
}

#[test]
fn a_socket_that_is_handed_over_outlives_a_restart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut gate = Gate::start_on("anyone", &listener);
    assert_eq!(Caller::connect(gate.address).get("/"), 200);
    gate.signal("TERM");
    assert!(gate.process.0.wait().unwrap().success());
    let mut between = Caller::connect(gate.address);
    between.send("/");
    gate.start_again(&listener);
    assert_eq!(between.receive(), 200, "what arrived between the two was answered by the second");
}

#[test]
fn a_listener_that_changed_is_said_to_wait_for_a_restart() {
    let gate = Gate::start("anyone");
    let file = gate.folder.path().join("portcullis.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[server]\n", "[server]\nmax_connections = 7\n")).unwrap();
    let (status, told) = gate.admin("POST", "/reload");
    assert_eq!(status, 200);
    assert!(told.contains("restart"), "{told}");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let gate = Gate::start("anyone");
    let mut second = support::portcullis(gate.folder.path());
    let output = second.arg("run").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains(&gate.address.to_string()), "{}", stderr(&output));
}
