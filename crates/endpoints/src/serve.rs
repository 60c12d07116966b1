//! The admin listener's connections: few, short, and closed after what they asked.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::admin::Route;
use crate::{Admin, Operations, ReloadReport, answer, listen};

/// Operators and probes are few; more connections than this wait.
const MOST_CONNECTIONS: usize = 64;

/// Searches of the log at a time: each may read all of it, and none may keep the disk from the log's writer.
const MOST_SEARCHES: usize = 2;

/// Longest time for a request head: a probe sends one packet.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// Longest life of a connection. Nothing here streams.
const LIFE: Duration = Duration::from_secs(60);

/// Serves health, readiness and decisions until `shutdown` resolves.
pub async fn serve_admin(listener: TcpListener, admin: Arc<Admin>, shutdown: impl Future<Output = ()>) {
    serve(listener, Asked::new(admin, None), shutdown).await;
}

/// Serves those, and what else operators may do and look at, until `shutdown` resolves.
pub async fn serve_operations(
    listener: TcpListener,
    admin: Arc<Admin>,
    operations: Arc<Operations>,
    shutdown: impl Future<Output = ()>,
) {
    serve(listener, Asked::new(admin, Some(operations)), shutdown).await;
}

async fn serve(listener: TcpListener, asked: Asked, shutdown: impl Future<Output = ()>) {
    listen::accept(&listener, MOST_CONNECTIONS, shutdown, |stream, _, place| {
        let asked = asked.clone();
        tokio::spawn(async move {
            if tokio::time::timeout(LIFE, connection(stream, asked)).await.is_err() {
                tracing::debug!("an admin connection was ended after its time");
            }
            drop(place);
        });
    })
    .await;
}

/// What a connection needs to answer.
#[derive(Clone)]
struct Asked {
    admin: Arc<Admin>,
    operations: Option<Arc<Operations>>,
    searches: Arc<Semaphore>,
}

impl Asked {
    fn new(admin: Arc<Admin>, operations: Option<Arc<Operations>>) -> Self {
        Self { admin, operations, searches: Arc::new(Semaphore::new(MOST_SEARCHES)) }
    }
}

async fn connection(stream: TcpStream, asked: Asked) {
    let local = match stream.local_addr() {
        Ok(local) => local.ip(),
        Err(fault) => {
            tracing::debug!(%fault, "an admin connection ended before it began");
            return;
        }
    };
    let service = hyper::service::service_fn(|request: Request<Incoming>| async {
        Ok::<_, Infallible>(respond(&asked, request, local).await.map(Full::new))
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        // Who has said all may close its sending side and still read the answer (RFC 9112 §9.6).
        .half_close(true)
        .max_buf_size(LARGEST_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(fault) = served {
        tracing::debug!(%fault, "an admin connection ended early");
    }
}

async fn respond(asked: &Asked, request: Request<Incoming>, local: IpAddr) -> Response<Bytes> {
    let (head, _body) = request.into_parts();
    // A stranger never gets as far as the log or a reload.
    let search = match asked.admin.examine(&head, local, asked.operations.as_deref()) {
        Err(refused) => return *refused,
        Ok(Route::Reload) => return reload(asked.operations.as_deref()).await,
        Ok(Route::Decision { .. }) => match Arc::clone(&asked.searches).try_acquire_owned() {
            Ok(search) => Some(search),
            Err(_) => return answer::busy(),
        },
        Ok(_) => None,
    };
    let asked = asked.clone();
    // The log is read from disk, so not on the threads that serve requests. The search stays counted until it ends,
    // even if whoever asked has gone.
    let answered = tokio::task::spawn_blocking(move || {
        let operations = asked.operations.as_deref();
        let response = match asked.admin.examine(&head, local, operations) {
            Ok(route) => asked.admin.read(route, &head, operations),
            Err(refused) => *refused,
        };
        drop(search);
        response
    });
    match answered.await {
        Ok(response) => response,
        Err(fault) => {
            tracing::error!(%fault, "an admin request failed");
            answer::problem(StatusCode::INTERNAL_SERVER_ERROR, "this request failed; our own log says why")
        }
    }
}

async fn reload(operations: Option<&Operations>) -> Response<Bytes> {
    match operations {
        Some(operations) => (operations.reload)().await.answer(),
        None => ReloadReport::Busy.answer(),
    }
}

/// Longest head: paths here are short, and a token is.
const LARGEST_HEAD: usize = 16 * 1024;

#[cfg(test)]
mod tests;
