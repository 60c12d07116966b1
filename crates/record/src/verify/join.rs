//! Whether walked segments fit together, and whether what was signed is true of them.

use std::collections::BTreeSet;

use super::finding::{Fault, Finding, Place};
use super::walk::Walked;
use super::{Against, Report};
use crate::checkpoint::Checkpoint;
use crate::forget::Erasures;
use crate::note::{Note, NoteError, Verifier};

/// A checkpoint from a note, its signature checked if there is a key.
pub(super) fn opened(note: &str, verifier: Option<&Verifier>) -> Result<Checkpoint, Fault> {
    let note = Note::parse(note).map_err(Fault::Note)?;
    match verifier {
        Some(verifier) => Checkpoint::open(&note, verifier).map_err(Fault::Note),
        None => Checkpoint::unverified(&note).ok_or(Fault::Note(NoteError::NotANote)),
    }
}

pub(super) fn join(
    walked: Vec<Walked>,
    checkpoints: &[Checkpoint],
    erasures: &Erasures,
    against: &Against,
    report: &mut Report,
) {
    let removed: BTreeSet<String> = walked.iter().flat_map(|walked| walked.removed.iter().cloned()).collect();
    let mut before: Option<&Walked> = None;
    for walked in &walked {
        report.segments += 1;
        report.bytes = report.bytes.saturating_add(walked.bytes);
        report.checkpoints = report.checkpoints.saturating_add(walked.checkpoints);
        report.unfinished = walked.unfinished;
        report.more = report.more.saturating_add(walked.more);
        let chained = walked.head.is_some();
        if chained {
            report.lines = report.lines.saturating_add(walked.lines);
            report.vouched = report.vouched.max(walked.vouched);
            match before {
                Some(before) => seam(before, walked, against, report),
                None => beginning(walked, &removed, against, report),
            }
        } else if before.is_some() && walked.lines > 0 {
            report.add(Finding { place: Place::file(&walked.stem), fault: Fault::SegmentInvented });
        } else {
            report.unchained = report.unchained.saturating_add(walked.lines);
        }
        for finding in &walked.findings {
            report.add(finding.clone());
        }
        for (place, leaf) in &walked.erased {
            if place.number.is_some_and(|number| erasures.names(number, leaf)) {
                report.erased = report.erased.saturating_add(1);
            } else {
                report.add(Finding { place: place.clone(), fault: Fault::Erased });
            }
        }
        if chained {
            before = Some(walked);
        }
    }
    vouched(&walked, checkpoints, report);
}

/// The first segment that is kept: what was before it must be vouched for, and must have been deleted by us.
fn beginning(first: &Walked, removed: &BTreeSet<String>, against: &Against, report: &mut Report) {
    let Some(head) = &first.head else { return };
    report.starts = head.first;
    if head.first == 0 {
        return;
    }
    let place =
        || Place { line: Some(1), byte: Some(0), number: Some(head.first), ..Place::file(&first.stem) };
    match vouched_by_head(first, against) {
        Some(Ok(true)) => report.checkpoints = report.checkpoints.saturating_add(1),
        Some(Err(fault)) => report.add(Finding { place: place(), fault }),
        Some(Ok(false)) | None => {
            report.add(Finding { place: place(), fault: Fault::Unvouched(head.first) });
        }
    }
    if let Some(previous) = &head.previous
        && !removed.contains(previous)
    {
        report.add(Finding { place: place(), fault: Fault::SegmentMissing(previous.clone()) });
    }
}

/// Whether the checkpoint in a head is true of what the head says was before; `None`: it has none.
fn vouched_by_head(walked: &Walked, against: &Against) -> Option<Result<bool, Fault>> {
    let (head, begin) = (walked.head.as_ref()?, walked.begin.as_ref()?);
    let note = head.checkpoint.as_deref()?;
    let is_true =
        |checkpoint: Checkpoint| checkpoint.size == head.first && checkpoint.root == begin.tree.root();
    Some(opened(note, against.verifier.as_ref()).map(is_true))
}

/// Two segments, one after the other.
fn seam(before: &Walked, after: &Walked, against: &Against, report: &mut Report) {
    let Some(head) = &after.head else { return };
    let place = Place { line: Some(1), byte: Some(0), number: Some(head.first), ..Place::file(&after.stem) };
    match vouched_by_head(after, against) {
        None => {}
        Some(Ok(true)) => report.checkpoints = report.checkpoints.saturating_add(1),
        Some(Err(fault)) => report.add(Finding { place: place.clone(), fault }),
        Some(Ok(false)) => {
            let to = head.first.saturating_sub(1);
            let fault = Fault::Rewritten { from: before.vouched.min(to), to };
            report.add(Finding { place: place.clone(), fault });
        }
    }
    let other = head.previous.as_ref().filter(|previous| **previous != before.stem);
    let fault = if let Some(previous) = other
        && head.first > before.next
    {
        Fault::SegmentMissing(previous.clone())
    } else if head.first > before.next {
        Fault::Missing { from: before.next, to: head.first - 1 }
    } else if head.first < before.next
        || after.begin.as_ref().is_some_and(|begin| begin.link != before.end.link)
        || before.sound && after.begin.as_ref().is_some_and(|begin| *begin != before.end)
    {
        Fault::Seam
    } else {
        return;
    };
    report.add(Finding { place, fault });
}

/// Whether what was signed beside the log is true of it.
fn vouched(walked: &[Walked], checkpoints: &[Checkpoint], report: &mut Report) {
    let chained = || walked.iter().filter(|walked| walked.head.is_some());
    let (Some(first), Some(last)) = (chained().next(), chained().next_back()) else {
        if let Some(to) = checkpoints.iter().map(|checkpoint| checkpoint.size).max().filter(|size| *size > 0)
        {
            report.add(Finding { place: Place::file("the log"), fault: Fault::CutOff { from: 0, to } });
        }
        return;
    };
    let starts = first.head.as_ref().map_or(0, |head| head.first);
    let mut cut: Option<u64> = None;
    let mut sound = BTreeSet::new();
    for checkpoint in checkpoints.iter().collect::<BTreeSet<_>>() {
        if checkpoint.size < starts {
            report.too_old = report.too_old.saturating_add(1);
        } else if checkpoint.size >= last.next {
            // The line that has the checkpoint stands behind what it vouches for, and was there first.
            cut = cut.max(Some(checkpoint.size));
        } else if let Some(root) = walked.iter().find_map(|walked| walked.roots.get(&checkpoint.size)) {
            if *root == checkpoint.root {
                sound.insert(checkpoint.size);
                report.checkpoints = report.checkpoints.saturating_add(1);
                report.vouched = report.vouched.max(checkpoint.size);
            } else {
                let from = sound.last().copied().unwrap_or(starts).min(checkpoint.size.saturating_sub(1));
                let fault = Fault::Rewritten { from, to: checkpoint.size.saturating_sub(1) };
                report.add(Finding { place: Place::file(holder(walked, checkpoint.size)), fault });
            }
        }
    }
    if let Some(size) = cut {
        let place =
            Place { line: Some(last.lines), number: last.next.checked_sub(1), ..Place::file(&last.stem) };
        report.add(Finding { place, fault: Fault::CutOff { from: last.next, to: size } });
    }
}

/// The segment in which a line stands.
fn holder(walked: &[Walked], size: u64) -> &str {
    let first = |walked: &Walked| walked.head.as_ref().map(|head| head.first);
    let holder = walked.iter().rev().find(|walked| first(walked).is_some_and(|first| first < size));
    holder.map_or("the log", |walked| walked.stem.as_str())
}
