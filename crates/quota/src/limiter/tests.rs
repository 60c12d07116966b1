//! Against a slow reference: a list of every granted request of each key, searched for a window that holds too many.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::Standing;

fn rate(requests: u32, per: Duration, burst: u32) -> Rate {
    Rate { requests: NonZeroU32::new(requests).unwrap(), per, burst: NonZeroU32::new(burst).unwrap() }
}

fn key(number: u32) -> Key {
    Key::of(&[&number.to_be_bytes()])
}

fn granted(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Granted(_))
}

/// The first window, if any, from one grant to a later one, that holds more than `burst` and what the rate refills in it.
/// Windows that begin or end elsewhere hold no more than these.
fn overfull_window(grants: &[u64], rate: &Rate) -> Option<(u64, u64)> {
    let per = rate.per.as_nanos();
    grants.iter().enumerate().find_map(|(first, from)| {
        grants.iter().enumerate().skip(first).find_map(|(last, to)| {
            let refilled = u128::from(to - from) * u128::from(rate.requests.get()) / per;
            let most = u128::from(rate.burst.get()) + refilled;
            ((last - first + 1) as u128 > most).then_some((*from, *to))
        })
    })
}

/// A token bucket in exact arithmetic: tokens are counted in parts, `per` parts each.
struct Bucket {
    parts: u128,
    at: u64,
}

impl Bucket {
    fn take(&mut self, rate: &Rate, now: u64) -> Option<u128> {
        let per = rate.per.as_nanos();
        let refilled = u128::from(now - self.at) * u128::from(rate.requests.get());
        self.parts = (self.parts + refilled).min(u128::from(rate.burst.get()) * per);
        self.at = now;
        self.parts = self.parts.checked_sub(per)?;
        Some(self.parts / per)
    }
}

proptest! {
    /// With fewer places than keys, and time that also stands still.
    #[test]
    fn no_window_holds_more_than_burst_and_refill(
        requests in 1_u32..8,
        per in 1_u64..200,
        burst in 1_u32..6,
        most_keys in 1_usize..12,
        steps in prop::collection::vec((0_u32..24, 0_u64..40), 1..300),
    ) {
        let rate = rate(requests, Duration::from_nanos(per), burst);
        let (limiter, start) = (Limiter::new(rate, most_keys), Instant::now());
        let mut grants: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        let mut now = 0;
        for (caller, later) in steps {
            now += later;
            if granted(limiter.take(key(caller), start + Duration::from_nanos(now))) {
                grants.entry(caller).or_default().push(now);
            }
            prop_assert!(limiter.keys() <= most_keys);
        }
        for (caller, grants) in grants {
            prop_assert_eq!(overfull_window(&grants, &rate), None, "caller {}", caller);
        }
    }

    /// Where there is room, and the rate divides evenly, not one request less than a token bucket grants either.
    #[test]
    fn with_room_it_is_a_token_bucket(
        requests in 1_u32..8,
        interval in 1_u64..50,
        burst in 1_u32..6,
        steps in prop::collection::vec((0_u32..4, 0_u64..60), 1..200),
    ) {
        let rate = rate(requests, Duration::from_nanos(interval * u64::from(requests)), burst);
        let (limiter, start) = (Limiter::new(rate, 1_000), Instant::now());
        let full = u128::from(burst) * rate.per.as_nanos();
        let mut buckets: BTreeMap<u32, Bucket> = BTreeMap::new();
        // The first request sets the limiter's own zero.
        let mut now = 0;
        for (caller, later) in steps {
            now += later;
            let bucket = buckets.entry(caller).or_insert(Bucket { parts: full, at: now });
            let expected = bucket.take(&rate, now);
            let outcome = limiter.take(key(caller), start + Duration::from_nanos(now));
            let remaining = match outcome {
                Outcome::Granted(standing) => Some(u128::from(standing.remaining)),
                Outcome::Exceeded { .. } => None,
            };
            prop_assert_eq!(remaining, expected);
        }
    }

    /// What a caller is told is true: one nanosecond before `retry_after` it is refused, then it is granted; and nothing
    /// is refilled before `reset`.
    #[test]
    fn the_times_told_are_exact(
        requests in 1_u32..8,
        per in 1_u64..2_000,
        burst in 1_u32..6,
        steps in prop::collection::vec(0_u64..400, 1..60),
    ) {
        let rate = rate(requests, Duration::from_nanos(per), burst);
        let start = Instant::now();
        let mut now = Duration::ZERO;
        let mut taken = Vec::new();
        // A limiter cannot be copied: the same past is played to a fresh one for each question.
        let replay = |taken: &[Duration]| {
            let limiter = Limiter::new(rate, 10);
            for at in taken {
                assert!(granted(limiter.take(key(1), start + *at)));
            }
            limiter
        };
        for later in steps {
            now += Duration::from_nanos(later);
            match replay(&taken).take(key(1), start + now) {
                Outcome::Granted(standing) => {
                    taken.push(now);
                    prop_assert!(standing.reset > Duration::ZERO);
                    let before = now + standing.reset - Duration::from_nanos(1);
                    let limiter = replay(&taken);
                    let more = (0..10).filter(|_| granted(limiter.take(key(1), start + before))).count();
                    prop_assert_eq!(more, standing.remaining as usize);
                    let limiter = replay(&taken);
                    let more = (0..10).filter(|_| granted(limiter.take(key(1), start + now + standing.reset)));
                    prop_assert_eq!(more.count(), standing.remaining as usize + 1);
                }
                Outcome::Exceeded { standing, retry_after } => {
                    prop_assert_eq!((standing.remaining, standing.reset), (0, retry_after));
                    let again = now + retry_after;
                    let early = replay(&taken).take(key(1), start + again - Duration::from_nanos(1));
                    prop_assert!(!granted(early));
                    prop_assert!(granted(replay(&taken).take(key(1), start + again)));
                }
            }
        }
    }
}

