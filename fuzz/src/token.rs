//! Bearer tokens, in three kinds by the first line: `raw`, an `Authorization` field as it stands; `parts`, header,
//! payload and signature, one in each line, put together as a token; `signed`, header and payload, signed here by a key
//! that is believed.
//!
//! Holds for every input: of the first two kinds nothing is a principal but, byte for byte, a token that the issuer
//! signed; of the third, only what a plain reader of the same JSON finds to be in force and for us. A remembered token
//! says what it said before, and no fault repeats the token.

use std::sync::{Arc, LazyLock};

use portcullis_identity::dev_issuer::DevIssuer;
use portcullis_identity::{Absence, How, Identifier, Principal};
use serde_json::Value;

use crate::believed;

/// What must hold.
pub fn check(input: &[u8]) {
    let (kind, rest) = split(input);
    match kind {
        b"raw" => forged(rest),
        b"parts" => {
            let (header, rest) = split(rest);
            let (payload, signature) = split(rest);
            let token = [&*believed::encoded(header), &*believed::encoded(payload)].join(".");
            forged(&[b"Bearer ", token.as_bytes(), b".", signature].concat());
        }
        b"signed" => {
            let (header, payload) = split(rest);
            signed(header, payload);
        }
        _ => forged(input),
    }
}

fn split(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[]),
    }
}

/// Nobody but the corpus has a signature.
fn forged(field: &[u8]) {
    let Some(Ok(principal)) = identified(field) else { return };
    let token = field.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    assert!(believed::tokens().any(|known| known.as_bytes() == token), "a token nobody signed is believed");
    assert_eq!(principal.id, "issuer|alice");
}

/// Whatever a believed issuer signs.
fn signed(header: &[u8], payload: &[u8]) {
    let token = WORLD.issuer.sign_exactly(header, payload).expect("Ed25519 signs anything");
    let Some(Ok(principal)) = identified(format!("Bearer {token}").as_bytes()) else { return };
    let header: Value = serde_json::from_slice(header).expect("a believed header is JSON");
    let payload: Value = serde_json::from_slice(payload).expect("a believed payload is JSON");
    assert_eq!(header["alg"], "EdDSA");
    let kind = header["typ"].as_str().expect("a believed header has a type").to_ascii_lowercase();
    assert_eq!(kind.strip_prefix("application/").unwrap_or(&kind), "at+jwt");
    assert!(header.get("kid").is_none_or(|id| id == WORLD.issuer.key_id()));
    for refused in ["crit", "b64", "zip", "jwk", "jku", "x5u", "cty"] {
        assert!(header.get(refused).is_none(), "`{refused}` in the header is believed");
    }
    assert_eq!(payload["iss"], SIGNED);
    let audience = &payload["aud"];
    let audiences = audience.as_array().map_or(std::slice::from_ref(audience), Vec::as_slice);
    assert!(audiences.iter().any(|audience| audience == believed::AUDIENCE), "for somebody else: {audience}");
    in_force(&payload);
    says_the_same(&principal, &payload);
}

fn in_force(payload: &Value) {
    let (now, leeway) = (believed::NOW as f64, believed::LEEWAY as f64);
    let time = |name: &str| payload.get(name).map(|time| time.as_f64().expect("a believed time is a number"));
    assert!(time("exp").expect("a believed token ends") + leeway > now, "expired");
    for begin in ["nbf", "iat", "auth_time"] {
        assert!(time(begin).is_none_or(|begin| begin - leeway <= now), "`{begin}` is in the future");
    }
}

fn says_the_same(principal: &Principal, payload: &Value) {
    let subject = payload["sub"].as_str().expect("a believed subject is a text");
    assert!(!subject.is_empty() && !subject.contains(char::is_control));
    assert_eq!(principal.id, format!("signed|{subject}"));
    assert!(matches!(&principal.how, How::Token { issuer, .. } if issuer == SIGNED));
    let lists = [
        (&principal.groups, &payload["groups"]),
        (&principal.roles, &payload["realm_access"]["roles"]),
        (&principal.amr, &payload["amr"]),
    ];
    for (ours, written) in lists {
        let theirs = written.as_array().map_or(std::slice::from_ref(written), Vec::as_slice);
        let theirs: Vec<&str> = theirs.iter().filter_map(Value::as_str).collect();
        // A claim whose whole name has the dot counts before the path.
        if payload.get("realm_access.roles").is_none() {
            assert_eq!(ours, &theirs);
        }
    }
    for (ours, name) in [(&principal.tier, "tier"), (&principal.device, "device"), (&principal.acr, "acr")] {
        assert_eq!(ours.as_deref(), payload[name].as_str(), "`{name}`");
    }
    let texts =
        principal.groups.iter().chain(&principal.roles).chain(&principal.scopes).chain(&principal.amr);
    for text in texts.chain(&principal.tier).chain(&principal.device).chain(&principal.acr) {
        assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?} goes on to origins");
    }
}

/// What the gate says of this field, first and remembered. `None` where it can be in no field.
fn identified(field: &[u8]) -> Option<Result<Arc<Principal>, Absence>> {
    let headers = believed::authorization(field)?;
    let fresh = WORLD.forgetful.identify(&headers, believed::now());
    for _ in 0..2 {
        assert_eq!(WORLD.remembering.identify(&headers, believed::now()), fresh, "remembered otherwise");
    }
    if let Err(Absence::Malformed(fault) | Absence::Invalid(fault) | Absence::Unavailable(fault)) = &fresh {
        let token =
            field.rsplit(|byte| *byte == b' ').next().and_then(|token| std::str::from_utf8(token).ok());
        let told = token.is_some_and(|token| token.len() > 40 && fault.detail.contains(token));
        assert!(!told, "the token is in the detail {:?}", fault.detail);
        assert!(fault.detail.len() < 4_000, "a detail of {} bytes", fault.detail.len());
    }
    if let Err(Absence::Unavailable(fault)) = &fresh {
        let elsewhere = ["groups_overage", "claims_elsewhere"].contains(&fault.code);
        assert!(elsewhere, "a token made us unavailable: {}", fault.code);
    }
    Some(fresh)
}

struct World {
    issuer: DevIssuer,
    forgetful: Identifier,
    remembering: Identifier,
}

/// Whose key is here.
const SIGNED: &str = "https://signed.test";

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let issuer = DevIssuer::generate("EdDSA").expect("a key");
    let [public, own] = [file("jwks.json", believed::JWKS), file("own.json", &issuer.jwks())];
    let identifier = || {
        let believed = believed::settings(believed::ISSUER, "issuer|", &public);
        let own = believed::settings(SIGNED, "signed|", &own);
        Identifier::new(vec![believed, own], None).expect("good settings")
    };
    World { forgetful: identifier().with_token_cache(0), remembering: identifier(), issuer }
});
