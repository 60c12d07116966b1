//! Tokens whose claims must not be believed, signed well.

use serde_json::json;

use super::{Cases, UNAVAILABLE, es256, with_claims};
use crate::testing::{ISSUER, LEEWAY, claims_with, present};

pub(super) fn issuer_and_audience(cases: &mut Cases) {
    cases.claims(
        "token_issuer",
        &[
            json!({ "iss": null }),
            json!({ "iss": 1 }),
            json!({ "iss": [ISSUER] }),
            json!({ "iss": {} }),
            json!({ "iss": "" }),
            json!({ "iss": "https://issuer.test" }),
            json!({ "iss": "https://issuer.test//" }),
            json!({ "iss": "https://ISSUER.test/" }),
            json!({ "iss": "http://issuer.test/" }),
            json!({ "iss": " https://issuer.test/" }),
            json!({ "iss": "https://issuer.test/\u{0}" }),
            json!({ "iss": "https://evil.test/" }),
            json!({ "iss": "https://issuer.test/@evil.test" }),
        ],
    );
    cases.payloads("token_issuer", &[b"{}", b"{\"iss\":null}", b"{\"Iss\":\"https://issuer.test/\"}"]);
    cases.claims(
        "token_audience",
        &[
            json!({ "aud": null }),
            json!({ "aud": 1 }),
            json!({ "aud": true }),
            json!({ "aud": {} }),
            json!({ "aud": { "portcullis": true } }),
            json!({ "aud": [] }),
            json!({ "aud": [1] }),
            json!({ "aud": ["portcullis", 1] }),
            json!({ "aud": ["portcullis", null] }),
            json!({ "aud": [["portcullis"]] }),
            json!({ "aud": "" }),
            json!({ "aud": "Portcullis" }),
            json!({ "aud": "portcullis " }),
            json!({ "aud": "portculli" }),
            json!({ "aud": "portcullis second" }),
            json!({ "aud": ["other", "another"] }),
            json!({ "aud": "*" }),
        ],
    );
}

pub(super) fn times(cases: &mut Cases) {
    let t = present();
    cases.claims(
        "token_expired",
        &[
            json!({ "exp": t - LEEWAY }),
            json!({ "exp": t - LEEWAY - 1 }),
            json!({ "exp": 0 }),
            json!({ "exp": 1 }),
            json!({ "exp": t - 86_400, "nbf": t - 90_000, "iat": t - 90_000 }),
        ],
    );
    cases.claims(
        "token_not_yet_valid",
        &[json!({ "nbf": t + LEEWAY + 1 }), json!({ "nbf": t + 299 }), json!({ "nbf": 253_402_300_799_u64 })],
    );
    cases.claims(
        "token_time",
        &[json!({ "iat": t + LEEWAY + 1 }), json!({ "auth_time": t + LEEWAY + 1 }), json!({ "exp": null })],
    );
    for name in ["exp", "nbf", "iat", "auth_time"] {
        for odd in [
            json!("123"),
            json!(t.to_string()),
            json!(""),
            json!(true),
            json!([t]),
            json!({}),
            json!(1.5),
            json!(-1),
            json!(-0.0),
            json!(-1.0),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1e300),
            json!(1e-300),
            json!(253_402_300_800_u64),
            json!(f64::from(u32::MAX) + 0.5),
        ] {
            cases.claims("token_time", &[json!({ name: odd })]);
        }
    }
    let null = br#"{"iss":"https://issuer.test/","aud":"portcullis","sub":"alice","exp":null}"#;
    cases.payloads("token_time", &[null]);
    let huge = br#"{"iss":"https://issuer.test/","aud":"portcullis","sub":"alice","exp":1e999}"#;
    cases.payloads("token_malformed", &[huge]);
}

pub(super) fn claims_of_wrong_type(cases: &mut Cases) {
    cases.claims(
        "token_subject",
        &[
            json!({ "sub": null }),
            json!({ "sub": "" }),
            json!({ "sub": 1 }),
            json!({ "sub": ["alice"] }),
            json!({ "sub": {} }),
            json!({ "sub": "alice\u{0}" }),
            json!({ "sub": "alice\r\nX-Admin: 1" }),
            json!({ "sub": "\u{85}" }),
            json!({ "sub": "\u{7f}" }),
            json!({ "sub": "a".repeat(256) }),
        ],
    );
    cases.payloads(
        "token_subject",
        &[format!(r#"{{"iss":"{ISSUER}","aud":"portcullis","exp":{},"sub":null}}"#, present() + 9)
            .as_bytes()],
    );
    cases.claims(
        "token_claim",
        &[
            json!({ "groups": 1 }),
            json!({ "groups": {} }),
            json!({ "groups": [1] }),
            json!({ "groups": [""] }),
            json!({ "groups": ["a", null] }),
            json!({ "groups": [["a"]] }),
            json!({ "groups": "a\n" }),
            json!({ "groups": true }),
            json!({ "realm_access": "admin" }),
            json!({ "realm_access": ["admin"] }),
            json!({ "realm_access": { "roles": 1 } }),
            json!({ "realm_access": { "roles": { "admin": true } } }),
            json!({ "realm_access.roles": 1 }),
            json!({ "tier": 1 }),
            json!({ "tier": ["gold"] }),
            json!({ "tier": "" }),
            json!({ "device": {} }),
            json!({ "device": "a\u{0}" }),
            json!({ "scope": 1 }),
            json!({ "scope": {} }),
            json!({ "scope": ["a b"] }),
            json!({ "scope": [1] }),
            json!({ "scope": "a\"b" }),
            json!({ "scope": "a\tb" }),
            json!({ "scope": "é" }),
            json!({ "acr": 1 }),
            json!({ "acr": ["urn:x"] }),
            json!({ "amr": "pwd" }),
            json!({ "amr": [1] }),
            json!({ "amr": { "pwd": 1 } }),
            json!({ "tier": "a".repeat(1_025) }),
            json!({ "https://claims.test/department": {} }),
            json!({ "https://claims.test/department": [1] }),
            json!({ "https://claims.test/department": [["x"]] }),
            json!({ "https://claims.test/department": "x\n" }),
            json!({ "_claim_names": [] }),
            json!({ "_claim_names": "groups" }),
            json!({ "hasgroups": 1 }),
        ],
    );
    let null = |name: &str| with_claims(format!("{{CLAIMS,\"{name}\":null}}").as_bytes());
    for name in
        ["groups", "realm_access", "tier", "device", "scope", "acr", "amr", "https://claims.test/department"]
    {
        cases.payloads("token_claim", &[&null(name)]);
    }
    let sources = json!({ "src1": { "endpoint": "https://graph.test/users/x/getMemberObjects" } });
    let elsewhere = [
        ("groups_overage", json!({ "_claim_names": { "groups": "src1" }, "_claim_sources": sources })),
        ("groups_overage", json!({ "hasgroups": true })),
        ("groups_overage", json!({ "hasgroups": "true" })),
        ("claims_elsewhere", json!({ "_claim_names": { "tier": "src1" }, "_claim_sources": sources })),
        ("claims_elsewhere", json!({ "_claim_names": { "realm_access": "src1" } })),
        ("claims_elsewhere", json!({ "_claim_names": { "acr": "src1" } })),
    ];
    for (code, change) in elsewhere {
        let name = change.to_string();
        cases.add(UNAVAILABLE, code, name, es256().sign(&claims_with(change), "at+jwt").unwrap());
    }
}
