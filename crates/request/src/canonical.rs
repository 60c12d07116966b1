//! The canonical request.

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use crate::{CanonicalPath, Host, Reference};

/// The scheme the caller used towards us, or towards the trusted peer that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain text.
    Http,
    /// TLS.
    Https,
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

// /// Reads a request head as exactly one request, or says why that cannot be done.
// ///
// /// # Errors
// /// [`Ambiguity`], which is answered 400 (or 421) and closes the connection.
// pub fn admit(
//     head: &http::request::Parts,
//     peer: SocketAddr,
//     trusted: &TrustedPeers,
//     reference: Reference,
//     received: SystemTime,
// ) -> Result<CanonicalRequest, Ambiguity>;
