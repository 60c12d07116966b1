//! Whether requests should be sent to an address, by what became of earlier ones and by what health checks found. It
//! connects to nothing.
//!
//! INVARIANT: an address that is out is tried again, after a bounded time, by a request or by a check.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// What is known of one address.
#[derive(Debug)]
pub(super) struct Standing {
    begun: Instant,
    /// Failed connections in a row.
    failures: AtomicU32,
    /// Until when no request is sent, in milliseconds after `begun`.
    out_until: AtomicU64,
    /// What health checks found.
    down: AtomicBool,
}

impl Standing {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            failures: AtomicU32::new(0),
            out_until: AtomicU64::new(0),
            down: AtomicBool::new(false),
        }
    }

    /// Whether requests should be sent there.
    pub(super) fn is_up(&self) -> bool {
        !self.down.load(Ordering::Relaxed) && self.out_until.load(Ordering::Relaxed) <= self.now()
    }

    /// A connection came about.
    pub(super) fn succeeded(&self) {
        // Read first: what all requests write, all processors wait for.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.out_until.store(0, Ordering::Relaxed);
        }
    }

    /// None came about. After several in a row the address is out for a time that doubles with each further one.
    pub(super) fn failed(&self) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if let Some(further) = failures.checked_sub(OUT_AFTER) {
            let until = self.now().saturating_add(jittered(out_for(further)));
            self.out_until.store(until, Ordering::Relaxed);
        }
    }

    /// What a health check found. Says whether that is new.
    pub(super) fn checked(&self, up: bool) -> bool {
        if up {
            self.succeeded();
        }
        self.down.swap(!up, Ordering::Relaxed) == up
    }

    fn now(&self) -> u64 {
        milliseconds(self.begun.elapsed())
    }
}

fn out_for(further: u32) -> Duration {
    SHORTEST_OUT.saturating_mul(2_u32.saturating_pow(further)).min(LONGEST_OUT)
}

/// Up to a quarter more, so that several gates do not come back at the same moment.
fn jittered(time: Duration) -> u64 {
    let time = milliseconds(time);
    time.saturating_add(chance() % (time / 4).max(1))
}

/// A number that nobody can rely on.
pub(crate) fn chance() -> u64 {
    RandomState::new().hash_one(())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Failures in a row after which an address is out: one lost packet or one restart is none of them.
const OUT_AFTER: u32 = 3;

/// As long as a process takes to restart.
const SHORTEST_OUT: Duration = Duration::from_secs(1);

/// A server that came back waits no longer than people wait before they look why it is not used.
const LONGEST_OUT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_is_out_after_several_failures_and_longer_each_time() {
        let standing = Standing::new();
        standing.failed();
        standing.failed();
        assert!(standing.is_up());
        let mut longest = 0;
        for _ in 0..4 {
            standing.failed();
            assert!(!standing.is_up());
            let out = standing.out_until.load(Ordering::Relaxed) - standing.now();
            assert!(out > longest, "{out} after {longest}");
            longest = out;
        }
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(standing.is_up(), "it is tried again");
        standing.failed();
        assert!(!standing.is_up());
        standing.succeeded();
        assert!(standing.is_up());
        standing.failed();
        assert!(standing.is_up(), "one failure after a success is the first in a row");
    }

    #[test]
    fn the_time_out_is_bounded_with_its_jitter() {
        for further in 0..100 {
            let out = jittered(out_for(further));
            assert!((1_000..75_000).contains(&out), "{out} ms after {further}");
        }
    }

    #[tokio::test]
    async fn what_checks_find_counts_beside_what_requests_do() {
        let standing = Standing::new();
        assert!(!standing.checked(true), "nothing new");
        assert!(standing.checked(false));
        standing.succeeded();
        assert!(!standing.is_up(), "a check said so, and a check takes it back");
        assert!(standing.checked(true) && standing.is_up());
    }
}
