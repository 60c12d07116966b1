//! Accepting connections within a bound, until told to stop. What is said on them is not decided here.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hands each connection to `serve`, with the place among `most` that it takes until the place is dropped.
///
/// `serve` must not wait: it spawns.
pub(crate) async fn accept(
    listener: &TcpListener,
    most: usize,
    shutdown: impl Future<Output = ()>,
    mut serve: impl FnMut(TcpStream, SocketAddr, OwnedSemaphorePermit),
) {
    let places = Arc::new(Semaphore::new(most));
    let mut shutdown = pin!(shutdown);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut shutdown => return,
        };
        // The semaphore is never closed.
        let Ok(place) = place else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => return,
        };
        match accepted {
            Ok((stream, peer)) => serve(stream, peer, place),
            Err(fault) => {
                // Out of file descriptors, most often: waiting lets others close theirs.
                tracing::warn!(%fault, "a connection cannot be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Wait after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);
