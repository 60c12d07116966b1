//! The tokens that must not get in, each with the answer it must get. Every one is made from a token that passes, and
//! differs in what its name says; where the signature is not the point, it is a good one.

use serde_json::{Value, json};

use super::tests::outcome;
use crate::dev_issuer::DevIssuer;
use crate::testing::{LEEWAY, at, bearer, claims, claims_with, dev, identifier, now, present};
use crate::{FAULTS, FaultAnswer, Identifier, base64url};

mod form;
mod header;
mod payload;
mod signature;

/// The answers: `INVALID` is 401, `MALFORMED` 400, `UNAVAILABLE` 503.
const INVALID: FaultAnswer = FaultAnswer::Invalid;
const MALFORMED: FaultAnswer = FaultAnswer::Malformed;
const UNAVAILABLE: FaultAnswer = FaultAnswer::Unavailable;

struct Case {
    name: String,
    token: String,
    expected: (FaultAnswer, &'static str),
}

#[derive(Default)]
struct Cases(Vec<Case>);

impl Cases {
    fn add(&mut self, answer: FaultAnswer, code: &'static str, name: impl Into<String>, token: String) {
        self.0.push(Case { name: name.into(), token, expected: (answer, code) });
    }

    /// Tokens whose payload has one member that is wrong.
    fn claims(&mut self, code: &'static str, changes: &[Value]) {
        for change in changes {
            self.add(
                INVALID,
                code,
                change.to_string(),
                es256().sign(&claims_with(change.clone()), "at+jwt").unwrap(),
            );
        }
    }

    /// Tokens whose payload is this text. `CLAIMS` stands for claims that pass, without their braces.
    fn payloads(&mut self, code: &'static str, payloads: &[&[u8]]) {
        for payload in payloads {
            let payload = with_claims(payload);
            let name =
                format!("payload {}", String::from_utf8_lossy(&payload).chars().take(60).collect::<String>());
            self.add(
                INVALID,
                code,
                name,
                es256().sign_exactly(header().to_string().as_bytes(), &payload).unwrap(),
            );
        }
    }

    /// Tokens whose header is this text. `HEADER` stands for members that pass.
    fn headers(&mut self, code: &'static str, headers: &[&[u8]]) {
        let members = header().to_string();
        for header in headers {
            let header = replace(header, b"HEADER", members.trim_matches(['{', '}']).as_bytes());
            let name =
                format!("header {}", String::from_utf8_lossy(&header).chars().take(90).collect::<String>());
            self.add(
                INVALID,
                code,
                name,
                es256().sign_exactly(&header, claims().to_string().as_bytes()).unwrap(),
            );
        }
    }
}

fn es256() -> &'static DevIssuer {
    dev("ES256")
}

fn header() -> Value {
    json!({ "alg": "ES256", "kid": es256().key_id(), "typ": "at+jwt" })
}

fn good() -> String {
    es256().sign(&claims(), "at+jwt").unwrap()
}

fn with_claims(payload: &[u8]) -> Vec<u8> {
    let members = claims().to_string();
    replace(payload, b"CLAIMS", members.trim_matches(['{', '}']).as_bytes())
}

fn replace(text: &[u8], this: &[u8], by: &[u8]) -> Vec<u8> {
    match text.windows(this.len()).position(|window| window == this) {
        Some(place) => [&text[..place], by, &text[place + this.len()..]].concat(),
        None => text.to_vec(),
    }
}

/// Signed well, by this header instead.
fn headed(header: &Value) -> String {
    es256().sign_exactly(header.to_string().as_bytes(), claims().to_string().as_bytes()).unwrap()
}

fn headed_with(change: Value) -> String {
    let mut header = header();
    header.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    headed(&header)
}

fn unsigned(header: &Value) -> String {
    let encode = |value: &Value| base64url::encode(value.to_string().as_bytes());
    format!("{}.{}", encode(header), encode(&claims()))
}

fn believing() -> Identifier {
    identifier(&[es256().jwk(), dev("RS256").jwk(), dev("EdDSA").jwk()])
}

const PARTS: [fn(&mut Cases); 7] = [
    form::form,
    header::algorithms,
    header::header_members,
    payload::issuer_and_audience,
    payload::times,
    payload::claims_of_wrong_type,
    signature::signatures,
];

#[test]
fn none_gets_in_and_each_gets_its_answer() {
    let identifier = believing();
    identifier.identify(&bearer(&good()), now()).unwrap();
    let mut cases = Cases::default();
    for part in PARTS {
        part(&mut cases);
    }
    assert!(cases.0.len() >= 400, "{} tokens", cases.0.len());
    let mut wrong = Vec::new();
    for Case { name, token, expected } in &cases.0 {
        let found = outcome(&identifier.identify(&bearer(token), now()));
        if found.as_ref().map(|(answer, code)| (*answer, *code)) != Some(*expected) {
            wrong.push(format!("{name}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.0.len(), wrong.join("\n"));
    // Whatever can be wrong with a token was wrong with one of these.
    let untested: Vec<_> = FAULTS
        .iter()
        .filter(|fault| {
            fault.code.starts_with("token_") && !cases.0.iter().any(|case| case.expected.1 == fault.code)
        })
        .collect();
    assert!(untested.is_empty(), "{untested:?}");
    assert_eq!(identifier.cached(), 1, "only the good token is remembered");
}

#[test]
fn a_refused_token_is_refused_again_and_with_a_leeway_less_clock() {
    let identifier = believing();
    let token = es256().sign(&claims_with(json!({ "exp": present() + 1 })), "at+jwt").unwrap();
    let code = |second: u64| outcome(&identifier.identify(&bearer(&token), at(second))).map(|(_, code)| code);
    assert_eq!(code(present()), None);
    assert_eq!(code(present() + LEEWAY), None, "the last second of leeway");
    assert_eq!(code(present() + 1 + LEEWAY), Some("token_expired"), "remembered, but over");
    assert_eq!(code(present() + 1 + LEEWAY), Some("token_expired"));
    assert_eq!(code(present() - LEEWAY), None, "the earliest clock for this `iat`");
    assert_eq!(code(present() - LEEWAY - 1), Some("token_time"), "a clock set back");
}
