use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::segment;
use super::*;
use crate::entry::Gap;
use crate::read::{Line, records};
use crate::testing::{entry, outcome, reference_in};

fn closed(folder: &Path) -> LogSettings {
    LogSettings { when_broken: WhenBroken::FailClosed, ..LogSettings::new(folder) }
}

fn open(folder: &Path) -> LogSettings {
    LogSettings { when_broken: WhenBroken::FailOpen, ..LogSettings::new(folder) }
}

fn lines(folder: &Path) -> Vec<Line> {
    records(folder).collect::<Result<_, _>>().unwrap()
}

fn gaps(folder: &Path) -> Vec<Gap> {
    let gap = |line| if let Line::Gap(gap) = line { Some(gap) } else { None };
    lines(folder).into_iter().filter_map(gap).collect()
}

fn decisions(folder: &Path) -> Vec<String> {
    let decision = |line| if let Line::Decision(entry) = line { Some(entry.reference) } else { None };
    lines(folder).into_iter().filter_map(decision).collect()
}

/// Takes the folder away and puts a file in its place: nothing can be opened there until the file is gone.
fn break_disk(folder: &Path) {
    std::fs::rename(folder, folder.with_extension("away")).unwrap();
    std::fs::write(folder, "not a folder").unwrap();
}

fn heal_disk(folder: &Path) {
    std::fs::remove_file(folder).unwrap();
}

/// Submits until the log has healed; how often it was refused meanwhile.
async fn until_healed(log: &Log) -> u64 {
    let mut refused = 0;
    let healed = async {
        while log.submit(entry(reference_in(0))).await.is_err() {
            refused += 1;
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), healed).await.expect("the log heals");
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_record_is_there_once_and_before_its_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Log::open(closed(folder.path())).unwrap());
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut handed = Vec::new();
                for _ in 0..250 {
                    let reference = reference_in(0);
                    log.submit(entry(reference)).await.unwrap();
                    log.outcome(outcome(reference));
                    handed.push(reference.uuid());
                }
                handed
            })
        })
        .collect();
    let mut handed = Vec::new();
    for task in tasks {
        handed.push(task.await.unwrap());
    }
    log.close().await;
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for line in lines(folder.path()) {
        match line {
            Line::Decision(entry) => assert_eq!(seen.insert(entry.reference, 0), None),
            Line::Outcome(outcome) => *seen.get_mut(&outcome.reference).expect("after its decision") += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(seen.values().all(|outcomes| *outcomes == 1));
    assert_eq!(seen.len(), 2000);
    // What one task handed over one after the other stands in that order.
    let order = decisions(folder.path());
    for task in handed {
        let of_task: Vec<_> = order.iter().filter(|reference| task.contains(reference)).collect();
        assert!(of_task.into_iter().eq(&task));
    }
    assert_eq!(log.status().written, 4000);
}

#[tokio::test]
async fn acknowledged_means_written() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(LogSettings { sync: SyncPoint::Always, ..closed(folder.path()) }).unwrap();
    let reference = reference_in(0);
    log.submit(entry(reference)).await.unwrap();
    assert_eq!(decisions(folder.path()), [reference.uuid()]);
    assert_eq!(log.status().broken, None);
}

#[tokio::test]
async fn segments_end_by_size_and_nothing_is_lost_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let settings = LogSettings { segment_bytes: 4096, compress: false, ..closed(folder.path()) };
    let log = Log::open(settings).unwrap();
    let mut handed = Vec::new();
    for _ in 0..100 {
        let reference = reference_in(0);
        log.submit(entry(reference)).await.unwrap();
        handed.push(reference.uuid());
    }
    let segments = segment::list(folder.path()).unwrap();
    assert!(segments.len() > 10, "{}", segments.len());
    assert!(segments.iter().all(|(_, path)| std::fs::metadata(path).unwrap().len() <= 4096));
    assert_eq!(decisions(folder.path()), handed);
}

