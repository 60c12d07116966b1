//! CORS preflights. They carry no credentials by design, so they are answered from the app's own list of origins and
//! never challenged: a credentialed check of a preflight would break every browser client.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    CACHE_CONTROL, ORIGIN, VARY,
};
use http::{HeaderValue, Method, Response, StatusCode};
use portcullis_request::CanonicalRequest;

use crate::{App, Route};

/// Our answer, if the request is a preflight (Fetch standard, "CORS-preflight request").
///
/// An app that lists origins grants them theirs. One that lists none leaves preflights to its upstream on routes where
/// everyone is let in. Anything else is 204 without permission, which a browser reads as no.
#[must_use]
pub fn answer(app: &App, route: Option<&Route>, request: &CanonicalRequest) -> Option<Response<Bytes>> {
    let origin = request.headers.get(ORIGIN)?;
    let method = request.headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    let left_to_origin = app.branding.cors_origins.is_empty() && route.is_none_or(|route| route.public);
    if request.method != Method::OPTIONS || left_to_origin {
        return None;
    }
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(
        VARY,
        HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if app.branding.cors_origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes()) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, method.clone());
        if let Some(asked) = request.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
    }
    Some(response)
}
