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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::time::SystemTime;

    use portcullis_request::{Connection, Loosened, PathPattern, Reference, Rules, Tls, TrustedPeers, admit};
    use portcullis_response::Branding;

    use super::*;
    use crate::OriginTarget;

    fn app(https: Option<u16>) -> App {
        App {
            name: "shop".to_owned(),
            hosts: vec!["shop.test".to_owned()],
            mount: PathPattern::parse("/**").unwrap(),
            loosened: Loosened::default(),
            https,
            branding: Branding::default(),
            origin: Arc::new(OriginTarget::plain("127.0.0.1:9".parse().unwrap())),
            forward_credentials: false,
            limits: Vec::new(),
            routes: Vec::new(),
        }
    }

    fn request(method: &str, tls: bool, field: (&str, &str)) -> CanonicalRequest {
        let head = http::Request::builder().method(method).uri("/a%20b?q=1&r=%0d");
        let head = head.header("host", "shop.test:8080").header(field.0, field.1).body(()).unwrap();
        let trusted = TrustedPeers::default();
        let rules = Rules { trusted: &trusted, loosened: &|_| Loosened::default() };
        let peer: SocketAddr = "192.0.2.1:1".parse().unwrap();
        let host = portcullis_request::Host::parse("shop.test").unwrap();
        let tls = tls.then_some(Tls { server_name: Some(host) });
        let now = SystemTime::now();
        admit(&head.into_parts().0, &Connection { peer, tls }, &rules, Reference::new(now), now).unwrap()
    }

    #[test]
    fn navigations_go_to_the_same_place_in_tls() {
        let browser = ("sec-fetch-mode", "navigate");
        for (port, location) in
            [(443, "https://shop.test/a%20b?q=1&r=%0d"), (8443, "https://shop.test:8443/a%20b?q=1&r=%0d")]
        {
            let response = answer(&app(Some(port)), &request("GET", false, browser)).unwrap();
            assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
            assert_eq!(response.headers()[LOCATION], location);
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        }
        assert!(answer(&app(Some(443)), &request("GET", false, ("accept", "text/html,*/*"))).is_some());
    }

    #[test]
    fn nothing_else_is_redirected() {
        let browser = ("sec-fetch-mode", "navigate");
        assert!(answer(&app(None), &request("GET", false, browser)).is_none(), "not asked for");
        assert!(answer(&app(Some(443)), &request("GET", true, browser)).is_none(), "a loop");
        assert!(answer(&app(Some(443)), &request("POST", false, browser)).is_none());
        assert!(answer(&app(Some(443)), &request("GET", false, ("sec-fetch-mode", "cors"))).is_none());
        assert!(answer(&app(Some(443)), &request("GET", false, ("accept", "application/json"))).is_none());
    }
}
