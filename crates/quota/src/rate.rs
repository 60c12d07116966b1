//! What a limit allows and what one request was told. Values only: who counts is in [`crate::Limiter`].

use std::num::NonZeroU32;
use std::time::Duration;

/// A limit as configured: `requests` per `per`, and how many of them may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests that are refilled in each `per`.
    pub requests: NonZeroU32,
    /// The time in which `requests` are refilled. Zero is read as one nanosecond.
    pub per: Duration,
    /// How many requests may come at once from a caller that has been quiet; 1 forces even spacing.
    pub burst: NonZeroU32,
}

/// What becomes of one request. The door answers `Exceeded` with 429 (RFC 6585 §4), never 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request was counted and may go on.
    Granted(Standing),
    /// The request was not counted and must wait.
    Exceeded {
        /// Where the caller stands; `remaining` is 0.
        standing: Standing,
        /// How long until a request of this key is granted, if no other one is granted before.
        retry_after: Duration,
    },
}

/// Where a key stands after a request: what the `RateLimit` field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Most requests that are ever granted at once (the burst).
    pub limit: u32,
    /// Requests that would be granted at once from now.
    pub remaining: u32,
    /// How long `remaining` stays as it is if nothing is sent: the time until one more request is refilled.
    ///
    /// This is the effective window of draft-ietf-httpapi-ratelimit-headers-11 §4.1.2 ("the number of seconds within
    /// which the client can use no more than the available quota") taken by its word. The time until the whole burst is
    /// refilled would be wrong in both directions: more than `remaining` is granted within it, and after a refusal
    /// `Retry-After` would end before it, which §6 says it should not.
    pub reset: Duration,
}
