//! What this crate's tests share: an issuer of every algorithm, settings that believe it, and a present.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use crate::dev_issuer::DevIssuer;
use crate::{ClaimNames, Identifier, IssuerSettings, KeySource, PrincipalKind};

pub(crate) const ISSUER: &str = "https://issuer.test/";
pub(crate) const AUDIENCE: &str = "portcullis";
pub(crate) const LEEWAY: u64 = 30;
pub(crate) const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// One issuer for each algorithm, made once: RSA keys take their time.
pub(crate) fn dev(algorithm: &str) -> &'static DevIssuer {
    static ISSUERS: [OnceLock<DevIssuer>; ALGORITHMS.len()] = [const { OnceLock::new() }; ALGORITHMS.len()];
    let place = ALGORITHMS.iter().position(|name| *name == algorithm).unwrap();
    ISSUERS[place].get_or_init(|| DevIssuer::generate(algorithm).unwrap())
}

/// The present of a test, in whole seconds: close to the real one, since keys know when they were fetched.
pub(crate) fn present() -> u64 {
    static PRESENT: OnceLock<u64> = OnceLock::new();
    *PRESENT.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

pub(crate) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

pub(crate) fn now() -> SystemTime {
    at(present())
}

/// Claims that pass.
pub(crate) fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": present() + 300, "iat": present() })
}

/// The claims that pass, with these members instead. `null` takes one away.
pub(crate) fn claims_with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

pub(crate) fn settings(keys: KeySource) -> IssuerSettings {
    IssuerSettings {
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned(), "second".to_owned()],
        algorithms: ALGORITHMS.map(str::to_owned).to_vec(),
        types: vec!["at+jwt".to_owned(), "JWT".to_owned()],
        keys,
        leeway: Duration::from_secs(LEEWAY),
        stale_keys_after: Duration::from_secs(3_600),
        refresh: Duration::from_secs(300),
        kind: PrincipalKind::User,
        id_prefix: "test|".to_owned(),
        claims: ClaimNames {
            id: "sub".to_owned(),
            groups: Some("groups".to_owned()),
            roles: Some("realm_access.roles".to_owned()),
            tier: Some("tier".to_owned()),
            device: Some("device".to_owned()),
            scopes: "scope".to_owned(),
            attributes: [("department".to_owned(), "https://claims.test/department".to_owned())].into(),
        },
    }
}

/// A key file, written into a folder that lives as long as the test.
pub(crate) fn key_file(folder: &Path, keys: &[Value]) -> KeySource {
    let path = folder.join("jwks.json");
    std::fs::write(&path, json!({ "keys": keys }).to_string()).unwrap();
    KeySource::File(path)
}

/// Believes exactly these keys of [`ISSUER`], by these settings.
pub(crate) fn identifier_with(keys: &[Value], change: impl FnOnce(&mut IssuerSettings)) -> Identifier {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(key_file(folder.path(), keys));
    change(&mut settings);
    Identifier::new(vec![settings], None).unwrap()
}

/// Believes exactly these keys of [`ISSUER`].
pub(crate) fn identifier(keys: &[Value]) -> Identifier {
    identifier_with(keys, |_| {})
}

pub(crate) fn bearer(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
    headers
}
