use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde_json::json;

use super::{Absence, Identifier, KeysState};
use crate::testing::{
    self, ALGORITHMS, ISSUER, at, bearer, claims, claims_with, dev, identifier, now, present,
};
use crate::{ApiKeys, How, IssuerError, IssuerSettings, KeySource, KeyStore, NewKey, PrincipalKind};

fn code(absence: &Absence) -> &'static str {
    match absence {
        Absence::NoCredential => "no_credential",
        Absence::Malformed(fault) | Absence::Invalid(fault) | Absence::Unavailable(fault) => fault.code,
    }
}

fn by_url(url: &str) -> IssuerSettings {
    testing::settings(KeySource::Url(url.to_owned()))
}

fn refused(change: impl FnOnce(&mut IssuerSettings)) -> String {
    let mut settings = by_url("https://issuer.test/keys");
    change(&mut settings);
    Identifier::new(vec![settings], None).err().unwrap().to_string()
}

#[test]
fn every_algorithm_identifies() {
    for algorithm in ALGORITHMS {
        let issuer = dev(algorithm);
        let identifier = identifier(&[issuer.jwk()]);
        let token = issuer.sign(&claims(), "at+jwt").unwrap();
        let principal = identifier.identify(&bearer(&token), now()).unwrap();
        assert_eq!(principal.id, "test|alice", "{algorithm}");
        assert_eq!(principal.kind, PrincipalKind::User);
        let how = How::Token { issuer: ISSUER.to_owned(), key_id: Some(issuer.key_id().to_owned()) };
        assert_eq!(principal.how, how);
        assert_eq!(principal.expires, Some(at(present() + 300)));
    }
}

#[test]
fn keys_never_fetched_are_unavailable_but_strangers_are_still_strangers() {
    let identifier = Identifier::new(vec![by_url("https://issuer.test/keys")], None).unwrap();
    let token = dev("ES256").sign(&claims(), "at+jwt").unwrap();
    let absence = identifier.identify(&bearer(&token), now()).unwrap_err();
    assert!(matches!(absence, Absence::Unavailable(_)), "{absence:?}");
    assert_eq!(code(&absence), "keys_unavailable");
    assert_eq!(identifier.keys_status()[0].state, KeysState::Missing);
    let stranger = dev("ES256").sign(&claims_with(json!({ "iss": "https://evil.test" })), "at+jwt").unwrap();
    assert_eq!(code(&identifier.identify(&bearer(&stranger), now()).unwrap_err()), "token_issuer");
    assert_eq!(identifier.identify(&http::HeaderMap::new(), now()), Err(Absence::NoCredential));
}

#[test]
fn stale_keys_are_unavailable_even_for_a_remembered_token() {
    let issuer = dev("ES256");
    let identifier = identifier(&[issuer.jwk()]);
    let token = issuer.sign(&claims_with(json!({ "exp": present() + 100_000 })), "at+jwt").unwrap();
    identifier.identify(&bearer(&token), now()).unwrap();
    assert_eq!(identifier.cached(), 1);
    identifier.identify(&bearer(&token), at(present() + 3_590)).unwrap();
    let absence = identifier.identify(&bearer(&token), at(present() + 3_700)).unwrap_err();
    assert!(matches!(absence, Absence::Unavailable(_)), "{absence:?}");
    assert_eq!(code(&absence), "keys_stale");
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_makes_no_key_younger() {
    let issuer = dev("ES256");
    let identifier = identifier(&[issuer.jwk()]);
    let token = issuer.sign(&claims_with(json!({ "iat": null })), "at+jwt").unwrap();
    let long_ago = at(present() - 1_000_000);
    identifier.identify(&bearer(&token), long_ago).unwrap();
    tokio::time::advance(Duration::from_secs(3_601)).await;
    assert_eq!(code(&identifier.identify(&bearer(&token), long_ago).unwrap_err()), "keys_stale");
    assert_eq!(identifier.keys_status()[0].state, KeysState::Stale);
}

#[tokio::test]
async fn a_change_of_keys_ends_what_was_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (dev("ES256"), dev("EdDSA"));
    let keys = testing::key_file(folder.path(), &[old.jwk()]);
    let identifier = Identifier::new(vec![testing::settings(keys)], None).unwrap();
    let token = old.sign(&claims(), "at+jwt").unwrap();
    identifier.identify(&bearer(&token), now()).unwrap();

    let fetcher = crate::KeyFetcher::new();
    identifier.refresh(&fetcher).await;
    identifier.identify(&bearer(&token), now()).unwrap();
    assert_eq!(identifier.cached(), 1, "the same keys again change nothing");

    testing::key_file(folder.path(), &[new.jwk()]);
    identifier.refresh(&fetcher).await;
    assert_eq!(code(&identifier.identify(&bearer(&token), now()).unwrap_err()), "token_key");
    assert_eq!(identifier.cached(), 0);
    let token = new.sign(&claims(), "at+jwt").unwrap();
    identifier.identify(&bearer(&token), now()).unwrap();
}

