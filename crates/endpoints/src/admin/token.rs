//! The operator's secret, and whether a request carries it.
//!
//! INVARIANT: the token has an audience of its own. It is compared whole, by hash and in constant time, and nothing else is
//! ever taken for it: no token that an issuer made for a user, no API key of a service (Pomerium CVE-2024-47616).

use aws_lc_rs::digest::{SHA256, digest};
use http::header;
use subtle::ConstantTimeEq;

/// The operator's secret: its SHA-256, so that there is nothing to print, and nothing but the whole to compare.
pub struct AdminToken([u8; 32]);

impl AdminToken {
    /// Takes the secret.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(hash(secret))
    }

    /// Whether a request carries it as its only bearer token.
    pub(super) fn is_in(&self, headers: &http::HeaderMap) -> bool {
        let mut sent = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(only), None) = (sent.next(), sent.next()) else { return false };
        let Some((scheme, token)) = only.to_str().ok().and_then(|value| value.split_once(' ')) else {
            return false;
        };
        scheme.eq_ignore_ascii_case("bearer") && bool::from(hash(token.as_bytes()).ct_eq(&self.0))
    }
}

fn hash(secret: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret).as_ref());
    hash
}
