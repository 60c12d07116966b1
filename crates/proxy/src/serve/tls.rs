//! TLS towards callers: which certificate is shown for which name, and the handshake. Files are read elsewhere.
//!
//! INVARIANT: a name that no certificate holds gets no connection, resumed sessions included: the name is looked up
//! before the handshake goes on, a ticket counts for the name it was given to only, and none outlives the set of
//! certificates under which it was given (nginx CVE-2025-23419).

mod set;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use portcullis_request::{Host, Tls};
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

pub use set::{CertificateError, CertificatePem, CertificateSet, CertificateWarning, Nameless};

/// The certificates of one listener. They can be replaced while it serves.
pub struct Certificates {
    set: ArcSwap<CertificateSet>,
}

impl Certificates {
    /// Serves with these.
    #[must_use]
    pub fn new(set: CertificateSet) -> Self {
        Self { set: ArcSwap::from_pointee(set) }
    }

    /// Serves the next handshakes with these. Connections that stand go on; no session of before is resumed.
    pub fn replace(&self, set: CertificateSet) {
        self.set.store(Arc::new(set));
    }
}

/// What a handshake led to.
pub(super) struct Greeted<S> {
    pub(super) stream: TlsStream<S>,
    pub(super) tls: Tls,
    pub(super) http2: bool,
}

/// Why there was no handshake.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeFault {
    #[error("no handshake within {0:?}")]
    Late(Duration),
    #[error("no certificate holds the name `{0}`")]
    UnknownName(String),
    #[error("the caller names no host, and no certificate is for that")]
    NoName,
    #[error(transparent)]
    Broken(#[from] io::Error),
}

/// Does the handshake.
pub(super) async fn greet<S>(
    stream: S,
    certificates: &Certificates,
    deadline: Duration,
) -> Result<Greeted<S>, HandshakeFault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    timeout(deadline, shake(stream, certificates)).await.map_err(|_| HandshakeFault::Late(deadline))?
}

async fn shake<S>(stream: S, certificates: &Certificates) -> Result<Greeted<S>, HandshakeFault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let set = certificates.set.load_full();
    let mut start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let name = start.client_hello().server_name().map(str::to_owned);
    if !set.holds(name.as_deref()) {
        // Said in the clear, as nothing is agreed on yet. Whether it arrives is the caller's loss alone.
        drop(start.io.write_all(&UNRECOGNIZED_NAME).await);
        drop(start.io.shutdown().await);
        return Err(name.map_or(HandshakeFault::NoName, HandshakeFault::UnknownName));
    }
    let stream = start.into_stream(set.config()).await?;
    let (_, session) = stream.get_ref();
    let http2 = session.alpn_protocol() == Some(set::HTTP_2);
    // A name that is a host for TLS and none for us is refused by the certificates, which hold hosts only.
    let server_name = name.as_deref().and_then(|name| Host::parse(name).ok());
    Ok(Greeted { stream, tls: Tls { server_name }, http2 })
}

/// A fatal `unrecognized_name` alert (RFC 6066 §3) as a plain record.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
