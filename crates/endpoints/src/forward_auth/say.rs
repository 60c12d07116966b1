//! A decision in the form that the asking proxy understands.
//!
//! INVARIANT: [`denied`] never gives a status of success, whatever the refusal's own is. A preflight is answered 204 and
//! a gRPC caller refused with 200, and every one of these proxies takes both for leave to go on.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use portcullis_request::Reference;

use super::Contract;
use crate::answer;

/// What is said of a request that may not go on.
pub(crate) struct Said {
    /// To the asking proxy.
    pub(crate) answer: Response<Bytes>,
    /// For the caller, where the asking proxy comes back for it.
    pub(crate) fetched: Option<Response<Bytes>>,
}

/// Leave to go on, with our headers for the origin.
pub(crate) fn allowed(contract: Contract, own_headers: HeaderMap) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = match contract {
        Contract::Nginx => StatusCode::NO_CONTENT,
        Contract::Caddy | Contract::Traefik => StatusCode::OK,
    };
    *response.headers_mut() = own_headers;
    if contract == Contract::Caddy {
        // It copies a field that is not there as the text of its own placeholder, which an application takes for a user.
        for name in IDENTITY {
            response.headers_mut().entry(name).or_insert(HeaderValue::from_static(""));
        }
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// No leave to go on: `whole` is what the caller should get.
pub(crate) fn denied(contract: Contract, mut whole: Response<Bytes>, reference: Reference) -> Said {
    measured(&mut whole);
    match contract {
        Contract::Nginx => {
            let mut answer = fetch(&whole, reference);
            if whole.status() == StatusCode::UNAUTHORIZED {
                *answer.status_mut() = StatusCode::UNAUTHORIZED;
                for challenge in whole.headers().get_all(WWW_AUTHENTICATE) {
                    answer.headers_mut().append(WWW_AUTHENTICATE, challenge.clone());
                }
                // nginx gives those to its caller itself; fetched as well, each would be there twice.
                whole.headers_mut().remove(WWW_AUTHENTICATE);
            }
            Said { answer, fetched: Some(whole) }
        }
        _ if is_refusal(whole.status()) => Said { answer: whole, fetched: None },
        Contract::Caddy => Said { answer: fetch(&whole, reference), fetched: Some(whole) },
        Contract::Traefik => Said { answer: unsuccessful(whole), fetched: None },
    }
}

/// What there is to say of an answer that is no longer, or never was, kept.
pub(crate) fn forgotten(reference: Option<Reference>) -> Response<Bytes> {
    let detail = "this request was refused; what was said about it is no longer kept";
    match reference {
        Some(reference) => {
            answer::refusal_of(StatusCode::FORBIDDEN, "access_denied", detail, &reference.to_string())
        }
        None => answer::refusal(StatusCode::FORBIDDEN, "access_denied", detail),
    }
}

/// 403, and where the whole answer is to be had.
fn fetch(whole: &Response<Bytes>, reference: Reference) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::FORBIDDEN;
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    headers.insert(X_PORTCULLIS_STATUS, HeaderValue::from(whole.status().as_u16()));
    // Base32 and dashes are always a valid value.
    if let Ok(reference) = HeaderValue::try_from(reference.to_string()) {
        headers.insert(X_PORTCULLIS_REF, reference);
    }
    answer
}

/// An answer with a status of success, for a proxy that cannot pass it on: a gRPC refusal under the nearest HTTP status,
/// which gRPC clients read too; anything else is for another way (a preflight, a page of ours).
fn unsuccessful(mut whole: Response<Bytes>) -> Response<Bytes> {
    match whole.headers().get(GRPC_STATUS).map(HeaderValue::as_bytes) {
        Some(status) => {
            *whole.status_mut() = http_status(status);
            whole
        }
        None => answer::refusal(
            StatusCode::FORBIDDEN,
            "not_relayed",
            "Portcullis answers this itself, and the proxy before it cannot pass that on",
        ),
    }
}

/// The HTTP status that a gRPC refusal of ours was made from.
fn http_status(grpc: &[u8]) -> StatusCode {
    match grpc {
        b"4" => StatusCode::GATEWAY_TIMEOUT,
        b"5" => StatusCode::NOT_FOUND,
        b"7" => StatusCode::FORBIDDEN,
        b"8" => StatusCode::TOO_MANY_REQUESTS,
        b"14" => StatusCode::SERVICE_UNAVAILABLE,
        b"16" => StatusCode::UNAUTHORIZED,
        // What is wrong with the request itself, and never a decision.
        _ => StatusCode::BAD_REQUEST,
    }
}

fn is_refusal(status: StatusCode) -> bool {
    status.is_redirection() || status.is_client_error() || status.is_server_error()
}

/// The length that is sent is that of what is sent.
fn measured(response: &mut Response<Bytes>) {
    let length = response.body().len();
    if response.status() != StatusCode::NO_CONTENT && response.status() != StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// The status that the caller should get.
const X_PORTCULLIS_STATUS: HeaderName = HeaderName::from_static("x-portcullis-status");

/// What may be told of a caller, by the names that `portcullis_gate::own_headers` gives it.
const IDENTITY: [&str; 5] = [
    "x-portcullis-user",
    "x-portcullis-kind",
    "x-portcullis-groups",
    "x-portcullis-tier",
    "x-portcullis-identity",
];

/// By what name the whole answer is fetched.
const X_PORTCULLIS_REF: HeaderName = HeaderName::from_static("x-portcullis-ref");

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

#[cfg(test)]
mod tests;
