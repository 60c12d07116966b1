//! Forwarded addresses: the peer's address in the first line, then `Forwarded` and `X-Forwarded-*` fields.
//!
//! Holds for every input: the fields of a peer that is not trusted change nothing; the caller's address is the
//! right-most that is not trusted, by a reader of its own kind; and whatever a caller writes at the left end changes it
//! not.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderValue, Uri};
use portcullis_request::{Ambiguity, CanonicalRequest, Loosened, Scheme, TrustedPeers};

use crate::raw_head;

/// What must hold.
pub fn check(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let peer = std::str::from_utf8(lines.next().unwrap_or_default()).ok().and_then(|line| line.parse().ok());
    let peer: IpAddr = peer.unwrap_or(IpAddr::from([198, 51, 100, 7]));
    let fields = raw_head::fields(lines);
    let trusted = trusted();
    let read = admit(peer, &fields);
    if trusted.contains(peer) {
        if let Ok(request) = &read {
            believed(&trusted, peer, &fields, request);
        }
    } else {
        ignored(peer, &fields, &read);
    }
    if let Ok(request) = &read {
        assert_eq!(request.client, request.client.to_canonical(), "a mapped address is left");
        assert_eq!(request.peer.ip(), peer);
        let gone = if trusted.contains(peer) { &FORWARDED[..5] } else { &FORWARDED[..] };
        for gone in gone {
            assert!(!request.headers.contains_key(*gone), "`{gone}` is left");
        }
    }
}

fn trusted() -> TrustedPeers {
    let networks = ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"];
    TrustedPeers::new(networks.map(|network| network.parse().expect("a network")).to_vec())
}

fn admit(peer: IpAddr, fields: &HeaderMap) -> Result<CanonicalRequest, Ambiguity> {
    let peer = SocketAddr::new(peer, 4711);
    raw_head::admitted(Uri::from_static("/"), fields.clone(), peer, &trusted(), Loosened::default())
}

/// A peer that is not trusted: as if it had not sent them.
fn ignored(peer: IpAddr, fields: &HeaderMap, read: &Result<CanonicalRequest, Ambiguity>) {
    let mut without = fields.clone();
    for name in FORWARDED {
        without.remove(name);
    }
    match (read, admit(peer, &without)) {
        (Ok(with), Ok(without)) => {
            assert_eq!(with.client, peer.to_canonical());
            assert_eq!((with.scheme, &with.host, with.port), (Scheme::Http, &without.host, without.port));
            assert_eq!(with.headers, without.headers);
        }
        (Ok(_), Err(fault)) => panic!("admitted only with forwarded fields: {fault}"),
        (Err(fault), Ok(_)) => {
            let of_form = ["too_many_headers", "bad_header_value", "bad_header_name"];
            assert!(of_form.contains(&fault.code), "a stranger's forwarded fields were read: {fault}");
        }
        (Err(_), Err(_)) => {}
    }
}

/// A trusted peer: its chain is read from the right, and what stands further left is only a caller's word.
fn believed(trusted: &TrustedPeers, peer: IpAddr, fields: &HeaderMap, request: &CanonicalRequest) {
    let listed = joined(fields, "x-forwarded-for").map(|list| simple_chain(&list));
    let named = joined(fields, "forwarded").filter(|field| !field.contains(['"', '\\'])).map(|field| {
        let element = |element: &str| {
            let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
            let mut clients = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for"));
            clients.next().and_then(|(_, client)| simple_address(client))
        };
        field.split(',').map(element).collect::<Vec<_>>()
    });
    for chain in [listed, named].into_iter().flatten() {
        let first = chain.iter().rev().find(|hop| hop.is_none_or(|address| !trusted.contains(address)));
        let expected = match first {
            Some(stranger) => *stranger,
            None => chain.first().copied().flatten(),
        };
        assert_eq!(expected, Some(request.client), "of {chain:?}");
    }
    if !fields.contains_key("x-forwarded-for") && !fields.contains_key("forwarded") {
        assert_eq!(request.client, peer.to_canonical());
    }
    if !trusted.contains(request.client) {
        for (name, written) in [("x-forwarded-for", "203.0.113.99"), ("forwarded", "for=203.0.113.99")] {
            written_at_the_left(peer, fields, name, written, request);
        }
    }
}

fn written_at_the_left(
    peer: IpAddr,
    fields: &HeaderMap,
    name: &str,
    written: &str,
    request: &CanonicalRequest,
) {
    let mut longer = fields.clone();
    let Some(first) = longer.get_mut(name) else { return };
    let value = [written.as_bytes(), b", ", first.as_bytes()].concat();
    *first = HeaderValue::from_bytes(&value).expect("a value with a plain beginning");
    match admit(peer, &longer) {
        Ok(again) => assert_eq!(again.client, request.client, "a caller chose its own address"),
        Err(fault) => assert_eq!(fault.code, "ambiguous_forwarding"),
    }
}

fn joined(fields: &HeaderMap, name: &str) -> Option<String> {
    let lines: Option<Vec<&str>> = fields.get_all(name).iter().map(|value| value.to_str().ok()).collect();
    lines.filter(|lines| !lines.is_empty()).map(|lines| lines.join(","))
}

fn simple_chain(list: &str) -> Vec<Option<IpAddr>> {
    list.split(',').map(|hop| simple_address(hop.trim())).collect()
}

/// An address, with or without port and brackets, read without the product's own reader.
fn simple_address(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None if text.matches(':').count() == 1 => text.split(':').next()?,
        None => text,
    };
    bare.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// The first five go whoever sent them: what they say stands in the canonical request.
const FORWARDED: [&str; 7] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-forwarded",
    "x-client-ip",
];
