//! Counts what does not reach the log, exactly, from any thread and without a lock.
//!
//! INVARIANT: each line handed to the log is either written or counted here, once.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;

/// What kind of line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Decision,
    Outcome,
}

/// Lines that are missing and not yet told of in the log.
#[derive(Debug, Default)]
pub(super) struct Missed {
    decisions: AtomicU64,
    outcomes: AtomicU64,
    /// Microseconds of Unix time when the first was counted; 0: none.
    since: AtomicI64,
    /// Of all time.
    total: AtomicU64,
}

/// What was taken out of [`Missed`] to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Taken {
    pub(super) decisions: u64,
    pub(super) outcomes: u64,
    pub(super) since: i64,
}

impl Missed {
    /// Counts lines. `true`: they are the first to be told of.
    pub(super) fn count(&self, kind: Kind, lines: u64) -> bool {
        if lines == 0 {
            return false;
        }
        let counter = match kind {
            Kind::Decision => &self.decisions,
            Kind::Outcome => &self.outcomes,
        };
        self.total.fetch_add(lines, Ordering::Relaxed);
        counter.fetch_add(lines, Ordering::AcqRel);
        let now = Timestamp::now().as_microsecond();
        self.since.compare_exchange(0, now, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Takes all out, to be written as a gap.
    pub(super) fn take(&self) -> Option<Taken> {
        // The time first: a line counted in between sets it anew, so that whoever counts it wakes the writer.
        let since = self.since.swap(0, Ordering::AcqRel);
        let taken = Taken {
            decisions: self.decisions.swap(0, Ordering::AcqRel),
            outcomes: self.outcomes.swap(0, Ordering::AcqRel),
            since,
        };
        (taken.decisions > 0 || taken.outcomes > 0).then_some(taken)
    }

    /// Puts back what could not be told after all.
    pub(super) fn put_back(&self, taken: Taken) {
        self.decisions.fetch_add(taken.decisions, Ordering::AcqRel);
        self.outcomes.fetch_add(taken.outcomes, Ordering::AcqRel);
        self.since.store(taken.since, Ordering::Release);
    }

    /// All lines ever missed.
    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Lines missed and not yet told of.
    pub(super) fn untold(&self) -> (u64, u64) {
        (self.decisions.load(Ordering::Acquire), self.outcomes.load(Ordering::Acquire))
    }
}
