//! One connection that speaks HTTP/1, read strictly. A head that breaks the rules is answered and recorded like any other
//! request, and ends the connection.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use portcullis_gate::Unreadable;
use portcullis_request::Connection;
use tokio::io::{AsyncRead, AsyncWrite};

use super::close::close;
use super::{Door, pass};
use crate::answer::{Sent, refuse};
use crate::wire::{Head, HeadFault, HeadLimits, Strict};

/// Reads requests from one connection until either side ends it. A connection that leaves HTTP goes on elsewhere.
pub(super) async fn serve<S>(stream: S, from: Connection, door: Arc<Door>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = HeadLimits {
        head_bytes: door.limits.head_bytes,
        head_time: door.limits.head_time,
        idle_time: door.limits.idle_time,
    };
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new());
    limits.configure(&mut builder);
    let (strict, heads) = Strict::new(stream, limits);
    let here = Arc::new((Arc::clone(&door), from));
    let service = service_fn(move |request: Request<Incoming>| {
        let head = heads.next();
        let here = Arc::clone(&here);
        // In a box, since the library keeps room for it as long as the connection lives, request or none.
        async move { Ok::<_, Infallible>(Box::pin(answered(here, head, request)).await) }
    });
    let mut connection = builder.serve_connection(TokioIo::new(strict), service).with_upgrades();
    let mut ending = door.ending.clone();
    let early = tokio::select! {
        biased;
        result = &mut connection => Some(result),
        () = ending.lingered() => None,
    };
    let result = match early {
        Some(result) => result,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            tokio::select! {
                result = &mut connection => result,
                () = ending.over() => return,
            }
        }
    };
    if let Err(fault) = result {
        tracing::debug!(%fault, "connection ended early");
    }
    if let Some(parts) = connection.into_parts() {
        close(parts.io.into_inner().into_inner(), &door.limits).await;
    }
}

/// One request, or what stands in for one.
async fn answered(here: Arc<(Arc<Door>, Connection)>, head: Head, request: Request<Incoming>) -> Sent {
    let (door, from) = &*here;
    let mut sent = match head.fault {
        Some(fault) => refuse(*door.gate.unreadable(&unreadable(fault), from).await),
        None => pass(door, from, head.upgrade, request).await,
    };
    if door.ending.has_begun() {
        sent.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    sent
}

fn unreadable(fault: HeadFault) -> Unreadable {
    let HeadFault { code, status, detail, method, target, host } = fault;
    Unreadable { code, status, detail, method, target, host }
}
