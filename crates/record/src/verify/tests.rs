use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::chain::{Chain, Sealed};
use crate::log::head::Head;
use crate::log::{Log, LogSettings, segment};
use crate::testing::{entry, outcome, patient, reference_in};
use crate::{archive, keys};

/// A log of several segments, the first two packed, with a copy of its checkpoints beside it.
struct Sample {
    folder: tempfile::TempDir,
}

const RECORDS: usize = 60;
const SEGMENT: u64 = 16 * 1024;

/// Written once: every test changes a copy of its own.
static WRITTEN: LazyLock<Sample> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for run in 0..2 {
            let log = Log::open(LogSettings {
                segment_bytes: SEGMENT,
                compress: false,
                checkpoint_copy: Some(folder.path().join("copy")),
                ..patient(folder.path().join("log"))
            })
            .unwrap();
            for _ in 0..RECORDS / 2 {
                let reference = reference_in(run);
                log.submit(entry(reference)).await.unwrap();
                log.outcome(outcome(reference));
            }
            log.close().await;
        }
    });
    let sample = Sample { folder };
    let segments = sample.segments();
    assert!(segments.len() >= 4, "{}", segments.len());
    for path in segments.iter().take(2) {
        archive::pack(path).unwrap();
    }
    sample
});

impl Sample {
    fn copy() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("log")).unwrap();
        for part in ["", "log"] {
            for file in std::fs::read_dir(WRITTEN.folder.path().join(part)).unwrap() {
                let file = file.unwrap();
                if file.file_type().unwrap().is_file() {
                    std::fs::copy(file.path(), folder.path().join(part).join(file.file_name())).unwrap();
                }
            }
        }
        Self { folder }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn segments(&self) -> Vec<PathBuf> {
        segment::list(&self.log()).unwrap().into_iter().map(|(_, path)| path).collect()
    }

    fn against(&self) -> Against {
        let written = WRITTEN.folder.path().join("log");
        Against { verifier: keys::verifier(&written).unwrap(), checkpoints: Vec::new() }
    }

    fn findings(&self) -> Vec<Finding> {
        verify(&self.log(), &self.against()).unwrap().findings
    }

    /// The lines of a plain segment, each with its line feed.
    fn lines(&self, segment: usize) -> Vec<Vec<u8>> {
        let text = std::fs::read(&self.segments()[segment]).unwrap();
        text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    }

    /// Changes the lines of a plain segment; `at` is a decision in the middle of it.
    fn change(segment: usize, change: impl FnOnce(&mut Vec<Vec<u8>>, usize)) -> (Self, usize) {
        let sample = Self::copy();
        let mut lines = sample.lines(segment);
        let at = (lines.len() / 2..).find(|at| lines[*at].starts_with(b"{\"kind\":\"decision\"")).unwrap();
        change(&mut lines, at);
        std::fs::write(&sample.segments()[segment], lines.concat()).unwrap();
        (sample, at)
    }
}

fn number(line: &[u8]) -> u64 {
    Sealed::parse(line.strip_suffix(b"\n").unwrap()).unwrap().number
}

/// One finding, of one line, with its whole place.
fn assert_one(findings: &[Finding], fault: &Fault, line: usize, of: &[u8], before: &[Vec<u8>]) {
    let [finding] = findings else { panic!("{findings:#?}") };
    assert_eq!(&finding.fault, fault);
    let place = &finding.place;
    assert_eq!(place.line, Some(line as u64 + 1));
    assert_eq!(place.byte, Some(before.concat().len() as u64));
    assert_eq!(place.reference, archive::reference(of).map(|reference| reference.to_string()));
}

#[test]
fn a_log_that_nobody_touched_is_whole() {
    let sample = Sample::copy();
    let mut against = sample.against();
    let copies = std::fs::read_to_string(sample.folder.path().join("copy")).unwrap();
    assert_eq!(against.add(&copies).unwrap(), 2);
    let report = verify(&sample.log(), &against).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.segments, sample.segments().len());
    assert!(report.lines > 2 * RECORDS as u64 && report.signed && report.checkpoints > 5, "{report:?}");
    assert_eq!((report.starts, report.erased, report.unchained, report.unfinished), (0, 0, 0, 0));
    assert!(report.vouched >= report.lines - 1);
    let unsigned = verify(&sample.log(), &Against::default()).unwrap();
    assert!(unsigned.findings.is_empty() && !unsigned.signed);
}