#[tokio::test]
async fn a_bad_key_file_changes_nothing_but_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = dev("ES256");
    let keys = testing::key_file(folder.path(), &[issuer.jwk()]);
    let KeySource::File(path) = keys.clone() else { panic!("a file") };
    let identifier = Identifier::new(vec![testing::settings(keys)], None).unwrap();
    let token = issuer.sign(&claims(), "at+jwt").unwrap();
    for (count, content) in
        ["", "{", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\"}]}"].into_iter().enumerate()
    {
        std::fs::write(&path, content).unwrap();
        let status = identifier.refresh(&crate::KeyFetcher::new()).await.remove(0);
        assert_eq!((status.state, status.keys), (KeysState::Usable, 1));
        assert_eq!(usize::try_from(status.failures).unwrap(), count + 1);
        assert!(status.last_error.is_some());
        identifier.identify(&bearer(&token), now()).unwrap();
    }
    testing::key_file(folder.path(), &[issuer.jwk()]);
    let status = identifier.refresh(&crate::KeyFetcher::new()).await.remove(0);
    assert_eq!((status.failures, status.last_error), (0, None));
}

#[test]
fn the_cache_is_bounded_by_count_and_by_weight() {
    let issuer = dev("EdDSA");
    let remembered = |tokens: usize, padding: &str| {
        let identifier = identifier(&[issuer.jwk()]).with_token_cache(1_000);
        for number in 0..tokens {
            let claims = claims_with(json!({ "sub": format!("user-{number}"), "pad": padding }));
            let token = issuer.sign(&claims, "at+jwt").unwrap();
            identifier.identify(&bearer(&token), now()).unwrap();
        }
        identifier.cached()
    };
    let small = remembered(1_500, "");
    assert!((500..=1_000).contains(&small), "{small}");
    // A token of eleven kilobytes takes the room of eleven.
    let large = remembered(300, &"x".repeat(8_000));
    assert!((1..=1_000 / 10).contains(&large), "{large}");
    let none = identifier(&[issuer.jwk()]).with_token_cache(0);
    let token = issuer.sign(&claims(), "at+jwt").unwrap();
    none.identify(&bearer(&token), now()).unwrap();
    none.identify(&bearer(&token), now()).unwrap();
    assert_eq!(none.cached(), 0);
}

#[test]
fn settings_that_believe_too_much_are_refused() {
    assert!(refused(|s| s.issuer.clear()).contains("empty name"));
    assert!(refused(|s| s.audiences.clear()).contains("no audience"));
    assert!(refused(|s| s.audiences.push(String::new())).contains("no audience"));
    assert!(refused(|s| s.types.clear()).contains("no token type"));
    for algorithm in ["none", "HS256", "es256", ""] {
        let message = refused(|s| s.algorithms.push(algorithm.to_owned()));
        assert!(message.contains(&format!("`{algorithm}`; supported are `RS256`")), "{message}");
    }
    assert!(refused(|s| s.algorithms.clear()).contains("supported are"));
    assert!(refused(|s| s.claims.id.clear()).contains("without a name"));
    assert!(refused(|s| s.claims.groups = Some(String::new())).contains("without a name"));
    assert!(refused(|s| s.leeway = Duration::from_secs(601)).contains("`leeway`"));
    assert!(refused(|s| s.refresh = Duration::from_millis(1)).contains("`refresh`"));
    assert!(refused(|s| s.stale_keys_after = Duration::from_secs(299)).contains("`stale_keys_after`"));
    assert!(refused(|s| s.keys = KeySource::File("/nowhere/keys.json".into())).contains("cannot be read"));
    let twice = vec![by_url("https://issuer.test/keys"), by_url("https://issuer.test/other")];
    assert!(matches!(Identifier::new(twice, None), Err(IssuerError::Twice(_))));
    let folder = tempfile::tempdir().unwrap();
    let empty = vec![testing::settings(testing::key_file(folder.path(), &[]))];
    assert!(matches!(Identifier::new(empty, None), Err(IssuerError::KeySet { .. })));
}

