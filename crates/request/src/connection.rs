//! Where a request came in: the connection, as far as it says something about the request.

use std::net::SocketAddr;

use crate::Host;

/// The connection that a request came in on.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The other end: of the socket, or what a trusted PROXY protocol header says it is.
    pub peer: SocketAddr,
    /// What the TLS handshake agreed on; `None` for plain text.
    pub tls: Option<Tls>,
}

/// What a TLS handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The name that the caller asked for (SNI, RFC 6066 §3); `None` where it sent none.
    pub server_name: Option<Host>,
}

impl Connection {
    /// A connection in plain text.
    #[must_use]
    pub fn plain(peer: SocketAddr) -> Self {
        Self { peer, tls: None }
    }
}
