//! Tokens with a header that an honest issuer would not write, signed well unless that is the point.

use aws_lc_rs::hmac;
use serde_json::json;

use super::{Cases, INVALID, es256, headed, headed_with, header, unsigned};
use crate::base64url;
use crate::dev_issuer::DevIssuer;
use crate::testing::{claims, dev};

pub(super) fn algorithms(cases: &mut Cases) {
    let key_id = es256().key_id();
    for name in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "HS256",
        "HS384",
        "HS512",
        "es256",
        "ES256 ",
        " ES256",
        "ES512",
        "ES256K",
        "RSA-OAEP",
        "dir",
        "A128KW",
        "EdDSA2",
        "Ed448",
        "RS1",
        "PS256,ES256",
    ] {
        cases.add(INVALID, "token_algorithm", format!("alg {name:?}"), headed_with(json!({ "alg": name })));
    }
    for alg in
        [json!(null), json!(1), json!(["ES256"]), json!({}), json!(""), json!("ES256\u{0}"), json!(true)]
    {
        cases.add(INVALID, "token_header", format!("alg {alg}"), headed_with(json!({ "alg": alg })));
    }
    cases.add(INVALID, "token_header", "no alg", headed(&json!({ "kid": key_id, "typ": "at+jwt" })));
    for name in ["RS256", "PS256", "ES384", "EdDSA"] {
        let token = headed_with(json!({ "alg": name }));
        cases.add(INVALID, "token_algorithm", format!("{name} with the ES256 key"), token);
    }
    for (name, signature) in [("empty", ""), ("no", "AA"), ("zero", &"A".repeat(86))] {
        let none = json!({ "alg": "none", "kid": key_id, "typ": "at+jwt" });
        cases.add(
            INVALID,
            "token_algorithm",
            format!("none, {name} signature"),
            format!("{}.{signature}", unsigned(&none)),
        );
    }
    // The classic: the public key as HMAC secret, in every form an attacker can guess.
    for issuer in [es256(), dev("RS256"), dev("EdDSA")] {
        let jwk = issuer.jwk();
        let field = |name: &str| jwk[name].as_str().map(str::to_owned).unwrap_or_default().into_bytes();
        let secrets =
            [jwk.to_string().into_bytes(), field("x"), field("n"), field("kid"), issuer.jwks().into_bytes()];
        for (place, secret) in secrets.iter().enumerate() {
            for (name, algorithm) in [("HS256", hmac::HMAC_SHA256), ("HS512", hmac::HMAC_SHA512)] {
                let signed = unsigned(&json!({ "alg": name, "kid": issuer.key_id(), "typ": "at+jwt" }));
                let tag = hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes());
                let token = format!("{signed}.{}", base64url::encode(tag.as_ref()));
                let key = issuer.key_id();
                cases.add(
                    INVALID,
                    "token_algorithm",
                    format!("{name} with public key {key} as {place}"),
                    token,
                );
            }
        }
    }
}

pub(super) fn header_members(cases: &mut Cases) {
    let attacker = DevIssuer::generate("ES256").unwrap();
    let refused = [
        json!({ "crit": [] }),
        json!({ "crit": ["exp"] }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "crit": "exp" }),
        json!({ "crit": null }),
        json!({ "b64": false }),
        json!({ "b64": true }),
        json!({ "zip": "DEF" }),
        json!({ "zip": null }),
        json!({ "jwk": attacker.jwk() }),
        json!({ "jwk": null }),
        json!({ "jwk": es256().jwk() }),
        json!({ "jku": "https://issuer.test/jwks" }),
        json!({ "jku": "" }),
        json!({ "x5u": "https://issuer.test/x5u" }),
        json!({ "x5u": 1 }),
        json!({ "cty": "JWT" }),
        json!({ "cty": "jwt" }),
        json!({ "cty": "application/jwt" }),
        json!({ "cty": null }),
        json!({ "kid": null }),
        json!({ "kid": 1 }),
        json!({ "kid": "" }),
        json!({ "kid": [es256().key_id()] }),
        json!({ "kid": "x\u{0}" }),
        json!({ "kid": "x\n" }),
        json!({ "kid": "x".repeat(257) }),
        json!({ "typ": null }),
        json!({ "typ": 1 }),
        json!({ "typ": ["at+jwt"] }),
        json!({ "typ": "" }),
        json!({ "typ": "at+jwt\u{0}" }),
    ];
    for change in refused {
        cases.add(INVALID, "token_header", format!("header {change}"), headed_with(change));
    }
    for kind in [
        "id+jwt",
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "JOSE",
        "at+jwt ",
        "at+jw",
        "jwt+at",
        "application/application/at+jwt",
        "text/at+jwt",
        "at+jwt;x=y",
        "client-authentication+jwt",
    ] {
        cases.add(INVALID, "token_type", format!("typ {kind:?}"), headed_with(json!({ "typ": kind })));
    }
    let untyped = json!({ "alg": "ES256", "kid": es256().key_id() });
    cases.add(INVALID, "token_type", "no typ", headed(&untyped));
    for id in
        ["unknown", "../../../../dev/null", "' OR 1=1 --", "http://127.0.0.1/", "*", &es256().key_id()[1..]]
    {
        cases.add(INVALID, "token_key", format!("kid {id:?}"), headed_with(json!({ "kid": id })));
    }
    // Two RSA algorithms fit one key, but here three keys of three kinds are known and none is for ES384.
    cases.add(INVALID, "token_key", "no kid, none fits", headed(&json!({ "alg": "ES384", "typ": "at+jwt" })));

    let self_made = json!({ "alg": "ES256", "kid": attacker.key_id(), "typ": "at+jwt" });
    let payload = claims().to_string();
    let forged = attacker.sign_exactly(self_made.to_string().as_bytes(), payload.as_bytes()).unwrap();
    cases.add(INVALID, "token_key", "a key of one's own", forged);
    let borrowed = attacker.sign_exactly(header().to_string().as_bytes(), payload.as_bytes()).unwrap();
    cases.add(INVALID, "token_signature", "a known kid over a key of one's own", borrowed);
    let bare = json!({ "alg": "ES256", "typ": "at+jwt" });
    let nameless = attacker.sign_exactly(bare.to_string().as_bytes(), payload.as_bytes()).unwrap();
    cases.add(INVALID, "token_signature", "no kid over a key of one's own", nameless);
}