#[test]
fn keys_come_by_tls_or_from_this_machine() {
    for good in [
        "https://issuer.test/keys",
        "https://issuer.test:8443/keys?v=1",
        "http://127.0.0.1:1/",
        "http://127.9.9.9/",
        "http://[::1]:80/keys",
        "http://localhost:1/keys",
        "HTTPS://issuer.test/",
    ] {
        assert!(Identifier::new(vec![by_url(good)], None).is_ok(), "{good}");
    }
    for bad in [
        "",
        "keys",
        "/keys",
        "issuer.test/keys",
        "http://issuer.test/keys",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://127.0.0.1.evil.test/",
        "http://localhost.evil.test/",
        "http://[::2]/",
        "ftp://issuer.test/keys",
        "file:///etc/keys",
        "https://user:password@issuer.test/keys",
        "http://localhost@evil.test/",
        "https:///keys",
        "https://issuer.test/\nkeys",
        "http://2130706433/",
        "http://[::ffff:10.0.0.1]/",
    ] {
        assert!(Identifier::new(vec![by_url(bad)], None).is_err(), "{bad}");
    }
}

#[test]
fn api_keys_and_tokens_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let store = KeyStore::open(&folder.path().join("state.db")).unwrap();
    let new = NewKey {
        kind: PrincipalKind::Service,
        id: "ci".to_owned(),
        name: String::new(),
        scopes: Vec::new(),
        groups: Vec::new(),
        roles: Vec::new(),
        tier: None,
        expires: None,
    };
    let (_, secret) = store.create(&new).unwrap();
    let identifier = Identifier::new(Vec::new(), Some(ApiKeys::load(&store).unwrap())).unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("x-api-key", HeaderValue::from_str(secret.expose()).unwrap());
    assert_eq!(identifier.identify(&headers, now()).unwrap().id, "ci");
    assert_eq!(identifier.api_key_header(), Some(&HeaderName::from_static("x-api-key")));
    assert!(identifier.api_keys().is_some());
    headers.insert("authorization", HeaderValue::from_static("Bearer a.b.c"));
    assert_eq!(code(&identifier.identify(&headers, now()).unwrap_err()), "credentials_repeated");
    // Where they are not accepted, the field is the origin's.
    let without = identifier_without_keys();
    headers.remove("authorization");
    assert_eq!(without.identify(&headers, now()), Err(Absence::NoCredential));
    assert_eq!(without.api_key_header(), None);
}

fn identifier_without_keys() -> Identifier {
    Identifier::new(Vec::new(), None).unwrap()
}

/// threats.md 4: what is remembered of one token is not remembered of one that differs from it in anything.
#[test]
fn remembered_tokens_are_told_apart_by_every_part() {
    let (first, second) = (dev("ES256"), dev("EdDSA"));
    let identifier = identifier(&[first.jwk(), second.jwk()]);
    let same = || claims_with(json!({ "tier": "free", "groups": ["a", "b"] }));
    let others = [
        (claims_with(json!({ "tier": "free", "groups": ["a", "b"], "sub": "bob" })), first),
        (claims_with(json!({ "tier": "pro", "groups": ["a", "b"] })), first),
        (claims_with(json!({ "tier": "free", "groups": ["ab"] })), first),
        (claims_with(json!({ "tier": "free", "groups": ["a", "b"], "aud": "second" })), first),
        (claims_with(json!({ "tier": "free", "groups": ["a", "b"], "exp": present() + 200 })), first),
        (same(), second),
    ];
    let identify = |token: &str| identifier.identify(&bearer(token), now()).unwrap();
    let one = first.sign(&same(), "at+jwt").unwrap();
    let remembered = identify(&one);
    for (place, (claims, issuer)) in others.into_iter().enumerate() {
        let other = issuer.sign(&claims, "at+jwt").unwrap();
        let fresh = self::identifier(&[first.jwk(), second.jwk()]);
        let expected = fresh.identify(&bearer(&other), now()).unwrap();
        // Once before it is remembered, once after.
        for _ in 0..2 {
            assert_eq!(identify(&other), expected, "{place}");
            assert_eq!(identify(&one), remembered, "{place}");
        }
        assert_eq!(identifier.cached(), place + 2, "each is remembered by itself");
    }
    // A changed signature is another token, though it says the same.
    let forged = format!("{}A", one.trim_end_matches(|last: char| last != '.'));
    assert!(identifier.identify(&bearer(&forged), now()).is_err());
}
