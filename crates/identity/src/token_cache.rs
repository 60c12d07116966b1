//! Tokens that were verified, so that the next request need not verify them again.
//!
//! INVARIANT: an entry prolongs nothing. Whoever finds one must still ask whether its window contains the present
//! and whether it was made with the present keys. Failures are not kept: they would let strangers fill the cache.
//!
//! INVARIANT: a token finds its own entry only. What is compared is a print of the whole token: SipHash-2-4 of 128 bits
//! (Aumasson, Bernstein 2012) under a key that is drawn with the cache and never leaves it. A digest without a key would
//! have to withstand who searches for two tokens of one print on machines of their own. Here nobody can compute a single
//! print, so all that is left is to send tokens and hope: each finds one of the at most N entries by a chance of N in
//! 2¹²⁸, so that 2⁶⁴ requests find one of ten thousand by a chance of 2⁻⁵⁰. How long a look-up takes depends on the print,
//! which says nothing about the token to who has no key. The token itself is not kept.

use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use aws_lc_rs::rand;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use siphasher::sip128::SipHasher24;

use crate::Principal;
use crate::jwt::Window;

/// What a token is found by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenPrint(u128);

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

/// Bounded by count and by weight; `None` keeps nothing.
pub(crate) struct TokenCache(Option<Kept>);

struct Kept {
    /// With the key; copied, never fed.
    keyed: SipHasher24,
    tokens: Cache<TokenPrint, Arc<Weighed>, ByWeight, BuildHasherDefault<AsItIs>>,
}

pub(crate) struct Weighed {
    entry: Entry,
    weight: u64,
}

#[derive(Clone)]
struct ByWeight;

impl Weighter<TokenPrint, Arc<Weighed>> for ByWeight {
    fn weight(&self, _: &TokenPrint, value: &Arc<Weighed>) -> u64 {
        value.weight
    }
}

/// A print is as random as any hash of it.
impl Hash for TokenPrint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.0);
    }
}

/// Takes half of a print for its hash.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let half = bytes.first_chunk().map_or(0, |half| u64::from_le_bytes(*half));
        self.0 ^= half;
    }
}

impl TokenCache {
    /// A cache for so many tokens; 0 for none. Without randomness for a key there is none either.
    pub(crate) fn new(tokens: usize) -> Self {
        let mut key = [0; 16];
        if tokens == 0 || rand::fill(&mut key).is_err() {
            return Self(None);
        }
        let most = u64::try_from(tokens).unwrap_or(u64::MAX).saturating_mul(USUAL_WEIGHT);
        let hasher = BuildHasherDefault::default();
        Self(Some(Kept {
            keyed: SipHasher24::new_with_key(&key),
            tokens: Cache::with(tokens, most, ByWeight, hasher, DefaultLifecycle::default()),
        }))
    }

    /// The print of a token; `None` where nothing is kept.
    pub(crate) fn print(&self, token: &str) -> Option<TokenPrint> {
        self.0.as_ref().map(|kept| TokenPrint(kept.keyed.hash(token.as_bytes()).as_u128()))
    }

    pub(crate) fn get(&self, token: TokenPrint) -> Option<Arc<Weighed>> {
        self.0.as_ref()?.tokens.get(&token)
    }

    pub(crate) fn insert(&self, token: TokenPrint, entry: Entry, length: usize) {
        let Some(Kept { tokens, .. }) = &self.0 else { return };
        // What a principal holds is at most what its token says. The floor bounds the count.
        let weight = u64::try_from(length).unwrap_or(u64::MAX).max(USUAL_WEIGHT);
        tokens.insert(token, Arc::new(Weighed { entry, weight }));
    }

    pub(crate) fn remove(&self, token: TokenPrint) {
        if let Some(Kept { tokens, .. }) = &self.0 {
            tokens.remove(&token);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| kept.tokens.len())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_is_of_the_whole_token_and_of_this_cache_alone() {
        let (one, other) = (TokenCache::new(10), TokenCache::new(10));
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl".repeat(9);
        assert!(one.print(&token) == one.print(&token.clone()));
        assert!(one.print(&token) != other.print(&token), "a print from elsewhere is worth nothing");
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] ^= 1;
            let changed = String::from_utf8(changed).unwrap();
            assert!(one.print(&token) != one.print(&changed), "byte {at}");
        }
        assert!(one.print(&token) != one.print(&token[1..]));
        assert!(TokenCache::new(0).print(&token).is_none());
    }
}
