//! What happens on a new connection before the first request: who it is from, TLS, and which HTTP is spoken.

use std::net::SocketAddr;
use std::sync::Arc;

use portcullis_measure::{ConnectionKind, ConnectionRefused, Metrics};
use portcullis_request::{Connection, TrustedPeers};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::places::Places;
use super::tls::{Certificates, Greeted, HandshakeFault, greet};
use super::{Door, Place, http1, http2};
use crate::patient::Patient;
use crate::wire::preface::{Rewound, Spoken, sniff};
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

/// A connection whose first request may come. Each stage before it is over and its memory given back.
enum Welcomed {
    Plain(Spoken, Rewound<Patient>, Connection),
    Encrypted(Box<TlsStream<Patient>>, Connection, bool),
    /// Service ended first; nothing was asked.
    Late,
}

/// Serves a connection to its end.
pub(super) async fn arrive(arrival: Arrival, places: &Places, door: Arc<Door>) {
    let peer = arrival.peer;
    let metrics = Arc::clone(door.gate.metrics());
    let open = |kind| Open::new(&metrics, kind);
    match Box::pin(welcome(arrival, places, &door)).await {
        Ok(Welcomed::Plain(Spoken::Http1, stream, from)) => {
            let _open = open(ConnectionKind::Http1);
            Box::pin(http1::serve(stream, from, door)).await;
        }
        Ok(Welcomed::Plain(Spoken::Http2, stream, from)) => {
            let _open = open(ConnectionKind::Http2);
            Box::pin(http2::serve(stream, from, door)).await;
        }
        Ok(Welcomed::Encrypted(stream, from, false)) => {
            let _open = open(ConnectionKind::TlsHttp1);
            Box::pin(http1::serve(stream, from, door)).await;
        }
        Ok(Welcomed::Encrypted(stream, from, true)) => {
            let _open = open(ConnectionKind::TlsHttp2);
            Box::pin(http2::serve(stream, from, door)).await;
        }
        Ok(Welcomed::Late) => {}
        Err(fault) => {
            tracing::debug!(%peer, %fault, "connection ended before a request");
            match fault {
                Unwelcome::Proxy(_) => metrics.connection_refused(ConnectionRefused::ProxyHeader),
                Unwelcome::TooMany => metrics.connection_refused(ConnectionRefused::AddressLimit),
                Unwelcome::Handshake(_) => metrics.handshake_failed(),
                Unwelcome::Silent(_) => {}
            }
        }
    }
}

async fn welcome(arrival: Arrival, places: &Places, door: &Door) -> Result<Welcomed, Unwelcome> {
    let mut ending = door.ending.clone();
    tokio::select! {
        biased;
        welcomed = stages(arrival, places, door) => welcomed,
        () = ending.lingered() => Ok(Welcomed::Late),
    }
}

async fn stages(arrival: Arrival, places: &Places, door: &Door) -> Result<Welcomed, Unwelcome> {
    let Arrival { stream, peer, place, beginning } = arrival;
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %fault, "small packets may wait");
    }
    let mut stream = Patient::new(stream, door.limits.write_pause, place);
    let from = identify(&mut stream, peer, &beginning, places, door).await?;
    match &beginning.tls {
        Some(certificates) => {
            let Greeted { stream, tls, http2 } =
                greet(stream, certificates, door.limits.handshake_time).await?;
            let from = Connection { peer: from, tls: Some(tls) };
            Ok(Welcomed::Encrypted(Box::new(stream), from, http2))
        }
        None => {
            let (spoken, stream) = sniff(stream, door.limits.idle_time).await?;
            Ok(Welcomed::Plain(spoken, stream, Connection::plain(from)))
        }
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
