//! Listens, reads requests, and ends connections in good order. What is answered is decided by the gate.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use portcullis_gate::{Gate, Passage};
use portcullis_request::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use crate::Limits;
use crate::answer::{Sent, answer};
use crate::forward::forward;
use crate::origins::Origins;
use crate::patient::Patient;

/// Why this door closed by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener no longer accepts.
    #[error(
        "no connection could be accepted {ACCEPT_FAILURES} times in a row: {0}; look at the limit of open files and at the network interface"
    )]
    Accept(#[source] io::Error),
}

/// Serves until `shutdown` is ready; then accepts no more, lets requests under way end within
/// [`Limits::drain`], and cuts off the rest.
///
/// # Errors
/// [`ServeError`] if the listener fails for good. Single failures are logged and waited out.
pub async fn serve(
    listener: TcpListener,
    gate: Arc<Gate>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let places = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
    let drain = limits.drain;
    let door = Arc::new(Door { gate, origins: Origins::new(&limits), limits });
    let (ending, ended) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    let mut failures = 0_u32;
    let result = loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break Ok(()),
            Some(joined) = connections.join_next() => report(joined),
            accepted = accept(&listener, &places) => match accepted {
                Ok((stream, peer, place)) => {
                    failures = 0;
                    let connection = connection(stream, peer, Arc::clone(&door), ended.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(fault) if failures < ACCEPT_FAILURES => {
                    failures += 1;
                    tracing::warn!(%fault, failures, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
                Err(fault) => break Err(ServeError::Accept(fault)),
            },
        }
    };
    drop(listener);
    ending.send_replace(true);
    let all_ended = async {
        while let Some(joined) = connections.join_next().await {
            report(joined);
        }
    };
    if timeout(drain, all_ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "cut off: still busy {drain:?} after shutdown began");
        connections.shutdown().await;
    }
    result
}

/// What every connection shares.
struct Door {
    gate: Arc<Gate>,
    origins: Origins,
    limits: Limits,
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

fn report(joined: Result<(), JoinError>) {
    if let Err(fault) = joined
        && fault.is_panic()
    {
        tracing::error!(%fault, "a connection ended by a fault of ours");
    }
}

/// Reads requests from one connection until either side ends it.
async fn connection(stream: TcpStream, peer: SocketAddr, door: Arc<Door>, mut ended: watch::Receiver<bool>) {
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %fault, "small packets may wait");
    }
    let limits = door.limits.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let door = Arc::clone(&door);
        let answered: Answered = Box::pin(async move { Ok(pass(&door, peer, request).await) });
        answered
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes.max(SMALLEST_BUFFER))
        // A caller may close its sending side and still read the answer (RFC 9112 §9.6).
        .half_close(true)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.write_pause)), service);
    let shutdown = async {
        // An error means that the sender is gone, which is the end too.
        drop(ended.wait_for(|ending| *ending).await);
    };
    let early = tokio::select! {
        result = poll_fn(|context| connection.poll_without_shutdown(context)) => Some(result),
        () = shutdown => None,
    };
    let result = match early {
        Some(result) => result,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            poll_fn(|context| connection.poll_without_shutdown(context)).await
        }
    };
    if let Err(fault) = result {
        tracing::debug!(%peer, %fault, "connection ended early");
    }
    close(connection.into_parts().io.into_inner(), &limits).await;
}

/// Boxed, since the connection is asked for its socket back and must be movable for that.
type Answered = Pin<Box<dyn Future<Output = Result<Sent, Infallible>> + Send>>;

/// One request: to the gate, and from there to the caller or the origin.
async fn pass(door: &Door, peer: SocketAddr, request: Request<Incoming>) -> Sent {
    let (head, body) = request.into_parts();
    match door.gate.pass(&head, &Connection::plain(peer)).await {
        Passage::Answer(ours) => answer(*ours, &head, body, &door.limits).await,
        Passage::Forward(allowed) => forward(*allowed, body, &door.origins, &door.limits).await,
    }
}

/// Closes in stages (RFC 9112 §9.6): a socket closed with unread bytes resets the connection, and the caller may lose
/// the answer that explains why.
async fn close(mut io: Patient, limits: &Limits) {
    let read_the_rest = async {
        io.shutdown().await?;
        let mut left = limits.unread_bytes;
        let mut scrap = [0_u8; 4096];
        while left > 0 {
            let length = io.read(&mut scrap).await?;
            if length == 0 {
                break;
            }
            left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        }
        Ok::<(), io::Error>(())
    };
    match timeout(limits.unread_time, read_the_rest).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(fault)) => tracing::debug!(%fault, "the caller closed first"),
    }
}

/// Failures in a row after which the listener counts as broken: ten seconds without a single connection.
const ACCEPT_FAILURES: u32 = 100;

/// Wait after a failed accept, which most often means that no file is free until a connection ends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the HTTP library needs at least.
const SMALLEST_BUFFER: usize = 8192;
