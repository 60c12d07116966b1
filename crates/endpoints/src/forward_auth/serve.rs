//! The forward-auth listener's connections: kept open by proxies that were named, ended at once for everybody else.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};

use super::ForwardAuth;
use crate::listen;

/// Serves until `shutdown` resolves; then takes no more connections and lets those under way end.
pub async fn serve_forward_auth(
    listener: TcpListener,
    door: Arc<ForwardAuth>,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    listen::accept(&listener, MOST_CONNECTIONS, shutdown, |stream, peer, place| {
        let serving = connection(stream, peer, Arc::clone(&door), graceful.watcher());
        tokio::spawn(async move {
            serving.await;
            drop(place);
        });
    })
    .await;
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("cut off: an asking proxy was still busy {DRAIN:?} after shutdown began");
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, door: Arc<ForwardAuth>, watcher: Watcher) {
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %fault, "small packets may wait");
    }
    let named = door.names(peer);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let door = Arc::clone(&door);
        async move {
            let (head, _body) = request.into_parts();
            Ok::<_, Infallible>(door.answer(&head, peer).await.map(Full::new))
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(if named { IDLE } else { STRANGER })
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .keep_alive(named)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(fault) = watcher.watch(serving).await {
        tracing::debug!(%peer, %fault, "a connection of an asking proxy ended early");
    }
}

/// Most connections: a proxy keeps as many as it has requests to decide at a time, and each is decided in a millisecond.
const MOST_CONNECTIONS: usize = 4096;

/// How long a connection of a named proxy may wait for its next request. Longer than such proxies keep one (nginx one
/// minute, Caddy two), so that it is they who close it and no request meets a closing connection.
const IDLE: Duration = Duration::from_secs(150);

/// How long anybody else may take to say what is then refused.
const STRANGER: Duration = Duration::from_secs(2);

/// Largest head: the caller's own of at most 64 KiB, and what is said of it.
const LARGEST_HEAD: usize = 80 * 1024;

/// Most fields: the hundred that the gate reads, and those that the asking proxy adds.
const MOST_HEADERS: usize = 128;

/// How long decisions under way may take to end.
const DRAIN: Duration = Duration::from_secs(5);
