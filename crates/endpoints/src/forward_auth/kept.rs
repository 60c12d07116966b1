//! Answers that an asking proxy comes back for.
//!
//! INVARIANT: bounded by count, by size and by time, and each is given once. One that is not there any more costs its
//! caller the reason, never the refusal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use portcullis_request::Reference;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

/// Answers by the reference of their decision.
pub(crate) struct Kept(Cache<Reference, Arc<Whole>, BySize>);

/// An answer, and until when it is given.
struct Whole {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    until: Instant,
    weight: u64,
}

#[derive(Clone)]
struct BySize;

impl Weighter<Reference, Arc<Whole>> for BySize {
    fn weight(&self, _: &Reference, whole: &Arc<Whole>) -> u64 {
        whole.weight
    }
}

impl Default for Kept {
    fn default() -> Self {
        let mut options = OptionsBuilder::new();
        options.estimated_items_capacity(MOST).weight_capacity(MOST_BYTES).shards(SHARDS);
        // Every value needed is given just above; without one there is a cache of the same size in other parts.
        let cache = match options.build() {
            Ok(options) => Cache::with_options(
                options,
                BySize,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            Err(_) => Cache::with_weighter(MOST, MOST_BYTES, BySize),
        };
        Self(cache)
    }
}

impl Kept {
    /// Keeps an answer for a moment; one that is too large is not kept.
    pub(crate) fn keep(&self, reference: Reference, whole: Response<Bytes>, now: Instant) {
        let (parts, body) = whole.into_parts();
        let fields = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD);
        let size = u64::try_from(body.len() + fields.sum::<usize>()).unwrap_or(u64::MAX);
        if size > LARGEST {
            tracing::warn!(%reference, size, "an answer is too large to be kept for the asking proxy");
            return;
        }
        // The floor bounds the count.
        let weight = size.max(MOST_BYTES / MOST as u64);
        let whole = Whole { status: parts.status, headers: parts.headers, body, until: now + LIFE, weight };
        self.0.insert(reference, Arc::new(whole));
    }

    /// Gives an answer away.
    pub(crate) fn take(&self, reference: Reference, now: Instant) -> Option<Response<Bytes>> {
        let (_, whole) = self.0.remove(&reference)?;
        if now > whole.until {
            return None;
        }
        let mut response = Response::new(whole.body.clone());
        *response.status_mut() = whole.status;
        *response.headers_mut() = whole.headers.clone();
        Some(response)
    }
}

/// How long an answer waits. The asking proxy comes at once; seconds are for one that is overloaded.
const LIFE: Duration = Duration::from_secs(10);

/// Most answers: a thousand refusals a second, each fetched within the time it is kept.
const MOST: usize = 10_000;

/// Most bytes of them all.
const MOST_BYTES: u64 = 16 << 20;

/// Largest answer, bytes: a page with everything in it has ten thousand. Well within the part that one lock guards.
const LARGEST: u64 = 256 << 10;

/// Parts with a lock each.
const SHARDS: usize = 8;

/// Bytes that a header field takes beside its text.
const FIELD: usize = 64;

#[cfg(test)]
mod tests;
