//! The admin listener's connections: few, short, and closed after what they asked.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::Admin;
use crate::answer;

/// Operators and probes are few; more connections than this wait.
const MOST_CONNECTIONS: usize = 64;

/// Longest time for a request head: a probe sends one packet.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// Longest life of a connection. Nothing here streams.
const LIFE: Duration = Duration::from_secs(60);

/// Serves until `shutdown` resolves.
pub async fn serve_admin(listener: TcpListener, admin: Arc<Admin>, shutdown: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let admin = Arc::clone(&admin);
                tokio::spawn(async move {
                    if tokio::time::timeout(LIFE, connection(stream, admin)).await.is_err() {
                        tracing::debug!("an admin connection was ended after its time");
                    }
                    drop(place);
                });
            }
            Err(fault) => {
                // Out of file descriptors, most often: waiting lets others close theirs.
                tracing::warn!(%fault, "the admin listener cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, admin: Arc<Admin>) {
    let service = hyper::service::service_fn(|request: Request<Incoming>| {
        let admin = Arc::clone(&admin);
        async move { Ok::<_, Infallible>(respond(&admin, request).await.map(Full::new)) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(fault) = served {
        tracing::debug!(%fault, "an admin connection ended early");
    }
}

async fn respond(admin: &Arc<Admin>, request: Request<Incoming>) -> Response<Bytes> {
    let (head, _body) = request.into_parts();
    let admin = Arc::clone(admin);
    // The log is read from disk, so not on the threads that serve requests.
    match tokio::task::spawn_blocking(move || admin.answer(&head)).await {
        Ok(response) => response,
        Err(fault) => {
            tracing::error!(%fault, "an admin request failed");
            answer::problem(StatusCode::INTERNAL_SERVER_ERROR, "this request failed")
        }
    }
}
