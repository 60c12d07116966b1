//! One connection that speaks HTTP/2: how the library is bounded, and when the connection ends.
//!
//! A request that is refused for its form ends its stream alone (RFC 9113 §8.1.1): frames tell where messages end, so
//! that nothing of the next one is in doubt.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONNECTION;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use portcullis_gate::Unreadable;
use portcullis_request::Connection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::close::close;
use super::frames::Frames;
use super::lent::lend;
use super::streams::{Flowing, Streams, flowing};
use super::{Door, pass};
use crate::Limits;
use crate::answer::refuse;
use crate::body::AnswerBody;

/// Reads requests from one connection until either side ends it.
pub(super) async fn serve<S>(stream: S, from: Connection, door: Arc<Door>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &door.limits;
    let streams = Streams::new(limits.write_pause, door.alive.clone());
    let (lent, owner) = lend(stream);
    let mut ending = door.ending.clone();
    {
        let here = Arc::new((Arc::clone(&door), from));
        let service = service_fn(move |request: Request<Incoming>| {
            let here = Arc::clone(&here);
            // In a box, as in HTTP/1: a stream that waits for its answer's body holds nothing of how it was decided.
            async move { Ok::<_, Infallible>(Box::pin(answered(&here.0, &here.1, request)).await) }
        });
        let frames = Frames::new(lent, limits, Arc::clone(door.gate.metrics()), streams.clone());
        let connection = builder(limits, streams.clone()).serve_connection(TokioIo::new(frames), service);
        let mut connection = pin!(connection);
        let early = tokio::select! {
            biased;
            result = &mut connection => Some(result),
            () = ending.begun() => None,
            () = streams.idle(limits.idle_time) => None,
        };
        let result = match early {
            Some(result) => result,
            None => {
                // GOAWAY in two steps, so that streams on their way are still answered (RFC 9113 §6.8).
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    result = &mut connection => result,
                    () = ending.over() => return,
                    // The caller takes nothing any more and does not answer the farewell.
                    () = async { sleep(FAREWELL).await; streams.silent(FAREWELL).await } => Ok(()),
                }
            }
        };
        if let Err(fault) = result {
            tracing::debug!(%fault, "connection ended early");
        }
    }
    if let Some(stream) = owner.back().await {
        close(stream, limits).await;
    }
}

fn builder(limits: &Limits, streams: Streams) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        // The library answers what exceeds its own bound with a bare 431 that leaves no record, so ours is the lower one.
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX).saturating_mul(2))
        .max_pending_accept_reset_streams(MOST_UNSEEN_RESETS)
        .max_local_error_reset_streams(MOST_ERRORS)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_send_buf_size(limits.send_buffer)
        .keep_alive_interval(limits.ping_interval)
        .keep_alive_timeout(limits.ping_time)
        .enable_connect_protocol();
    builder
}

async fn answered(
    door: &Door,
    from: &Connection,
    request: Request<Incoming>,
) -> Response<Flowing<AnswerBody>> {
    let (head, body) = request.into_parts();
    let size = size(&head);
    let mut sent = if size > door.limits.head_bytes {
        let unreadable = too_large(&head, size, door.limits.head_bytes);
        refuse(*door.gate.unreadable(&unreadable, from).await)
    } else {
        pass(door, from, None, Request::from_parts(head, body)).await
    };
    // There is no such field here (RFC 9113 §8.2.2).
    sent.headers_mut().remove(CONNECTION);
    flowing(sent)
}

/// RFC 9113 §6.5.2: names and values, and 32 bytes for each field.
fn size(head: &Parts) -> usize {
    let uri = &head.uri;
    let written = [uri.path().len(), uri.query().map_or(0, str::len)];
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    let fields = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_COST);
    written.iter().sum::<usize>() + authority + fields.sum::<usize>()
}

/// RFC 6585 §5.
fn too_large(head: &Parts, size: usize, most: usize) -> Unreadable {
    let shown =
        |text: &str| text.chars().take(LONGEST_SHOWN).flat_map(char::escape_debug).collect::<String>();
    Unreadable {
        code: "head_too_large",
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        detail: format!("the head has {size} bytes, at most {most} are read"),
        method: Some(shown(head.method.as_str())),
        target: Some(shown(head.uri.path())),
        host: head.uri.authority().map(|authority| shown(authority.as_str())),
    }
}

/// Streams that may be called off before anybody has looked at them. The library's own choice: they cost memory and
/// nothing else.
const MOST_UNSEEN_RESETS: usize = 20;

/// Broken streams on one connection before it is ended. Each leaves a trace in the library for a while; a caller whose
/// requests are broken a hundred times will not send a good one.
const MOST_ERRORS: usize = 100;

const FIELD_COST: usize = 32;

/// Longest wait for a caller that was told of the end while it has no stream and takes nothing of what was sent. A round
/// trip on a bad line.
const FAREWELL: Duration = Duration::from_secs(2);

/// Characters of a head that is too large, as the record shows them.
const LONGEST_SHOWN: usize = 256;
