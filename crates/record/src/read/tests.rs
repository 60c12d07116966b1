use std::path::Path;

use super::*;
use crate::log::{Log, LogSettings};
use crate::testing::{entry, outcome, patient, reference_in};

fn open(folder: &Path) -> Log {
    Log::open(LogSettings { segment_bytes: 4096, ..patient(folder) }).unwrap()
}

fn write_segment(folder: &Path, hours_ago: i64, lines: &[Vec<u8>]) -> PathBuf {
    let begun = Timestamp::now() - SignedDuration::from_hours(hours_ago);
    let path = folder.join(segment::name(begun));
    std::fs::write(&path, lines.concat()).unwrap();
    path
}

fn hours_ago(hours: i64) -> Reference {
    reference_in(-3600 * hours)
}

#[tokio::test]
async fn a_decision_is_found_with_its_outcome_across_segments() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut references = Vec::new();
    for _ in 0..50 {
        let reference = reference_in(0);
        log.submit(entry(reference)).await.unwrap();
        references.push(reference);
    }
    for reference in &references {
        log.outcome(outcome(*reference));
    }
    log.close().await;
    assert!(list(folder.path()).unwrap().len() > 5);
    for reference in references {
        let found = find(folder.path(), reference).unwrap().expect("written");
        assert_eq!(found, Remembered { entry: entry(reference), outcome: Some(outcome(reference)) });
    }
    assert_eq!(find(folder.path(), reference_in(0)).unwrap(), None);
}

#[test]
fn the_segment_of_its_time_is_read_and_not_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = hours_ago(5);
    let older = write_segment(folder.path(), 20, &[line::decision(&entry(hours_ago(19))).unwrap()]);
    write_segment(folder.path(), 10, &[line::decision(&entry(wanted)).unwrap()]);
    write_segment(folder.path(), 4, &[line::outcome(&outcome(wanted)).unwrap()]);
    // If it were opened, that would be an error and not an answer.
    std::fs::remove_file(&older).unwrap();
    std::fs::create_dir(&older).unwrap();
    let found = find(folder.path(), wanted).unwrap().unwrap();
    assert_eq!((found.entry.reference, found.outcome), (wanted.uuid(), Some(outcome(wanted))));
    assert!(matches!(find(folder.path(), hours_ago(15)), Err(ReadError::File { .. })));
}

#[test]
fn a_decision_is_found_although_the_clock_was_set() {
    let folder = tempfile::tempdir().unwrap();
    // Recorded hours before its own time says: the clock was set back in between.
    let ahead = hours_ago(1);
    write_segment(folder.path(), 30, &[line::decision(&entry(ahead)).unwrap()]);
    write_segment(folder.path(), 2, &[]);
    assert!(find(folder.path(), ahead).unwrap().is_some());
}

