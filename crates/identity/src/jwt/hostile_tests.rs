//! The tokens that must not get in, each with the answer it must get. Every one is made from a token that passes, and
//! differs in what its name says; where the signature is not the point, it is a good one.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::tests::outcome;
use crate::dev_issuer::DevIssuer;
use crate::testing::{ISSUER, LEEWAY, at, bearer, claims, claims_with, dev, identifier, now, present};
use crate::{FAULTS, FaultAnswer, Identifier, base64url};

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

fn form(cases: &mut Cases) {
    let good = good();
    let parts: Vec<&str> = good.split('.').collect();
    let (h, p, s) = (parts[0], parts[1], parts[2]);
    let broken = [
        ("one part", h.to_owned()),
        ("two parts", format!("{h}.{p}")),
        ("four parts", format!("{good}.{s}")),
        ("five parts", format!("{h}.{p}.{s}.{p}.{s}")),
        ("dot in front", format!(".{good}")),
        ("dot behind", format!("{good}.")),
        ("only dots", "..".to_owned()),
        ("no header", format!(".{p}.{s}")),
        ("no payload", format!("{h}..{s}")),
        ("padded behind", format!("{good}=")),
        ("doubly padded behind", format!("{good}==")),
        ("standard alphabet in the signature", format!("{h}.{p}.+{}", &s[1..])),
        ("slash in the signature", format!("{h}.{p}./{}", &s[1..])),
        ("tilde in the payload", format!("{h}.~{}.{s}", &p[1..])),
        ("trailing bits in the signature", format!("{h}.{p}.{}", next_spelling(s))),
        ("a length that is no base64", format!("{h}.{p}.{}", &s[..81])),
        ("JSON as it is", format!("{}.{p}.{s}", "header")),
        ("parts swapped", format!("{p}.{h}.{s}")),
    ];
    for (name, token) in broken {
        // Swapped parts are well formed; the payload simply is no header.
        let code = if name == "parts swapped" { "token_header" } else { "token_malformed" };
        cases.add(INVALID, code, name, token);
    }
    for (name, token) in [("header", trailing_bits(0)), ("payload", trailing_bits(1))] {
        cases.add(INVALID, "token_malformed", format!("trailing bits in the {name}"), token);
    }
    for encoded in [utf_16("{\"alg\":\"ES256\"}", true), utf_16("{\"alg\":\"ES256\"}", false)] {
        cases.headers("token_malformed", &[&encoded]);
        cases.payloads("token_malformed", &[&encoded]);
    }
    let deep = format!("{{CLAIMS,\"x\":{}1{}}}", "[".repeat(8), "]".repeat(8));
    let deeper = format!("{{CLAIMS,\"x\":{}}}", "{\"a\":".repeat(1_500));
    let wide = format!("{{CLAIMS,\"x\":[{}1]}}", "1,".repeat(4_096));
    cases.payloads("token_malformed", &[deep.as_bytes(), deeper.as_bytes(), wide.as_bytes()]);
    cases.payloads(
        "token_malformed",
        &[
            b"",
            b" ",
            b"null",
            b"true",
            b"1",
            b"\"alice\"",
            b"[]",
            b"[{CLAIMS}]",
            b"{",
            b"{CLAIMS",
            b"{CLAIMS}}",
            b"{CLAIMS}{}",
            b"{CLAIMS},",
            b"{CLAIMS,}",
            b"{,CLAIMS}",
            b"{'sub':'alice',CLAIMS}",
            b"{CLAIMS}\0",
            b"\0{CLAIMS}",
            b"\xef\xbb\xbf{CLAIMS}",
            b"{CLAIMS,\"x\":\"\xff\"}",
            b"{CLAIMS,\"x\":\"\xed\xa0\x80\"}",
            b"{CLAIMS,\"x\":\"\xc0\xaf\"}",
            b"{CLAIMS,\"x\":\"\\ud800\"}",
            b"{CLAIMS,\"x\":\"\n\"}",
            b"{CLAIMS,\"x\":\"\0\"}",
            b"{CLAIMS,\"x\":1e999}",
            b"{CLAIMS,\"x\":-1e999}",
            b"{CLAIMS,\"x\":NaN}",
            b"{CLAIMS,\"x\":Infinity}",
            b"{CLAIMS,\"x\":01}",
            b"{CLAIMS,\"x\":0x10}",
            b"{CLAIMS,\"x\":.5}",
            b"{CLAIMS,\"x\":1.}",
            b"{CLAIMS,\"x\":+1}",
            b"{CLAIMS/**/}",
            b"// x\n{CLAIMS}",
            b"{CLAIMS,x:1}",
            b"{CLAIMS,\"x\":tru}",
            b"{CLAIMS,\"x\"}",
            b"{CLAIMS,\"x\":\"\\q\"}",
            b"\x0b{CLAIMS}",
            b"{CLAIMS,\"sub\":\"alice\"}",
            b"{\"sub\":\"root\",CLAIMS}",
            b"{CLAIMS,\"exp\":99999999999}",
            b"{CLAIMS,\"\\u0073ub\":\"root\"}",
            b"{CLAIMS,\"aud\":\"portcullis\"}",
            b"{\"iss\":\"x\",CLAIMS}",
            b"{CLAIMS,\"x\":{\"y\":1,\"y\":1}}",
            b"{CLAIMS,\"x\":[[{\"y\":1,\"\\u0079\":2}]]}",
            b"{CLAIMS,\"\":1,\"\":2}",
        ],
    );
    cases.headers(
        "token_malformed",
        &[
            b"",
            b"null",
            b"[]",
            b"\"x\"",
            b"{HEADER",
            b"{HEADER}{}",
            b"\xef\xbb\xbf{HEADER}",
            b"{HEADER}\0",
            b"{HEADER,\"alg\":\"ES256\"}",
            b"{\"alg\":\"none\",HEADER}",
            b"{HEADER,\"\\u0061lg\":\"none\"}",
            b"{\"kid\":\"x\",HEADER}",
            b"{HEADER,\"typ\":\"JWT\"}",
            b"{HEADER,\"x\":{\"y\":1,\"y\":2}}",
            b"{HEADER,\"x\":1e999}",
            b"{HEADER,\"x\":\"\xff\"}",
            b"{HEADER,\"x\":[[[[[[[[1]]]]]]]]}",
        ],
    );
    let long = "a".repeat(16 * 1024);
    for (name, token) in [("long signature", format!("{h}.{p}.{long}")), ("long text", long.clone())] {
        cases.add(MALFORMED, "credentials_too_long", name, token);
    }
}

