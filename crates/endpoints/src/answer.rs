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

/// What is counted, in the form of OpenMetrics 1.0.
pub(crate) fn metrics(text: String) -> Response<Bytes> {
    with(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", Bytes::from(text))
}

/// RFC 9457.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response<Bytes> {
    problem_with(status, detail, serde_json::json!({}))
}

/// RFC 9457, with members of its own.
pub(crate) fn problem_with(status: StatusCode, detail: &str, mut body: serde_json::Value) -> Response<Bytes> {
    if let Some(members) = body.as_object_mut() {
        members.insert("title".to_owned(), status.canonical_reason().into());
        members.insert("status".to_owned(), status.as_u16().into());
        members.insert("detail".to_owned(), detail.into());
    }
    with(status, "application/problem+json", Bytes::from(format!("{body}\n")))
}

/// With a code for programs: what an asking proxy is refused, or passes on to its caller.
pub(crate) fn refusal(status: StatusCode, code: &str, detail: &str) -> Response<Bytes> {
    problem_with(status, detail, serde_json::json!({ "error": code }))
}

/// The same about one decision.
pub(crate) fn refusal_of(status: StatusCode, code: &str, detail: &str, reference: &str) -> Response<Bytes> {
    problem_with(status, detail, serde_json::json!({ "error": code, "ref": reference }))
}

pub(crate) fn challenge() -> Response<Bytes> {
    let problem = problem(
        StatusCode::UNAUTHORIZED,
        "send the token of `admin.token` as `Authorization: Bearer …`; tokens and keys of users and services mean nothing here",
    );
    adding(problem, header::WWW_AUTHENTICATE, "Bearer realm=\"portcullis admin\"")
}

/// Each search may read the whole log, so few go on at a time.
pub(crate) fn busy() -> Response<Bytes> {
    again(StatusCode::SERVICE_UNAVAILABLE, "other decisions are being looked up; try again in a moment")
}

/// Not now.
pub(crate) fn again(status: StatusCode, detail: &str) -> Response<Bytes> {
    adding(problem(status, detail), header::RETRY_AFTER, "1")
}

/// 405.
pub(crate) fn only(methods: &'static str) -> Response<Bytes> {
    let detail = format!("this is asked for with {methods}");
    adding(problem(StatusCode::METHOD_NOT_ALLOWED, &detail), header::ALLOW, methods)
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
