//! Tokens that were verified, so that the next request need not verify them again.
//!
//! INVARIANT: an entry prolongs nothing. Whoever finds one must still ask whether its window contains the present
//! and whether it was made with the present keys. Failures are not kept: they would let strangers fill the cache.

use std::sync::Arc;

use aws_lc_rs::digest;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::Principal;
use crate::jwt::Window;

/// The SHA-256 of a token: the token itself is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash([u8; 32]);

/// A verified token.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) principal: Arc<Principal>,
    pub(crate) window: Window,
    /// Place among the identifier's issuers.
    pub(crate) issuer: usize,
    /// Of the keys that verified it.
    pub(crate) generation: u64,
}

/// Bounded by count and by weight.
pub(crate) struct TokenCache(Option<Cache<TokenHash, Arc<Weighed>, ByWeight>>);

pub(crate) struct Weighed {
    entry: Entry,
    weight: u64,
}

#[derive(Clone)]
struct ByWeight;

impl Weighter<TokenHash, Arc<Weighed>> for ByWeight {
    fn weight(&self, _: &TokenHash, value: &Arc<Weighed>) -> u64 {
        value.weight
    }
}

impl TokenHash {
    pub(crate) fn of(token: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        Self(hash)
    }
}

impl TokenCache {
    /// A cache for so many tokens; 0 for none.
    pub(crate) fn new(tokens: usize) -> Self {
        let most = u64::try_from(tokens).unwrap_or(u64::MAX).saturating_mul(USUAL_WEIGHT);
        Self((tokens > 0).then(|| Cache::with_weighter(tokens, most, ByWeight)))
    }

    pub(crate) fn get(&self, token: &TokenHash) -> Option<Arc<Weighed>> {
        self.0.as_ref()?.get(token)
    }

    pub(crate) fn insert(&self, token: TokenHash, entry: Entry, length: usize) {
        let Some(cache) = &self.0 else { return };
        // What a principal holds is at most what its token says. The floor bounds the count.
        let weight = u64::try_from(length).unwrap_or(u64::MAX).max(USUAL_WEIGHT);
        cache.insert(token, Arc::new(Weighed { entry, weight }));
    }

    pub(crate) fn remove(&self, token: &TokenHash) {
        if let Some(cache) = &self.0 {
            cache.remove(token);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, Cache::len)
    }
}

impl std::ops::Deref for Weighed {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

/// Bytes of a usual token. One that is longer takes the room of several.
const USUAL_WEIGHT: u64 = 1_024;