#[test]
fn a_changed_line_is_found_and_no_other() {
    for (old, new) in [("\"alice\"", "\"mallo\""), ("\"chain\":\"", "\"chain\":\"A"), ("\"n\":", "\"m\":")] {
        let (sample, at) = Sample::change(2, |lines, at| {
            let text = String::from_utf8(lines[at].clone()).unwrap();
            assert!(text.contains(old));
            lines[at] = text.replace(old, new).into_bytes();
        });
        let lines = sample.lines(2);
        assert_one(&sample.findings(), &Fault::Changed, at, &lines[at], &lines[..at]);
    }
}

#[test]
fn a_missing_line_is_found_by_its_number() {
    let mut gone = 0;
    let (sample, at) = Sample::change(2, |lines, at| {
        gone = number(&lines[at]);
        lines.remove(at);
    });
    let lines = sample.lines(2);
    assert_one(&sample.findings(), &Fault::Missing { from: gone, to: gone }, at, &lines[at], &lines[..at]);
}

#[test]
fn exchanged_and_repeated_lines_are_found() {
    let (sample, at) = Sample::change(2, |lines, at| lines.swap(at, at + 1));
    let lines = sample.lines(2);
    let expected = number(&lines[at]) + 1;
    assert_one(&sample.findings(), &Fault::OutOfOrder { expected }, at + 1, &lines[at + 1], &lines[..=at]);
    let (sample, at) = Sample::change(2, |lines, at| lines.insert(at + 1, lines[at].clone()));
    let lines = sample.lines(2);
    let expected = number(&lines[at]) + 1;
    assert_one(&sample.findings(), &Fault::OutOfOrder { expected }, at + 1, &lines[at + 1], &lines[..=at]);
}

#[test]
fn an_invented_line_is_found_with_and_without_a_chain() {
    let with_chain = |lines: &[Vec<u8>], at: usize| {
        let mut invented = Vec::new();
        let (content, end) = (crate::line::decision(&entry(reference_in(5))).unwrap(), lines[at].clone());
        invented.extend_from_slice(content.strip_suffix(b"}\n").unwrap());
        let from = memchr::memmem::find(&end, b",\"n\":").unwrap();
        invented.extend_from_slice(&end[from..]);
        invented
    };
    for chained in [true, false] {
        let (sample, at) = Sample::change(2, |lines, at| {
            let invented = match chained {
                true => with_chain(lines, at),
                false => crate::line::decision(&entry(reference_in(5))).unwrap(),
            };
            lines.insert(at, invented);
        });
        let lines = sample.lines(2);
        assert_one(&sample.findings(), &Fault::Invented, at, &lines[at], &lines[..at]);
    }
}

#[test]
fn a_log_that_was_cut_off_is_found_by_what_vouches_for_it() {
    let last = WRITTEN.segments().len() - 1;
    let (sample, at) = Sample::change(last, |lines, at| lines.truncate(at));
    let findings = sample.findings();
    assert!(matches!(findings.as_slice(), [Finding { fault: Fault::CutOff { .. }, .. }]), "{findings:?}");
    assert_eq!(findings[0].place.line, Some(at as u64));

    let sample = Sample::copy();
    std::fs::remove_file(&sample.segments()[last]).unwrap();
    let findings = sample.findings();
    assert!(matches!(findings.as_slice(), [Finding { fault: Fault::CutOff { .. }, .. }]), "{findings:?}");

    // Who also takes the newest checkpoint away is found by who has a copy of it.
    std::fs::remove_file(sample.log().join(CHECKPOINT)).unwrap();
    assert_eq!(sample.findings(), []);
    let mut against = sample.against();
    against.add(&std::fs::read_to_string(sample.folder.path().join("copy")).unwrap()).unwrap();
    let findings = verify(&sample.log(), &against).unwrap().findings;
    assert!(matches!(findings.as_slice(), [Finding { fault: Fault::CutOff { .. }, .. }]), "{findings:?}");
}

