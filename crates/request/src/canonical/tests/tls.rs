//! Whether a connection over TLS is for the host that is asked for: threats.md 24.

use super::{admit_on, head};
use crate::{Connection, Scheme, Tls};

fn asked(
    peer: &str,
    server_name: Option<&str>,
    host: &str,
    forwarded: Option<&str>,
) -> Option<(&'static str, u16)> {
    let mut fields = vec![("host", host)];
    fields.extend(forwarded.map(|forwarded| ("x-forwarded-host", forwarded)));
    let server_name = server_name.map(|name| name.parse().expect("a host"));
    let connection = Connection { peer: peer.parse().expect("an address"), tls: Some(Tls { server_name }) };
    match admit_on(&connection, &head("GET", "/", &fields)) {
        Ok(request) => {
            assert_eq!(request.scheme, Scheme::Https);
            None
        }
        Err(fault) => Some((fault.code, fault.status())),
    }
}

const STRANGER: &str = "198.51.100.7:4711";
const TRUSTED: &str = "10.0.0.1:4711";
const MISDIRECTED: Option<(&str, u16)> = Some(("misdirected", 421));

/// threats.md 24: what the handshake checked, it checked for its own name.
#[test]
fn the_name_of_the_handshake_is_the_host_asked_for() {
    for host in ["a.example", "A.Example", "a.example.", "a.example:8443"] {
        assert_eq!(asked(STRANGER, Some("a.example"), host, None), None, "{host}");
    }
    for host in ["b.example", "a.example.evil", "xa.example", "192.0.2.1", "[2001:db8::1]"] {
        assert_eq!(asked(STRANGER, Some("a.example"), host, None), MISDIRECTED, "{host}");
        assert_eq!(asked(TRUSTED, Some("a.example"), host, None), MISDIRECTED, "{host}");
    }
}

#[test]
fn a_handshake_without_a_name_is_for_an_address() {
    for host in ["192.0.2.1", "192.0.2.1:8443", "[2001:db8::1]", "[2001:db8::1]:8443"] {
        assert_eq!(asked(STRANGER, None, host, None), None, "{host}");
    }
    assert_eq!(asked(STRANGER, None, "a.example", None), MISDIRECTED);
    assert_eq!(asked(TRUSTED, None, "a.example", None), None);
}

#[test]
fn what_a_trusted_peer_forwards_is_another_matter() {
    assert_eq!(asked(TRUSTED, Some("gate.example"), "gate.example", Some("shop.example")), None);
    assert_eq!(asked(TRUSTED, Some("gate.example"), "shop.example", Some("gate.example")), MISDIRECTED);
    assert_eq!(asked(STRANGER, Some("gate.example"), "gate.example", Some("shop.example")), None);
}
