//! Browsers that come in plain text are sent to the listener that speaks TLS, where an app asks for it.

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, LOCATION, VARY};
use http::{HeaderValue, Method, Response, StatusCode};
use portcullis_request::{CanonicalRequest, Scheme};

use crate::App;

/// The redirect, if this is a navigation in plain text to an app that wants TLS.
///
/// Programs are not redirected: what they sent is out already, and one that follows would hide it. 308 keeps the method
/// (RFC 9110 §15.4.9); `no-store`, so that taking the option back takes it back.
#[must_use]
pub fn answer(app: &App, request: &CanonicalRequest) -> Option<Response<Bytes>> {
    let port = app.https?;
    if request.scheme != Scheme::Http || !navigates(request) {
        return None;
    }
    let authority = match port {
        443 => request.host.to_string(),
        port => format!("{}:{port}", request.host),
    };
    let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    let location = HeaderValue::try_from(format!("https://{authority}{}{query}", request.path)).ok()?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept, Sec-Fetch-Mode"));
    Some(response)
}

/// Whether a person waits before a page: what the browser says outright, else what it accepts first.
fn navigates(request: &CanonicalRequest) -> bool {
    if request.method != Method::GET && request.method != Method::HEAD {
        return false;
    }
    match request.headers.get("sec-fetch-mode") {
        Some(mode) => mode.as_bytes() == b"navigate",
        None => request.headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html")),
    }
}
