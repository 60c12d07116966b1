//! A token issuer for the demo: one signing key, made at start, and its JWKS over HTTP.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use portcullis_identity::dev_issuer::DevIssuer;
use tokio::net::TcpListener;

use super::DemoError;

/// The issuer.
pub(super) struct Issuer(DevIssuer);

impl Issuer {
    /// An issuer with a fresh ES256 key.
    pub(super) fn generate() -> Result<Self, DemoError> {
        DevIssuer::generate("ES256").map(Self).map_err(|fault| DemoError::World(fault.to_string()))
    }

    /// Signs an access token (RFC 9068).
    pub(super) fn sign(&self, claims: &serde_json::Value) -> Result<String, DemoError> {
        self.0.sign(claims, "at+jwt").map_err(|fault| DemoError::World(fault.to_string()))
    }
}

/// Serves `/jwks.json` until the demo ends.
pub(super) async fn serve(listener: TcpListener, issuer: Arc<Issuer>) {
    let jwks = Bytes::from(issuer.0.jwks());
    super::origin::accept(listener, move |request: &Request<Incoming>| {
        let found = request.uri().path() == "/jwks.json";
        let body = if found { jwks.clone() } else { Bytes::new() };
        let status = if found { StatusCode::OK } else { StatusCode::NOT_FOUND };
        super::origin::response(status, "application/jwk-set+json", body)
    })
    .await;
}

/// One HTTP/1.1 connection of a demo server.
pub(super) async fn connection<F>(stream: tokio::net::TcpStream, answer: F)
where
    F: Fn(&Request<Incoming>) -> Response<Full<Bytes>>,
{
    let service = hyper::service::service_fn(|request: Request<Incoming>| {
        let mut response = answer(&request);
        response.headers_mut().entry(header::SERVER).or_insert(http::HeaderValue::from_static("demo"));
        async move { Ok::<_, Infallible>(response) }
    });
    if let Err(fault) =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
    {
        tracing::debug!(%fault, "demo connection ended early");
    }
}
