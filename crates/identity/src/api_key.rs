//! API keys: how one looks, what stands in the store for it, and the snapshot the request path asks.
//!
//! A key is `pk_`, a public prefix of 8 characters for look-up, `_`, and 256 random bits as base64url. The store has
//! the SHA-256 of the whole key. A slow, salted hash would add nothing: those exist to make guessing passwords costly,
//! and 256 random bits cannot be guessed at any speed, while every request would pay for it.

use subtle::ConstantTimeEq;

use crate::{PrincipalKind, Secret, base64url};

mod snapshot;
mod store;

pub use snapshot::ApiKeys;
pub use store::{ApiKeyError, KeyStore};

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What the key stands for.
    pub kind: PrincipalKind,
    /// The identifier of its principal: 1 to 255 bytes.
    pub id: String,
    /// What the key is for, for people: at most 200 bytes.
    pub name: String,
    /// OAuth scopes it carries.
    pub scopes: Vec<String>,
    /// Groups it puts the principal in.
    pub groups: Vec<String>,
    /// Roles it gives the principal.
    pub roles: Vec<String>,
    /// The principal's plan.
    pub tier: Option<String>,
    /// When it ends; never, if `None`.
    pub expires: Option<std::time::SystemTime>,
}

/// What is known of a key: everything but the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its public prefix, which names it.
    pub prefix: String,
    /// What it stands for.
    pub kind: PrincipalKind,
    /// The identifier of its principal.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Scopes it carries.
    pub scopes: Vec<String>,
    /// Groups it puts the principal in.
    pub groups: Vec<String>,
    /// Roles it gives the principal.
    pub roles: Vec<String>,
    /// The principal's plan.
    pub tier: Option<String>,
    /// When it was made, to the second.
    pub created: std::time::SystemTime,
    /// When it ends.
    pub expires: Option<std::time::SystemTime>,
    /// When it was revoked.
    pub revoked: Option<std::time::SystemTime>,
}

/// A public prefix: 8 characters of Crockford's base 32, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Prefix([u8; PREFIX_LENGTH]);

/// The SHA-256 of a whole key.
#[derive(Clone, Copy)]
struct KeyHash([u8; 32]);

impl Prefix {
    /// From the text of a prefix.
    fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; PREFIX_LENGTH] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(|byte| ALPHABET.contains(byte)).then_some(Self(bytes))
    }

    /// The prefix in a key, if the text has the form of one. The form is fixed to the last character.
    fn of_key(key: &str) -> Option<Self> {
        let rest = key.strip_prefix("pk_")?;
        let (prefix, secret) = rest.split_at_checked(PREFIX_LENGTH)?;
        let secret = base64url::decode(secret.strip_prefix('_')?)?;
        if secret.len() != SECRET_LENGTH {
            return None;
        }
        Self::parse(prefix)
    }

    fn text(&self) -> String {
        self.0.iter().map(|byte| char::from(*byte)).collect()
    }
}

impl KeyHash {
    fn of(key: &str) -> Self {
        let mut hash = [0; 32];
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
        hash.copy_from_slice(digest.as_ref());
        Self(hash)
    }

    /// In constant time, so that answering teaches nothing about the hash.
    fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Makes a key out of the system's randomness.
fn generate() -> Result<(Prefix, Secret), aws_lc_rs::error::Unspecified> {
    let mut prefix = [0; PREFIX_LENGTH];
    let mut secret = zeroize::Zeroizing::new([0; SECRET_LENGTH]);
    aws_lc_rs::rand::fill(&mut prefix)?;
    aws_lc_rs::rand::fill(&mut *secret)?;
    let prefix = Prefix(prefix.map(|byte| ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'0')));
    let encoded = zeroize::Zeroizing::new(base64url::encode(&*secret));
    Ok((prefix, Secret::new(format!("pk_{}_{}", prefix.text(), encoded.as_str()))))
}

const PREFIX_LENGTH: usize = 8;
const SECRET_LENGTH: usize = 32;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

#[cfg(test)]
mod tests;
