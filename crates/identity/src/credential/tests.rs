use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Credential, LONGEST, read};
use crate::Absence;

const KEY: HeaderName = HeaderName::from_static("x-api-key");

fn headers(fields: &[(&'static str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

/// The code of a malformed credential, or `none` for no credential.
fn refused(fields: &[(&'static str, &[u8])]) -> &'static str {
    match read(&headers(fields), Some(&KEY)) {
        Err(Absence::NoCredential) => "none",
        Err(Absence::Malformed(fault)) => fault.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bearer_token_is_found_whatever_the_case_of_its_scheme() {
    for value in ["Bearer a.b-c_d~e+f/g==", "bearer a.b-c_d~e+f/g==", "BEARER   a.b-c_d~e+f/g=="] {
        let headers = headers(&[("authorization", value.as_bytes())]);
        assert_eq!(read(&headers, None), Ok(Credential::Bearer("a.b-c_d~e+f/g==")), "{value}");
    }
}

#[test]
fn an_api_key_is_found_only_where_keys_are_accepted() {
    let headers = headers(&[("x-api-key", b"pk_1")]);
    assert_eq!(read(&headers, Some(&KEY)), Ok(Credential::ApiKey("pk_1")));
    assert_eq!(read(&headers, None), Err(Absence::NoCredential));
    let other = HeaderName::from_static("x-other");
    assert_eq!(read(&headers, Some(&other)), Err(Absence::NoCredential));
}

#[test]
fn other_schemes_are_no_credential() {
    for value in ["Basic YTpi", "Negotiate", "DPoP abc", "Bearerabc x", "Digest a=\"b\", c=d", "Bearer,x"] {
        let found = refused(&[("authorization", value.as_bytes())]);
        let expected = if value == "Bearer,x" { "credentials_malformed" } else { "none" };
        assert_eq!(found, expected, "{value}");
    }
    assert_eq!(refused(&[]), "none");
    let both = headers(&[("authorization", b"Basic YTpi"), ("x-api-key", b"pk_1")]);
    assert_eq!(read(&both, Some(&KEY)), Ok(Credential::ApiKey("pk_1")), "Basic is the origin's business");
}

#[test]
fn what_is_not_exactly_one_token_is_malformed() {
    let values: [&[u8]; 16] = [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Bearer    ",
        b"Bearer a b",
        b"Bearer a, Bearer b",
        b"Bearer a,b",
        b"Bearer\ta",
        b"Bearer a ",
        b" Bearer a",
        b"Bearer =",
        b"Bearer a=b",
        b"Bearer \"a\"",
        b"Bearer a\xe9",
        b"=a b",
        b"Bearer a\t",
    ];
    for value in values {
        let found = refused(&[("authorization", value)]);
        assert_eq!(found, "credentials_malformed", "{}", String::from_utf8_lossy(value));
    }
    assert_eq!(refused(&[("x-api-key", b"")]), "credentials_malformed");
    assert_eq!(refused(&[("x-api-key", b"\xff")]), "credentials_malformed");
}

#[test]
fn two_credentials_are_malformed() {
    let (a, b): (&[u8], &[u8]) = (b"Bearer a", b"Basic b");
    assert_eq!(refused(&[("authorization", a), ("authorization", a)]), "credentials_repeated");
    assert_eq!(refused(&[("authorization", b), ("authorization", a)]), "credentials_repeated");
    assert_eq!(refused(&[("x-api-key", a), ("x-api-key", a)]), "credentials_repeated");
    assert_eq!(refused(&[("authorization", a), ("x-api-key", a)]), "credentials_repeated");
}

#[test]
fn length_is_bounded_on_both_sides() {
    let fits = format!("Bearer {}", "a".repeat(LONGEST - 7));
    assert!(read(&headers(&[("authorization", fits.as_bytes())]), None).is_ok());
    let long = format!("{fits}a");
    assert_eq!(refused(&[("authorization", long.as_bytes())]), "credentials_too_long");
    assert_eq!(refused(&[("x-api-key", long.as_bytes())]), "credentials_too_long");
}
