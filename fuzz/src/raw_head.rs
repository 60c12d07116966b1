//! Request heads out of a fuzzer's lines, as an HTTP library would hand them over. It refuses only what no library can
//! represent.

use std::net::SocketAddr;
use std::time::UNIX_EPOCH;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, Version};
use portcullis_request::{
    Ambiguity, CanonicalRequest, Connection, Loosened, Reference, Rules, TrustedPeers, admit,
};

/// The fields among these lines, each `name: value`; other lines are left out, and so is what comes after 200.
pub fn fields<'a>(lines: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in lines.take(200) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            fields.append(name, value);
        }
    }
    fields
}

/// Has a head admitted, `Host: shop.test` added where there is no host.
pub fn admitted(
    target: Uri,
    mut fields: HeaderMap,
    peer: SocketAddr,
    trusted: &TrustedPeers,
    loosened: Loosened,
) -> Result<CanonicalRequest, Ambiguity> {
    fields.entry("host").or_insert(HeaderValue::from_static("shop.test"));
    let (mut head, ()) = Request::new(()).into_parts();
    head.uri = target;
    head.version = Version::HTTP_11;
    head.headers = fields;
    let rules = Rules { trusted, loosened: &|_| loosened };
    let read = admit(&head, &Connection::plain(peer), &rules, Reference::from_u128(7), UNIX_EPOCH);
    if let Err(fault) = &read {
        assert!(Ambiguity::CODES.contains(&fault.code), "`{}` is no known code", fault.code);
        assert!(matches!(fault.status(), 400 | 421));
        assert!(
            fault.detail.len() < 2_000 && !fault.detail.contains(char::is_control),
            "{:?} is not fit for a log",
            fault.detail
        );
    }
    read
}
