//! Cases of threats.md 18: forwarded fields count only from peers that were named, and then entirely.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Forwarding, TrustedPeers, address};
use crate::{Ambiguity, Scheme};

const PROXY: &str = "10.0.0.1";

fn forwarding(peer: &str, fields: &[(&'static str, &str)]) -> Result<Forwarding, Ambiguity> {
    let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().expect("a network"));
    let headers: HeaderMap = fields
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value")))
        .collect();
    TrustedPeers::new(networks.into()).forwarding(ip(peer), &headers)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn nobody_is_trusted_by_default() {
    assert!(!TrustedPeers::default().contains(ip("127.0.0.1")));
    assert!(!TrustedPeers::default().contains(ip("10.0.0.1")));
}

#[test]
fn an_untrusted_peer_is_the_caller_whatever_it_writes() {
    let said = forwarding(
        "198.51.100.7",
        &[
            ("x-forwarded-for", "127.0.0.1"),
            ("forwarded", "for=;;\""),
            ("x-forwarded-proto", "gopher"),
            ("x-forwarded-host", "admin.example"),
        ],
    );
    let expected =
        Forwarding { client: ip("198.51.100.7"), scheme: None, authority: None, from_trusted: false };
    assert_eq!(said, Ok(expected));
}

#[test]
fn the_caller_is_the_right_most_address_that_is_not_trusted() {
    for (chain, client) in [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("what ever; this is, 203.0.113.9", "203.0.113.9"),
        ("10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:db8::9]:4711", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, ::ffff:10.1.1.1", "203.0.113.9"),
    ] {
        let said = forwarding(PROXY, &[("x-forwarded-for", chain)])
            .unwrap_or_else(|fault| panic!("{chain}: {fault}"));
        assert_eq!(said.client, ip(client), "{chain}");
        assert_eq!(forwarding("::ffff:10.0.0.1", &[("x-forwarded-for", chain)]), Ok(said), "{chain}");
    }
    let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.9, 10.1.1.1")];
    assert_eq!(forwarding(PROXY, &lines).map(|said| said.client), Ok(ip("203.0.113.9")));
    assert_eq!(forwarding(PROXY, &[]).map(|said| said.client), Ok(ip(PROXY)));
}

#[test]
fn what_a_trusted_peer_writes_is_understood_or_refused() {
    let many = vec!["10.1.1.1"; 33].join(",");
    for fields in [
        vec![("x-forwarded-for", "")],
        vec![("x-forwarded-for", "203.0.113.9,")],
        vec![("x-forwarded-for", "unknown")],
        vec![("x-forwarded-for", "203.0.113.999")],
        vec![("x-forwarded-for", "203.0.113.9:99999")],
        vec![("x-forwarded-for", "0x7f.1")],
        vec![("x-forwarded-for", "fe80::1%eth0")],
        vec![("x-forwarded-for", many.as_str())],
        vec![("forwarded", "for=unknown")],
        vec![("forwarded", "for=_hidden")],
        vec![("forwarded", "proto=https")],
        vec![("forwarded", "for=\"203.0.113.9")],
        vec![("forwarded", "for=203.0.113.9"), ("x-forwarded-for", "203.0.113.8")],
        vec![("x-forwarded-proto", "gopher")],
        vec![("x-forwarded-proto", "https, http")],
        vec![("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")],
        vec![("x-forwarded-proto", "https"), ("forwarded", "for=203.0.113.9;proto=http")],
        vec![("x-forwarded-host", "a.example, b.example")],
        vec![("x-forwarded-host", "user@a.example")],
        vec![("x-forwarded-host", "a.example"), ("forwarded", "for=203.0.113.9;host=b.example")],
    ] {
        let fault = forwarding(PROXY, &fields).expect_err("ambiguous");
        assert_eq!((fault.code, fault.status()), ("ambiguous_forwarding", 400), "{fields:?}");
    }
}

#[test]
fn both_notations_may_agree() {
    let said = forwarding(
        PROXY,
        &[
            ("forwarded", "for=1.1.1.1, for=\"[2001:db8::9]:4711\";proto=https;host=\"shop.example:444\""),
            ("x-forwarded-for", "1.1.1.1, 2001:db8::9"),
            ("x-forwarded-proto", "HTTPS"),
            ("x-forwarded-host", "Shop.Example:444"),
        ],
    )
    .expect("they agree");
    assert_eq!((said.client, said.scheme), (ip("2001:db8::9"), Some(Scheme::Https)));
    let (host, port) = said.authority.expect("a host");
    assert_eq!((host.as_str(), port), ("shop.example", Some(444)));
}

#[test]
fn addresses_are_read_with_and_without_port() {
    assert_eq!(address("[::ffff:192.0.2.1]:80"), Some(ip("192.0.2.1")));
    for text in ["", "[192.0.2.1]", "192.0.2.1:", "[::1]:x", "::1]:80", "192.0.2.1 ", "192.0.2"] {
        assert_eq!(address(text), None, "{text}");
    }
}
