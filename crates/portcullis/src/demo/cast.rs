//! The people of the demo and their tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::DemoError;
use super::issuer::Issuer;

/// One day: long enough to copy lines from the tour all afternoon.
const LIFETIME: u64 = 24 * 60 * 60;

/// Tokens by what they are good for.
pub(crate) struct Tokens {
    /// Premium customer.
    pub(crate) alice: String,
    /// Alice's token of yesterday.
    pub(crate) alice_expired: String,
    /// Customer on the free plan, on his own laptop.
    pub(crate) bob: String,
    /// Manager, on her company laptop; signed in with a password.
    pub(crate) carol: String,
    /// Manager, on an old tablet.
    pub(crate) carol_tablet: String,
    /// Manager, signed in a minute ago with a second factor.
    pub(crate) carol_mfa: String,
}

/// Signs everybody's token.
pub(super) fn tokens(issuer: &Issuer, iss: &str) -> Result<Tokens, DemoError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let token = |sub: &str, device: &str, acr: &str, issued: u64| {
        issuer.sign(&json!({
            "iss": iss, "aud": "shop", "sub": sub, "iat": issued, "exp": issued + LIFETIME, "auth_time": issued,
            "scope": "orders:read", "device_id": device, "acr": acr,
        }))
    };
    let yesterday = now.saturating_sub(2 * LIFETIME);
    Ok(Tokens {
        alice: token("alice", "alices-phone", "pwd", now)?,
        alice_expired: token("alice", "alices-phone", "pwd", yesterday)?,
        bob: token("bob", "bobs-laptop", "pwd", now)?,
        carol: token("carol", "carols-laptop", "pwd", now)?,
        carol_tablet: token("carol", "carols-old-tablet", "pwd", now)?,
        carol_mfa: token("carol", "carols-laptop", "mfa", now)?,
    })
}
