//! Counters that exist from the start, found by index: one for each value of a closed set, one for each HTTP status.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::Label;

/// One counter for each value of a closed set.
pub(crate) struct Tally<L> {
    counts: Box<[AtomicU64]>,
    of: PhantomData<fn(L)>,
}

impl<L: Label> Tally<L> {
    pub(crate) fn new() -> Self {
        Self { counts: zeros(L::ALL.len()), of: PhantomData }
    }

    pub(crate) fn count(&self, label: L) {
        if let Some(count) = self.counts.get(label.index()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self, label: L) -> u64 {
        self.counts.get(label.index()).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Every value with its count.
    pub(crate) fn all(&self) -> impl Iterator<Item = (L, u64)> {
        L::ALL.iter().map(|label| (*label, self.get(*label)))
    }
}

/// One counter for each status of three digits; others count under 0, which no answer has.
pub(crate) struct Statuses(Box<[AtomicU64]>);

impl Statuses {
    pub(crate) fn new() -> Self {
        Self(zeros(LARGEST + 1))
    }

    pub(crate) fn count(&self, status: u16) {
        let status = usize::from(status);
        let at = if (SMALLEST..=LARGEST).contains(&status) { status } else { 0 };
        if let Some(count) = self.0.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The statuses that occurred, ascending.
    pub(crate) fn seen(&self) -> impl Iterator<Item = (u64, u64)> {
        let counts = (0_u64..).zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count > 0)
    }
}

fn zeros(how_many: usize) -> Box<[AtomicU64]> {
    (0..how_many).map(|_| AtomicU64::new(0)).collect()
}

/// RFC 9110 §15: a status has three digits and begins with 1 to 5; origins send others, up to 999.
const SMALLEST: usize = 100;
const LARGEST: usize = 999;
