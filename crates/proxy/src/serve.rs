//! Listens, reads requests, and ends connections in good order. What is answered is decided by the gate.

mod allowance;
mod arrive;
mod close;
mod ending;
mod frames;
mod http1;
mod http2;
mod lent;
mod places;
mod streams;
pub mod tls;

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use portcullis_gate::{Gate, Passage};
use portcullis_request::{Connection, TrustedPeers};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use crate::Limits;
use crate::answer::{Sent, answer};
use crate::forward::forward;
use crate::origins::Origins;
use crate::upgrade::Wish;
use crate::wire::Upgrade;
use arrive::{Arrival, Beginning, arrive};
use places::{Places, Vacated};
use tls::Certificates;

pub(crate) use ending::Ending;
pub(crate) use places::{Alive, Place};

/// One address to listen on, and what its connections begin with.
pub struct Listening {
    /// The bound socket.
    pub listener: TcpListener,
    /// Set where TLS is spoken; else plain text.
    pub tls: Option<Arc<Certificates>>,
    /// Peers whose connections must begin with a PROXY protocol header, which says from whom they are. Those without are
    /// closed; a header from anybody else is a bad request. `None`: from nobody.
    pub proxy_protocol: Option<TrustedPeers>,
}

/// In plain text, without PROXY headers.
impl From<TcpListener> for Listening {
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None, proxy_protocol: None }
    }
}

/// Why this door closed by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No listener accepts any more.
    #[error(
        "no connection could be accepted {ACCEPT_FAILURES} times in a row: {0}; look at the limit of open files and at the network interface"
    )]
    Accept(#[source] io::Error),
}

/// Serves until `shutdown` is ready; then accepts no more, lets requests under way end within
/// [`Limits::drain`], and cuts off the rest.
///
/// # Errors
/// [`ServeError`] if accepting fails for good. Single failures are logged and waited out.
pub async fn serve(
    listeners: Vec<Listening>,
    gate: Arc<Gate>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let drain = limits.drain;
    let (closing, ending) = ending::ending();
    let (places, mut vacated) = Places::new(limits.connections, limits.connections_per_address);
    let origins = Origins::new(&limits, Arc::clone(gate.metrics()));
    let door = Arc::new(Door { gate, origins, limits, ending, alive: places.alive() });
    let mut connections = Connections { door, places: Arc::new(places), tasks: JoinSet::new() };
    let result = accept_until(shutdown, listeners, &mut connections).await;
    closing.begin();
    let Connections { door, places, mut tasks } = connections;
    drop((door, places));
    if timeout(drain, all_ended(&mut tasks, &mut vacated)).await.is_err() {
        tracing::warn!(connections = tasks.len(), "cut off: still busy {drain:?} after shutdown began");
        closing.cut_off();
        if timeout(LAST_WORDS, all_ended(&mut tasks, &mut vacated)).await.is_err() {
            tasks.shutdown().await;
        }
    }
    result
}

/// What every connection shares.
pub(crate) struct Door {
    pub(crate) gate: Arc<Gate>,
    pub(crate) origins: Origins,
    pub(crate) limits: Limits,
    /// For whatever outlives its request: tunnels end when it is over.
    pub(crate) ending: Ending,
    /// Held by it meanwhile, since the door waits for it.
    pub(crate) alive: Alive,
}

/// One request: to the gate, and from there to the caller or the origin. `upgrade` is there if the caller asks to leave
/// HTTP/1: what it sends after the head is held back until the wish is granted or not.
pub(crate) async fn pass(
    door: &Door,
    from: &Connection,
    upgrade: Option<Upgrade>,
    request: Request<Incoming>,
) -> Sent {
    let (mut head, body) = request.into_parts();
    let wish = Wish::of(&mut head, upgrade);
    match door.gate.pass(&head, from).await {
        Passage::Answer(ours) => {
            let sent = answer(*ours, &head, body, &door.limits).await;
            wish.decline();
            sent
        }
        // Boxed, so that whoever is refused does not carry what only forwarding needs.
        Passage::Forward(allowed) => Box::pin(forward(*allowed, body, wish, door)).await,
    }
}