#[test]
fn a_full_store_is_neither_unlimited_for_new_keys_nor_forgetful_of_old_ones() {
    let (limiter, now) = (Limiter::new(rate(1, Duration::from_secs(60), 2), 8), Instant::now());
    for old in 0..8 {
        assert!(granted(limiter.take(key(old), now)), "one of two");
    }
    let flood = (1_000..100_000).filter(|new| granted(limiter.take(key(*new), now))).count();
    assert_eq!(flood, 2, "all further keys share one bucket");
    assert_eq!(limiter.keys(), 8);
    for old in 0..8 {
        assert!(granted(limiter.take(key(old), now)), "its own second one");
        assert!(!granted(limiter.take(key(old), now)), "and no third");
    }
}

#[test]
fn room_is_made_by_keys_whose_bucket_is_full_again_only() {
    let (limiter, now) = (Limiter::new(rate(1, Duration::from_secs(10), 2), 2), Instant::now());
    let at = |seconds| now + Duration::from_secs(seconds);
    assert!(granted(limiter.take(key(1), at(0))));
    assert!(granted(limiter.take(key(2), at(0))));
    assert!(granted(limiter.take(key(2), at(0))));
    // Key 1 is full again after 10 seconds, key 2 after 20.
    let own = (0..5).filter(|_| granted(limiter.take(key(3), at(10)))).count();
    assert_eq!(own, 2);
    assert_eq!(limiter.keys(), 2);
    let shared = (0..5).filter(|_| granted(limiter.take(key(4), at(10)))).count();
    assert_eq!(shared, 2, "key 3 had a bucket of its own: the shared one is untouched");
    assert!(granted(limiter.take(key(2), at(10))), "half refilled");
    assert!(!granted(limiter.take(key(2), at(10))), "was not forgotten");
}

#[test]
fn what_was_granted_from_the_shared_bucket_counts_when_a_key_finds_room() {
    let (limiter, now) = (Limiter::new(rate(1, Duration::from_secs(10), 3), 1), Instant::now());
    assert!(granted(limiter.take(key(1), now)));
    let shared = (0..5).filter(|_| granted(limiter.take(key(2), now))).count();
    assert_eq!(shared, 3);
    // Key 1 is full again and makes room: key 2 has what ten seconds refilled, not a second burst.
    let later = now + Duration::from_secs(10);
    let own = (0..5).filter(|_| granted(limiter.take(key(2), later))).count();
    assert_eq!(own, 1);
    assert_eq!(limiter.keys(), 1);
}

