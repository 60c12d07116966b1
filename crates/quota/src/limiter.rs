//! One configured limit: many keys, counted apart, in bounded memory and without a lock shared by all requests. It reads
//! no clock; the caller says what time it is.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use crate::cell::{Nanos, Spacing};
use crate::key::Key;
use crate::rate::{Outcome, Rate};
use crate::shard::Shard;

/// Keys that a limit counts apart unless configured otherwise: about 3.4 MB when all are in use (34 bytes each, measured by
/// `examples/take.rs`), and more callers than one gate usually has within the time in which a bucket refills.
pub const MOST_KEYS: usize = 100_000;

/// A rate limit and the state of its keys. One per configured limit, shared by all threads.
///
/// When there is no room for a further key, keys whose bucket is full again are forgotten, which changes nothing for them.
/// If there is none, the further keys of that shard share one bucket of the same rate, until there is room. So a caller
/// with very many keys gets neither requests without limit, nor does it reset the count of anybody; what it can do is make
/// *new* callers (or such as were quiet for long) wait for each other. A larger `most_keys` makes that dearer.
pub struct Limiter {
    rate: Rate,
    most_keys: usize,
    spacing: Spacing,
    shards: Box<[Mutex<Shard>]>,
    /// The time of the first request, from which all others are counted.
    start: OnceLock<Instant>,
}

impl Limiter {
    /// A limit under which nobody has sent anything yet, for at most `most_keys` keys (0 is read as 1).
    #[must_use]
    pub fn new(rate: Rate, most_keys: usize) -> Self {
        let room = most_keys.max(1);
        let count = shard_count(room);
        // The first ones take what does not divide evenly: together exactly `room`.
        let shards = (0..count).map(|index| room / count + usize::from(index < room % count));
        Self {
            rate,
            most_keys,
            spacing: Spacing::of(&rate),
            shards: shards.map(Shard::with_room).map(Mutex::new).collect(),
            start: OnceLock::new(),
        }
    }

    /// Counts one request of `key` at `now`, if it may go on. A `now` before that of an earlier call is read as that one.
    #[must_use = "a request that exceeds its limit must be refused"]
    pub fn take(&self, key: Key, now: Instant) -> Outcome {
        let start = *self.start.get_or_init(|| now);
        let elapsed = now.saturating_duration_since(start).as_nanos();
        let now = Nanos::try_from(elapsed).unwrap_or(Nanos::MAX);
        // The upper half of the key chooses the shard, the lower one the place in it.
        let index = (u128::from(key.high) * self.shards.len() as u128) >> 64;
        match usize::try_from(index).ok().and_then(|index| self.shards.get(index)) {
            Some(shard) => lock(shard).take(&self.spacing, key, now),
            // A 64-bit fraction of a length is below the length; if it were not, nothing would be granted.
            None => {
                let mut never_full = Nanos::MAX;
                self.spacing.take(&mut never_full, now)
            }
        }
    }

    /// Keys remembered now; at most `most_keys`. Locks each shard in turn: for figures, not for requests.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).keys()).sum()
    }

    /// Whether this limit is defined so: then a reload keeps it and its counts, instead of giving everybody a new burst.
    #[must_use]
    pub fn same_as(&self, rate: &Rate, most_keys: usize) -> bool {
        self.rate == *rate && self.most_keys == most_keys
    }

    /// The rate it was made with.
    #[must_use]
    pub fn rate(&self) -> &Rate {
        &self.rate
    }
}

/// At least 64 keys a shard, so that keys fall evenly enough for nearly all room to be used; at most 2,048, so that the
/// search for full buckets stays within microseconds; between the two, 64 shards, so that threads seldom meet.
fn shard_count(room: usize) -> usize {
    (room / 64).clamp(1, 64).max(room.div_ceil(2_048))
}

/// A panic while a shard was locked leaves at worst one count undone.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
