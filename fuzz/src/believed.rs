//! The issuers that the targets `token` and `jwks` believe: their settings, and the tokens that are theirs. The keys
//! that signed those are gone; `cargo run -p portcullis-identity --example sign_fuzz_seeds` makes new ones.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use portcullis_identity::{ClaimNames, IssuerSettings, KeySource, PrincipalKind};

/// The public keys of [`ISSUER`], one for each algorithm.
pub const JWKS: &str = include_str!("../keys/jwks.json");
/// Who signed [`tokens`].
pub const ISSUER: &str = "https://issuer.test";
/// Whom they are for.
pub const AUDIENCE: &str = "portcullis";
/// The present of every input, in seconds since 1970: 2027-01-15. The tokens hold an hour longer.
pub const NOW: u64 = 1_800_000_000;
/// Seconds by which clocks may differ.
pub const LEEWAY: u64 = 30;

const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// The tokens that hold: each was signed by one of the keys. There are no others.
pub fn tokens() -> impl Iterator<Item = &'static str> {
    include_str!("../keys/tokens.txt").lines()
}

/// The present.
pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

/// An issuer that is believed by the keys in this file.
pub fn settings(issuer: &str, id_prefix: &str, keys: &Path) -> IssuerSettings {
    IssuerSettings {
        issuer: issuer.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        algorithms: ALGORITHMS.map(str::to_owned).to_vec(),
        types: vec!["at+jwt".to_owned()],
        keys: KeySource::File(keys.to_owned()),
        leeway: Duration::from_secs(LEEWAY),
        // The present of the inputs is far from the machine's.
        stale_keys_after: Duration::from_secs(1 << 40),
        refresh: Duration::from_secs(300),
        kind: PrincipalKind::User,
        id_prefix: id_prefix.to_owned(),
        claims: ClaimNames {
            id: "sub".to_owned(),
            groups: Some("groups".to_owned()),
            roles: Some("realm_access.roles".to_owned()),
            tier: Some("tier".to_owned()),
            device: Some("device".to_owned()),
            scopes: "scope".to_owned(),
            attributes: BTreeMap::from([("department".to_owned(), "department".to_owned())]),
        },
    }
}

/// The one field `Authorization`, if the bytes can stand in a field.
pub fn authorization(value: &[u8]) -> Option<HeaderMap> {
    let value = HeaderValue::from_bytes(value).ok()?;
    Some(HeaderMap::from_iter([(http::header::AUTHORIZATION, value)]))
}

/// As parts of a token are written.
pub fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
