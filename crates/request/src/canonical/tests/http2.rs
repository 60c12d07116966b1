//! Heads as HTTP/2 brings them, where `:scheme`, `:authority` and `:path` became one target: threats.md 12.

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, Uri, Version};

use super::{admit_from, admitted};
use crate::Scheme;

/// As the library puts it together: without an authority it leaves the scheme out, too.
fn head(authority: Option<&str>, path: &str, fields: &[(&str, &str)]) -> Parts {
    let mut uri = http::uri::Parts::default();
    uri.path_and_query = Some(path.parse::<PathAndQuery>().expect("a path to the library"));
    if let Some(authority) = authority {
        uri.scheme = Some(http::uri::Scheme::HTTP);
        uri.authority = Some(authority.parse().expect("an authority to the library"));
    }
    let mut request =
        Request::builder().uri(Uri::from_parts(uri).expect("a target")).version(Version::HTTP_2);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a head").into_parts().0
}

fn code(authority: Option<&str>, path: &str, fields: &[(&str, &str)]) -> Option<&'static str> {
    admitted(&head(authority, path, fields)).err().map(|fault| fault.code)
}

#[test]
fn the_authority_names_the_host() {
    let request = admitted(&head(Some("Shop.Example:8080"), "/a?b", &[])).expect("one request");
    assert_eq!((request.host.as_str(), request.port), ("shop.example", Some(8080)));
    assert_eq!((request.path.as_str(), request.query.as_deref()), ("/a", Some("b")));
    assert_eq!(request.scheme, Scheme::Http);
    assert_eq!(code(Some("a.example"), "/", &[("host", "A.example.")]), None);
    assert_eq!(code(None, "/", &[("host", "a.example")]), None);
}

#[test]
fn a_second_authority_agrees_or_there_is_none() {
    assert_eq!(code(None, "/", &[]), Some("missing_host"));
    for host in ["b.example", "a.example:80", "a.example.evil"] {
        assert_eq!(code(Some("a.example"), "/", &[("host", host)]), Some("ambiguous_target"), "{host}");
    }
    for host in ["", "a.example, a.example", "user@a.example"] {
        assert_eq!(code(Some("a.example"), "/", &[("host", host)]), Some("invalid_host"), "{host}");
    }
    let twice = &[("host", "a.example"), ("host", "a.example")];
    assert_eq!(code(Some("a.example"), "/", twice), Some("repeated_header"));
    for authority in ["user@a.example", "a.example@a.example"] {
        let found = code(Some(authority), "/", &[]);
        assert!(matches!(found, Some("ambiguous_target" | "invalid_host")), "{authority}: {found:?}");
        assert_eq!(code(Some(authority), "/", &[("host", "a.example")]), Some("ambiguous_target"));
    }
}

/// threats.md 12: deny rules speak of paths that start with `/`, handlers may not.
#[test]
fn a_path_starts_with_a_slash() {
    for path in ["admin", "*", "?q", "admin/x?y"] {
        for authority in [Some("a.example"), None] {
            // The library takes some of these for no path at all; those that it lets through end here.
            let uri = format!("{path:?} with {authority:?}");
            let Ok(parsed) = path.parse::<PathAndQuery>() else { continue };
            let mut parts = http::uri::Parts::default();
            parts.path_and_query = Some(parsed);
            if let Some(authority) = authority {
                parts.scheme = Some(http::uri::Scheme::HTTP);
                parts.authority = Some(authority.parse().expect("an authority"));
            }
            let Ok(target) = Uri::from_parts(parts) else { continue };
            let mut head = head(Some("a.example"), "/", &[("host", "a.example")]);
            head.uri = target;
            let found = admitted(&head).err().map(|fault| fault.code);
            assert_eq!(found, Some("ambiguous_target"), "{uri}");
        }
    }
    assert_eq!(code(Some("a.example"), "//admin", &[]), Some("ambiguous_path"));
    let mut bare = head(Some("a.example"), "/", &[]);
    bare.uri = Uri::from_static("a.example");
    assert_eq!(admitted(&bare).map_err(|fault| fault.code).err(), Some("ambiguous_target"));
    bare.method = http::Method::CONNECT;
    assert_eq!(admitted(&bare).map_err(|fault| fault.code).err(), Some("ambiguous_target"));
}

#[test]
fn the_scheme_is_that_of_the_connection_unless_a_trusted_peer_says_otherwise() {
    let mut head = head(Some("a.example"), "/", &[("x-forwarded-proto", "https")]);
    assert!(admitted(&head).is_ok());
    head.uri = Uri::from_static("https://a.example/");
    assert_eq!(
        admitted(&head).map_err(|fault| (fault.code, fault.status())).err(),
        Some(("misdirected", 421))
    );
    for target in ["https://a.example/", "http://a.example/"] {
        head.uri = Uri::from_static(target);
        let request = admit_from("10.0.0.1:1", &head).expect("one request");
        assert_eq!(request.scheme, Scheme::Https, "{target}");
    }
    head.headers.clear();
    head.uri = Uri::from_static("https://a.example/");
    assert_eq!(admit_from("10.0.0.1:1", &head).map_err(|fault| fault.code).err(), Some("misdirected"));
}

#[test]
fn fields_of_the_connection_are_refused_and_cookies_joined() {
    assert_eq!(code(Some("a.example"), "/", &[("connection", "close")]), Some("ambiguous_framing"));
    assert_eq!(code(Some("a.example"), "/", &[("te", "trailers")]), None);
    let request =
        admitted(&head(Some("a.example"), "/", &[("cookie", "a=1"), ("cookie", "b=2")])).expect("one");
    assert_eq!(request.headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
}
