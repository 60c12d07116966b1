//! Sends an allowed request to its origin, and the origin's answer back.
//!
//! INVARIANT: this is the only call of an origin, and it consumes the permit of the very request it sends. Host, path and
//! query are those of the canonical request; hop-by-hop fields go before ours are added.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use portcullis_decision::{Permit, Ticket};
use portcullis_gate::{Forward, OriginRefusals, OriginTarget, OutcomeWriter};
use portcullis_request::{CanonicalRequest, Reference, headers};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::Limits;
use crate::answer::{Sent, ours};
use crate::body::AnswerBody;
use crate::caller::{CallerBody, CallerFault, Progress};
use crate::origins::Origins;

/// Forwards one request and waits for the head of the answer.
pub(crate) async fn forward(forward: Forward, body: Incoming, origins: &Origins, limits: &Limits) -> Sent {
    let Forward { permit, request, origin, own_headers, told, refuse, mut outcome, .. } = forward;
    let method = request.method.clone();
    // Said whoever answers: where the caller's limits stand.
    let tell = |mut sent: Sent| {
        sent.headers_mut().extend(told);
        sent
    };
    let (body, progress) = CallerBody::new(body, limits.body_pause);
    tell(match ask(permit, request, own_headers, body, &progress, &origin, origins).await {
        Ok((response, _)) if origin.renders_404 && response.status() == StatusCode::NOT_FOUND => {
            outcome.origin_status(response.status().as_u16());
            outcome.status(StatusCode::NOT_FOUND.as_u16());
            ours(refuse.not_found(), !progress.ended(), &method, outcome)
        }
        Ok((response, place)) => {
            outcome.origin_status(response.status().as_u16());
            outcome.status(response.status().as_u16());
            relay(response, |incoming| AnswerBody::origin(incoming, outcome, limits.body_pause, place))
        }
        Err(fault) => {
            let response = say(&fault, &refuse, &mut outcome);
            // A caller that is still sending would have the rest of its body read as the next request.
            ours(response, !progress.ended(), &method, outcome)
        }
    })
}

/// Why there is no answer of the origin.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Caller(CallerFault),
    #[error("the origin gave no connection in time: {0}")]
    NotConnectedInTime(String),
    #[error("the origin did not answer within {0:?}")]
    NotAnsweredInTime(Duration),
    #[error("the origin could not be reached: {0}")]
    Unreachable(String),
    #[error("the origin's answer is broken: {0}")]
    Broken(String),
    #[error("the permit is for another request")]
    ForeignPermit,
}

/// The way to the origin. By value, the permit cannot be used again.
async fn ask(
    permit: Permit,
    request: CanonicalRequest,
    own_headers: HeaderMap,
    body: CallerBody,
    progress: &Progress,
    target: &OriginTarget,
    origins: &Origins,
) -> Result<(Response<Incoming>, OwnedSemaphorePermit), Fault> {
    consume(permit, request.reference)?;
    let outgoing =
        outgoing(request, own_headers, body, target).map_err(|fault| Fault::Broken(fault.to_string()))?;
    let origin = origins.find(target);
    let place = timeout(target.connect_timeout, Arc::clone(&origin.places).acquire_owned())
        .await
        .map_err(|_| Fault::NotConnectedInTime("too many requests are under way there".to_owned()))?
        .map_err(|closed| Fault::Unreachable(closed.to_string()))?;
    let answered = origin.client.request(outgoing);
    let mut response = answer_in_time(answered, progress, target.response_timeout).await?;
    accept(&mut response)?;
    Ok((response, place))
}

/// Uses the permit up, if it was given for this very request.
fn consume(permit: Permit, reference: Reference) -> Result<(), Fault> {
    if permit.is_for(Ticket(reference.as_u128())) { Ok(()) } else { Err(Fault::ForeignPermit) }
}

