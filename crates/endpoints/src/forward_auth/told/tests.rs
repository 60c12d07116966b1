use http::header::AUTHORIZATION;
use proptest::prelude::*;

use super::*;

const NGINX: [(&str, &str); 5] = [
    ("x-original-method", "POST"),
    ("x-original-uri", "/items?page=2"),
    ("x-forwarded-host", "shop.test"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-for", "203.0.113.7"),
];

const CADDY: [(&str, &str); 5] = [
    ("x-forwarded-method", "POST"),
    ("x-forwarded-uri", "/items?page=2"),
    ("x-forwarded-host", "shop.test"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-for", "203.0.113.7"),
];

const ALL: [(Contract, [(&str, &str); 5]); 3] =
    [(Contract::Nginx, NGINX), (Contract::Caddy, CADDY), (Contract::Traefik, CADDY)];

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("127.0.0.1:8082"));
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn with(pairs: &[(&'static str, &str)], more: &[(&'static str, &str)]) -> HeaderMap {
    headers(&[pairs, more].concat())
}

fn replaced<'v>(
    pairs: [(&'static str, &'v str); 5],
    name: &str,
    value: &'v str,
) -> Vec<(&'static str, &'v str)> {
    pairs.map(|(there, old)| if there == name { (there, value) } else { (there, old) }).to_vec()
}

#[test]
fn what_is_told_becomes_the_request() {
    for (contract, pairs) in ALL {
        let parts = request(contract, &headers(&pairs)).unwrap();
        assert_eq!((parts.method.as_str(), parts.uri.to_string().as_str()), ("POST", "/items?page=2"));
        assert_eq!(parts.headers["host"], "shop.test");
        assert_eq!(parts.headers["x-forwarded-for"], "203.0.113.7");
        assert_eq!(parts.headers["x-forwarded-proto"], "https");
        assert_eq!(parts.headers.len(), 3, "{:?}", parts.headers);
    }
}

/// threats.md 10: an application that believes one of these would serve another request than the one that got leave.
#[test]
fn another_target_or_method_beside_the_one_told_is_refused() {
    for (contract, pairs) in ALL {
        for (name, code) in OVERRIDES {
            let told = pairs.iter().any(|(there, _)| *there == name);
            let fault = request(contract, &with(&pairs, &[(name, "/admin")])).unwrap_err();
            assert_eq!(fault.code, if told { "ambiguous_forwarding" } else { code }, "{contract:?} {name}");
        }
    }
}

/// threats.md 22 and 18: what the proxy leaves out is not for the caller to say, so it is missed at every request.
#[test]
fn whatever_is_missing_or_empty_refuses() {
    for (contract, pairs) in ALL {
        for (missing, _) in pairs {
            let others: Vec<_> = pairs.into_iter().filter(|(name, _)| *name != missing).collect();
            let fault = request(contract, &headers(&others)).unwrap_err();
            assert_eq!((fault.code, fault.status.as_u16()), ("ambiguous_forwarding", 400), "{missing}");
            if missing != "x-forwarded-for" {
                assert!(request(contract, &headers(&replaced(pairs, missing, ""))).is_err(), "{missing}");
            }
        }
    }
}

/// threats.md 18: a caller's copy beside the proxy's own.
#[test]
fn what_is_told_twice_must_agree() {
    for (contract, pairs) in ALL {
        for (name, value) in pairs.into_iter().filter(|(name, _)| *name != "x-forwarded-for") {
            assert!(request(contract, &with(&pairs, &[(name, "/other")])).is_err(), "{name}");
            assert!(request(contract, &with(&pairs, &[(name, value)])).is_ok(), "{name}");
        }
    }
    for (name, other) in [("x-forwarded-uri", "/admin"), ("x-forwarded-method", "GET")] {
        assert!(request(Contract::Nginx, &with(&NGINX, &[(name, other)])).is_err(), "{name}");
    }
}

#[test]
fn other_proxies_words_are_the_callers_own() {
    let forged = [("x-real-ip", "10.0.0.1"), ("x-forwarded-prefix", "/public")];
    let parts = request(Contract::Caddy, &with(&CADDY, &forged)).unwrap();
    assert_eq!((parts.method.as_str(), parts.uri.path()), ("POST", "/items"));
    assert_eq!(parts.headers.len(), 3, "{:?}", parts.headers);
}

