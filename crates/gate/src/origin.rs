//! Where an app's requests go, as the configuration says. How a connection is made and kept is the proxy's business.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::uri::{Authority, PathAndQuery, Scheme};

/// The servers behind an app: one service at one or several addresses.
#[derive(Debug, Clone)]
pub struct OriginTarget {
    /// The app, as it is counted.
    pub app: String,
    /// What concerns connections, in one text: two targets that have the same one share connections and health, also
    /// across a reload.
    pub fingerprint: String,
    /// `http` or `https`.
    pub scheme: Scheme,
    /// Hosts and ports to connect to; never empty.
    pub addresses: Vec<Authority>,
    /// Which version of HTTP is spoken there.
    pub protocol: OriginProtocol,
    /// How its certificate is checked; set if and only if the scheme is `https`.
    pub tls: Option<OriginTls>,
    /// Whether the origin sees the caller's `Host` instead of its own authority.
    pub preserve_host: bool,
    /// Longest wait for a connection, its TLS handshake included.
    pub connect_timeout: Duration,
    /// Longest wait for the head of the response.
    pub response_timeout: Duration,
    /// Longest time from the decision to the end of the answer; `None`: as long as something moves.
    pub whole_timeout: Option<Duration>,
    /// Most bytes of a request body.
    pub largest_body: u64,
    /// How often a request is tried again where nothing was sent, or where the method is idempotent.
    pub retries: u32,
    /// How it is found out that an address is not there; `None`: only by requests that fail.
    pub health: Option<HealthCheck>,
    /// Whether a 404 of the origin is replaced by our page, byte for byte the one of a hidden route.
    pub renders_404: bool,
    /// Which answers of the origin are replaced by a page of ours with the same status.
    pub intercept: Intercept,
    /// Whether connections may be upgraded (WebSocket).
    pub upgrades: bool,
}

/// Which version of HTTP an origin speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OriginProtocol {
    /// HTTP/2 where TLS agrees on it (ALPN), else HTTP/1.1.
    #[default]
    Negotiated,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; in plain text by prior knowledge.
    Http2,
}

/// How an origin's certificate is checked, and what we show ourselves.
#[derive(Debug, Clone)]
pub struct OriginTls {
    /// Roots and our own certificate. ALPN is set by whoever connects.
    pub config: Arc<rustls::ClientConfig>,
    /// The name that the certificate must hold; `None`: the host of the address.
    pub server_name: Option<rustls::pki_types::ServerName<'static>>,
}

/// Asking each address regularly whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked for with GET; 2xx and 3xx say that the address is there.
    pub target: PathAndQuery,
    /// How often.
    pub interval: Duration,
    /// Longest wait for the answer.
    pub timeout: Duration,
    /// So many failures in a row, and no request is sent there.
    pub down_after: u32,
    /// So many successes in a row, and requests are sent there again.
    pub up_after: u32,
}

/// A set of statuses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Intercept {
    /// Single ones: 403.
    pub statuses: BTreeSet<u16>,
    /// Whole classes: 5 for 5xx.
    pub classes: BTreeSet<u16>,
}

impl Intercept {
    /// Whether an answer with this status is replaced.
    #[must_use]
    pub fn holds(&self, status: StatusCode) -> bool {
        self.statuses.contains(&status.as_u16()) || self.classes.contains(&(status.as_u16() / 100))
    }
}

impl OriginTarget {
    /// One address in plain text with the defaults of the configuration.
    #[must_use]
    pub fn plain(address: Authority) -> Self {
        Self {
            app: String::new(),
            fingerprint: format!("http://{address}"),
            scheme: Scheme::HTTP,
            addresses: vec![address],
            protocol: OriginProtocol::Http1,
            tls: None,
            preserve_host: false,
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(30),
            whole_timeout: None,
            largest_body: 1 << 30,
            retries: 2,
            health: None,
            renders_404: false,
            intercept: Intercept::default(),
            upgrades: true,
        }
    }
}
