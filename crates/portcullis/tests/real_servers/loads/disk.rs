//! Promise P10: the decision log on a disk that is full, and then is not any more. Whether the disk is really full or only
//! refuses to be written depends on what the machine lets us do; to the gate both are a write that fails.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{app, asked};
use crate::gate::{Gate, origin};
use crate::support::{Program, get};

/// Longest wait for the log to heal, whose pauses between attempts grow to a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gate whose decision log, and whatever else it says, is on a disk that can be filled and emptied.
struct Site {
    gate: Gate,
    _origin: Program,
    origin: u16,
    disk: Disk,
}

enum Disk {
    /// A file system of its own, and the file that fills it.
    Own(PathBuf),
    /// A limit on the size of files: for machines that allow no file systems of one's own.
    Limited,
}

impl Site {
    fn start(log: &str) -> Self {
        let (origin, port) = origin();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let mounted = "mount -t tmpfs -o size=1m tmpfs data";
        let own = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", mounted])
            .current_dir(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        let script = if own {
            format!(
                "exec unshare --map-root-user --mount sh -c '{mounted} && exec \"$0\" run 2> data/gate.log' \"$0\""
            )
        } else {
            // Ignored signals stay ignored: the write then fails, and nobody is killed for it.
            "trap '' XFSZ; exec \"$0\" run".to_owned()
        };
        let gate = Gate::start_in(folder, &format!("{}[log]\n{log}\n", app(port)), &script);
        let disk = if own { Disk::Own(gate.seen("data/filling")) } else { Disk::Limited };
        Self { gate, _origin: origin, origin: port, disk }
    }

    /// From now on there is no room for a single byte.
    fn fill(&self) {
        match &self.disk {
            Disk::Own(filling) => {
                let mut file = File::create(filling).unwrap();
                while file.write_all(&[0; 4096]).is_ok() {}
                while file.write_all(&[0]).is_ok() {}
            }
            Disk::Limited => self.limit("0:"),
        }
    }

    /// There is room again.
    fn empty(&self) {
        match &self.disk {
            Disk::Own(filling) => std::fs::remove_file(filling).unwrap(),
            Disk::Limited => self.limit("unlimited:"),
        }
    }

    fn limit(&self, size: &str) {
        let pid = self.gate.process.0.id().to_string();
        let status = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={size}")]).status();
        assert!(status.unwrap().success());
    }

    /// The answer to one request on a connection of its own.
    fn ask(&self, path: &str) -> String {
        get(self.gate.address, "shop.test", path, "Connection: close\r\n")
    }

    /// Asks until an answer has this status; gives how often it had another.
    fn until(&self, path: &str, status: &str) -> usize {
        let started = Instant::now();
        for others in 0.. {
            let answer = self.ask(path);
            if answer.starts_with(&format!("HTTP/1.1 {status} ")) {
                return others;
            }
            assert!(started.elapsed() < PATIENCE, "no {status} in time: {answer}");
        }
        unreachable!("ended by a status, or by time")
    }
}

#[test]
fn a_full_disk_closes_the_gate_until_there_is_room() {
    let site = Site::start("when_broken = \"fail_closed\"");
    site.until("/before", "200");
    site.fill();
    // What fits into the last block of the file may still be written.
    site.until("/filling", "503");
    let before = asked(site.origin);
    for _ in 0..20 {
        let refused = site.ask("/full");
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
        assert!(refused.to_ascii_lowercase().contains("\r\nretry-after: "), "{refused}");
    }
    assert_eq!(asked(site.origin), before, "nothing passed that was not recorded");
    let ready = site.gate.admin("GET", "/readyz");
    assert!(ready.starts_with("HTTP/1.1 503 "), "{ready}");
    site.empty();
    site.until("/healed", "200");
    let ready = site.gate.admin("GET", "/readyz");
    assert!(ready.starts_with("HTTP/1.1 200 "), "without a restart: {ready}");
    let recorded = site.gate.log("decision");
    assert!(recorded.iter().any(|line| line["request"]["path"] == "/healed"), "{recorded:?}");
    assert!(asked(site.origin) <= recorded.len(), "the origin was asked for what no record tells of");
}

/// Every request is in the log, or counted in a gap of it: neither twice nor not at all.
#[test]
fn a_full_disk_is_waited_for_where_that_is_asked_for_and_the_gap_is_counted() {
    let site = Site::start("when_broken = \"fail_open\"\nqueue = 8");
    site.until("/before", "200");
    site.fill();
    for number in 0..60 {
        let answer = site.ask(&format!("/full/{number}"));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    site.empty();
    let requests = asked(site.origin);
    assert_eq!(requests, 61);
    let started = Instant::now();
    loop {
        let gaps = site.gate.log("gap");
        let missed = |kind: &str| -> usize {
            gaps.iter().map(|gap| usize::try_from(gap[kind].as_u64().unwrap_or(0)).unwrap()).sum()
        };
        let counted = [("decision", "decisions"), ("outcome", "outcomes")]
            .map(|(kind, missing)| (site.gate.log(kind).len(), missed(missing)));
        if counted.iter().all(|(written, missed)| written + missed == requests && *missed > 0) {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "written and missed of {requests}: {counted:?}, {gaps:?}");
    }
    site.until("/healed", "200");
    let gaps = site.gate.log("gap");
    assert!(gaps.iter().all(|gap| gap["when_broken"] == "fail_open"), "{gaps:?}");
}
