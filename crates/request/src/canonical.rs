//! The canonical request, and the one way to it. Framing is examined in `framing`, forwarded fields in `address`.
//!
//! INVARIANT: a `CanonicalRequest` has exactly one reading of host, path, caller's address and framing; whatever could
//! be read in two ways is an [`Ambiguity`].

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use http::header::HOST;
use http::request::Parts;
use http::{Method, Version};

use crate::address::Forwarding;
use crate::ambiguity::{quoted, quoted_discreet};
use crate::{
    Ambiguity, CanonicalPath, Connection, Host, Loosened, Reference, TrustedPeers, framing, headers,
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
/// # Errors
/// [`Ambiguity`], which is answered 400 (or 421) and closes the connection.
pub fn admit(
    head: &Parts,
    from: &Connection,
    rules: &Rules<'_>,
    reference: Reference,
    received: SystemTime,
) -> Result<CanonicalRequest, Ambiguity> {
    if head.version != Version::HTTP_11 && head.version != Version::HTTP_10 {
        return Err(Ambiguity::new("unsupported_version", format!("{:?} is not served", head.version)));
    }
    framing::examine(head)?;
    target_form(head)?;
    let written = authority(head)?;
    let forwarding = rules.trusted.forwarding(from.peer.ip(), &head.headers)?;
    let Forwarding { client, scheme, authority: forwarded_authority, from_trusted } = forwarding;
    let scheme = scheme.unwrap_or(if from.tls.is_some() { Scheme::Https } else { Scheme::Http });
    target_scheme(head, scheme)?;
    let (host, port) = forwarded_authority.unwrap_or(written);
    let path = CanonicalPath::parse_loosened(head.uri.path(), (rules.loosened)(&host))?;
    let query = head.uri.query().map(query).transpose()?;

    let mut kept = head.headers.clone();
    headers::remove_unsettable(&mut kept, from_trusted);
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

/// RFC 9112 §3.2: origin-form and absolute-form are requests for a resource here. Authority-form asks for a tunnel,
/// and asterisk-form is about no path at all, so no route and no policy could speak of it: both are refused
/// (Envoy CVE-2026-73547 was a request without a path).
fn target_form(head: &Parts) -> Result<(), Ambiguity> {
    let uri = &head.uri;
    let fault = match (uri.scheme(), uri.authority()) {
        _ if head.method == Method::CONNECT => "`CONNECT` asks for a tunnel, and this is no forward proxy",
        (None, Some(_)) => "the target is an authority without a path",
        (None, None) if uri.path() == "*" => "`*` names no path that could be decided on",
        (None, None) if !uri.path().starts_with('/') => "the target does not start with `/`",
        _ => return Ok(()),
    };
    Err(Ambiguity::new("ambiguous_target", fault))
}

/// Host and port: from the one `Host` field, which an absolute-form target must repeat (RFC 9112 §3.2.2 lets the
/// target win; two authorities in one request are two readings, so here they must agree).
fn authority(head: &Parts) -> Result<(Host, Option<u16>), Ambiguity> {
    let field = head
        .headers
        .get(HOST)
        .ok_or_else(|| Ambiguity::new("missing_host", "the request has no `Host` field"))?;
    let written = parse_authority(field.as_bytes())?;
    if let Some(target) = head.uri.authority()
        && (target.as_str().contains('@') || parse_authority(target.as_str().as_bytes())? != written)
    {
        let detail = format!(
            "the target names {} and the `Host` field {}",
            quoted_discreet(target.as_str()),
            quoted_discreet(field.as_bytes())
        );
        return Err(Ambiguity::new("ambiguous_target", detail));
    }
    Ok(written)
}

pub(crate) fn parse_authority(bytes: &[u8]) -> Result<(Host, Option<u16>), Ambiguity> {
    let invalid = |why: String| Ambiguity::new("invalid_host", why);
    let text =
        str::from_utf8(bytes).map_err(|_| invalid(format!("{} is no host", quoted_discreet(bytes))))?;
    Host::parse_authority(text).map_err(|fault| invalid(fault.to_string()))
}

fn target_scheme(head: &Parts, scheme: Scheme) -> Result<(), Ambiguity> {
    match head.uri.scheme_str() {
        Some(written) if written != scheme.as_str() => {
            let detail =
                format!("the target says {} on a connection for `{}`", quoted(written), scheme.as_str());
            Err(Ambiguity::new("misdirected", detail))
        }
        _ => Ok(()),
    }
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
