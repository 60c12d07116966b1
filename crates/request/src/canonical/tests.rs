//! Whole heads: cases of threats.md 8 to 11, 16 and 18 to 20 as they arrive at the door.

use std::net::SocketAddr;
use std::time::UNIX_EPOCH;

use http::request::Parts;
use http::{Method, Request, Version};

use super::{CanonicalRequest, Rules, Scheme, admit};
use crate::{Ambiguity, Connection, Host, Loosened, Reference, TrustedPeers};

mod http2;
mod tls;

fn head(method: &str, target: &str, fields: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(target).version(Version::HTTP_11);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap_or_else(|fault| panic!("{target}: {fault}")).into_parts().0
}

fn admit_on(connection: &Connection, head: &Parts) -> Result<CanonicalRequest, Ambiguity> {
    let trusted = TrustedPeers::new(vec!["10.0.0.0/8".parse().expect("a network")]);
    let loosened =
        |host: &Host| Loosened { dot_segments: host.as_str() == "loose.example", ..Loosened::default() };
    admit(
        head,
        connection,
        &Rules { trusted: &trusted, loosened: &loosened },
        Reference::from_u128(7),
        UNIX_EPOCH,
    )
}

fn admit_from(peer: &str, head: &Parts) -> Result<CanonicalRequest, Ambiguity> {
    let peer: SocketAddr = peer.parse().expect("a socket address");
    admit_on(&Connection::plain(peer), head)
}

fn admitted(head: &Parts) -> Result<CanonicalRequest, Ambiguity> {
    admit_from("198.51.100.7:4711", head)
}

fn code(method: &str, target: &str, fields: &[(&str, &str)]) -> Result<(), (&'static str, u16)> {
    admitted(&head(method, target, fields)).map(|_| ()).map_err(|fault| {
        assert!(Ambiguity::CODES.contains(&fault.code), "{}", fault.code);
        (fault.code, fault.status())
    })
}

#[test]
fn a_plain_request_is_read_whole() {
    let request = admitted(&head(
        "GET",
        "/%61/b?q=%2e%2E/#",
        &[
            ("host", "Shop.Example.:8080"),
            ("accept", "*/*"),
            ("x-portcullis-user", "admin"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-host", "admin.example"),
            ("x-original-url", "/admin"),
        ],
    ))
    .expect("one request");
    assert_eq!((request.host.as_str(), request.port), ("shop.example", Some(8080)));
    assert_eq!((request.path.as_str(), request.query.as_deref()), ("/a/b", Some("q=%2e%2E/")));
    assert_eq!((&request.method, request.scheme), (&Method::GET, Scheme::Http));
    assert_eq!(request.client.to_string(), "198.51.100.7");
    let mut names: Vec<&str> = request.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "host"]);
}

#[test]
fn an_absent_query_differs_from_an_empty_one() {
    let query = |target| admitted(&head("GET", target, &[("host", "a.example")])).expect("one request").query;
    assert_eq!(
        (query("/"), query("/?"), query("/?a?b")),
        (None, Some(String::new()), Some("a?b".to_owned()))
    );
}

#[test]
fn a_request_names_one_host() {
    let missing = Err(("missing_host", 400));
    assert_eq!(code("GET", "/", &[]), missing);
    assert_eq!(code("GET", "http://a.example/", &[]), missing);
    assert_eq!(
        code("GET", "/", &[("host", "a.example"), ("host", "a.example")]),
        Err(("repeated_header", 400))
    );
    for host in ["", "a.example, b.example", "a@b", "a/b", "127.1"] {
        assert_eq!(code("GET", "/", &[("host", host)]), Err(("invalid_host", 400)), "{host}");
    }
}

#[test]
fn an_absolute_target_agrees_with_the_host() {
    let a = &[("host", "a.example")];
    assert_eq!(code("GET", "http://A.example/x", a), Ok(()));
    for target in
        ["http://b.example/", "http://a.example:81/", "http://user@a.example/", "http://a.example@a.example/"]
    {
        assert_eq!(code("GET", target, a), Err(("ambiguous_target", 400)), "{target}");
    }
    assert_eq!(code("GET", "https://a.example/", a), Err(("misdirected", 421)));
    assert_eq!(code("GET", "gopher://a.example/", a), Err(("misdirected", 421)));
}

