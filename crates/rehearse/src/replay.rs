//! Recorded traffic decided again under other policies: what would change, by whom, where and for whom.
//!
//! The log is read in pieces, a worker to each core; a line is read as far as needed, with its texts borrowed, and put to the
//! candidate. INVARIANT: what a record does not say is counted as unknown; no answer here rests on a guess.

mod candidate;
mod line;
mod plan;
mod put;
mod report;
mod standing;
mod work;

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use jiff::Timestamp;
use portcullis_record::ReadError;
use portcullis_record::pieces::{Piece, pieces};

pub use candidate::{Candidate, CandidateFault, Routes};
pub use report::{Changes, Group, Groups, Report};
pub use standing::{Kind, Standing};

use report::Tally;
use work::Worker;

/// What is replayed.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Decisions from here on.
    pub since: Option<Timestamp>,
    /// Decisions before here.
    pub until: Option<Timestamp>,
    /// Examples that are kept of each group.
    pub examples: usize,
    /// Threads; none: one for each core.
    pub threads: Option<usize>,
}

/// Hears how far a replay is.
pub trait Progress: Sync {
    /// So many bytes are to be read.
    fn begin(&self, bytes: u64);
    /// So many more were.
    fn advance(&self, bytes: u64);
}

/// Nobody listens.
impl Progress for () {
    fn begin(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// Decides the log in `folder` again.
///
/// # Errors
/// [`ReadError`] where it cannot be read. Broken lines are counted and passed over.
pub fn replay(
    folder: &Path,
    candidate: &Candidate,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Report, ReadError> {
    let pieces = pieces(folder, settings.since, settings.until)?;
    progress.begin(pieces.iter().map(Piece::bytes).sum());
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = settings.threads.unwrap_or_else(cores).clamp(1, pieces.len().max(1));
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let all = Mutex::new(Ok(Tally::new(settings.examples)));
    let work = || {
        let mut worker = Worker::new(candidate, settings);
        let mut fault = None;
        while !stopped.load(Ordering::Relaxed)
            && let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed))
        {
            if let Err(failed) = worker.piece(piece) {
                stopped.store(true, Ordering::Relaxed);
                fault = Some(failed);
                break;
            }
            progress.advance(piece.bytes());
        }
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        match (fault, &mut *all) {
            (Some(fault), all) => *all = Err(fault),
            (None, Ok(all)) => all.merge(worker.finish()),
            (None, Err(_)) => {}
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner).map(Tally::finish)
}

#[cfg(test)]
pub(crate) mod tests;
