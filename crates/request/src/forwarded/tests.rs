//! The grammar of RFC 7239 §4, with the examples of its §4 and §7.

use proptest::prelude::*;

use super::{Element, parse};

fn element(client: Option<&str>, scheme: Option<&str>, host: Option<&str>) -> Element {
    let own = |text: Option<&str>| text.map(str::to_owned);
    Element { client: own(client), scheme: own(scheme), host: own(host) }
}

#[test]
fn elements_are_read_in_order() {
    for (field, expected) in [
        ("for=\"_gazonk\"", vec![element(Some("_gazonk"), None, None)]),
        ("For=\"[2001:db8:cafe::17]:4711\"", vec![element(Some("[2001:db8:cafe::17]:4711"), None, None)]),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", vec![element(Some("192.0.2.60"), Some("http"), None)]),
        (
            "for=192.0.2.43, for=198.51.100.17",
            vec![element(Some("192.0.2.43"), None, None), element(Some("198.51.100.17"), None, None)],
        ),
        ("for=192.0.2.43:80 ; host=\"a\\\"b\"", vec![element(Some("192.0.2.43:80"), None, Some("a\"b"))]),
        ("for=\"a,b;c=d\"", vec![element(Some("a,b;c=d"), None, None)]),
    ] {
        assert_eq!(parse(field), Ok(expected), "{field}");
    }
}

#[test]
fn anything_else_is_refused() {
    for field in [
        "",
        "for",
        "for=",
        "=x",
        "for=\"a",
        "for=\"a\\",
        "for=a b",
        "for=a,",
        "for=a;",
        "for=a;for=b",
        "f r=a",
        "for=\"a\"b",
        "for=é",
        ",for=a",
    ] {
        assert_eq!(parse(field).map_err(|fault| fault.code), Err("ambiguous_forwarding"), "{field}");
    }
    let many = vec!["for=192.0.2.1"; 33].join(",");
    assert!(parse(&many).is_err());
}

proptest! {
    #[test]
    fn no_input_panics_and_elements_are_bounded(field in "[a-z=;,\" \\\\é]{0,40}") {
        if let Ok(elements) = parse(&field) {
            prop_assert!((1..=32).contains(&elements.len()));
        }
    }
}