#[test]
fn a_clock_that_goes_back_refills_nothing() {
    let (limiter, now) = (Limiter::new(rate(1, Duration::from_secs(10), 1), 4), Instant::now());
    assert!(granted(limiter.take(key(1), now + Duration::from_secs(100))));
    for back in [99, 50, 0] {
        assert!(!granted(limiter.take(key(1), now + Duration::from_secs(back))));
    }
    assert!(!granted(limiter.take(key(1), now + Duration::from_secs(109))));
    assert!(granted(limiter.take(key(1), now + Duration::from_secs(110))));
}

#[test]
fn a_late_thread_does_not_count_from_before_a_key_was_forgotten() {
    let (limiter, now) = (Limiter::new(rate(1, Duration::from_secs(10), 1), 1), Instant::now());
    let at = |seconds| now + Duration::from_secs(seconds);
    assert!(granted(limiter.take(key(1), at(0))));
    assert!(granted(limiter.take(key(2), at(20))), "key 1 is full again and forgotten");
    // These read their clocks early and got the lock late: it is 20 for both.
    assert!(granted(limiter.take(key(1), at(5))));
    assert!(!granted(limiter.take(key(1), at(16))));
}

#[test]
fn all_room_is_given_to_some_shard() {
    for most_keys in [0, 1, 2, 63, 64, 127, 128, 4_095, 4_097, 100_000, 1_000_003] {
        let limiter = Limiter::new(rate(1, Duration::from_secs(1), 1), most_keys);
        let count = limiter.shards.len();
        assert_eq!(count, shard_count(most_keys.max(1)));
        assert!(most_keys.max(1).div_ceil(count) <= 2_048);
        let now = Instant::now();
        for caller in 0..most_keys.min(5_000) * 3 {
            granted(limiter.take(key(u32::try_from(caller).unwrap()), now));
        }
        assert!(limiter.keys() <= most_keys.max(1));
    }
}

#[test]
fn nearly_all_room_is_used_before_keys_must_share() {
    let (limiter, now) = (Limiter::new(rate(1, Duration::from_secs(1), 1), MOST_KEYS), Instant::now());
    for caller in 0..100_000 {
        granted(limiter.take(key(caller), now));
    }
    // 64 shards of 1,562: the fullest is a few standard deviations (40) above the mean.
    assert!(limiter.keys() > 97_000, "{}", limiter.keys());
}

#[test]
fn keys_spread_over_all_shards() {
    let limiter = Limiter::new(rate(1, Duration::from_secs(1), 1), 4_096);
    for caller in 0..2_000 {
        granted(limiter.take(key(caller), Instant::now()));
    }
    assert!(limiter.shards.iter().all(|shard| lock(shard).keys() > 0));
}

#[test]
fn threads_together_get_what_one_would() {
    let limiter = Arc::new(Limiter::new(rate(1, Duration::from_secs(3_600), 100), 1_000));
    let now = Instant::now();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let limiter = Arc::clone(&limiter);
            std::thread::spawn(move || (0..1_000).filter(|_| granted(limiter.take(key(1), now))).count())
        })
        .collect();
    let total: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(total, 100);
}

#[test]
fn a_definition_is_the_same_only_in_every_part() {
    let one = rate(10, Duration::from_secs(1), 5);
    let limiter = Limiter::new(one, 100);
    assert!(limiter.same_as(&one, 100));
    let others = [rate(11, one.per, 5), rate(10, Duration::from_secs(2), 5), rate(10, one.per, 6)];
    for other in others {
        assert!(!limiter.same_as(&other, 100));
    }
    assert!(!limiter.same_as(&one, 101));
}

#[test]
fn a_refusal_tells_where_the_caller_stands() {
    let (limiter, now) = (Limiter::new(rate(1, Duration::from_secs(10), 1), 10), Instant::now());
    let ten = Duration::from_secs(10);
    let standing = Standing { limit: 1, remaining: 0, reset: ten };
    assert_eq!(limiter.take(key(1), now), Outcome::Granted(standing));
    assert_eq!(limiter.take(key(1), now), Outcome::Exceeded { standing, retry_after: ten });
}

#[test]
fn most_keys_are_counted_apart_for_addresses_too() {
    let addresses = (0..=255_u8).map(|last| Key::of_address([192, 0, 2, last].into()));
    let distinct: HashSet<_> = addresses.map(|key| (key.high, key.low)).collect();
    assert_eq!(distinct.len(), 256);
}
