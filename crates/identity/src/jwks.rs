//! JSON Web Key Sets (RFC 7517): reading one strictly and finding the key that may verify a token. It fetches
//! nothing and follows no address inside a key (`x5u`): a key is what its own members say.
//!
//! Rules, where the RFC leaves room:
//! - The document is one JSON object of at most 1 MiB with at most 100 keys and no duplicate member names.
//! - A key we cannot use for verifying is set aside with its reason, as §5 asks: unknown `kty`, `crv` or `alg`; `use`
//!   other than `sig`; `key_ops` without `verify`; RSA below 2048 or above 8192 bits.
//! - A symmetric key, or one that shows its private part, is set aside too: whoever can read the document could sign
//!   with it.
//! - If no key is left, the document as a whole is refused.
//! - Two different keys with one `kid` that fit the same algorithm make the document ambiguous: refused as a whole.
//!   The same key twice counts once; one `kid` for keys of different kinds is allowed (§4.5).

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::strict_json::{self, Bounds};

mod key;
pub(crate) use key::VerifyingKey;

/// The usable keys of one issuer.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<VerifyingKey>,
    by_id: BTreeMap<String, Vec<usize>>,
    set_aside: Vec<String>,
    fingerprint: [u8; 32],
}

/// Why a document is no usable key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// Larger than any key set has reason to be.
    #[error("the key set is larger than 1 MiB")]
    TooLarge,
    /// Not a JSON object without duplicate member names.
    #[error("the key set is not readable: {0}")]
    Form(String),
    /// `keys` is not an array of objects.
    #[error("the key set has no array `keys` of objects; is the address that of the `jwks_uri`?")]
    NoKeys,
    /// More than 100.
    #[error("the key set has {0} keys; at most 100 are read")]
    TooMany(usize),
    /// Two keys, one name.
    #[error(
        "the key set has two different keys with the `kid` `{0}` for the same algorithm; the issuer must tell them apart"
    )]
    Ambiguous(String),
    /// Nothing that verifies.
    #[error("the key set has no usable key: {0}")]
    NoneUsable(String),
}

/// Why no key of a set may verify a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// No key has this `kid`: perhaps a newer key set does.
    UnknownId,
    /// The token names no key, and not exactly one fits its algorithm.
    Undetermined(usize),
    /// The key is there, but not for this algorithm.
    WrongAlgorithm,
}

impl KeySet {
    /// Reads a document.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, JwksError> {
        if document.len() > LARGEST {
            return Err(JwksError::TooLarge);
        }
        let members = strict_json::object(document, BOUNDS).map_err(JwksError::Form)?;
        let Some(Value::Array(listed)) = members.get("keys") else { return Err(JwksError::NoKeys) };
        if listed.len() > MOST_KEYS {
            return Err(JwksError::TooMany(listed.len()));
        }
        let mut keys: Vec<VerifyingKey> = Vec::new();
        let mut set_aside = Vec::new();
        for (place, listed) in listed.iter().enumerate() {
            let Value::Object(members) = listed else { return Err(JwksError::NoKeys) };
            match VerifyingKey::from_jwk(members) {
                Ok(key) if keys.contains(&key) => {}
                Ok(key) => keys.push(key),
                Err(why) => set_aside.push(format!("key {}: {why}", place + 1)),
            }
        }
        if keys.is_empty() {
            let why = if set_aside.is_empty() { "it is empty".to_owned() } else { set_aside.join("; ") };
            return Err(JwksError::NoneUsable(why));
        }
        Self::of(keys, set_aside)
    }

    /// The one key that may verify a token with this `alg` and `kid`.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&VerifyingKey, NoKey> {
        let Some(id) = id else {
            let mut fitting = self.keys.iter().filter(|key| key.fits(algorithm));
            return match (fitting.next(), fitting.count()) {
                (Some(key), 0) => Ok(key),
                (Some(_), more) => Err(NoKey::Undetermined(1 + more)),
                (None, _) => Err(NoKey::Undetermined(0)),
            };
        };
        let named = self.by_id.get(id).ok_or(NoKey::UnknownId)?;
        let mut named = named.iter().filter_map(|place| self.keys.get(*place));
        named.find(|key| key.fits(algorithm)).ok_or(NoKey::WrongAlgorithm)
    }

    /// How many keys are usable.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Which keys were set aside, and why.
    pub(crate) fn set_aside(&self) -> &[String] {
        &self.set_aside
    }

    /// Whether both hold the same keys, in whatever order.
    pub(crate) fn same_keys(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }

    fn of(mut keys: Vec<VerifyingKey>, set_aside: Vec<String>) -> Result<Self, JwksError> {
        keys.sort_by(|a, b| a.identity().cmp(&b.identity()));
        let mut by_id = BTreeMap::<String, Vec<usize>>::new();
        let mut hash = digest::Context::new(&digest::SHA256);
        for (place, key) in keys.iter().enumerate() {
            // Length-prefixed by the debug form, so that no two sets of keys hash alike.
            hash.update(format!("{:?}\n", key.identity()).as_bytes());
            if let Some(id) = key.id() {
                by_id.entry(id.to_owned()).or_default().push(place);
            }
        }
        for (id, places) in &by_id {
            let named: Vec<_> = places.iter().filter_map(|place| keys.get(*place)).collect();
            let twice =
                Algorithm::ALL.into_iter().any(|alg| named.iter().filter(|key| key.fits(alg)).count() > 1);
            if twice {
                return Err(JwksError::Ambiguous(id.clone()));
            }
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(hash.finish().as_ref());
        Ok(Self { keys, by_id, set_aside, fingerprint })
    }
}

/// Large providers publish below 50 KiB.
pub(crate) const LARGEST: usize = 1024 * 1024;
const MOST_KEYS: usize = 100;
const BOUNDS: Bounds = Bounds { depth: 8, nodes: 10_000 };

#[cfg(test)]
mod tests;
