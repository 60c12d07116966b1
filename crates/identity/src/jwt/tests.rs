use std::net::TcpListener;

use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::testing::{
    ALGORITHMS, AUDIENCE, ISSUER, LEEWAY, at, bearer, claims, claims_with, dev, identifier, identifier_with,
    now, present,
};
use crate::{Absence, FaultAnswer, Principal, base64url};

type Identified = Result<std::sync::Arc<Principal>, Absence>;

/// Which answer and code it was; `None` for a principal.
pub(super) fn outcome(identified: &Identified) -> Option<(FaultAnswer, &'static str)> {
    match identified {
        Ok(_) => None,
        Err(Absence::NoCredential) => panic!("a token is a credential"),
        Err(Absence::Malformed(fault)) => Some((FaultAnswer::Malformed, fault.code)),
        Err(Absence::Invalid(fault)) => Some((FaultAnswer::Invalid, fault.code)),
        Err(Absence::Unavailable(fault)) => Some((FaultAnswer::Unavailable, fault.code)),
    }
}

fn identify(change: Value) -> Identified {
    let issuer = dev("ES256");
    let token = issuer.sign(&claims_with(change), "at+jwt").unwrap();
    identifier(&[issuer.jwk()]).identify(&bearer(&token), now())
}

#[test]
fn no_signature_survives_a_flipped_bit_at_any_byte() {
    for algorithm in ALGORITHMS {
        let issuer = dev(algorithm);
        let identifier = identifier(&[issuer.jwk()]);
        let token = issuer.sign(&claims(), "at+jwt").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = base64url::decode(signature).unwrap();
        for place in 0..signature.len() {
            let mut flipped = signature.clone();
            flipped[place] ^= 1 << (place % 8);
            let token = format!("{signed}.{}", base64url::encode(&flipped));
            let found = outcome(&identifier.identify(&bearer(&token), now()));
            assert_eq!(found, Some((FaultAnswer::Invalid, "token_signature")), "{algorithm}, byte {place}");
        }
    }
}

#[test]
fn no_token_survives_a_changed_character() {
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let issuer = dev(algorithm);
        let identifier = identifier(&[issuer.jwk()]);
        let token = issuer.sign(&claims(), "at+jwt").unwrap();
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let found = identifier.identify(&bearer(&changed), now());
            assert!(matches!(found, Err(Absence::Invalid(_))), "{algorithm}, character {place}: {found:?}");
        }
        for end in 0..token.len() {
            let found = identifier.identify(&bearer(&token[..end]), now());
            assert!(
                matches!(found, Err(Absence::Invalid(_) | Absence::Malformed(_))),
                "{algorithm}, cut at {end}"
            );
        }
    }
}

#[test]
fn claims_become_attributes() {
    let principal = identify(json!({
        "groups": ["staff", "eng"], "realm_access": { "roles": "admin" }, "tier": "gold", "device": "d-1",
        "scope": "read write", "acr": "urn:mfa", "amr": ["pwd", "otp"], "auth_time": present() - 60,
        "https://claims.test/department": ["a", "b"], "exp": (present() + 10) as f64, "unmapped": { "x": [null] },
    }))
    .unwrap();
    assert_eq!(principal.groups, ["staff", "eng"]);
    assert_eq!(principal.roles, ["admin"]);
    assert_eq!(principal.tier.as_deref(), Some("gold"));
    assert_eq!(principal.device.as_deref(), Some("d-1"));
    assert_eq!(principal.scopes, ["read", "write"]);
    assert_eq!(principal.acr.as_deref(), Some("urn:mfa"));
    assert_eq!(principal.amr, ["pwd", "otp"]);
    assert_eq!(principal.auth_time, Some(at(present() - 60)));
    assert_eq!(principal.expires, Some(at(present() + 10)));
    assert_eq!(principal.attributes["department"], json!(["a", "b"]));
    assert_eq!(principal.attributes.len(), 1);
}