/// The request as the origin gets it.
fn outgoing(
    request: CanonicalRequest,
    own_headers: HeaderMap,
    body: CallerBody,
    target: &OriginTarget,
) -> Result<Request<CallerBody>, http::Error> {
    let CanonicalRequest { method, scheme, host, port, path, query, mut headers, client, .. } = request;
    let asked_authority = port.map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
    let path_and_query: PathAndQuery = match query {
        Some(query) => format!("{path}?{query}").try_into()?,
        None => path.as_str().try_into()?,
    };
    let address = target.addresses.first().map_or("", |address| address.as_str());
    let uri = Uri::builder()
        .scheme(target.scheme.clone())
        .authority(address)
        .path_and_query(path_and_query)
        .build()?;

    let wants_trailers = headers::connection_has(&headers, "te")
        && headers.get_all(TE).iter().any(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"));
    headers::remove_hop_by_hop(&mut headers);
    // 100 is said by us when the origin takes the body, so the origin need not be asked.
    headers.remove(EXPECT);
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    let host_field = if target.preserve_host { &asked_authority } else { address };
    headers.insert(HOST, HeaderValue::from_str(host_field)?);
    headers.insert(X_FORWARDED_FOR, HeaderValue::from_str(&client.to_string())?);
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme.as_str()));
    headers.insert(X_FORWARDED_HOST, HeaderValue::from_str(&asked_authority)?);
    headers.extend(own_headers);
    if body.size_hint().exact().is_none() {
        // Said outright, since the library sends no body of unknown length with GET otherwise.
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }

    let mut outgoing = Request::new(body);
    *outgoing.method_mut() = method;
    *outgoing.uri_mut() = uri;
    *outgoing.headers_mut() = headers;
    Ok(outgoing)
}

/// Waits for the head of the answer. The time runs while neither the caller's body moves nor the caller is what the
/// origin waits for; its pauses have their own limit.
async fn answer_in_time(
    answered: impl Future<Output = Result<Response<Incoming>, legacy::Error>>,
    progress: &Progress,
    limit: Duration,
) -> Result<Response<Incoming>, Fault> {
    let mut answered = pin!(answered);
    let mut seen = progress.frames();
    loop {
        match timeout(limit, answered.as_mut()).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(error)) => return Err(blame(&error, progress)),
            Err(_) if progress.starved() && !progress.ended() => {}
            Err(_) if progress.frames() != seen => seen = progress.frames(),
            Err(_) => return Err(Fault::NotAnsweredInTime(limit)),
        }
    }
}

/// Makes the origin's head ours to send, or refuses it.
fn accept(response: &mut Response<Incoming>) -> Result<(), Fault> {
    // No upgrade was asked for, so this is no answer; and what follows it must reach nobody (Pingora CVE-2026-2833).
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Fault::Broken("101 although nothing asked for an upgrade".to_owned()));
    }
    let fields = response.headers_mut();
    let mut codings = fields.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err(Fault::Broken("a `Transfer-Encoding` other than exactly `chunked`".to_owned()));
        }
        // Both were sent; the length was not what ended the body (RFC 9112 §6.3).
        fields.remove(CONTENT_LENGTH);
    }
    headers::remove_hop_by_hop(fields);
    // Ours alone to say (RFC 9209 §2): an origin is no proxy on this way.
    fields.remove(&PROXY_STATUS);
    headers::remove_own(fields);
    Ok(())
}

/// The answer as ours: status, fields and body. Version and reason phrase are the connection's own matter; an origin
/// that speaks HTTP/1.0 must not make the caller's connection do so.
fn relay(response: Response<Incoming>, body: impl FnOnce(Incoming) -> AnswerBody) -> Sent {
    let (parts, incoming) = response.into_parts();
    let mut relayed = Response::new(body(incoming));
    *relayed.status_mut() = parts.status;
    *relayed.headers_mut() = parts.headers;
    relayed
}

fn blame(error: &legacy::Error, progress: &Progress) -> Fault {
    if let Some(fault) = progress.fault() {
        return Fault::Caller(fault.clone());
    }
    let mut text = error.to_string();
    let mut timed_out = false;
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        timed_out |=
            cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut);
        source = cause.source();
    }
    let text: String = text.chars().take(LONGEST_FAULT).flat_map(char::escape_debug).collect();
    match (error.is_connect(), timed_out) {
        (true, true) => Fault::NotConnectedInTime(text),
        (true, false) => Fault::Unreachable(text),
        (false, _) => Fault::Broken(text),
    }
}

fn say(fault: &Fault, refuse: &OriginRefusals, outcome: &mut OutcomeWriter) -> Response<Bytes> {
    let response = match fault {
        Fault::Caller(caller) => to_caller(caller),
        Fault::NotConnectedInTime(_) | Fault::NotAnsweredInTime(_) => refuse.gateway_timeout(),
        Fault::Unreachable(_) | Fault::Broken(_) => refuse.bad_gateway(),
        Fault::ForeignPermit => {
            // Cannot happen while the gate hands out permits with their requests; if it does, nothing is forwarded.
            tracing::error!("a permit was about to be used for another request");
            refuse.bad_gateway()
        }
    };
    outcome.status(response.status().as_u16());
    outcome.fault(fault.to_string());
    response
}

/// A caller whose body broke off is hardly there any more: the status and nothing else.
fn to_caller(fault: &CallerFault) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = fault.status();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// Characters of a fault that the outcome keeps.
const LONGEST_FAULT: usize = 300;

#[cfg(test)]
mod tests;
