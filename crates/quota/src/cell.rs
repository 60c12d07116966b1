//! The generic cell rate algorithm (ITU-T I.371) for one key: a single number, the time at which its bucket is full again.
//! It holds no key, lock or clock.
//!
//! Why it is written here and no library's: `governor` 0.10 takes the time from a clock of its own (`Clock::now` has no
//! argument, and a limiter built per call starts its time anew), tells nothing of a refused cell but the waiting time, and
//! offers no way to ask whether a bucket is full again, on which the eviction of a bounded store rests.

use std::time::Duration;

use crate::rate::{Outcome, Rate, Standing};

/// Nanoseconds since the limiter's first request. 64 bits last 584 years.
pub(crate) type Nanos = u64;

/// A rate in the algorithm's terms.
#[derive(Clone, Copy)]
pub(crate) struct Spacing {
    /// The time in which one request is refilled, rounded up to a nanosecond: never more than configured, and at a million
    /// requests a second at most one part in a thousand less.
    interval: Nanos,
    /// How far ahead of even spacing a key may run: `interval` × (`burst` − 1).
    tolerance: Nanos,
    burst: u32,
}

impl Spacing {
    pub(crate) fn of(rate: &Rate) -> Self {
        let interval = rate.per.as_nanos().max(1).div_ceil(u128::from(rate.requests.get()));
        let interval = Nanos::try_from(interval).unwrap_or(Nanos::MAX).max(1);
        let burst = rate.burst.get();
        Self { interval, tolerance: interval.saturating_mul(Nanos::from(burst - 1)), burst }
    }

    /// Counts one request at `now` against the bucket that is full again at `full`, if it may go on.
    pub(crate) fn take(&self, full: &mut Nanos, now: Nanos) -> Outcome {
        let start = (*full).max(now);
        let wait = (start - now).saturating_sub(self.tolerance);
        match start.checked_add(self.interval) {
            Some(next) if wait == 0 => {
                *full = next;
                Outcome::Granted(self.standing(next, now))
            }
            // Beyond the end of time nothing is refilled any more: refused, never unlimited.
            next => {
                let retry_after =
                    Duration::from_nanos(if next.is_some() { wait } else { wait.max(self.interval) });
                Outcome::Exceeded {
                    standing: Standing { limit: self.burst, remaining: 0, reset: retry_after },
                    retry_after,
                }
            }
        }
    }

    fn standing(&self, full: Nanos, now: Nanos) -> Standing {
        // What is missing in the bucket, in time. A whole interval of it is one request.
        let missing = full - now;
        let capacity = self.tolerance.saturating_add(self.interval);
        let room = capacity.saturating_sub(missing);
        let remaining = u32::try_from(room / self.interval).unwrap_or(self.burst).min(self.burst);
        let reset = (self.interval - room % self.interval).min(missing);
        Standing { limit: self.burst, remaining, reset: Duration::from_nanos(reset) }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn spacing(requests: u32, per: Duration, burst: u32) -> Spacing {
        let (requests, burst) = (NonZeroU32::new(requests).unwrap(), NonZeroU32::new(burst).unwrap());
        Spacing::of(&Rate { requests, per, burst })
    }

    #[test]
    fn a_burst_then_even_spacing() {
        let (spacing, mut full) = (spacing(1, Duration::from_nanos(10), 3), 0);
        let told = |remaining, reset| {
            Outcome::Granted(Standing { limit: 3, remaining, reset: Duration::from_nanos(reset) })
        };
        assert_eq!(spacing.take(&mut full, 100), told(2, 10));
        assert_eq!(spacing.take(&mut full, 100), told(1, 10));
        assert_eq!(spacing.take(&mut full, 104), told(0, 6));
        let wait = |nanos| Outcome::Exceeded {
            standing: Standing { limit: 3, remaining: 0, reset: Duration::from_nanos(nanos) },
            retry_after: Duration::from_nanos(nanos),
        };
        assert_eq!(spacing.take(&mut full, 104), wait(6));
        assert_eq!(spacing.take(&mut full, 109), wait(1));
        assert_eq!(spacing.take(&mut full, 110), told(0, 10));
        assert_eq!(spacing.take(&mut full, 1_000), told(2, 10), "quiet for long: never more than the burst");
    }

    #[test]
    fn an_uneven_rate_is_rounded_to_less() {
        assert_eq!(spacing(3, Duration::from_secs(1), 1).interval, 333_333_334);
        assert_eq!(spacing(7, Duration::ZERO, 1).interval, 1);
    }

    #[test]
    fn the_largest_limits_neither_overflow_nor_open_up() {
        let spacing = spacing(1, Duration::MAX, u32::MAX);
        let mut full = 0;
        assert!(matches!(spacing.take(&mut full, 0), Outcome::Granted(_)));
        for now in [0, 1, Nanos::MAX - 1] {
            let Outcome::Exceeded { retry_after, .. } = spacing.take(&mut full, now) else {
                panic!("granted beyond the end of time")
            };
            assert!(retry_after > Duration::ZERO);
        }
    }
}
