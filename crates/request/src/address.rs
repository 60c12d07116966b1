//! Forwarded addresses, believed only from peers that were named.
//!
//! INVARIANT: a forwarded field of a peer that is not trusted is never read, and one of a trusted peer is understood or
//! the request is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};

use crate::ambiguity::quoted;
use crate::forwarded::{self, Element};
use crate::target::parse_authority;
use crate::{Ambiguity, Host, Scheme};

/// The peers whose `X-Forwarded-*` count. Empty by default: nobody's do.
#[derive(Debug, Clone, Default)]
pub struct TrustedPeers(pub(crate) Vec<ipnet::IpNet>);

/// What is known of the caller's side of the first trusted peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forwarding {
    /// The caller's address, IPv4-mapped ones unmapped.
    pub(crate) client: IpAddr,
    pub(crate) scheme: Option<Scheme>,
    pub(crate) authority: Option<(Host, Option<u16>)>,
    pub(crate) from_trusted: bool,
}

impl TrustedPeers {
    /// The peers within these networks.
    #[must_use]
    pub fn new(networks: Vec<ipnet::IpNet>) -> Self {
        Self(networks)
    }

    /// Whether this address was named. An IPv4-mapped IPv6 address counts as the IPv4 address it holds.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    pub(crate) fn forwarding(&self, peer: IpAddr, headers: &HeaderMap) -> Result<Forwarding, Ambiguity> {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return Ok(Forwarding { client: peer, scheme: None, authority: None, from_trusted: false });
        }
        let listed = self.client(fields(headers, &X_FORWARDED_FOR)?.as_deref().map(hops))?;
        let elements = fields(headers, &FORWARDED)?.map(|text| forwarded::parse(&text)).transpose()?;
        let named = self.client(elements.as_deref().map(|elements| {
            Ok(elements.iter().map(|element| element.client.as_deref().unwrap_or("unknown")).collect())
        }))?;
        let client = agreed("the caller's address", [listed, named])?.unwrap_or(peer);
        let scheme = agreed(
            "the scheme",
            [
                fields(headers, &X_FORWARDED_PROTO)?.map(|text| common(&text, scheme)).transpose()?,
                common_element(elements.as_deref(), |element| element.scheme.as_deref(), scheme)?,
            ],
        )?;
        let authority = agreed(
            "the host",
            [
                fields(headers, &X_FORWARDED_HOST)?.map(|text| common(&text, authority)).transpose()?,
                common_element(elements.as_deref(), |element| element.host.as_deref(), authority)?,
            ],
        )?;
        Ok(Forwarding { client, scheme, authority, from_trusted: true })
    }

    /// The right-most address that is not trusted: every hop writes the address it saw at the right end, so what
    /// stands further left was written by the caller. Of trusted addresses alone, the left-most.
    fn client(&self, chain: Option<Result<Vec<&str>, Ambiguity>>) -> Result<Option<IpAddr>, Ambiguity> {
        let mut client = None;
        for hop in chain.transpose()?.unwrap_or_default().iter().rev() {
            let address = address(hop)
                .ok_or_else(|| ambiguity(format!("the forwarded address {} is none", quoted(hop))))?;
            client = Some(address);
            if !self.contains(address) {
                break;
            }
        }
        Ok(client)
    }
}

/// An address with or without port, IPv6 with or without brackets (which it needs before a port).
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let plain =
        text.parse::<Ipv4Addr>().map(IpAddr::V4).or_else(|_| text.parse::<Ipv6Addr>().map(IpAddr::V6));
    plain
        .ok()
        .or_else(bracketed)
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .map(|address| address.to_canonical())
}

/// All lines of one field as a single list (RFC 9110 §5.3).
fn fields(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Ambiguity> {
    let mut joined: Option<String> = None;
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| ambiguity(format!("`{name}` has bytes beyond ASCII")))?;
        match joined.as_mut() {
            Some(joined) => {
                joined.push(',');
                joined.push_str(text);
            }
            None => joined = Some(text.to_owned()),
        }
    }
    Ok(joined)
}

fn hops(list: &str) -> Result<Vec<&str>, Ambiguity> {
    let hops: Vec<&str> = list.split(',').map(str::trim).take(MOST_HOPS + 1).collect();
    if hops.len() > MOST_HOPS {
        return Err(ambiguity(format!("`X-Forwarded-For` has more than {MOST_HOPS} addresses")));
    }
    Ok(hops)
}

/// The one value of a list whose entries agree. Which entry a list with several means is read differently by every
/// server, so it must not matter.
fn common<T: PartialEq>(list: &str, read: fn(&str) -> Result<T, Ambiguity>) -> Result<T, Ambiguity> {
    let mut entries = list.split(',').map(str::trim).take(MOST_HOPS).map(read);
    let first = entries.next().unwrap_or_else(|| Err(ambiguity("a forwarded field is empty".to_owned())))?;
    for entry in entries {
        if entry? != first {
            return Err(ambiguity(format!("the forwarded values {} differ", quoted(list))));
        }
    }
    Ok(first)
}

fn common_element<T: PartialEq>(
    elements: Option<&[Element]>,
    part: fn(&Element) -> Option<&str>,
    read: fn(&str) -> Result<T, Ambiguity>,
) -> Result<Option<T>, Ambiguity> {
    let written: Vec<&str> = elements.unwrap_or_default().iter().filter_map(part).collect();
    if written.is_empty() { Ok(None) } else { common(&written.join(","), read).map(Some) }
}

fn agreed<T: PartialEq>(what: &str, [left, right]: [Option<T>; 2]) -> Result<Option<T>, Ambiguity> {
    match (left, right) {
        (Some(left), Some(right)) if left != right => {
            Err(ambiguity(format!("`Forwarded` and `X-Forwarded-*` disagree on {what}")))
        }
        (left, right) => Ok(left.or(right)),
    }
}

fn scheme(text: &str) -> Result<Scheme, Ambiguity> {
    match text.to_ascii_lowercase().as_str() {
        // A WebSocket handshake is an HTTP request, and some peers name it by its own scheme.
        "http" | "ws" => Ok(Scheme::Http),
        "https" | "wss" => Ok(Scheme::Https),
        _ => Err(ambiguity(format!("the forwarded scheme {} is neither `http` nor `https`", quoted(text)))),
    }
}

fn authority(text: &str) -> Result<(Host, Option<u16>), Ambiguity> {
    parse_authority(text.as_bytes()).map_err(|fault| ambiguity(fault.detail))
}

fn ambiguity(detail: String) -> Ambiguity {
    Ambiguity::new("ambiguous_forwarding", detail)
}

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Most addresses in one chain. Five proxies in a row are many; what is longer was made up to be walked.
pub(crate) const MOST_HOPS: usize = 32;

#[cfg(test)]
mod tests;
