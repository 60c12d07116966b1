//! h2load and wrk: no request fails, whether the policies change meanwhile (promise P5) or the process is told to end.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{asked, open_gate};
use crate::gate::Gate;
use crate::support::{Program, stdout};

/// What h2load counted.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    started: usize,
    done: usize,
    succeeded: usize,
    good: usize,
}

fn h2load(gate: &Gate, arguments: &[&str]) -> Command {
    let mut command = Command::new("h2load");
    command.args([&format!("--connect-to={}", gate.address), "-c", "8"]).args(arguments);
    command.arg("http://shop.test/").stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn counted(printed: &str) -> Counted {
    let number = |line: &str, word: &str| {
        let line =
            printed.lines().find_map(|there| there.strip_prefix(line)).unwrap_or_else(|| panic!("{printed}"));
        let part = line.split(',').find_map(|part| part.trim().strip_suffix(word));
        part.unwrap_or_else(|| panic!("{printed}")).trim().parse().unwrap()
    };
    Counted {
        started: number("requests:", "started"),
        done: number("requests:", "done"),
        succeeded: number("requests:", "succeeded"),
        good: number("status codes:", "2xx"),
    }
}

fn wrk(address: SocketAddr) -> String {
    let output = Command::new("wrk")
        .args(["-t", "1", "-c", "8", "-d", "2s", "--timeout", "20s", "-H", "Host: shop.test"])
        .arg(format!("http://{address}/"))
        .output()
        .unwrap();
    stdout(&output)
}

fn all_good(printed: &str) {
    assert!(printed.contains(" requests in "), "{printed}");
    assert!(!printed.contains(" 0 requests in "), "{printed}");
    assert!(!printed.contains("Socket errors") && !printed.contains("Non-2xx"), "{printed}");
}

#[test]
fn benchmarks_see_nothing_but_success() {
    let (gate, _origin, _) = open_gate();
    for version in [&["-m", "10"][..], &["--h1"]] {
        let output = h2load(&gate, &[&["-n", "1000"], version].concat()).output().unwrap();
        let all = Counted { started: 1000, done: 1000, succeeded: 1000, good: 1000 };
        assert_eq!(counted(&stdout(&output)), all, "{version:?}");
    }
    all_good(&wrk(gate.address));
}

/// Runs a load to its end and reloads meanwhile, every 200 ms; gives what the load printed, and how often.
fn reloading(gate: &Gate, load: impl FnOnce() -> String + Send) -> (String, usize) {
    let (send, ended) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || send.send(load()).unwrap());
        for reloads in 0.. {
            match ended.recv_timeout(Duration::from_millis(200)) {
                Ok(printed) => return (printed, reloads),
                Err(mpsc::RecvTimeoutError::Disconnected) => panic!("the load did not run"),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            gate.reload(&format!(
                "@id(\"version-{reloads}\") forbid (principal, action, resource == Route::\"shop/none\");"
            ));
        }
        unreachable!("the loop ends with the load")
    })
}

#[test]
fn policies_change_under_benchmarks() {
    let (gate, _origin, _) = open_gate();
    let run = || stdout(&h2load(&gate, &["-n", "1500", "-m", "10"]).output().unwrap());
    let (printed, reloads) = reloading(&gate, run);
    let all = Counted { started: 1500, done: 1500, succeeded: 1500, good: 1500 };
    assert_eq!(counted(&printed), all, "{reloads} reloads");
    let (printed, more) = reloading(&gate, || wrk(gate.address));
    all_good(&printed);
    let decisions = gate.log("decision");
    let versions: BTreeSet<_> = decisions.iter().map(|line| line["snapshot"].as_str().unwrap()).collect();
    assert!(
        reloads + more >= 4 && versions.len() >= 3,
        "{reloads} and {more} reloads, {} versions",
        versions.len()
    );
}

/// What was started is answered, what was decided was asked for, and nothing else is: neither side knows of a request that
/// the other does not.
#[test]
fn told_to_end_it_answers_what_was_started() {
    for version in [&["-m", "10"][..], &["--h1"]] {
        let (mut gate, _origin, port) = open_gate();
        let mut load = Program(h2load(&gate, &[&["-n", "100000"], version].concat()).spawn().unwrap());
        let begun = Instant::now();
        while asked(port) < 200 {
            assert!(begun.elapsed() < Duration::from_secs(60), "there is no load");
        }
        gate.terminate();
        let mut printed = String::new();
        std::io::Read::read_to_string(&mut load.0.stdout.take().unwrap(), &mut printed).unwrap();
        assert!(gate.process.0.wait().unwrap().success());
        let told = counted(&printed);
        assert!(told.good >= 200 && told.good < 100_000, "{printed}");
        assert_eq!(told.good, gate.log("decision").len(), "answered and recorded\n{printed}");
        assert_eq!(told.good, asked(port), "answered and asked of the origin\n{printed}");
    }
}