/// The same bytes under a second spelling that a lax decoder accepts.
fn next_spelling(part: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert_ne!(part.len() % 4, 0, "the last character must have bits to spare");
    let (rest, last) = part.split_at(part.len() - 1);
    let place = ALPHABET.iter().position(|byte| *byte == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", char::from(ALPHABET[place + 1]))
}

/// A token that is signed over a non-canonical spelling of one part, so that only the spelling is wrong.
fn trailing_bits(place: usize) -> String {
    let mut encoded = [header(), claims()].map(|value| {
        let mut text = value.to_string();
        while text.len() % 3 == 0 {
            text.push(' ');
        }
        base64url::encode(text.as_bytes())
    });
    encoded[place] = next_spelling(&encoded[place]);
    let signed = encoded.join(".");
    format!("{signed}.{}", base64url::encode(&es256().signature(signed.as_bytes()).unwrap()))
}

fn utf_16(text: &str, little: bool) -> Vec<u8> {
    let unit = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    text.encode_utf16().flat_map(unit).collect()
}

fn algorithms(cases: &mut Cases) {
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
        let answer = if signature.is_empty() { "token_algorithm" } else { "token_algorithm" };
        cases.add(
            INVALID,
            answer,
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

fn header_members(cases: &mut Cases) {
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

fn issuer_and_audience(cases: &mut Cases) {
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

fn times(cases: &mut Cases) {
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

fn claims_of_wrong_type(cases: &mut Cases) {
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

fn signatures(cases: &mut Cases) {
    let (good, other) = (good(), es256().sign(&claims_with(json!({ "sub": "bob" })), "at+jwt").unwrap());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (other_signed, other_signature) = other.rsplit_once('.').unwrap();
    let raw = base64url::decode(signature).unwrap();
    let (r, s) = raw.split_at(32);
    // The form ECDSA has in certificates (RFC 3279), which JOSE does not use.
    let integer = |bytes: &[u8]| [&[2, 33, 0][..], bytes].concat();
    let body = [integer(r), integer(s)].concat();
    let der = [&[0x30, u8::try_from(body.len()).unwrap()][..], &body].concat();
    let wrong: [(&str, Vec<u8>); 9] = [
        ("short", raw[..63].to_vec()),
        ("long", [&raw[..], &[0]].concat()),
        ("zero", vec![0; 64]),
        ("r zero", [&[0; 32][..], s].concat()),
        ("s zero", [r, &[0; 32][..]].concat()),
        ("all ones", vec![0xff; 64]),
        ("halves swapped", [s, r].concat()),
        ("in DER", der),
        ("one byte", vec![0]),
    ];
    for (name, signature) in wrong {
        let token = format!("{signed}.{}", base64url::encode(&signature));
        cases.add(INVALID, "token_signature", format!("signature {name}"), token);
    }
    cases.add(INVALID, "token_signature", "signature empty", format!("{signed}."));
    cases.add(INVALID, "token_signature", "signature of another", format!("{signed}.{other_signature}"));
    cases.add(INVALID, "token_signature", "payload of another", format!("{other_signed}.{signature}"));
    for algorithm in ["RS256", "EdDSA"] {
        let stranger = DevIssuer::generate(algorithm).unwrap();
        let header = json!({ "alg": algorithm, "kid": dev(algorithm).key_id(), "typ": "at+jwt" });
        let token =
            stranger.sign_exactly(header.to_string().as_bytes(), claims().to_string().as_bytes()).unwrap();
        cases.add(INVALID, "token_signature", format!("{algorithm} of a stranger"), token);
    }
}

#[test]
fn none_gets_in_and_each_gets_its_answer() {
    let identifier = believing();
    identifier.identify(&bearer(&good()), now()).unwrap();
    let mut cases = Cases::default();
    for part in
        [form, algorithms, header_members, issuer_and_audience, times, claims_of_wrong_type, signatures]
    {
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
