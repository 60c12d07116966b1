//! Spellings of one host, and texts that only look like one.

use proptest::prelude::*;

use super::{Host, HostError};

#[test]
fn each_host_has_one_spelling() {
    for (text, host, port) in [
        ("shop.example", "shop.example", None),
        ("SHOP.Example.", "shop.example", None),
        ("shop.example:8080", "shop.example", Some(8080)),
        ("shop.example.:443", "shop.example", Some(443)),
        ("localhost", "localhost", None),
        ("127.0.0.1:80", "127.0.0.1", Some(80)),
        ("[::1]", "[::1]", None),
        ("[2001:DB8:0:0::1]:8443", "[2001:db8::1]", Some(8443)),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
        ("3com.example", "3com.example", None),
    ] {
        let (parsed, written) = Host::parse_authority(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!((parsed.as_str(), written), (host, port), "{text}");
    }
}

#[test]
fn what_is_no_host_is_refused_with_a_hint() {
    for (text, hint) in [
        ("", "write a name"),
        (".", "write a name"),
        (":80", "write a name"),
        ("a..b", "labels"),
        ("-a.example", "labels"),
        ("a-.example", "labels"),
        ("a_b.example", "labels"),
        ("shop.example, evil.example", "labels"),
        ("user@shop.example", "labels"),
        ("user:1@shop.example", "port"),
        ("shop.example/", "labels"),
        ("shop example", "labels"),
        ("shöp.example", "labels"),
        ("shop.example:", "port"),
        ("shop.example:0", "port"),
        ("shop.example:080", "port"),
        ("shop.example:65536", "port"),
        ("shop.example:+80", "port"),
        ("shop.example:80:80", "port"),
        ("::1", "brackets"),
        ("[::1", "brackets"),
        ("[::1]x", "brackets"),
        ("[fe80::1%eth0]", "brackets"),
        ("[127.0.0.1]", "brackets"),
        ("127.1", "IPv4"),
        ("2130706433", "IPv4"),
        ("0x7f.0.0.1", "IPv4"),
        ("1.0x7f", "IPv4"),
        ("127.0.0.01", "IPv4"),
        ("256.0.0.1", "IPv4"),
    ] {
        let fault = Host::parse_authority(text).expect_err(text);
        assert!(fault.to_string().contains(hint), "{text}: {fault}");
    }
}

#[test]
fn a_host_without_port_has_none() {
    assert!(matches!(Host::parse("shop.example:80"), Err(HostError::UnexpectedPort(_))));
    assert_eq!("Shop.Example".parse::<Host>().expect("a host").to_string(), "shop.example");
}

#[test]
fn length_is_bounded() {
    let label = "a".repeat(63);
    let longest = [label.as_str(), &label, &label, &"a".repeat(61)].join(".");
    assert_eq!(longest.len(), 253);
    assert!(Host::parse(&longest).is_ok());
    assert!(matches!(Host::parse(&format!("a{longest}")), Err(HostError::TooLong(_))));
    assert!(matches!(Host::parse(&"a".repeat(64)), Err(HostError::Label(_))));
}

proptest! {
    #[test]
    fn parsing_is_idempotent(text in "[A-Za-z0-9.:\\[\\]-]{0,20}") {
        if let Ok((host, _)) = Host::parse_authority(&text) {
            prop_assert_eq!(Host::parse(host.as_str()), Ok(host.clone()));
        }
    }
}