/// threats.md 16: nothing without a path is decided on.
#[test]
fn requests_without_a_path_are_refused() {
    let a = &[("host", "a.example")];
    for (method, target) in [
        ("CONNECT", "a.example:443"),
        ("CONNECT", "/"),
        ("CONNECT", "http://a.example/"),
        ("OPTIONS", "*"),
        ("GET", "a.example:80"),
        ("GET", "http://a.example?q"),
    ] {
        assert_eq!(code(method, target, a), Err(("ambiguous_target", 400)), "{method} {target}");
    }
}

/// threats.md 8 and 11.
#[test]
fn an_origin_form_target_is_never_read_as_an_url() {
    assert_eq!(code("GET", "//admin/x", &[("host", "a.example")]), Err(("ambiguous_path", 400)));
    assert_eq!(code("GET", "/public/..;/admin", &[("host", "a.example")]), Err(("ambiguous_path", 400)));
}

#[test]
fn a_query_is_bounded_and_printable() {
    let a = &[("host", "a.example")];
    assert_eq!(code("GET", &format!("/?{}", "q".repeat(16 * 1024)), a), Ok(()));
    assert_eq!(code("GET", &format!("/?{}", "q".repeat(16 * 1024 + 1)), a), Err(("query_too_long", 400)));
    assert_eq!(code("GET", "/?q=é", a), Err(("ambiguous_query", 400)));
}

#[test]
fn other_versions_are_not_served() {
    for version in [Version::HTTP_09, Version::HTTP_3] {
        let mut head = head("GET", "/", &[("host", "a.example")]);
        head.version = version;
        assert_eq!(
            admitted(&head).map_err(|fault| fault.code).err(),
            Some("unsupported_version"),
            "{version:?}"
        );
    }
}

/// threats.md 10: what the app of this host allows, and of no other, and always one path.
#[test]
fn an_app_loosens_its_own_paths() {
    let read = |host, target| admitted(&head("GET", target, &[("host", host)])).map(|request| request.path);
    let path = read("loose.example", "/a/../b").expect("one path");
    assert_eq!(path.as_str(), "/b");
    assert_eq!(read("loose.example", "/a/..%2Fb").expect_err("not loosened").code, "ambiguous_path");
    assert_eq!(read("a.example", "/a/../b").expect_err("not loosened").code, "ambiguous_path");
}

/// threats.md 18 to 20: each name of these is removed, in whatever spelling it is admitted.
#[test]
fn fields_that_would_say_otherwise_are_removed_or_refused() {
    for name in [
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-HTTP-Method",
        "X-HTTP-Method-Override",
        "X-Method-Override",
        "X-Forwarded-Host",
        "X-Forwarded-Prefix",
        "X-Forwarded-For",
        "X-Auth-User",
        "X-Portcullis-User",
        "Forwarded",
    ] {
        let sent = &[("host", "a.example"), ("connection", "x-portcullis-user"), (name, "x")];
        let request = admitted(&head("GET", "/", sent)).expect("one request");
        assert!(!request.headers.contains_key(name), "{name}");
        for spelling in [name.replace('-', "_"), name.replace('-', ".")] {
            if spelling != name {
                let sent = &[("host", "a.example"), (&*spelling, "x")];
                assert_eq!(code("GET", "/", sent), Err(("bad_header_name", 400)), "{spelling}");
            }
        }
    }
}

#[test]
fn a_trusted_peer_says_who_asked_for_what() {
    let fields = [
        ("host", "internal"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-prefix", "/shop"),
    ];
    let request = admit_from("10.0.0.1:1", &head("GET", "/", &fields)).expect("one request");
    assert_eq!((request.host.as_str(), request.scheme), ("shop.example", Scheme::Https));
    assert_eq!(request.client.to_string(), "203.0.113.9");
    assert!(request.headers.contains_key("x-forwarded-prefix"));
    let absolute = head("GET", "https://internal/", &fields);
    assert!(admit_from("10.0.0.1:1", &absolute).is_ok());

    let request = admit_from("192.0.2.1:1", &head("GET", "/", &fields)).expect("one request");
    assert_eq!((request.host.as_str(), request.scheme), ("internal", Scheme::Http));
    assert!(!request.headers.contains_key("x-forwarded-prefix"));
}
