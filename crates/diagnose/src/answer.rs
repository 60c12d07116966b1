//! What came back: one answer or the reason why there is none, with what was seen of the connection. Typed and bounded;
//! nothing here concludes anything.

use std::net::SocketAddr;
use std::time::Duration;

use crate::asked::Url;

/// One answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// `HTTP/1.1`, `HTTP/2`.
    pub version: String,
    /// Status.
    pub status: u16,
    /// The words behind the status; empty in HTTP/2.
    pub reason: String,
    /// In the order received.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked, up to [`LONGEST_BODY`].
    pub body: Vec<u8>,
    /// There was more than was kept.
    pub cut: bool,
    /// Who answered on the wire: the server, or the proxy in between.
    pub peer: Option<SocketAddr>,
    /// What TLS showed.
    pub tls: Option<Tls>,
    /// From the first byte sent to the last received.
    pub took: Duration,
    /// Given by the proxy to `CONNECT`, so that the server never saw the request.
    pub from_connect: bool,
}

/// What is kept of a body.
pub const LONGEST_BODY: usize = 256 * 1024;
/// What is read of a head before it is called too long.
pub const LONGEST_HEAD: usize = 256 * 1024;

/// What the handshake showed.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Names the certificate is for.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// Whom it is for.
    pub subject: String,
    /// Why a client with the system's trust store would refuse it; none where it verifies.
    pub fault: Option<String>,
    /// Whether one of its names is the host's.
    pub covers_host: bool,
    /// Whether the server asked for a client certificate.
    pub asks_for_certificate: bool,
    /// What was agreed on: `h2`, `http/1.1`.
    pub agreed: Option<String>,
}

impl Answer {
    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether a header is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.header(name).is_some()
    }

    /// The body as text, whatever it is.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Where a redirect leads.
    #[must_use]
    pub fn redirect(&self, from: &Url) -> Option<Url> {
        if !matches!(self.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        from.join(self.header("location")?)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The resolver knows no address.
    #[error("no address is known for `{0}`")]
    NoSuchHost(String),
    /// The resolver itself failed.
    #[error("the name `{host}` could not be looked up: {why}")]
    Resolver {
        /// Name.
        host: String,
        /// What the system says.
        why: String,
    },
    /// Nobody listens.
    #[error("{0} refused the connection: nothing listens there, or a firewall answers for it")]
    Refused(String),
    /// The connection could not be made.
    #[error("no connection to {at}: {why}")]
    Unreachable {
        /// Where.
        at: String,
        /// What the system says.
        why: String,
    },
    /// Nothing in time.
    #[error("{0} took longer than allowed")]
    Timeout(&'static str),
    /// The handshake failed.
    #[error("TLS with {host} failed: {why}")]
    Tls {
        /// With whom.
        host: String,
        /// What rustls says.
        why: String,
    },
    /// What came is no HTTP.
    #[error("what came back is no HTTP: {0}")]
    NotHttp(String),
    /// The server hung up.
    #[error("the connection was closed before an answer came")]
    Closed,
    /// More header than is read.
    #[error("the header of the answer is longer than {} KiB", LONGEST_HEAD / 1024)]
    HeadTooLong,
    /// The proxy did not make the tunnel.
    #[error("the proxy answered {status} to CONNECT")]
    Proxy {
        /// Its status.
        status: u16,
    },
    /// Something in the request cannot be sent.
    #[error("this cannot be sent: {0}")]
    Unsendable(String),
    /// The whole diagnosis ran out of time.
    #[error("there was no time left for it")]
    OutOfTime,
}

/// Either.
pub type Outcome = Result<Answer, Failure>;
