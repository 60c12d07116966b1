use std::path::Path;

use super::*;
use crate::log::{Log, SyncPoint, segment};
use crate::testing::{entry, outcome, patient, reference_in};
use crate::verify::{Against, Report, verify};
use crate::{HashedField, Line};

fn settings(folder: &Path) -> LogSettings {
    LogSettings { segment_bytes: 8192, compress: false, sync: SyncPoint::Checkpoint, ..patient(folder) }
}

/// Writes decisions of alice and bob in turn.
async fn write(log: &Log, count: usize) {
    for number in 0..count {
        let reference = reference_in(0);
        let mut entry = entry(reference);
        if let Some(principal) = &mut entry.principal {
            principal.id = if number % 2 == 0 { "alice".to_owned() } else { "bob".to_owned() };
        }
        log.submit(entry).await.unwrap();
        log.outcome(outcome(reference));
    }
}

fn whole(folder: &Path) -> Report {
    let against = Against { verifier: keys::verifier(folder).unwrap(), checkpoints: Vec::new() };
    let report = verify(folder, &against).unwrap();
    assert_eq!(report.findings, []);
    report
}

fn principals(folder: &Path) -> Vec<String> {
    let principal = |line: Result<Line, ReadError>| match line.unwrap() {
        Line::Decision(entry) => entry.principal.map(|principal| principal.id),
        _ => None,
    };
    read::records(folder).filter_map(principal).collect()
}

fn text(folder: &Path) -> String {
    let segments = segment::list(folder).unwrap();
    let plain = |path: &Path| {
        let blocks = Blocks::open(path).unwrap();
        blocks.places().iter().map(|place| blocks.read(place).unwrap()).collect::<Vec<_>>().concat()
    };
    segments.iter().map(|(_, path)| String::from_utf8(plain(path)).unwrap()).collect()
}

#[tokio::test]
async fn one_is_forgotten_the_others_stay_and_the_chain_holds() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(settings(folder.path())).unwrap();
    write(&log, 40).await;
    log.close().await;
    drop(log);
    let segments = segment::list(folder.path()).unwrap();
    archive::pack(&segments[0].1).unwrap();
    let lines = whole(folder.path()).lines;

    let forgotten = forget(folder.path(), "alice").unwrap();
    assert_eq!((forgotten.decisions, forgotten.outcomes), (20, 20));
    assert!(forgotten.segments > 2);
    assert!(!text(folder.path()).contains("alice"));
    assert_eq!(principals(folder.path()), vec!["bob"; 20]);
    let report = whole(folder.path());
    assert_eq!(report.erased, 40);
    assert!(report.lines >= lines);
    let note = std::fs::read_to_string(folder.path().join(ERASURES)).unwrap();
    assert!(!note.contains("alice"));
    assert_eq!(forget(folder.path(), "alice").unwrap(), Forgotten::default(), "nothing is left");

    // The log goes on, and without the note nobody would know who erased.
    let log = Log::open(settings(folder.path())).unwrap();
    write(&log, 2).await;
    log.close().await;
    whole(folder.path());
    std::fs::remove_file(folder.path().join(ERASURES)).unwrap();
    let report = verify(folder.path(), &Against::default()).unwrap();
    assert_eq!(report.findings.len(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_gate_ends_its_segment_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(settings(folder.path())).unwrap();
    write(&log, 4).await;
    let path = folder.path().to_owned();
    let forgotten = tokio::task::spawn_blocking(move || forget(&path, "alice")).await.unwrap().unwrap();
    assert_eq!((forgotten.decisions, forgotten.outcomes), (2, 2));
    write(&log, 2).await;
    log.close().await;
    let mut left = principals(folder.path());
    left.sort();
    assert_eq!(left, ["alice", "bob", "bob", "bob"], "what comes afterwards is new");
    assert_eq!(whole(folder.path()).erased, 4);
}

#[tokio::test]
async fn who_has_a_pseudonym_is_forgotten_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let log =
        Log::open(LogSettings { hash: vec![HashedField::Principal], ..settings(folder.path()) }).unwrap();
    write(&log, 4).await;
    log.close().await;
    drop(log);
    assert!(principals(folder.path()).iter().all(|id| id.starts_with('~')));
    assert_eq!(forget(folder.path(), "alice").unwrap().decisions, 2);
    assert_eq!(principals(folder.path()).len(), 2);
    whole(folder.path());
}

#[tokio::test]
async fn a_name_within_another_or_elsewhere_in_a_record_is_not_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(settings(folder.path())).unwrap();
    for id in ["alice2", "al\"ice", "bob"] {
        let mut entry = entry(reference_in(0));
        entry.detail = Some("\"id\":\"alice\"".to_owned());
        entry.facts.insert("resource.owner".to_owned(), serde_json::json!({"id": "alice"}));
        if let Some(principal) = &mut entry.principal {
            principal.id = id.to_owned();
        }
        log.submit(entry).await.unwrap();
    }
    log.close().await;
    drop(log);
    assert_eq!(forget(folder.path(), "alice").unwrap(), Forgotten::default());
    assert_eq!(forget(folder.path(), "al\"ice").unwrap().decisions, 1);
    assert_eq!(principals(folder.path()), ["alice2", "bob"]);
}

#[test]
fn old_lines_without_a_chain_go_whole_and_no_log_stays_none() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(forget(folder.path(), "alice").unwrap(), Forgotten::default());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let old = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(3);
    let lines: Vec<_> =
        (0..3).flat_map(|_| crate::line::decision(&entry(reference_in(0))).unwrap()).collect();
    std::fs::write(folder.path().join(segment::name(old)), lines).unwrap();
    assert_eq!(forget(folder.path(), "alice").unwrap().decisions, 3);
    assert!(principals(folder.path()).is_empty());
    whole(folder.path());
}
