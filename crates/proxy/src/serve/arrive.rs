//! What happens on a new connection before the first request: who it is from, TLS, and which HTTP is spoken.

use std::net::SocketAddr;
use std::sync::Arc;

use portcullis_measure::{ConnectionKind, ConnectionRefused, Metrics};
use portcullis_request::{Connection, TrustedPeers};
use tokio::net::TcpStream;

use super::places::Places;
use super::tls::{Certificates, Greeted, HandshakeFault, greet};
use super::{Door, Place, http1, http2};
use crate::patient::Patient;
use crate::wire::preface::{Spoken, sniff};
use crate::wire::proxy_protocol::{self, ProxyFault};

/// What a listener's connections begin with.
pub(super) struct Beginning {
    pub(super) tls: Option<Arc<Certificates>>,
    pub(super) proxy_protocol: Option<TrustedPeers>,
}

/// A connection that was accepted.
pub(super) struct Arrival {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) place: Place,
    pub(super) beginning: Arc<Beginning>,
}

/// Why a connection ended before its first request. The caller is told nothing.
#[derive(Debug, thiserror::Error)]
enum Unwelcome {
    #[error(transparent)]
    Proxy(#[from] ProxyFault),
    #[error("too many connections of this address")]
    TooMany,
    #[error("TLS: {0}")]
    Handshake(#[from] HandshakeFault),
    #[error("nothing came: {0}")]
    Silent(#[from] std::io::Error),
}

/// Serves a connection to its end.
pub(super) async fn arrive(arrival: Arrival, places: &Places, door: Arc<Door>) {
    let peer = arrival.peer;
    let metrics = Arc::clone(door.gate.metrics());
    if let Err(fault) = welcome(arrival, places, door).await {
        tracing::debug!(%peer, %fault, "connection ended before a request");
        match fault {
            Unwelcome::Proxy(_) => metrics.connection_refused(ConnectionRefused::ProxyHeader),
            Unwelcome::TooMany => metrics.connection_refused(ConnectionRefused::AddressLimit),
            Unwelcome::Handshake(_) => metrics.handshake_failed(),
            Unwelcome::Silent(_) => {}
        }
    }
}

async fn welcome(arrival: Arrival, places: &Places, door: Arc<Door>) -> Result<(), Unwelcome> {
    let Arrival { stream, peer, place, beginning } = arrival;
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %fault, "small packets may wait");
    }
    let mut stream = Patient::new(stream, door.limits.write_pause, place);
    let mut ending = door.ending.clone();
    let from = tokio::select! {
        biased;
        from = Box::pin(identify(&mut stream, peer, &beginning, places, &door)) => from?,
        () = ending.lingered() => return Ok(()),
    };
    match &beginning.tls {
        Some(certificates) => Box::pin(encrypted(stream, certificates, from, door)).await,
        None => Box::pin(plain(stream, from, door)).await,
    }
}

/// Who is calling: the other end, or whom a PROXY header names. A peer that was named must send one, since a connection
/// without would be taken to be its own: ambiguous, and the way round whatever depends on addresses.
async fn identify(
    stream: &mut Patient,
    peer: SocketAddr,
    beginning: &Beginning,
    places: &Places,
    door: &Door,
) -> Result<SocketAddr, Unwelcome> {
    let must = beginning.proxy_protocol.as_ref().is_some_and(|peers| peers.contains(peer.ip()));
    let from = if must {
        match proxy_protocol::read(stream, door.limits.handshake_time).await? {
            Some(source) => source.source,
            // A health check of the load balancer, from its own address.
            None => return Ok(peer),
        }
    } else {
        peer
    };
    let address = from.ip().to_canonical();
    let uncounted = address.is_loopback() || door.gate.snapshot().trusted.contains(address);
    if !uncounted {
        stream.place().among(places.of_address(address).ok_or(Unwelcome::TooMany)?);
    }
    Ok(from)
}

async fn encrypted(
    stream: Patient,
    certificates: &Certificates,
    from: SocketAddr,
    door: Arc<Door>,
) -> Result<(), Unwelcome> {
    let mut ending = door.ending.clone();
    let Greeted { mut stream, tls, http2 } = tokio::select! {
        biased;
        greeted = Box::pin(greet(stream, certificates, door.limits.handshake_time)) => greeted?,
        () = ending.lingered() => return Ok(()),
    };
    let connection = Connection { peer: from, tls: Some(tls) };
    let kind = if http2 { ConnectionKind::TlsHttp2 } else { ConnectionKind::TlsHttp1 };
    let _open = Open::new(door.gate.metrics(), kind);
    if http2 {
        let alive = stream.get_mut().0.place().alive();
        Box::pin(http2::serve(stream, connection, door, alive)).await;
    } else {
        Box::pin(http1::serve(stream, connection, door)).await;
    }
    Ok(())
}

async fn plain(mut stream: Patient, from: SocketAddr, door: Arc<Door>) -> Result<(), Unwelcome> {
    let alive = stream.place().alive();
    let mut ending = door.ending.clone();
    let (spoken, stream) = tokio::select! {
        biased;
        sniffed = Box::pin(sniff(stream, door.limits.idle_time)) => sniffed?,
        () = ending.lingered() => return Ok(()),
    };
    let connection = Connection::plain(from);
    let kind = match spoken {
        Spoken::Http1 => ConnectionKind::Http1,
        Spoken::Http2 => ConnectionKind::Http2,
    };
    let _open = Open::new(door.gate.metrics(), kind);
    match spoken {
        Spoken::Http1 => Box::pin(http1::serve(stream, connection, door)).await,
        Spoken::Http2 => Box::pin(http2::serve(stream, connection, door, alive)).await,
    }
    Ok(())
}

/// A connection that counts as open until this is dropped.
struct Open(Arc<Metrics>, ConnectionKind);

impl Open {
    fn new(metrics: &Arc<Metrics>, kind: ConnectionKind) -> Self {
        metrics.connection_opened(kind);
        Self(Arc::clone(metrics), kind)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connection_closed(self.1);
    }
}
