//! Promise P7, scaled to a test: thousands of slow callers and floods of HTTP/2 frames beside one good caller, who has no
//! fault. What it waits, and what each connection costs, is printed.
//!
//! At full size, beside a release: `ulimit -n 65536; PORTCULLIS_TESTED_PROGRAM=target/release/portcullis
//! PORTCULLIS_TESTED_CONNECTIONS=10000 cargo test -p portcullis --features real-servers --test real_servers hostile --
//! --nocapture --test-threads 1`.

#![allow(clippy::print_stdout, reason = "figures are for whoever runs it by hand")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::good::Good;
use super::{app, open_gate};
use crate::gate::{Gate, origin, script};

/// Most resident memory, in KiB, under any of these loads: several times what they take, and far below what an unbounded
/// queue would.
const MOST_MEMORY: u64 = 768 * 1024;
/// Most resident memory of one idle connection, in KiB: what promise P7 says of a release. A build that is not optimised
/// has larger futures.
fn most_memory_idle() -> u64 {
    if std::env::var_os(crate::gate::TESTED_PROGRAM).is_some() { 32 } else { 64 }
}

const REQUESTS: usize = 300;

fn connections() -> usize {
    std::env::var("PORTCULLIS_TESTED_CONNECTIONS").map_or(2000, |text| text.parse().unwrap())
}

/// Callers of one kind, at it until dropped.
struct Hostile {
    process: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Hostile {
    fn start(gate: &Gate, kind: &str, count: usize) -> Self {
        let mut process = Command::new("python3")
            .arg(script("hostile.py"))
            .args([&gate.address.port().to_string(), kind, &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut ready = String::new();
        said.read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n", "{kind}");
        Self { process, said }
    }

    /// Ends them; gives what they did.
    fn end(mut self) -> String {
        drop(self.process.stdin.take());
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        said.trim().to_owned()
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Held by each of these loads: beside each other they would show what two processors hold, not what one load does to a
/// good caller.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unharmed(gate: &Gate, what: &str) {
    let good = Good::asks(gate.address, REQUESTS);
    println!("{what}: {}; {} KiB resident", good.told(), gate.memory());
    assert!(good.faults.is_empty(), "{what}: {:?}", good.faults);
    assert!(gate.memory() < MOST_MEMORY, "{what}: {} KiB", gate.memory());
}

#[test]
fn thousands_of_slow_callers() {
    let _alone = alone();
    let (_origin, port) = origin();
    let count = connections();
    // As many at the origin at once as send their bodies slowly: that they are bounded is another test's matter.
    let room = format!("max_connections = {}\nmax_upstream_requests = {count}\n", count * 2);
    let gate = Gate::start(&format!("{room}{}", app(port)));
    unharmed(&gate, "quiet");
    let kinds = ["heads", "bodies", "readers", "windows", "idle2"];
    let mut slow = Vec::new();
    for kind in kinds {
        slow.push(Hostile::start(&gate, kind, count / kinds.len()));
        println!("{kind}: {} KiB resident", gate.memory());
    }
    unharmed(&gate, &format!("beside {count} slow callers"));
    for hostile in slow {
        hostile.end();
    }
    unharmed(&gate, "afterwards");
}

#[test]
fn what_an_idle_connection_costs() {
    let _alone = alone();
    let (gate, _origin, _) = open_gate();
    unharmed(&gate, "quiet");
    // Everything that is made once has been made when the first few are there.
    let _first = Hostile::start(&gate, "idle", 50);
    let _first_of_two = Hostile::start(&gate, "idle2", 50);
    let count = (connections() / 4) as u64;
    for kind in ["idle", "idle2"] {
        let before = gate.memory();
        let _idle = Hostile::start(&gate, kind, connections() / 4);
        let each = gate.memory().saturating_sub(before) / count;
        println!("{kind}: {each} KiB resident for each of {count} connections");
        assert!(each <= most_memory_idle(), "{kind}: {each} KiB");
    }
}

#[test]
fn floods_of_frames() {
    let _alone = alone();
    let (gate, _origin, _) = open_gate();
    unharmed(&gate, "quiet");
    for kind in ["resets", "continuations", "bombs", "settings", "pings"] {
        let flood = Hostile::start(&gate, kind, 4);
        unharmed(&gate, &format!("beside a flood of {kind}"));
        println!("{kind}: {}", flood.end());
    }
    unharmed(&gate, "afterwards");
}
