use serde_json::{Value, json};

use super::{JwksError, KeySet, LARGEST, NoKey};
use crate::algorithm::Algorithm;
use crate::base64url;
use crate::dev_issuer::DevIssuer;
use crate::testing::{ALGORITHMS, dev};

fn parse(keys: &[Value]) -> Result<KeySet, JwksError> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

/// The ES256 key with these members; `null` takes one away.
fn changed(jwk: Value, change: Value) -> Value {
    let mut jwk = jwk;
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            jwk.as_object_mut().unwrap().remove(name);
        } else {
            jwk[name] = value.clone();
        }
    }
    jwk
}

/// Why the only key of a document is not used.
fn why_not(jwk: Value) -> String {
    match parse(&[jwk]) {
        Err(JwksError::NoneUsable(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_are_found_by_id_and_algorithm() {
    let set = parse(&ALGORITHMS.map(|algorithm| dev(algorithm).jwk())).unwrap();
    assert_eq!((set.len(), set.set_aside().len()), (9, 0));
    for algorithm in ALGORITHMS {
        let (id, named) = (dev(algorithm).key_id(), Algorithm::named(algorithm).unwrap());
        assert_eq!(set.find(Some(id), named).unwrap().id(), Some(id));
        assert_eq!(set.find(None, named).unwrap().id(), Some(id));
        for other in Algorithm::ALL.into_iter().filter(|other| *other != named) {
            assert_eq!(set.find(Some(id), other).unwrap_err(), NoKey::WrongAlgorithm);
        }
        assert_eq!(set.find(Some("other"), named).unwrap_err(), NoKey::UnknownId);
    }
}

#[test]
fn a_key_without_alg_fits_its_family_only() {
    let set = parse(&[changed(dev("RS256").jwk(), json!({ "alg": null }))]).unwrap();
    let fitting: Vec<_> = Algorithm::ALL.into_iter().filter(|alg| set.find(None, *alg).is_ok()).collect();
    assert_eq!(fitting.len(), 6);
    assert_eq!(set.find(None, Algorithm::Es256).unwrap_err(), NoKey::Undetermined(0));
}

#[test]
fn unusable_keys_are_set_aside_with_their_reason() {
    let (ec, rsa, ed) = (dev("ES256").jwk(), dev("RS256").jwk(), dev("EdDSA").jwk());
    let odd_modulus = |bits: usize| {
        let mut bytes = vec![0xff; bits / 8];
        bytes[0] = 0x80;
        base64url::encode(&bytes)
    };
    let off_curve = base64url::encode(&[1; 32]);
    let cases = [
        (changed(ec.clone(), json!({ "use": "enc" })), "`use`"),
        // Nothing that moves a cursor comes out of a key into a log.
        (changed(ec.clone(), json!({ "use": "\u{7f}\u{1b}" })), r#"`use` is "\u{7f}\u{1b}""#),
        (changed(ec.clone(), json!({ "use": ["sig"] })), "`use`"),
        (changed(ec.clone(), json!({ "key_ops": ["sign"] })), "`key_ops`"),
        (changed(ec.clone(), json!({ "key_ops": "verify" })), "`key_ops`"),
        (changed(ec.clone(), json!({ "d": "AAAA" })), "private or secret part `d`"),
        (json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "x" }), "private or secret part `k`"),
        (json!({ "kty": "oct", "kid": "x" }), "symmetric"),
        (changed(ec.clone(), json!({ "kty": null })), "`kty`"),
        (changed(ec.clone(), json!({ "kty": "ec" })), "`kty`"),
        (changed(ec.clone(), json!({ "crv": "P-521" })), "`crv`"),
        (changed(ec.clone(), json!({ "crv": "secp256k1" })), "`crv`"),
        (changed(ec.clone(), json!({ "crv": "P-384" })), "length"),
        (changed(ec.clone(), json!({ "alg": "RS256" })), "does not fit"),
        (changed(ec.clone(), json!({ "alg": "ES512" })), "not among"),
        (changed(ec.clone(), json!({ "alg": 1 })), "not a text"),
        (changed(ec.clone(), json!({ "kid": "" })), "`kid`"),
        (changed(ec.clone(), json!({ "kid": 1 })), "`kid`"),
        (changed(ec.clone(), json!({ "kid": "a\n" })), "`kid`"),
        (changed(ec.clone(), json!({ "x": null })), "no text `x`"),
        (changed(ec.clone(), json!({ "x": "AA==" })), "canonical"),
        (changed(ec.clone(), json!({ "x": off_curve, "y": off_curve })), "not a point"),
        (changed(rsa.clone(), json!({ "alg": "HS256" })), "not among"),
        (changed(rsa.clone(), json!({ "n": odd_modulus(1024) })), "1024 bits"),
        (changed(rsa.clone(), json!({ "n": odd_modulus(2040) })), "2040 bits"),
        (changed(rsa.clone(), json!({ "n": odd_modulus(16384) })), "16384 bits"),
        (changed(rsa.clone(), json!({ "n": "" })), "0 bits"),
        (changed(rsa.clone(), json!({ "e": "AQ" })), "exponent"),
        (changed(rsa.clone(), json!({ "e": "Ag" })), "exponent"),
        (changed(rsa.clone(), json!({ "e": "" })), "exponent"),
        (changed(rsa, json!({ "e": base64url::encode(&[1; 9]) })), "exponent"),
        (changed(ed.clone(), json!({ "x": "AAAA" })), "not an Ed25519"),
        (changed(ed.clone(), json!({ "crv": "X25519" })), "`crv`"),
        (changed(ed, json!({ "crv": "Ed448" })), "`crv`"),
    ];
    for (jwk, expected) in cases {
        let why = why_not(jwk.clone());
        assert!(why.starts_with("key 1: ") && why.contains(expected), "{jwk}: {why}");
        // Beside a usable key it does no harm.
        let set = parse(&[jwk, dev("ES384").jwk()]).unwrap();
        assert_eq!((set.len(), set.set_aside().len()), (1, 1));
    }
}

#[test]
fn leading_zeros_of_a_modulus_do_not_count() {
    let jwk = dev("RS256").jwk();
    let modulus = base64url::decode(jwk["n"].as_str().unwrap()).unwrap();
    let longer = base64url::encode(&[&[0][..], &modulus].concat());
    let set = parse(&[changed(jwk.clone(), json!({ "n": longer }))]).unwrap();
    assert!(set.same_keys(&parse(&[jwk]).unwrap()));
}

#[test]
fn one_name_for_two_keys_is_ambiguous_unless_their_algorithms_differ() {
    let (one, two) = (dev("ES256").jwk(), DevIssuer::generate("ES256").unwrap().jwk());
    let named = |jwk: &Value| changed(jwk.clone(), json!({ "kid": "k" }));
    assert_eq!(parse(&[named(&one), named(&two)]).unwrap_err(), JwksError::Ambiguous("k".to_owned()));
    assert_eq!(parse(&[named(&one), named(&one)]).unwrap().len(), 1, "the same key twice");
    let set = parse(&[named(&one), named(&dev("RS256").jwk())]).unwrap();
    assert_eq!(set.len(), 2, "keys of different kinds");
    let free = changed(named(&dev("RS256").jwk()), json!({ "alg": null }));
    assert!(matches!(parse(&[named(&dev("PS256").jwk()), free]), Err(JwksError::Ambiguous(_))));
}

#[test]
fn a_document_is_bounded_and_strict() {
    let jwk = dev("ES256").jwk();
    let named = |number: usize| changed(jwk.clone(), json!({ "kid": number.to_string() }));
    let hundred: Vec<_> = (0..100).map(named).collect();
    assert_eq!(parse(&hundred).unwrap().len(), 100);
    assert_eq!(parse(&[hundred, vec![named(100)]].concat()).unwrap_err(), JwksError::TooMany(101));
    let document = json!({ "keys": [jwk] }).to_string();
    let padded = |length: usize| format!("{document}{}", " ".repeat(length - document.len()));
    assert!(KeySet::parse(padded(LARGEST).as_bytes()).is_ok());
    assert_eq!(KeySet::parse(padded(LARGEST + 1).as_bytes()).unwrap_err(), JwksError::TooLarge);
    let twice = document.replacen("\"kty\"", "\"kty\":\"RSA\",\"kty\"", 1);
    for broken in ["", "{", "[]", "<html>", "\u{feff}{\"keys\":[]}", twice.as_str()] {
        assert!(matches!(KeySet::parse(broken.as_bytes()), Err(JwksError::Form(_))), "{broken}");
    }
    for other in
        ["{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, r#"{"Keys":[]}"#, r#"{"issuer":"x","jwks_uri":"y"}"#]
    {
        assert_eq!(KeySet::parse(other.as_bytes()).unwrap_err(), JwksError::NoKeys, "{other}");
    }
    assert_eq!(parse(&[]).unwrap_err(), JwksError::NoneUsable("it is empty".to_owned()));
}

#[test]
fn the_order_of_keys_does_not_matter() {
    let (a, b) = (dev("ES256").jwk(), dev("EdDSA").jwk());
    let one = parse(&[a.clone(), b.clone()]).unwrap();
    assert!(one.same_keys(&parse(&[b.clone(), a.clone()]).unwrap()));
    assert!(!one.same_keys(&parse(std::slice::from_ref(&a)).unwrap()));
    assert!(!one.same_keys(&parse(&[changed(a, json!({ "kid": "renamed" })), b]).unwrap()));
}
