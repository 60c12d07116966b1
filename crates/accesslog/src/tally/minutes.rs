//! Requests and refusals a minute, and how often each offset from UTC was written.
//!
//! Lines come mostly in order, so the minute that runs is counted aside and put into the map when it changes.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::entry::Stamp;

/// Most minutes that are told apart: almost two years. What is beyond is counted, but not by time.
const MOST_MINUTES: usize = 1 << 20;
/// Most offsets from UTC.
const MOST_OFFSETS: usize = 256;

/// What happened in a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Minute {
    /// Requests.
    pub(crate) all: u64,
    /// Those refused.
    pub(crate) refused: u64,
}

/// All minutes.
#[derive(Debug, Default)]
pub(crate) struct Minutes {
    running: Option<(i64, i16)>,
    now: Minute,
    counted: HashMap<i64, Minute, ahash::RandomState>,
    pub(crate) offsets: BTreeMap<i16, u64>,
}

impl Minutes {
    /// Counts a request; false where there are too many minutes already.
    #[inline]
    pub(crate) fn add(&mut self, stamp: Stamp, refused: bool) -> bool {
        let minute = stamp.seconds.div_euclid(60);
        if self.running != Some((minute, stamp.offset)) {
            self.flush();
            if self.counted.len() >= MOST_MINUTES && !self.counted.contains_key(&minute) {
                return false;
            }
            self.running = Some((minute, stamp.offset));
        }
        self.now.all += 1;
        self.now.refused += u64::from(refused);
        true
    }

    /// Puts the minute that runs to the others.
    pub(crate) fn flush(&mut self) {
        let Some((minute, offset)) = self.running.take() else { return };
        let now = std::mem::take(&mut self.now);
        let counted = self.counted.entry(minute).or_default();
        counted.all += now.all;
        counted.refused += now.refused;
        if self.offsets.len() < MOST_OFFSETS || self.offsets.contains_key(&offset) {
            *self.offsets.entry(offset).or_default() += now.all;
        }
    }

    pub(crate) fn merge(&mut self, mut other: Self) {
        self.flush();
        other.flush();
        for (minute, theirs) in other.counted {
            if self.counted.len() < MOST_MINUTES || self.counted.contains_key(&minute) {
                let mine = self.counted.entry(minute).or_default();
                mine.all += theirs.all;
                mine.refused += theirs.refused;
            }
        }
        for (offset, count) in other.offsets {
            *self.offsets.entry(offset).or_default() += count;
        }
    }

    /// The minutes in their order, each with the number of minutes since 1970.
    pub(crate) fn in_order(&self) -> Vec<(i64, Minute)> {
        let mut all: Vec<_> = self.counted.iter().map(|(minute, counts)| (*minute, *counts)).collect();
        all.sort_unstable_by_key(|(minute, _)| *minute);
        all
    }

    /// The offset most lines were written in, in minutes east of UTC.
    pub(crate) fn offset(&self) -> i16 {
        self.offsets.iter().max_by_key(|(_, count)| **count).map_or(0, |(offset, _)| *offset)
    }
}