/// The connections under way.
struct Connections {
    door: Arc<Door>,
    places: Arc<Places>,
    tasks: JoinSet<()>,
}

impl Connections {
    fn begin(&mut self, stream: TcpStream, peer: SocketAddr, place: Place, beginning: &Arc<Beginning>) {
        let (places, door) = (Arc::clone(&self.places), Arc::clone(&self.door));
        let arrival = Arrival { stream, peer, place, beginning: Arc::clone(beginning) };
        self.tasks.spawn(async move { arrive(arrival, &places, door).await });
    }
}

/// Accepts until `shutdown` is ready. The listeners are closed then.
async fn accept_until(
    shutdown: impl Future<Output = ()>,
    listeners: Vec<Listening>,
    connections: &mut Connections,
) -> Result<(), ServeError> {
    let mut listening = Accepting::new(listeners);
    let mut shutdown = pin!(shutdown);
    let mut failures = 0_u32;
    loop {
        let places = Arc::clone(&connections.places);
        let accepted = async {
            let place = places.wait().await.ok_or_else(|| io::Error::other("no places"))?;
            let (stream, peer, beginning) = listening.accept().await?;
            Ok((stream, peer, place, beginning))
        };
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(joined) = connections.tasks.join_next() => report(joined),
            accepted = accepted => match accepted {
                Ok((stream, peer, place, beginning)) => {
                    failures = 0;
                    connections.begin(stream, peer, place, &beginning);
                }
                Err(fault) if failures < ACCEPT_FAILURES => {
                    failures += 1;
                    tracing::warn!(%fault, failures, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
                Err(fault) => return Err(ServeError::Accept(fault)),
            },
        }
    }
    // Whoever is in the kernel's queue already thinks to be connected.
    while let Some(place) = connections.places.now()
        && let Some((stream, peer, beginning)) = listening.waiting().await
    {
        connections.begin(stream, peer, place, &beginning);
    }
    Ok(())
}

/// The listeners, asked in turn.
struct Accepting {
    listeners: Vec<(TcpListener, Arc<Beginning>)>,
    /// Who is asked first the next time, so that a busy one does not silence the others.
    first: usize,
}

type Accepted = io::Result<(TcpStream, SocketAddr, Arc<Beginning>)>;

impl Accepting {
    fn new(listeners: Vec<Listening>) -> Self {
        let split = |Listening { listener, tls, proxy_protocol }| {
            (listener, Arc::new(Beginning { tls, proxy_protocol }))
        };
        Self { listeners: listeners.into_iter().map(split).collect(), first: 0 }
    }

    async fn accept(&mut self) -> Accepted {
        poll_fn(|context| self.poll_accept(context)).await
    }

    /// A connection that is there already.
    async fn waiting(&mut self) -> Option<(TcpStream, SocketAddr, Arc<Beginning>)> {
        poll_fn(|context| match self.poll_accept(context) {
            Poll::Ready(accepted) => Poll::Ready(accepted.ok()),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<Accepted> {
        let (before, after) = self.listeners.split_at(self.first.min(self.listeners.len()));
        for (index, (listener, beginning)) in after.iter().chain(before).enumerate() {
            if let Poll::Ready(accepted) = listener.poll_accept(context) {
                self.first = (self.first + index + 1) % self.listeners.len().max(1);
                return Poll::Ready(accepted.map(|(stream, peer)| (stream, peer, Arc::clone(beginning))));
            }
        }
        Poll::Pending
    }
}

/// Waits for connections, and for tunnels and streams that outlive theirs.
async fn all_ended(tasks: &mut JoinSet<()>, vacated: &mut Vacated) {
    while let Some(joined) = tasks.join_next().await {
        report(joined);
    }
    vacated.all().await;
}

fn report(joined: Result<(), JoinError>) {
    if let Err(fault) = joined
        && fault.is_panic()
    {
        tracing::error!(%fault, "a connection ended by a fault of ours");
    }
}

/// Failures in a row after which the listener counts as broken: ten seconds without a single connection.
const ACCEPT_FAILURES: u32 = 100;

/// Wait after a failed accept, which most often means that no file is free until a connection ends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long what is cut off may take to note that it was.
const LAST_WORDS: Duration = Duration::from_secs(1);