#[test]
fn broken_lines_are_reported_and_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (first, last) = (hours_ago(2), hours_ago(1));
    let path = write_segment(
        folder.path(),
        3,
        &[
            line::decision(&entry(first)).unwrap(),
            b"{\"kind\":\"decision\",\"v\":1,\"refer\n".to_vec(),
            b"\n".to_vec(),
            vec![b'x'; 3 * 1024 * 1024],
            b"\n\xff\xfe\n".to_vec(),
            b"{\"kind\":\"checkpoint\",\"v\":1,\"root\":\"ab\"}\n".to_vec(),
            b"{\"kind\":\"decision\",\"v\":9,\"what\":{}}\n".to_vec(),
            line::decision(&entry(last)).unwrap(),
        ],
    );
    let mut broken = Vec::new();
    let mut others = Vec::new();
    let mut read = Vec::new();
    for line in records(folder.path()) {
        match line {
            Ok(Line::Decision(entry)) => read.push(entry.reference),
            Ok(Line::Other(kind)) => others.push(kind),
            Err(ReadError::Line { file, number, .. }) => {
                assert_eq!(file, path);
                broken.push(number);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read, [first.uuid(), last.uuid()]);
    assert_eq!(broken, [2, 3, 4, 5]);
    assert_eq!(others, ["decision"], "what is about the log itself is passed over");
    assert!(find(folder.path(), last).unwrap().is_some());
}

#[test]
fn an_unfinished_line_is_awaited_in_the_last_segment_and_broken_before() {
    let folder = tempfile::tempdir().unwrap();
    let whole = line::decision(&entry(hours_ago(2))).unwrap();
    let half = whole[..100].to_vec();
    let path = write_segment(folder.path(), 3, &[whole.clone(), half.clone()]);
    let mut reading = records(folder.path());
    assert!(matches!(reading.next(), Some(Ok(Line::Decision(_)))));
    assert!(reading.next().is_none());

    // Finished while it is read.
    let mut lines = Lines::open(&path).unwrap();
    assert!(lines.next_text(false).unwrap().is_some());
    assert!(lines.next_text(false).unwrap().is_none());
    std::fs::write(&path, [whole.as_slice(), &whole].concat()).unwrap();
    assert!(matches!(lines.next_line(false), Ok(Some(Line::Decision(_)))));
    assert!(lines.next_text(false).unwrap().is_none());

    std::fs::write(&path, [whole.as_slice(), &half].concat()).unwrap();
    write_segment(folder.path(), 1, &[whole]);
    let kinds: Vec<_> = records(folder.path()).map(|line| line.is_ok()).collect();
    assert_eq!(kinds, [true, false, true]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_while_writing_sees_a_whole_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let path = folder.path().to_owned();
    let (written, mut writing) = tokio::sync::watch::channel(0_usize);
    let reader = tokio::task::spawn_blocking(move || {
        let mut last = 0;
        while last < 300 {
            let before = *writing.borrow_and_update();
            let seen = records(&path).inspect(|line| assert!(line.is_ok(), "{line:?}")).count();
            assert!(seen >= before && seen >= last, "{seen} seen, {before} written, {last} before");
            last = seen;
        }
    });
    for count in 1..=300 {
        log.submit(entry(reference_in(0))).await.unwrap();
        written.send_replace(count);
    }
    reader.await.unwrap();
}

#[test]
fn lines_of_other_versions_are_understood() {
    let minimal = r#"{"kind":"decision","v":1,"reference":"r","time":"t","door":"teleport","stage":"ponder","new":[1],
        "request":{"method":"GET","scheme":"http","host":"h","path":"/","client":"c","more":{}},
        "verdict":{"decision":"deny"},"snapshot":"s","decided_us":1}"#;
    let Line::Decision(entry) = line::parse(minimal).unwrap() else { panic!("a decision") };
    assert_eq!((entry.door, entry.stage), (crate::Door::Unknown, crate::Stage::Unknown));
    assert!(entry.facts.is_empty() && entry.verdict.unwrap().policies.is_empty());
}

#[test]
fn no_folder_is_an_error_and_no_segment_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(find(folder.path(), reference_in(0)).unwrap(), None);
    assert_eq!(records(folder.path()).count(), 0);
    let nowhere = folder.path().join("nowhere");
    assert!(matches!(find(&nowhere, reference_in(0)), Err(ReadError::Folder { .. })));
    let all: Vec<_> = records(&nowhere).collect();
    assert!(matches!(all.as_slice(), [Err(ReadError::Folder { .. })]));
}

#[test]
fn a_decision_and_its_outcome_are_found_in_packed_segments() {
    let folder = tempfile::tempdir().unwrap();
    let (wanted, other) = (hours_ago(5), hours_ago(5));
    let both = [line::decision(&entry(wanted)).unwrap(), line::decision(&entry(other)).unwrap()];
    let first = write_segment(folder.path(), 6, &both);
    let second = write_segment(folder.path(), 4, &[line::outcome(&outcome(wanted)).unwrap()]);
    for path in [first, second] {
        crate::archive::pack(&path).unwrap();
    }
    let all = records(folder.path()).collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(all.len(), 3);
    let found = find(folder.path(), wanted).unwrap().unwrap();
    assert_eq!(found, Remembered { entry: entry(wanted), outcome: Some(outcome(wanted)) });
    assert_eq!(find(folder.path(), other).unwrap().unwrap().outcome, None);
    assert_eq!(find(folder.path(), hours_ago(5)).unwrap(), None);
}

#[test]
fn a_later_version_is_named_and_not_misread() {
    let folder = tempfile::tempdir().unwrap();
    let head = b"{\"kind\":\"segment\",\"v\":1,\"format\":9,\"all\":\"different\"}\n".to_vec();
    write_segment(folder.path(), 1, &[head, b"\x00\x01\n".to_vec()]);
    let first = records(folder.path()).next();
    assert!(matches!(first, Some(Err(ReadError::Version { format: 9, .. }))), "{first:?}");
    let found = find(folder.path(), hours_ago(1));
    let Err(fault) = found else { panic!("{found:?}") };
    assert!(
        fault.to_string().contains("version 9 of the log's format, and this program reads up to version 2"),
        "{fault}"
    );
}