#[test]
fn a_claim_is_found_by_its_whole_name_before_its_path() {
    let both = json!({ "realm_access.roles": ["whole"], "realm_access": { "roles": ["path"] } });
    assert_eq!(identify(both).unwrap().roles, ["whole"]);
    assert_eq!(identify(json!({ "realm_access": { "other": 1 } })).unwrap().roles, [""; 0]);
    assert_eq!(identify(json!({})).unwrap().roles, [""; 0]);
}

#[test]
fn scalars_become_attributes_as_they_are() {
    for value in [json!(true), json!(7), json!(-2), json!("sales"), json!([])] {
        let principal = identify(json!({ "https://claims.test/department": value })).unwrap();
        assert_eq!(principal.attributes["department"], value);
    }
}

/// Dropped on the way to a policy, such a number would let its bearer pass a forbid that asks for it.
#[test]
fn numbers_that_cedar_does_not_have_are_the_callers_fault() {
    for value in [json!(7.5), json!(7.0), json!(9_223_372_036_854_775_808_u64), json!(1e300)] {
        let outcome = identify(json!({ "https://claims.test/department": value }));
        assert!(
            matches!(outcome, Err(Absence::Invalid(ref fault)) if fault.code == "token_claim"),
            "{outcome:?}"
        );
    }
}

#[test]
fn groups_elsewhere_matter_only_where_groups_are_mapped() {
    let issuer = dev("ES256");
    let overage = json!({ "hasgroups": true, "_claim_names": { "groups": "src1" } });
    let token = issuer.sign(&claims_with(overage), "at+jwt").unwrap();
    let unmapped = identifier_with(&[issuer.jwk()], |settings| settings.claims.groups = None);
    assert_eq!(outcome(&unmapped.identify(&bearer(&token), now())), None);
    // With the groups in the token, `hasgroups` says nothing more.
    assert_eq!(identify(json!({ "hasgroups": true, "groups": ["a"] })).unwrap().groups, ["a"]);
}

#[test]
fn what_is_usual_passes() {
    let issuer = dev("ES256");
    let identifier = identifier_with(&[issuer.jwk()], |settings| settings.types.push(String::new()));
    let payload = claims().to_string();
    for header in [
        json!({ "alg": "ES256", "kid": issuer.key_id(), "typ": "AT+JWT" }),
        json!({ "alg": "ES256", "kid": issuer.key_id(), "typ": "application/at+jwt" }),
        json!({ "alg": "ES256", "kid": issuer.key_id() }),
        json!({ "alg": "ES256", "typ": "jwt" }),
        json!({ "alg": "ES256", "typ": "jwt", "x5t": "abc", "x5c": ["MIIB"], "nonce": "1", "unknown": { "a": [1] } }),
    ] {
        let token = issuer.sign_exactly(header.to_string().as_bytes(), payload.as_bytes()).unwrap();
        assert_eq!(outcome(&identifier.identify(&bearer(&token), now())), None, "{header}");
    }
    for change in [
        json!({ "aud": ["other", AUDIENCE] }),
        json!({ "aud": "second" }),
        json!({ "iat": null }),
        json!({ "exp": present() - LEEWAY + 1 }),
        json!({ "nbf": present() + LEEWAY }),
        json!({ "iat": present() + LEEWAY }),
        json!({ "sub": "a".repeat(255) }),
        json!({ "sub": "Ünï çödé" }),
    ] {
        assert_eq!(outcome(&identify(change.clone())), None, "{change}");
    }
}

#[test]
fn an_algorithm_outside_the_list_is_refused_although_the_key_could() {
    let issuer = dev("RS256");
    let mut jwk = issuer.jwk();
    jwk.as_object_mut().unwrap().remove("alg");
    let token = issuer.sign(&claims(), "at+jwt").unwrap();
    let found = |algorithm: &str| {
        let list = vec![algorithm.to_owned()];
        let identifier = identifier_with(std::slice::from_ref(&jwk), |settings| settings.algorithms = list);
        outcome(&identifier.identify(&bearer(&token), now())).map(|(_, code)| code)
    };
    assert_eq!(found("RS256"), None);
    assert_eq!(found("PS256"), Some("token_algorithm"));
}