#[tokio::test]
async fn segments_end_by_age() {
    let folder = tempfile::tempdir().unwrap();
    let old = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(3);
    std::fs::write(folder.path().join(segment::name(old)), "{\"kind\":\"later\"}\n").unwrap();
    let settings = LogSettings { segment_age: Duration::from_secs(3600), ..closed(folder.path()) };
    let log = Log::open(settings).unwrap();
    log.submit(entry(reference_in(0))).await.unwrap();
    log.submit(entry(reference_in(0))).await.unwrap();
    assert_eq!(segment::list(folder.path()).unwrap().len(), 2);
    assert_eq!(lines(folder.path()).len(), 3);
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let settings =
        LogSettings { segment_bytes: 4096, keep_bytes: 16 * 1024, compress: false, ..closed(folder.path()) };
    let log = Log::open(settings).unwrap();
    let mut handed = Vec::new();
    for _ in 0..100 {
        let reference = reference_in(0);
        log.submit(entry(reference)).await.unwrap();
        handed.push(reference.uuid());
    }
    let kept = decisions(folder.path());
    assert!(kept.len() >= 15 && kept.len() < 40, "{}", kept.len());
    assert_eq!(kept, handed[handed.len() - kept.len()..]);
}

#[tokio::test]
async fn the_oldest_go_when_they_are_too_old_but_never_the_open_one() {
    let folder = tempfile::tempdir().unwrap();
    let days = |days: i64| jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    for begun in [days(400), days(300), days(200)] {
        std::fs::write(folder.path().join(segment::name(begun)), "{\"kind\":\"later\"}\n").unwrap();
    }
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let year = Duration::from_secs(250 * 24 * 3600);
    let settings =
        LogSettings { keep_age: year, segment_age: year, compress: false, ..closed(folder.path()) };
    let log = Log::open(settings).unwrap();
    log.submit(entry(reference_in(0))).await.unwrap();
    log.close().await;
    // The one of 400 days ended 300 days ago; that of 300 days ended 200 days ago and is kept. Theirs is a format
    // without a chain, so a new one was begun.
    let kept: Vec<_> = segment::list(folder.path()).unwrap().into_iter().map(|(begun, _)| begun).collect();
    assert_eq!(kept.len(), 3);
    assert_eq!(decisions(folder.path()).len(), 1);
    assert!(folder.path().join("notes.txt").exists());
}

#[tokio::test]
async fn a_torn_last_line_is_cut_counted_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(closed(folder.path())).unwrap();
    let first = reference_in(0);
    log.submit(entry(first)).await.unwrap();
    log.close().await;
    drop(log);
    let path = segment::list(folder.path()).unwrap().remove(0).1;
    let torn = format!("{{\"kind\":\"decision\",\"filler\":\"{}", "x".repeat(200_000));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [whole.as_slice(), torn.as_bytes()].concat()).unwrap();

    let log = Log::open(closed(folder.path())).unwrap();
    let second = reference_in(0);
    log.submit(entry(second)).await.unwrap();
    log.close().await;
    assert_eq!(decisions(folder.path()), [first.uuid(), second.uuid()]);
    let gaps = gaps(folder.path());
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].cut_bytes, gaps[0].decisions), (torn.len() as u64, 0));
}

#[tokio::test]
async fn a_full_queue_refuses_when_closed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = LogSettings { queue: 1, wait: Duration::from_millis(5), ..closed(folder.path()) };
    let (log, writer) = Log::unstarted(settings).unwrap();
    let queued = log.submit(entry(reference_in(0))).await;
    assert_eq!(queued, Err(LogFault::Slow(Duration::from_millis(5))));
    assert_eq!(log.status().queue, 1);
    let refused = log.submit(entry(reference_in(0))).await;
    assert_eq!(refused, Err(LogFault::Full(Duration::from_millis(5))));
    log.shared.close();
    writer.run().await;
    assert_eq!(decisions(folder.path()).len(), 1);
    assert_eq!(gaps(folder.path()).iter().map(|gap| gap.decisions).sum::<u64>(), 1);
}