#[test]
fn missing_replaced_and_foreign_segments_are_found() {
    for gone in [0, 1, 2] {
        let sample = Sample::copy();
        let stem = segment::stem(&sample.segments()[gone]);
        std::fs::remove_file(&sample.segments()[gone]).unwrap();
        let faults: Vec<_> = sample.findings().into_iter().map(|finding| finding.fault).collect();
        assert_eq!(faults, [Fault::SegmentMissing(stem)]);
    }
    let sample = Sample::copy();
    let segments = sample.segments();
    std::fs::copy(&segments[2], &segments[3]).unwrap();
    let findings = sample.findings();
    assert!(findings.iter().any(|finding| finding.fault == Fault::Seam), "{findings:?}");

    let sample = Sample::copy();
    let now = jiff::Timestamp::now();
    std::fs::write(sample.log().join(segment::name(now)), "{\"kind\":\"decision\"}\n").unwrap();
    let findings = sample.findings();
    assert!(findings.iter().any(|finding| finding.fault == Fault::SegmentInvented), "{findings:?}");
}

/// What somebody could do who knows how the chain is made and has no key.
fn forge(sample: &Sample, from: usize, old: &str, new: &str) {
    let mut chain = None;
    for (index, path) in sample.segments().into_iter().enumerate().skip(from) {
        let mut forged = Vec::new();
        for line in sample.lines(index) {
            let mut text = String::from_utf8(line).unwrap();
            if let Some(mut head) = Head::parse(text.trim_end().as_bytes()) {
                let chain = &*chain.get_or_insert_with(|| head.chain().unwrap());
                let renewed = Head::new(chain, head.time.clone(), &head.origin);
                (head.link, head.peaks, head.first) = (renewed.link, renewed.peaks, renewed.first);
                text = String::from_utf8(crate::line::structure("segment", &head).unwrap()).unwrap();
            } else {
                let end = text.rfind(",\"n\":").unwrap();
                text = format!("{}}}\n", &text[..end]).replace(old, new);
            }
            Chain::seal(chain.as_mut().unwrap(), text.as_bytes(), &mut forged);
        }
        std::fs::write(path, forged).unwrap();
    }
}

#[test]
fn a_chain_made_anew_is_found_by_what_was_signed() {
    let sample = Sample::copy();
    forge(&sample, 2, "\"alice\"", "\"mallory\"");
    let findings = sample.findings();
    assert!(!findings.is_empty());
    assert!(findings.iter().all(|finding| matches!(finding.fault, Fault::Rewritten { .. })), "{findings:?}");
    let first = number(&WRITTEN.lines(2)[0]);
    assert!(matches!(findings[0].fault, Fault::Rewritten { from, .. } if from == first), "{findings:?}");
}

#[test]
fn a_log_signed_by_another_key_is_found() {
    let sample = Sample::copy();
    let against = Against {
        verifier: Some(crate::note::Signer::generate().unwrap().verifier().clone()),
        ..Against::default()
    };
    let findings = verify(&sample.log(), &against).unwrap().findings;
    assert!(
        findings.iter().all(|finding| matches!(&finding.fault, Fault::Note(NoteError::OtherSigner { .. })))
    );
    assert!(findings.len() > 3);
}

#[test]
fn a_line_erased_by_somebody_else_is_found() {
    let (sample, at) = Sample::change(2, |lines, at| {
        let mut erased = Vec::new();
        Sealed::parse(lines[at].strip_suffix(b"\n").unwrap()).unwrap().erased(&mut erased);
        lines[at] = erased;
    });
    let lines = sample.lines(2);
    assert_one(&sample.findings(), &Fault::Erased, at, &lines[at], &lines[..at]);
}

#[test]
fn a_damaged_packed_segment_is_found() {
    let sample = Sample::copy();
    let path = &sample.segments()[1];
    let whole = std::fs::read(path).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 3] ^= 1;
    for bytes in [damaged.as_slice(), &whole[..whole.len() - 1], &whole[..whole.len() / 2], b""] {
        std::fs::write(path, bytes).unwrap();
        let findings = sample.findings();
        let unreadable = |finding: &Finding| {
            matches!(finding.fault, Fault::Unreadable(_)) && finding.place.file == segment::stem(path)
        };
        assert!(findings.iter().any(unreadable), "{findings:?}");
    }
}

