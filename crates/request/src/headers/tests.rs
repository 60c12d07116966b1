//! Cases of threats.md 18 to 20: headers a caller must not set, in every spelling, and hop-by-hop removal.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::{
    ALWAYS, FROM_TRUSTED_ONLY, OWN_PREFIX, PREFIXES_FROM_TRUSTED_ONLY, connection_has, fold, is_unsettable,
    naming_caller, remove_hop_by_hop, remove_unsettable, remove_unsettable_trailers,
};

fn headers(fields: &[(&str, &'static str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| {
            (HeaderName::from_bytes(name.as_bytes()).expect("a name"), HeaderValue::from_static(value))
        })
        .collect()
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn nobody_sets_identity_override_or_proxy_headers() {
    let unsettable = [
        "X-Portcullis-User",
        "x_portcullis_user",
        "X.Portcullis.Groups",
        "X-PORTCULLIS-Ref",
        "X-Portcullis-Anything-New",
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X_Forwarded_Proto",
        "X-Real-IP",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-HTTP-Method",
        "X-HTTP-Method-Override",
        "X-Method-Override",
        "Proxy",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Proxy-Status",
    ];
    for name in unsettable {
        for from_trusted in [false, true] {
            let mut sent = headers(&[(name, "x"), (name, "y"), ("accept", "*/*")]);
            remove_unsettable(&mut sent, from_trusted);
            assert_eq!(names(&sent), ["accept"], "{name}, trusted: {from_trusted}");
        }
    }
}

#[test]
fn a_trusted_peer_may_say_more() {
    let sent =
        headers(&[("X-Forwarded-Prefix", "/a"), ("True-Client-IP", "192.0.2.1"), ("Authorization", "x")]);
    let (mut from_anyone, mut from_trusted) = (sent.clone(), sent);
    remove_unsettable(&mut from_anyone, false);
    remove_unsettable(&mut from_trusted, true);
    assert_eq!(names(&from_anyone), ["authorization"]);
    assert_eq!(names(&from_trusted), ["authorization", "true-client-ip", "x-forwarded-prefix"]);
}

#[test]
fn hop_by_hop_fields_end_here() {
    let mut sent = headers(&[
        ("Connection", "close, X-One ,, bad name"),
        ("Connection", "x-two"),
        ("Keep-Alive", "1"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "trailers"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "websocket"),
        ("X-One", "1"),
        ("X-Two", "2"),
        ("X-Three", "3"),
    ]);
    assert!(
        connection_has(&sent, "CLOSE") && connection_has(&sent, "X-Two") && !connection_has(&sent, "upgrade")
    );
    remove_hop_by_hop(&mut sent);
    assert_eq!(names(&sent), ["x-three"]);
}

#[test]
fn a_connection_field_cannot_remove_what_is_added_after() {
    let mut sent = headers(&[("Connection", "X-Portcullis-User, X-Forwarded-Host")]);
    remove_hop_by_hop(&mut sent);
    sent.insert("x-portcullis-user", HeaderValue::from_static("alice"));
    assert_eq!(names(&sent), ["x-portcullis-user"]);
}

#[test]
fn a_trailer_cannot_say_who_asks() {
    let mut trailers = headers(&[
        ("X-Portcullis-User", "admin"),
        ("X_Portcullis_User", "admin"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("Authorization", "x"),
        ("Cookie", "x"),
        ("Digest", "sha-256=x"),
    ]);
    remove_unsettable_trailers(&mut trailers);
    assert_eq!(names(&trailers), ["digest"]);
    assert_eq!(naming_caller(&trailers), None);
}

#[test]
fn a_trailer_that_says_who_asks_is_named_in_any_spelling() {
    for name in ["x-portcullis-user", "x_auth_user", "remote-user", "authorization", "cookie", "proxy-x"] {
        let trailers = headers(&[("Digest", "sha-256=x"), (name, "admin")]);
        assert_eq!(naming_caller(&trailers).map(HeaderName::as_str), Some(name));
    }
    // Only removed: nobody takes them for an identity.
    assert_eq!(naming_caller(&headers(&[("X-Checks", "1"), ("Server-Timing", "x"), ("Cookies", "x")])), None);
}

proptest! {
    #[test]
    fn folding_is_idempotent_and_blind_to_case_and_separators(name in "[A-Za-z0-9._!-]{0,20}") {
        let folded = fold(&name);
        prop_assert_eq!(&fold(&folded), &folded);
        prop_assert_eq!(fold(&name.to_uppercase()), folded.clone());
        prop_assert_eq!(fold(&name.replace(['.', '_', '!'], "-")), folded.clone());
        prop_assert!(folded.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
    }
}

#[test]
fn every_name_that_is_looked_for_begins_with_one_of_the_letters() {
    let names = ALWAYS.iter().chain(&FROM_TRUSTED_ONLY).chain(&PREFIXES_FROM_TRUSTED_ONLY);
    for name in names.chain([&OWN_PREFIX, &"proxy-"]) {
        assert!(is_unsettable(name, false), "{name}");
    }
}
