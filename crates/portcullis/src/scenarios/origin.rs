//! An origin that remembers what reached it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A running origin; it ends with the test's runtime.
pub(super) struct Origin {
    address: std::net::SocketAddr,
    pub(super) seen: Arc<Mutex<Vec<(String, HeaderMap)>>>,
}

impl Origin {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&remembered);
                let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                    let target = request.uri().path_and_query().unwrap().to_string();
                    let refuses = target.contains("origin-says-403");
                    seen.lock().unwrap().push((target, request.headers().clone()));
                    let (status, body) = if refuses { (403, "origin says 403") } else { (200, "origin") };
                    let response = Response::builder().status(status).body(Full::new(Bytes::from(body)));
                    async move { Ok::<_, Infallible>(response.unwrap()) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, seen }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