#[test]
fn half_a_line_is_awaited_at_the_end_and_wrong_before() {
    for (segment, fine) in [(WRITTEN.segments().len() - 1, true), (2, false)] {
        let (sample, _) = Sample::change(segment, |lines, _| lines.push(b"{\"kind\":\"deci".to_vec()));
        let report = verify(&sample.log(), &sample.against()).unwrap();
        assert_eq!(report.findings.is_empty(), fine, "{:?}", report.findings);
        assert_eq!(report.unfinished, if fine { 13 } else { 0 });
    }
}

#[test]
fn what_is_kept_no_longer_is_vouched_for_by_the_first_that_is() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let settings =
        LogSettings { segment_bytes: 8192, keep_bytes: 24 * 1024, compress: false, ..patient(folder.path()) };
    runtime.block_on(async {
        let log = Log::open(settings).unwrap();
        for _ in 0..100 {
            log.submit(entry(reference_in(0))).await.unwrap();
        }
        log.close().await;
    });
    let against = Against { verifier: keys::verifier(folder.path()).unwrap(), checkpoints: Vec::new() };
    let report = verify(folder.path(), &against).unwrap();
    assert_eq!(report.findings, []);
    assert!(report.starts > 20, "{report:?}");
    // One more is not what the log says that it deleted.
    let first = segment::list(folder.path()).unwrap().remove(0).1;
    std::fs::remove_file(&first).unwrap();
    let faults: Vec<_> =
        verify(folder.path(), &against).unwrap().findings.into_iter().map(|finding| finding.fault).collect();
    assert_eq!(faults, [Fault::SegmentMissing(segment::stem(&first))]);
}

#[test]
fn lines_from_before_there_was_a_chain_are_counted_and_go_first() {
    let folder = tempfile::tempdir().unwrap();
    let old = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(3);
    let lines: Vec<_> =
        (0..3).flat_map(|_| crate::line::decision(&entry(reference_in(0))).unwrap()).collect();
    std::fs::write(folder.path().join(segment::name(old)), lines).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let log = Log::open(patient(folder.path())).unwrap();
        log.submit(entry(reference_in(0))).await.unwrap();
        log.close().await;
    });
    let report = verify(folder.path(), &Against::default()).unwrap();
    assert_eq!((report.findings.as_slice(), report.unchained), ([].as_slice(), 3));
    assert!(report.lines >= 3);
}

#[test]
fn a_segment_of_a_later_version_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let name = segment::name(jiff::Timestamp::now());
    std::fs::write(folder.path().join(name), "{\"kind\":\"segment\",\"format\":3}\n\x01\n").unwrap();
    let report = verify(folder.path(), &Against::default()).unwrap();
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].fault, Fault::Version(3));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| segment::begun(&segment::name_of(path)).is_some()).collect();
    files.sort();
    files
}

/// What a packed segment says, by another reader than ours; `None` of a plain segment, and of one that is broken.
fn plain(path: &Path, bytes: &[u8]) -> Option<Vec<u8>> {
    segment::is_packed(path).then(|| zstd::stream::decode_all(bytes).ok()).flatten()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Wherever a byte of the log is changed, it is found, unless every line is still what it was: zstd has bits that
    /// mean nothing.
    #[test]
    fn any_changed_byte_is_found(file in 0_usize..100, at in 0_usize..1_000_000, flip in 1_u8..=255) {
        let sample = Sample::copy();
        let files = files(&sample.log());
        let path = &files[file % files.len()];
        let mut bytes = std::fs::read(path).unwrap();
        let before = plain(path, &bytes);
        // The index and the seek table of a packed segment prove nothing and are checked by nobody.
        let end = match segment::is_packed(path) {
            true => memchr::memmem::find(&bytes, &0x184D_2A5C_u32.to_le_bytes()).unwrap(),
            false => bytes.len(),
        };
        bytes[at % end] ^= flip;
        std::fs::write(path, &bytes).unwrap();
        let harmless = before.is_some() && plain(path, &bytes) == before;
        prop_assert!(harmless || !sample.findings().is_empty(), "byte {} of {}", at % end, path.display());
    }

    /// Wherever a line is taken out, it is found.
    #[test]
    fn any_missing_line_is_found(segment in 2_usize..4, at in 0_usize..1000) {
        let sample = Sample::copy();
        let mut lines = sample.lines(segment);
        let at = at % lines.len();
        lines.remove(at);
        std::fs::write(&sample.segments()[segment], lines.concat()).unwrap();
        prop_assert!(!sample.findings().is_empty(), "line {at} of segment {segment}");
    }
}