#[test]
fn a_token_without_kid_needs_exactly_one_key_that_fits() {
    let (one, two) = (dev("ES256"), crate::dev_issuer::DevIssuer::generate("ES256").unwrap());
    let header = json!({ "alg": "ES256", "typ": "JWT" }).to_string();
    let token = one.sign_exactly(header.as_bytes(), claims().to_string().as_bytes()).unwrap();
    let alone = identifier(&[one.jwk(), dev("EdDSA").jwk()]).identify(&bearer(&token), now());
    assert_eq!(outcome(&alone), None);
    let both = identifier(&[one.jwk(), two.jwk()]).identify(&bearer(&token), now());
    assert_eq!(outcome(&both), Some((FaultAnswer::Invalid, "token_key")));
}

#[test]
fn another_issuers_key_vouches_for_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let (mine, other) = (dev("ES256"), dev("EdDSA"));
    let ours = crate::testing::settings(crate::testing::key_file(folder.path(), &[mine.jwk()]));
    let other_folder = tempfile::tempdir().unwrap();
    let mut theirs = crate::testing::settings(crate::testing::key_file(other_folder.path(), &[other.jwk()]));
    theirs.issuer = "https://other.test/".to_owned();
    theirs.id_prefix = "other|".to_owned();
    let identifier = crate::Identifier::new(vec![ours, theirs], None).unwrap();
    let found = |issuer: &crate::dev_issuer::DevIssuer, iss: &str| {
        let token = issuer.sign(&claims_with(json!({ "iss": iss })), "at+jwt").unwrap();
        identifier.identify(&bearer(&token), now())
    };
    assert_eq!(found(mine, ISSUER).unwrap().id, "test|alice");
    assert_eq!(found(other, "https://other.test/").unwrap().id, "other|alice");
    assert_eq!(outcome(&found(other, ISSUER)), Some((FaultAnswer::Invalid, "token_key")));
    assert_eq!(outcome(&found(mine, "https://other.test/")), Some((FaultAnswer::Invalid, "token_key")));
}

