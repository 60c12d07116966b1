//! The few forms in which the admin listener answers. None may be cached, none says more than its reader asked for.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// What form was asked for.
pub(crate) enum Kind {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Kind {
    /// JSON if `Accept` names it, else text: `curl` sends `*/*` and is read by a person.
    pub(crate) fn asked(headers: &HeaderMap) -> Self {
        let wants_json = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|accept| accept.to_str().ok())
            .any(|accept| accept.contains("application/json"));
        if wants_json { Self::Json } else { Self::Text }
    }
}

pub(crate) fn text(status: StatusCode, text: &str) -> Response<Bytes> {
    with(status, "text/plain; charset=utf-8", Bytes::from(text.to_owned()))
}

pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Bytes> {
    match serde_json::to_vec_pretty(value) {
        Ok(mut body) => {
            body.push(b'\n');
            with(status, "application/json", Bytes::from(body))
        }
        Err(fault) => {
            tracing::error!(%fault, "an admin answer has no JSON form");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "the answer has no JSON form")
        }
    }
}

/// RFC 9457.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response<Bytes> {
    let body = serde_json::json!({
        "title": status.canonical_reason(), "status": status.as_u16(), "detail": detail,
    });
    with(status, "application/problem+json", Bytes::from(format!("{body}\n")))
}

/// RFC 9457, with a code for programs: what an asking proxy is refused, or passes on to its caller.
pub(crate) fn refusal(status: StatusCode, code: &str, detail: &str) -> Response<Bytes> {
    coded(status, serde_json::json!({ "error": code, "detail": detail }))
}

/// The same about one decision.
pub(crate) fn refusal_of(status: StatusCode, code: &str, detail: &str, reference: &str) -> Response<Bytes> {
    coded(status, serde_json::json!({ "error": code, "detail": detail, "ref": reference }))
}

fn coded(status: StatusCode, mut body: serde_json::Value) -> Response<Bytes> {
    if let Some(members) = body.as_object_mut() {
        members.insert("title".to_owned(), status.canonical_reason().into());
        members.insert("status".to_owned(), status.as_u16().into());
    }
    with(status, "application/problem+json", Bytes::from(format!("{body}\n")))
}

pub(crate) fn challenge() -> Response<Bytes> {
    let problem = problem(StatusCode::UNAUTHORIZED, "the admin token is needed here");
    adding(problem, header::WWW_AUTHENTICATE, "Bearer realm=\"portcullis admin\"")
}

/// Each search may read the whole log, so few go on at a time.
pub(crate) fn busy() -> Response<Bytes> {
    let problem = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "other decisions are being looked up; try again in a moment",
    );
    adding(problem, header::RETRY_AFTER, "1")
}

pub(crate) fn only_get() -> Response<Bytes> {
    adding(problem(StatusCode::METHOD_NOT_ALLOWED, "only GET is served here"), header::ALLOW, "GET, HEAD")
}

fn adding(mut response: Response<Bytes>, name: HeaderName, value: &'static str) -> Response<Bytes> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

fn with(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
