//! Proves that the log is what was written: every line in its place, none changed, none missing, none invented, and
//! every checkpoint true of it. What is wrong is said with its place.
//!
//! Each segment is walked on its own, by as many threads as there are cores (`walk`); then it is seen whether they fit
//! together and what vouches for them (`join`). INVARIANT: whatever is wrong in one segment, the others are checked.

mod finding;
mod join;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use finding::{Fault, Finding, Place};

use crate::checkpoint::{self, Checkpoint};
use crate::forget;
use crate::log::ledger::CHECKPOINT;
use crate::note::{NoteError, Verifier};
use crate::read::{self, ReadError};
use walk::Walked;

/// What a log is checked against.
#[derive(Debug, Default)]
pub struct Against {
    /// The key that signed its checkpoints; without one, signatures are not checked.
    pub verifier: Option<Verifier>,
    /// Checkpoints that were kept elsewhere.
    pub checkpoints: Vec<Checkpoint>,
}

impl Against {
    /// Adds the checkpoints of a text: one signed note after the other, as `checkpoint_copy` collects them.
    pub fn add(&mut self, notes: &str) -> Result<usize, NoteError> {
        let Some(verifier) = &self.verifier else {
            return Err(NoteError::NotAKey("public key to check them with", "name+1a2b3c4d+AQ…"));
        };
        let found = checkpoint::all(notes, verifier)?;
        let count = found.len();
        self.checkpoints.extend(found);
        Ok(count)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Segments read.
    pub segments: usize,
    /// Lines of the chain.
    pub lines: u64,
    /// Bytes of text, unpacked.
    pub bytes: u64,
    /// Lines from before there was a chain, which nothing vouches for.
    pub unchained: u64,
    /// Lines that were erased, and that a signed note of erasure names.
    pub erased: u64,
    /// The number of the first line that is kept.
    pub starts: u64,
    /// Checkpoints found true.
    pub checkpoints: u64,
    /// Checkpoints from elsewhere about lines that are kept no longer.
    pub too_old: u64,
    /// Lines that a checkpoint vouches for.
    pub vouched: u64,
    /// Whether signatures were checked.
    pub signed: bool,
    /// Bytes of a line at the end that is being written.
    pub unfinished: u64,
    /// What is wrong, in the order of the log. Empty: nothing.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more: u64,
}

impl Report {
    fn add(&mut self, finding: Finding) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

/// Checks a whole log. A writer may be at work meanwhile.
pub fn verify(folder: &Path, against: &Against) -> Result<Report, ReadError> {
    let unreadable = |file: &str| {
        let file = folder.join(file);
        move |fault| ReadError::File { file, fault }
    };
    let mut report = Report { signed: against.verifier.is_some(), ..Report::default() };
    // Before the lines: what is vouched for here must be there.
    let newest = match std::fs::read_to_string(folder.join(CHECKPOINT)) {
        Ok(note) => Some(note),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => None,
        Err(fault) => return Err(unreadable(CHECKPOINT)(fault)),
    };
    let mut checkpoints = against.checkpoints.clone();
    if let Some(note) = newest {
        match join::opened(&note, against.verifier.as_ref()) {
            Ok(checkpoint) => checkpoints.push(checkpoint),
            Err(fault) => report.add(Finding { place: Place::file(CHECKPOINT), fault }),
        }
    }
    let erasures =
        forget::Erasures::read(folder, against.verifier.as_ref()).map_err(unreadable(forget::ERASURES))?;
    for fault in &erasures.faults {
        report.add(Finding { place: Place::file(forget::ERASURES), fault: Fault::Note(fault.clone()) });
    }
    let segments: Vec<_> = read::list(folder)?.into_iter().map(|(_, path)| path).collect();
    let wanted: BTreeSet<u64> = checkpoints.iter().map(|checkpoint| checkpoint.size).collect();
    let walked = walk_all(&segments, &wanted, against.verifier.as_ref())?;
    join::join(walked, &checkpoints, &erasures, against, &mut report);
    Ok(report)
}

/// Walks all segments, each on one thread, as many at once as there are cores.
fn walk_all(
    segments: &[PathBuf],
    wanted: &BTreeSet<u64>,
    verifier: Option<&Verifier>,
) -> Result<Vec<Walked>, ReadError> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = segments.get(index) else { return };
            let newest = index + 1 == segments.len();
            let walked = walk::walk(path, newest, wanted, verifier);
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(index, walked);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MOST_THREADS);
    std::thread::scope(|scope| {
        for _ in 1..threads.min(segments.len()) {
            scope.spawn(work);
        }
        work();
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Deleted meanwhile, being too old: not there to be walked.
    done.into_values().filter_map(Result::transpose).collect()
}

/// More would say nothing new: who changed so much left nothing to be trusted.
const MOST_FINDINGS: usize = 1000;
const MOST_THREADS: usize = 16;
