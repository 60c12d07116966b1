//! A process that writes its log at full load is killed without warning, again and again: nothing that was acknowledged
//! may be lost, and the log must be whole. `PORTCULLIS_KILL_ROUNDS=1000` does it more often than the usual 60 times.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how tests fail")]
#![allow(
    clippy::print_stdout,
    reason = "what the killed process says is how the test knows what was acknowledged"
)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use portcullis_record::verify::{Against, verify};
use portcullis_record::{
    Door, Entry, Line, Log, LogSettings, Outcome, RequestEntry, Stage, SyncPoint, keys, read,
};
use portcullis_request::Reference;

const CHILD: &str = "PORTCULLIS_TEST_KILLED_FOLDER";
const ROUNDS: &str = "PORTCULLIS_KILL_ROUNDS";

/// Rounds that one log lives through.
const LIVES: usize = 12;

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return write_until_killed(&PathBuf::from(folder));
    }
    let rounds = std::env::var(ROUNDS).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(60);
    let mut folder = tempfile::tempdir().unwrap();
    let (mut acknowledged, mut torn, mut slowest) = (0, 0, Duration::ZERO);
    for round in 0..rounds {
        if round % LIVES == 0 {
            folder = tempfile::tempdir().unwrap();
        }
        let written = one_life(folder.path());
        acknowledged += written.len();
        // The next start cuts off what is half a line, says so, and goes on.
        let began = Instant::now();
        let log = Log::open(settings(folder.path())).unwrap();
        slowest = slowest.max(began.elapsed());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(log.close());
        drop(log);
        torn += check(folder.path(), &written, round);
    }
    println!(
        "killed {rounds} times: {acknowledged} acknowledged records, none lost; {torn} torn lines cut; \
         opened again within {slowest:.1?}"
    );
}

fn settings(folder: &Path) -> LogSettings {
    LogSettings {
        // Small, so that segments end and are packed while the process is killed.
        segment_bytes: 128 * 1024,
        sync: SyncPoint::Every(Duration::from_millis(50)),
        checkpoint_every: Duration::from_millis(20),
        wait: Duration::from_secs(60),
        ..LogSettings::new(folder.join("log"))
    }
}

/// Has a process write, kills it at some moment, and gives the references that it was told were recorded.
fn one_life(folder: &Path) -> Vec<String> {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "nothing_acknowledged_is_lost_when_the_process_is_killed", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with(MARK) {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0, "the process ended before it wrote anything");
    }
    let reader = std::thread::spawn(move || {
        let mut all = vec![line];
        // Half a line at the end was not told.
        while let mut line = String::new()
            && told.read_line(&mut line).unwrap_or(0) > 0
            && line.ends_with('\n')
        {
            all.push(line);
        }
        all
    });
    std::thread::sleep(Duration::from_micros(u64::try_from(random() % 120_000).unwrap()));
    child.kill().unwrap();
    child.wait().unwrap();
    let told = reader.join().unwrap();
    told.iter().filter_map(|line| Some(line.strip_prefix(MARK)?.trim().to_owned())).collect()
}

/// Whether everything told is there, and the log whole. Gives how many torn lines it tells of in all.
fn check(folder: &Path, told: &[String], round: usize) -> usize {
    let folder = folder.join("log");
    let (mut found, mut torn) = (HashSet::new(), 0);
    for line in read::records(&folder) {
        match line.unwrap() {
            Line::Decision(entry) => assert!(found.insert(entry.reference), "a record twice"),
            Line::Gap(gap) => torn += usize::from(gap.cut_bytes > 0),
            _ => {}
        }
    }
    let lost: Vec<_> = told.iter().filter(|reference| !found.contains(*reference)).collect();
    assert!(lost.is_empty(), "round {round}: {} acknowledged, lost {lost:?}", told.len());
    let against = Against { verifier: keys::verifier(&folder).unwrap(), checkpoints: Vec::new() };
    let report = verify(&folder, &against).unwrap();
    assert!(report.findings.is_empty(), "round {round}: {:#?}", report.findings);
    assert_eq!(report.unfinished, 0);
    if round % LIVES == LIVES - 1 { torn } else { 0 }
}

/// The process that is killed: several tasks, each handing over the next record when it was told of the last.
fn write_until_killed(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let log = Arc::new(Log::open(settings(folder)).unwrap());
        for _ in 0..8 {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                loop {
                    let reference = Reference::new(SystemTime::now());
                    log.submit(entry(reference)).await.unwrap();
                    println!("{MARK}{}", reference.uuid());
                    log.outcome(outcome(reference));
                }
            });
        }
        std::future::pending::<()>().await;
    });
}

fn random() -> u128 {
    Reference::new(SystemTime::now()).as_u128() & 0xFFFF_FFFF
}

fn entry(reference: Reference) -> Entry {
    Entry {
        reference: reference.uuid(),
        time: format!("{:.6}", jiff::Timestamp::now()),
        door: Door::Proxy,
        stage: Stage::Admit,
        request: RequestEntry {
            method: "GET".to_owned(),
            path: format!("/{}", "x".repeat(usize::try_from(random() % 3000).unwrap())),
            ..RequestEntry::default()
        },
        app: None,
        route: None,
        principal: None,
        absence: None,
        facts: std::collections::BTreeMap::new(),
        missing: std::collections::BTreeMap::new(),
        complete: false,
        verdict: None,
        reason: None,
        status: Some(403),
        detail: None,
        snapshot: "v1".to_owned(),
        decided_us: 1,
    }
}

fn outcome(reference: Reference) -> Outcome {
    Outcome {
        reference: reference.uuid(),
        status: 403,
        origin_status: None,
        intercepted: false,
        fault: None,
        bytes: 0,
        total_us: 1,
    }
}

const MARK: &str = "recorded ";
