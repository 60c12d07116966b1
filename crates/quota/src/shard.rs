//! A part of the store: some of the keys, at most so many, and what happens to further ones. It knows no time but the one
//! it is given, and lets that only go forward.
//!
//! INVARIANT: forgetting a key or counting it together with others never grants it more than its own bucket would have.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::cell::{Nanos, Spacing};
use crate::key::{AlreadyHashed, Key};
use crate::rate::Outcome;

/// The aligned size keeps two shards from sharing a cache line, so that their locks do not slow each other.
#[repr(align(64))]
pub(crate) struct Shard {
    /// For each key, when its bucket is full again.
    cells: HashMap<Key, Nanos, BuildHasherDefault<AlreadyHashed>>,
    /// The bucket that all keys share for which there was no room.
    overflow: Nanos,
    /// No bucket in `cells` is full again before this.
    earliest_full: Nanos,
    /// The latest time seen. Threads read their clocks before they wait for the lock: a bucket that was found full must not
    /// be counted again from an earlier time.
    latest: Nanos,
    room: usize,
}

impl Shard {
    pub(crate) fn with_room(room: usize) -> Self {
        // Grows as keys come: a limit that few callers reach costs little memory.
        Self { cells: HashMap::default(), overflow: 0, earliest_full: Nanos::MAX, latest: 0, room }
    }

    pub(crate) fn take(&mut self, spacing: &Spacing, key: Key, now: Nanos) -> Outcome {
        let now = self.latest.max(now);
        self.latest = now;
        if let Some(full) = self.cells.get_mut(&key) {
            return spacing.take(full, now);
        }
        if self.cells.len() >= self.room {
            self.forget_full(now);
        }
        if self.cells.len() >= self.room {
            return spacing.take(&mut self.overflow, now);
        }
        // What this key was granted from the shared bucket counts against its own: without that, a key which overflowed and
        // then found room would have two bursts.
        let mut full = self.overflow;
        let outcome = spacing.take(&mut full, now);
        if matches!(outcome, Outcome::Granted(_)) {
            self.earliest_full = self.earliest_full.min(full);
            self.cells.insert(key, full);
        }
        outcome
    }

    pub(crate) fn keys(&self) -> usize {
        self.cells.len()
    }

    /// Forgets every key whose bucket is full: a new bucket is full too, so they lose and gain nothing.
    ///
    /// Skipped while none can be, so that an attacker's new keys do not buy a search each.
    fn forget_full(&mut self, now: Nanos) {
        if now < self.earliest_full {
            return;
        }
        let mut earliest = Nanos::MAX;
        self.cells.retain(|_, full| {
            let keep = *full > now;
            if keep {
                earliest = earliest.min(*full);
            }
            keep
        });
        self.earliest_full = earliest;
    }
}