#[tokio::test]
async fn a_full_queue_is_counted_exactly_when_open() {
    let folder = tempfile::tempdir().unwrap();
    let (log, writer) = Log::unstarted(LogSettings { queue: 10, ..open(folder.path()) }).unwrap();
    for _ in 0..25 {
        log.submit(entry(reference_in(0))).await.unwrap();
    }
    for _ in 0..7 {
        log.outcome(outcome(reference_in(0)));
    }
    assert_eq!((log.status().queue, log.status().dropped), (10, 22));
    log.shared.close();
    writer.run().await;
    assert_eq!(decisions(folder.path()).len(), 10);
    let gaps = gaps(folder.path());
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].decisions, gaps[0].outcomes, gaps[0].when_broken), (15, 7, WhenBroken::FailOpen));
    assert!(gaps[0].since.is_some());
}

#[tokio::test]
async fn a_broken_disk_refuses_when_closed_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = Log::open(closed(&path)).unwrap();
    log.submit(entry(reference_in(0))).await.unwrap();
    break_disk(&path);
    for _ in 0..5 {
        assert!(matches!(log.submit(entry(reference_in(0))).await, Err(LogFault::Broken(_))));
    }
    log.outcome(outcome(reference_in(0)));
    let sixth = log.submit(entry(reference_in(0))).await;
    assert!(sixth.is_err());
    assert!(log.status().broken.is_some());
    heal_disk(&path);
    let refused = until_healed(&log).await;
    assert_eq!(log.status().broken, None);
    log.close().await;
    let gaps = gaps(&path);
    assert_eq!(gaps.iter().map(|gap| gap.decisions).sum::<u64>(), 6 + refused);
    assert_eq!(gaps.iter().map(|gap| gap.outcomes).sum::<u64>(), 1);
    assert_eq!(decisions(&path).len(), 1);
    assert_eq!(log.status().dropped, 7 + refused);
}

#[tokio::test]
async fn a_broken_disk_goes_on_when_open_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = Log::open(LogSettings { queue: 16, ..open(&path) }).unwrap();
    break_disk(&path);
    const SUBMITTED: u64 = 500;
    for _ in 0..SUBMITTED {
        log.submit(entry(reference_in(0))).await.unwrap();
    }
    assert!(log.status().dropped > 0);
    heal_disk(&path);
    log.close().await;
    let kept = decisions(&path).len() as u64;
    let missed = gaps(&path).iter().map(|gap| gap.decisions).sum::<u64>();
    assert_eq!(kept + missed, SUBMITTED);
    assert_eq!(log.status().dropped, missed);
    assert!(kept >= 16, "what was queued is kept: {kept}");
}

#[tokio::test]
async fn it_heals_on_its_own_when_nobody_asks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = Log::open(closed(&path)).unwrap();
    break_disk(&path);
    log.submit(entry(reference_in(0))).await.unwrap_err();
    heal_disk(&path);
    let healed = async {
        while log.status().broken.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), healed).await.unwrap();
    assert_eq!(gaps(&path).len(), 1);
}

#[tokio::test]
async fn a_folder_that_vanishes_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = Log::open(closed(&path)).unwrap();
    log.submit(entry(reference_in(0))).await.unwrap();
    // At once, while the log may be writing beside its segment.
    std::fs::rename(&path, folder.path().join("away")).unwrap();
    let reference = reference_in(0);
    log.submit(entry(reference)).await.unwrap();
    assert_eq!(decisions(&path), [reference.uuid()], "acknowledged, so it must be where one can find it");
    let gaps = gaps(&path);
    assert!(gaps[0].why.contains("was taken away"), "{gaps:?}");
}