#[test]
fn no_address_in_a_token_is_fetched() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let issuer = dev("ES256");
    let identifier = identifier(&[issuer.jwk()]);
    let mut headers = vec![json!({}), json!({ "kid": url }), json!({ "x5c": [url] })];
    headers.extend(["jku", "x5u", "jwk", "cty"].map(|name| json!({ name: url })));
    for change in headers {
        let mut header = json!({ "alg": "ES256", "kid": "unknown", "typ": "at+jwt" });
        header.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        for claim in
            [json!({}), json!({ "iss": url }), json!({ "_claim_sources": { "s": { "endpoint": url } } })]
        {
            let payload = claims_with(claim).to_string();
            let token = issuer.sign_exactly(header.to_string().as_bytes(), payload.as_bytes()).unwrap();
            assert!(identifier.identify(&bearer(&token), now()).is_err());
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(identifier.refresh(&crate::KeyFetcher::new()));
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_clock_before_1970_believes_nothing() {
    let issuer = dev("ES256");
    let token = issuer.sign(&claims_with(json!({ "iat": null })), "at+jwt").unwrap();
    let identifier = identifier(&[issuer.jwk()]);
    let before = std::time::UNIX_EPOCH - std::time::Duration::from_secs(1);
    let found = outcome(&identifier.identify(&bearer(&token), before));
    assert_eq!(found, Some((FaultAnswer::Unavailable, "clock_wrong")));
}

/// What a well-known library, correctly configured, says of the token.
fn the_judge_accepts(token: &str, algorithm: jsonwebtoken::Algorithm, jwk: &Value) -> bool {
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk.clone()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(algorithm);
    rules.set_audience(&[AUDIENCE, "second"]);
    rules.set_issuer(&[ISSUER]);
    rules.leeway = LEEWAY;
    rules.validate_nbf = true;
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    jsonwebtoken::decode::<Value>(token, &key, &rules).is_ok()
}

#[test]
fn the_judge_accepts_what_the_development_issuer_signs() {
    for algorithm in ALGORITHMS {
        let token = dev(algorithm).sign(&claims(), "JWT").unwrap();
        assert!(the_judge_accepts(&token, algorithm.parse().unwrap(), &dev(algorithm).jwk()), "{algorithm}");
    }
}

/// One member of header or payload, wild or nearly right.
fn any_member() -> impl Strategy<Value = (String, String)> {
    let names = ["alg", "kid", "typ", "crit", "iss", "aud", "sub", "exp", "nbf", "iat", "scope", "x"];
    let (t, issuer) = (present(), serde_json::to_string(ISSUER).unwrap());
    let values = [
        "null".to_owned(),
        "1".to_owned(),
        "-1".to_owned(),
        "1.5".to_owned(),
        "1e999".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "\"none\"".to_owned(),
        "\"EdDSA\"".to_owned(),
        "\"HS256\"".to_owned(),
        "\"portcullis\"".to_owned(),
        "[\"portcullis\"]".to_owned(),
        "\"at+jwt\"".to_owned(),
        t.to_string(),
        (t + 100).to_string(),
        (t - 100).to_string(),
        format!("{}.0", t + 100),
        issuer,
    ];
    (
        prop::sample::select(names.to_vec()),
        prop_oneof![
            4 => prop::sample::select(values.to_vec()),
            1 => any::<String>().prop_map(|text| Value::from(text).to_string()),
        ],
    )
        .prop_map(|(name, value)| (name.to_owned(), value))
}

fn object(base: &[(&str, String)], changes: &[(String, String)], keep: u16) -> String {
    let kept = base.iter().enumerate().filter(|(place, _)| keep >> place & 1 == 1);
    let members = kept.map(|(_, (name, value))| (*name, value.as_str()));
    let members = members.chain(changes.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let members: Vec<_> = members.map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn mostly_all() -> impl Strategy<Value = u16> {
    prop_oneof![3 => proptest::prelude::Just(u16::MAX), 1 => any::<u16>()]
}

proptest! {
    #![proptest_config(Config::with_cases(2_000))]

    /// Whatever is signed well and gets in here gets in at the judge's too: nowhere are we the laxer one.
    #[test]
    fn never_laxer_than_the_judge(
        header in prop::collection::vec(any_member(), 0..2),
        payload in prop::collection::vec(any_member(), 0..3),
        keep in (mostly_all(), mostly_all()),
    ) {
        let issuer = dev("EdDSA");
        let quoted = |text: &str| Value::from(text).to_string();
        let header = object(
            &[("alg", quoted("EdDSA")), ("kid", quoted(issuer.key_id())), ("typ", quoted("JWT"))], &header, keep.0);
        let payload = object(
            &[("iss", quoted(ISSUER)), ("aud", quoted(AUDIENCE)), ("sub", quoted("alice")),
              ("exp", (present() + 300).to_string())], &payload, keep.1);
        let token = issuer.sign_exactly(header.as_bytes(), payload.as_bytes()).unwrap();
        let identifier = identifier(&[issuer.jwk()]);
        if identifier.identify(&bearer(&token), now()).is_ok() {
            assert!(
                the_judge_accepts(&token, jsonwebtoken::Algorithm::EdDSA, &issuer.jwk()), "{header} {payload}");
        }
    }

    #[test]
    fn any_text_is_answered(text in "[A-Za-z0-9_.=~+/-]{0,300}") {
        let identifier = identifier(&[dev("EdDSA").jwk()]);
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", format!("Bearer {text}").parse().unwrap());
        assert!(identifier.identify(&headers, now()).is_err());
    }
}