/// threats.md 18: a list that the caller wrote, where nginx says the address in `X-Real-IP`.
#[test]
fn the_address_nginx_saw_is_at_the_right_end() {
    let told = |list: &[&str], single: &str| {
        let others: Vec<_> = NGINX.into_iter().filter(|(name, _)| *name != "x-forwarded-for").collect();
        let mut headers = headers(&others);
        for line in list {
            headers.append("x-forwarded-for", HeaderValue::from_str(line).unwrap());
        }
        headers.insert("x-real-ip", HeaderValue::from_str(single).unwrap());
        request(Contract::Nginx, &headers).map(|parts| {
            let lines = parts.headers.get_all("x-forwarded-for").iter();
            lines.map(|line| line.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        })
    };
    assert_eq!(told(&[], "203.0.113.7").unwrap(), ["203.0.113.7"]);
    assert_eq!(told(&["10.0.0.1, 203.0.113.7"], "203.0.113.7").unwrap(), ["10.0.0.1, 203.0.113.7"]);
    assert_eq!(told(&["10.0.0.1", "203.0.113.7"], "203.0.113.7").unwrap(), ["10.0.0.1", "203.0.113.7"]);
    for forged in [&["10.0.0.1"][..], &["203.0.113.7, 10.0.0.1"], &["203.0.113.7", "10.0.0.1"], &[""]] {
        assert!(told(forged, "203.0.113.7").is_err(), "{forged:?}");
    }
}

/// threats.md 9 and 11: `//admin` is a path, and nothing is cut off at `#`.
#[test]
fn the_target_is_taken_as_it_stands_or_not_at_all() {
    let told = |target: &str| {
        let parts = request(Contract::Caddy, &headers(&replaced(CADDY, "x-forwarded-uri", target)));
        parts.map(|parts| parts.uri.to_string())
    };
    for target in ["/", "//admin/x", "/a/../b", "/%2e%2e/x", "/a?b?c", "/?", "/a;b", "/a//b?x=%23"] {
        assert_eq!(told(target).unwrap(), target);
    }
    for target in ["*", "admin", "http://shop.test/", "shop.test:443", "?x", "/a#b", "/a b", "/ü", "/a\tb"] {
        assert_eq!(told(target).unwrap_err().code, "ambiguous_target", "{target}");
    }
}

/// threats.md 20: `Connection` names fields to be dropped; a credential dropped here would still reach the origin.
#[test]
fn connection_takes_nothing_away() {
    let listed = [
        ("connection", "authorization, x-api-key, x-forwarded-for"),
        ("authorization", "Bearer x"),
        ("x-api-key", "k"),
    ];
    let parts = request(Contract::Traefik, &with(&CADDY, &listed)).unwrap();
    assert_eq!(parts.headers[AUTHORIZATION], "Bearer x");
    assert_eq!(parts.headers["x-api-key"], "k");
    assert!(parts.headers.contains_key("x-forwarded-for") && !parts.headers.contains_key("connection"));
}

/// threats.md 18: `Forwarded` is in no contract, so whoever wrote it was not the proxy.
#[test]
fn what_concerns_the_asking_is_gone_and_the_callers_own_stays() {
    let own = [
        ("forwarded", "for=10.0.0.1;host=admin.test"),
        ("x-forwarded-prefix", "/x"),
        ("x-forwarded-port", "443"),
        ("content-length", "7"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("te", "trailers"),
        ("accept", "text/html"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
    ];
    let parts = request(Contract::Nginx, &with(&NGINX, &own)).unwrap();
    let mut names: Vec<_> = parts.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "cookie", "host", "x-forwarded-for", "x-forwarded-proto"]);
    assert_eq!(parts.headers.get_all("cookie").iter().count(), 2);
}

#[test]
fn what_cannot_be_read_is_shown_escaped() {
    let fault = request(Contract::Caddy, &headers(&replaced(CADDY, "x-forwarded-uri", "ü"))).unwrap_err();
    assert_eq!(fault.target.as_deref(), Some("\\xc3\\xbc"));
    assert_eq!(fault.host.as_deref(), Some("shop.test"));
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "(/[a-z./%#?;]{0,12}|GET|POST|https?|shop\\.test|203\\.0\\.113\\.7)".prop_map(String::into_bytes),
        proptest::collection::vec(prop_oneof![Just(b'\t'), 32..=126_u8, 128..=255_u8], 0..24),
    ]
}

proptest! {
    /// threats.md 22: whatever stands in the fields, there is a fault or a request with exactly what was told.
    #[test]
    fn nothing_is_made_up(
        contract in prop_oneof![Just(Contract::Nginx), Just(Contract::Caddy), Just(Contract::Traefik)],
        fields in proptest::collection::vec((0..9_usize, value()), 0..12),
    ) {
        let names = [
            X_ORIGINAL_METHOD, X_ORIGINAL_URI, X_FORWARDED_METHOD, X_FORWARDED_URI, X_FORWARDED_HOST,
            X_FORWARDED_PROTO, X_FORWARDED_FOR, X_REAL_IP, "forwarded",
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in &fields {
            headers.append(names[*name], HeaderValue::from_bytes(value).unwrap());
        }
        if let Ok(parts) = request(contract, &headers) {
            let told = |names: &[&str], value: &[u8]| {
                names.iter().flat_map(|name| headers.get_all(*name)).all(|there| there.as_bytes() == value)
            };
            prop_assert!(told(contract.targets(), parts.uri.to_string().as_bytes()));
            prop_assert!(told(contract.methods(), parts.method.as_str().as_bytes()));
            prop_assert!(told(&[X_FORWARDED_HOST], parts.headers["host"].as_bytes()));
            prop_assert!(!parts.headers.contains_key("forwarded"));
        }
    }
}