#[test]
fn a_write_that_fails_halfway_leaves_no_partial_line() {
    let Some(folder) = std::env::var_os("PORTCULLIS_TEST_LIMITED_FOLDER") else {
        return run_with_file_size_limit("log::tests::a_write_that_fails_halfway_leaves_no_partial_line");
    };
    // Files may grow to 4 KiB here: the system writes the first part of a batch and refuses the rest.
    let folder = std::path::PathBuf::from(folder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let log = Log::open(closed(&folder)).unwrap();
        for _ in 0..60 {
            log.submit(entry(reference_in(0))).await.unwrap();
        }
        log.close().await;
        assert_eq!(log.status().dropped, 0);
    });
    assert_eq!(decisions(&folder).len(), 60);
    assert!(segment::list(&folder).unwrap().len() > 5);
}

fn run_with_file_size_limit(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    // Through pipes: what the tests print may be a file, and then the limit would hold for it too.
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env("PORTCULLIS_TEST_LIMITED_FOLDER", folder.path().join("log"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test]
async fn closing_writes_what_is_queued_and_refuses_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(open(folder.path())).unwrap();
    for _ in 0..1000 {
        log.submit(entry(reference_in(0))).await.unwrap();
    }
    log.close().await;
    log.close().await;
    log.submit(entry(reference_in(0))).await.unwrap();
    assert_eq!(decisions(folder.path()).len(), 1000);
    assert_eq!(log.status().dropped, 1);
    drop(log);
    let log = Log::open(closed(folder.path())).unwrap();
    log.close().await;
    assert_eq!(log.submit(entry(reference_in(0))).await, Err(LogFault::Closed));
    assert_eq!(log.status().broken.as_deref(), Some("the log is closed"));
}

#[tokio::test]
async fn one_folder_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(closed(folder.path())).unwrap();
    assert!(matches!(Log::open(closed(folder.path())), Err(LogError::InUse(_))));
    log.close().await;
    Log::open(closed(folder.path())).unwrap().close().await;
}

#[test]
fn only_we_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/log");
    let _log = Log::open(closed(&path)).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&segment::list(&path).unwrap()[0].1), 0o600);
}

#[test]
fn what_cannot_be_kept_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let sound = closed(folder.path());
    let wrong = [
        LogSettings { queue: 0, ..sound.clone() },
        LogSettings { segment_bytes: 10, ..sound.clone() },
        LogSettings { keep_bytes: 5000, ..sound.clone() },
        LogSettings { segment_age: Duration::ZERO, ..sound.clone() },
        LogSettings { keep_age: Duration::from_secs(1), ..sound.clone() },
        LogSettings { wait: Duration::ZERO, ..sound.clone() },
        LogSettings { folder: "".into(), ..sound },
    ];
    for settings in wrong {
        assert!(matches!(Log::open(settings), Err(LogError::Settings(_))));
    }
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(Log::open(closed(&file)), Err(LogError::Folder { .. })));
}

#[tokio::test]
async fn a_record_that_is_too_long_is_shortened_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(closed(folder.path())).unwrap();
    let mut long = entry(reference_in(0));
    long.facts = (0..100).map(|number| (format!("fact{number}"), "x".repeat(2000).into())).collect();
    long.detail = Some("ü".repeat(100_000));
    log.submit(long).await.unwrap();
    let Line::Decision(kept) = lines(folder.path()).remove(0) else { panic!("a decision") };
    assert!(kept.facts.is_empty() && kept.missing["…"].contains("100 facts"), "{kept:?}");
    assert_eq!(kept.status, Some(403));
}

#[tokio::test]
async fn credentials_are_masked_wherever_someone_put_them() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(closed(folder.path())).unwrap();
    let mut careless = entry(reference_in(0));
    careless.detail = Some("token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln was \"bad\"".to_owned());
    careless.request.path = "/keys/pk_0a1b2c3d_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE".to_owned();
    log.submit(careless).await.unwrap();
    let Line::Decision(kept) = lines(folder.path()).remove(0) else { panic!("a decision") };
    assert_eq!(kept.detail.as_deref(), Some("token REDACTED was \"bad\""));
    assert_eq!(kept.request.path, "/keys/REDACTED");
}

