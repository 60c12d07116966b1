//! The canonical request, and the one way to it. Framing is examined in `framing`, the target in `target`, forwarded
//! fields in `address`.
//!
//! INVARIANT: a `CanonicalRequest` has exactly one reading of host, path, caller's address and framing; whatever could
//! be read in two ways is an [`Ambiguity`].

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use http::Version;
use http::request::Parts;

use crate::address::Forwarding;
use crate::{
    Ambiguity, CanonicalPath, Connection, Host, Loosened, Reference, TrustedPeers, framing, headers, single,
    target,
};

/// The scheme the caller used towards us, or towards the trusted peer that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain text.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// One unambiguous HTTP request.
#[derive(Debug, Clone)]
pub struct CanonicalRequest {
    /// The identifier of the decision to come.
    pub reference: Reference,
    /// When its head was admitted.
    pub received: SystemTime,
    /// The method as sent; case matters (RFC 9110 §9.1).
    pub method: http::Method,
    /// As the caller sees it.
    pub scheme: Scheme,
    /// Lower case, without port or trailing dot.
    pub host: Host,
    /// The port in the authority, if one was written.
    pub port: Option<u16>,
    /// The path that is decided on and forwarded.
    pub path: CanonicalPath,
    /// The query, without `?`, as sent; `None` differs from empty.
    pub query: Option<String>,
    /// The caller's headers without those no caller may set (see [`crate::headers`]).
    pub headers: http::HeaderMap,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// The caller's address: `peer`, or what trusted peers say (right-most address that is not trusted).
    pub client: IpAddr,
}

/// What the configuration says about reading requests.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// Peers whose forwarded fields count.
    pub trusted: &'a TrustedPeers,
    /// What the apps of a host allow beyond the strictest reading of paths.
    pub loosened: &'a (dyn Fn(&Host) -> Loosened + Sync),
}

/// Reads a request head as exactly one request, or says why that cannot be done.
///
/// HTTP/1.0, 1.1 and 2 are served. A tunnel over HTTP/2 (extended `CONNECT`, RFC 8441) is a request like any other once
/// its head says `GET`; a plain `CONNECT` is refused.
///
/// # Errors
/// [`Ambiguity`], which is answered 400 (or 421) and closes the connection.
pub fn admit(
    head: &Parts,
    from: &Connection,
    rules: &Rules<'_>,
    reference: Reference,
    received: SystemTime,
) -> Result<CanonicalRequest, Ambiguity> {
    if ![Version::HTTP_10, Version::HTTP_11, Version::HTTP_2].contains(&head.version) {
        return Err(Ambiguity::new("unsupported_version", format!("{:?} is not served", head.version)));
    }
    framing::examine(head)?;
    target::form(head)?;
    let written = target::authority(head)?;
    let forwarding = rules.trusted.forwarding(from.peer.ip(), &head.headers)?;
    let Forwarding { client, scheme, authority: forwarded_authority, from_trusted } = forwarding;
    target::server_name(from, &written.0, from_trusted)?;
    let of_connection = if from.tls.is_some() { Scheme::Https } else { Scheme::Http };
    let scheme = scheme.unwrap_or(of_connection);
    target::scheme(head, of_connection, scheme)?;
    let (host, port) = forwarded_authority.unwrap_or(written);
    let path = CanonicalPath::parse_loosened(head.uri.path(), (rules.loosened)(&host))?;
    let query = head.uri.query().map(query).transpose()?;

    let mut kept = head.headers.clone();
    headers::remove_unsettable(&mut kept, from_trusted);
    single::join_cookies(&mut kept)?;
    Ok(CanonicalRequest {
        reference,
        received,
        method: head.method.clone(),
        scheme,
        host,
        port,
        path,
        query,
        headers: kept,
        peer: from.peer,
        client,
    })
}

/// The query as sent. Policies do not read it, so its own spelling is left alone; only what could not stand in a
/// request line, or would end it early at the origin, is refused (RFC 3986 §3.4).
fn query(raw: &str) -> Result<String, Ambiguity> {
    if raw.len() > LONGEST_QUERY {
        let detail = format!("the query has {} bytes, at most {LONGEST_QUERY} are read", raw.len());
        return Err(Ambiguity::new("query_too_long", detail));
    }
    if let Some(at) = raw.bytes().position(|byte| !byte.is_ascii_graphic() || byte == b'#') {
        let detail = format!("the query has a byte that must be percent-encoded, at {at} of {}", raw.len());
        return Err(Ambiguity::new("ambiguous_query", detail));
    }
    Ok(raw.to_owned())
}

/// Longest query, bytes. Twice the 8 KiB that the common servers accept for a whole request line, since sign-in
/// protocols carry signed requests in it; what is longer belongs in a body.
const LONGEST_QUERY: usize = 16 * 1024;

#[cfg(test)]
mod tests;
