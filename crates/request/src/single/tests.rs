//! Cases of threats.md 14: repetition, in several lines and in one.

use http::header::{CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use super::{SINGLE, is_no_list, join_cookies, read_once, stands_once};

fn repeated(version: Version, fields: &[(&str, &'static str)]) -> bool {
    let (mut head, ()) = http::Request::new(()).into_parts();
    head.version = version;
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        head.headers.append(name, HeaderValue::from_static(value));
    }
    stands_once(&head).is_err_and(|fault| fault.code == "repeated_header")
}

/// threats.md 14: in every version.
#[test]
fn single_valued_headers_stand_once() {
    for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
        for name in SINGLE.iter().map(|(name, _)| name.as_str()) {
            assert!(repeated(version, &[(name, "a"), ("accept", "x"), (name, "a")]), "{name}");
            assert!(!repeated(version, &[(name, "a"), ("accept", "x"), ("accept", "y")]), "{name}");
        }
    }
}

/// threats.md 14: a list in one line is repetition.
#[test]
fn single_valued_headers_are_no_lists() {
    let list = |name: &str, value: &'static str| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        is_no_list(&name, &HeaderValue::from_static(value))
            .is_err_and(|fault| fault.code == "repeated_header")
    };
    for (name, value) in [
        ("content-type", "a/b, c/d"),
        ("content-type", "text/html,application/json"),
        ("content-type", "multipart/form-data; boundary=\"x, y"),
        ("origin", "https://a.example, https://b.example"),
        ("origin", "https://a.example,null"),
        ("referer", "https://a.example/, https://b.example/"),
        ("content-location", "/a,\t/b"),
        ("sec-fetch-site", "same-origin, cross-site"),
        ("sec-websocket-key", "a,b"),
        ("access-control-request-method", "GET, PUT"),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT, Mon, 07 Nov 1994 08:49:37 GMT"),
        ("if-range", "\"a\", \"b\", \"c\""),
        ("expect", "100-continue, 100-continue"),
        ("max-forwards", "1,2"),
    ] {
        assert!(list(name, value), "{name}: {value}");
    }
    for (name, value) in [
        ("content-type", "multipart/form-data; boundary=\"x, \\\" y\""),
        ("referer", "https://a.example/x?y=1,2"),
        ("user-agent", "Mozilla/5.0 (X11, Linux) Gecko, like"),
        ("authorization", "Digest username=\"a\", realm=\"b\""),
        ("range", "bytes=0-1, 5-6"),
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("if-range", "\"a,b,c\""),
        ("accept", "a/b, c/d"),
        ("x-anything", "a, b"),
    ] {
        assert!(!list(name, value), "{name}: {value}");
    }
}

#[test]
fn cookies_may_be_split_in_http_2_only_and_are_joined() {
    let split = &[("cookie", "a=1"), ("cookie", "b=2; c=3")];
    assert!(repeated(Version::HTTP_11, split) && repeated(Version::HTTP_10, split));
    assert!(!repeated(Version::HTTP_2, split));
    assert!(repeated(Version::HTTP_2, &[split[0], split[1], ("host", "a"), ("host", "b")]));

    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("a/b"))]);
    for (_, crumb) in split {
        headers.append(COOKIE, HeaderValue::from_static(crumb));
    }
    join_cookies(&mut headers).expect("one field");
    assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2; c=3"]);
    join_cookies(&mut headers).expect("the same field");
    assert_eq!((headers.len(), headers[COOKIE].to_str().ok()), (2, Some("a=1; b=2; c=3")));
}

#[test]
fn a_field_that_policies_read_as_one_value_stands_once() {
    let code = |lines: &[(&str, &'static str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            headers.append(name, HeaderValue::from_static(value));
        }
        read_once(&headers, "x-tenant").err().map(|ambiguity| ambiguity.code)
    };
    assert_eq!(code(&[("x-other", "a"), ("x-other", "b")]), None);
    assert_eq!(code(&[("x-tenant", "a"), ("x-other", "b")]), None);
    assert_eq!(code(&[("X-Tenant", "a"), ("x-tenant", "a")]), Some("repeated_header"));
}