#[test]
fn names_of_segments_sort_by_time_and_read_back() {
    let early: jiff::Timestamp = "2026-11-24T01:30:00.123456Z".parse().unwrap();
    assert_eq!(segment::name(early), "decisions-20261124T013000.123456Z.jsonl");
    assert_eq!(segment::begun(&segment::name(early)), Some(early));
    let whole: jiff::Timestamp = "2026-11-24T01:30:00Z".parse().unwrap();
    assert_eq!(segment::begun(&segment::name(whole)), Some(whole));
    let packed = segment::packed(Path::new(&segment::name(early)));
    assert_eq!(segment::begun(&segment::name_of(&packed)), Some(early));
    assert_eq!(segment::stem(&packed), "decisions-20261124T013000.123456Z");
    assert!(segment::name(whole) < segment::name(early));
    for other in [
        "writer.lock",
        "decisions-.jsonl",
        "decisions-x.jsonl",
        "decisions-20261124T013000.123456Z.jsonl.zst.partial",
    ] {
        assert_eq!(segment::begun(other), None, "{other}");
    }
}

#[tokio::test]
async fn a_clock_set_back_keeps_segments_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let ahead = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48);
    std::fs::write(folder.path().join(segment::name(ahead)), "x".repeat(5000) + "\n").unwrap();
    let log = Log::open(LogSettings { segment_bytes: 4096, ..closed(folder.path()) }).unwrap();
    log.submit(entry(reference_in(0))).await.unwrap();
    let segments = segment::list(folder.path()).unwrap();
    assert_eq!(segments.len(), 2);
    assert!(segments[1].0 > ahead);
}

#[tokio::test]
async fn the_chain_goes_on_from_the_last_checkpoint_or_from_the_head() {
    let folder = tempfile::tempdir().unwrap();
    let settings = LogSettings { checkpoint_every: Duration::from_millis(1), ..closed(folder.path()) };
    for run in 0..3 {
        let log = Log::open(settings.clone()).unwrap();
        for _ in 0..20 {
            log.submit(entry(reference_in(0))).await.unwrap();
        }
        log.close().await;
        drop(log);
        if run == 1 {
            // A checkpoint that says what cannot be is passed over: the head is believed instead.
            let path = segment::list(folder.path()).unwrap().remove(0).1;
            let text = std::fs::read_to_string(&path).unwrap();
            let at = text.rfind("{\"kind\":\"checkpoint\"").unwrap();
            let (before, last) = text.split_at(at);
            std::fs::write(&path, [before, &last.replace("\"peaks\":[\"", "\"peaks\":[\"A\",\"")].concat())
                .unwrap();
        }
    }
    assert_eq!(decisions(folder.path()).len(), 60);
    let report = crate::verify::verify(folder.path(), &crate::verify::Against::default()).unwrap();
    // The one line that was changed above, and nothing that follows from it.
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
}

#[tokio::test]
async fn what_a_rule_leaves_out_is_counted_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let rule =
        DropRule { paths: vec!["/healthz".to_owned()], keep_per_million: 500_000, ..DropRule::default() };
    let log = Log::open(LogSettings { drop: vec![rule], ..closed(folder.path()) }).unwrap();
    let mut left_out = 0;
    for _ in 0..200 {
        let reference = reference_in(0);
        let mut healthy = entry(reference);
        healthy.request.path = "/healthz".to_owned();
        (healthy.verdict, healthy.reason, healthy.status) = (None, None, None);
        match log.submit(healthy).await.unwrap() {
            Handed::Recorded => log.outcome(outcome(reference)),
            Handed::LeftOut => left_out += 1,
        }
        log.submit(entry(reference_in(0))).await.unwrap();
    }
    log.close().await;
    assert!((60..140).contains(&left_out), "{left_out}");
    assert_eq!(log.status().left_out, left_out);
    assert_eq!(decisions(folder.path()).len() as u64, 400 - left_out);
    let all = crate::search::Filter::default();
    let counts = crate::search::count(folder.path(), &all, &[], None).unwrap();
    assert_eq!((counts.total + counts.left_out, counts.left_out), (400, left_out));
    assert_eq!(log.status().dropped, 0);
}
