//! Tokens that say the right things and are not signed for it.

use serde_json::json;

use super::{Cases, INVALID, es256, good};
use crate::base64url;
use crate::dev_issuer::DevIssuer;
use crate::testing::{claims, claims_with, dev};

pub(super) fn signatures(cases: &mut Cases) {
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
