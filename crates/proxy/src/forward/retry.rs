//! Whether and when a request is tried again. Where to is the origin's choice.
//!
//! INVARIANT: all tries of one request happen under its one permit, and tries beyond the first are a bounded share of an
//! origin's requests, so that they never multiply an outage.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use http::Method;
use tokio::time::Instant;

use crate::origins::chance;

/// What is left of an origin's further tries: a fifth of its requests, and a few for an origin that is asked rarely.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(MOST_SAVED))
    }

    /// A request begins, and adds its share.
    pub(crate) fn earn(&self) {
        // Read first: what all requests write, all processors wait for. A full budget is the usual one.
        if self.0.load(Ordering::Relaxed) < MOST_SAVED {
            self.change(|saved| Some(saved.saturating_add(EARNED).min(MOST_SAVED)));
        }
    }

    /// Whether one more try may be made.
    pub(crate) fn spend(&self) -> bool {
        self.change(|saved| saved.checked_sub(SPENT))
    }

    fn change(&self, change: impl Fn(u32) -> Option<u32>) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change).is_ok()
    }
}

/// The tries of one request.
#[derive(Debug)]
pub(super) struct Tries {
    left: u32,
    waits: Option<ExponentialBackoff>,
    deadline: Instant,
}

impl Tries {
    /// `left` beyond the first, none of which begins after `deadline`.
    pub(super) fn new(left: u32, deadline: Instant) -> Self {
        Self { left, waits: None, deadline }
    }

    /// Whether a further try may be made, and after which wait. `elsewhere`: at an address that was not tried, which need
    /// not be waited for.
    pub(super) fn again(&mut self, elsewhere: bool, budget: &Budget) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let wait = if elsewhere { Duration::ZERO } else { self.wait() };
        (Instant::now() + wait < self.deadline && budget.spend()).then_some(wait)
    }

    fn wait(&mut self) -> Duration {
        self.waits.get_or_insert_with(waits).next().unwrap_or(LONGEST_WAIT)
    }
}

fn waits() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(SHORTEST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .without_max_times()
        .with_jitter()
        // Without one, the library's jitter is the same for all.
        .with_jitter_seed(chance())
        .build()
}

/// RFC 9110 §9.2.2: done twice, it is as if it were done once.
pub(super) fn is_idempotent(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE, Method::TRACE].contains(method)
}

/// A fifth of what a try costs.
const EARNED: u32 = 1;
const SPENT: u32 = 5;

/// Ten tries: a restart of one of several servers costs no caller anything, and an outage is not multiplied.
const MOST_SAVED: u32 = 10 * SPENT;

/// A server that was just closing a connection is ready for the next at once.
const SHORTEST_WAIT: Duration = Duration::from_millis(25);

/// Longer than that, callers try by themselves.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn further_tries_are_a_fifth_of_the_requests() {
        let budget = Budget::new();
        let spent = (0..1000).filter(|_| {
            budget.earn();
            budget.spend()
        });
        let spent = spent.count();
        assert!((200..=212).contains(&spent), "{spent} of 1000, ten of which were saved");
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_and_differ_and_tries_end() {
        let budget = Budget::new();
        let mut tries = Tries::new(4, later());
        let waits: Vec<_> = std::iter::from_fn(|| tries.again(false, &budget)).collect();
        assert_eq!(waits.len(), 4);
        for (wait, least) in waits.iter().zip([25, 50, 100, 200]) {
            let least = Duration::from_millis(least);
            assert!(*wait >= least && *wait <= least * 2, "{wait:?} for {least:?}");
        }
        let mut others = Tries::new(4, later());
        let others: Vec<_> = std::iter::from_fn(|| others.again(false, &budget)).collect();
        assert_ne!(waits, others, "jitter");
    }

    #[tokio::test(start_paused = true)]
    async fn another_address_is_tried_at_once_and_nothing_after_the_deadline() {
        let budget = Budget::new();
        assert_eq!(Tries::new(1, later()).again(true, &budget), Some(Duration::ZERO));
        assert_eq!(Tries::new(1, Instant::now()).again(true, &budget), None);
        assert_eq!(Tries::new(0, later()).again(true, &budget), None);
    }

    #[test]
    fn what_changes_something_each_time_is_sent_once() {
        for method in [Method::POST, Method::PATCH, Method::CONNECT] {
            assert!(!is_idempotent(&method), "{method}");
        }
        assert!(is_idempotent(&Method::GET) && is_idempotent(&Method::DELETE));
        assert!(!is_idempotent(&Method::from_bytes(b"PURGE").expect("a method")));
    }
}
