//! The shop behind the gate: an ordinary small web application that knows nothing of access control.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::net::TcpListener;

/// Serves the shop until the demo ends.
pub(super) async fn serve(listener: TcpListener) {
    accept(listener, shop).await;
}

/// Accepts connections, answering each request by `answer`.
pub(super) async fn accept<F>(listener: TcpListener, answer: F)
where
    F: Fn(&Request<Incoming>) -> Response<Full<Bytes>> + Clone + Send + Sync + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(super::issuer::connection(stream, answer.clone()));
            }
            Err(fault) => {
                tracing::warn!(%fault, "a demo server cannot accept connections");
                return;
            }
        }
    }
}

fn shop(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let user = request.headers().get("x-portcullis-user").and_then(|user| user.to_str().ok());
    let who = user.unwrap_or("nobody in particular");
    let path = request.uri().path();
    match (request.method(), path) {
        (_, "/") => page("Welcome to The Corner Shop."),
        (_, "/healthz") => page("ok"),
        (&Method::POST, "/api/orders") => json(StatusCode::CREATED, r#"{"order":1002,"state":"accepted"}"#),
        (_, "/api/orders") => {
            json(StatusCode::OK, &serde_json::json!({ "orders": [1001], "for": who }).to_string())
        }
        (_, "/admin") => page(&format!("The shop's back office. You are {who}.")),
        (_, "/internal") => page(&format!("Stock levels, for {who}.")),
        (_, path) if path == "/premium-content" || path.starts_with("/premium-content/") => {
            page(&format!("The long read, for {who}."))
        }
        _ => response(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            Bytes::from_static(b"No such page.\n"),
        ),
    }
}

fn page(text: &str) -> Response<Full<Bytes>> {
    response(StatusCode::OK, "text/plain; charset=utf-8", Bytes::from(format!("{text}\n")))
}

fn json(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    response(status, "application/json", Bytes::from(text.to_owned()))
}

/// A response with a body of one piece.
pub(super) fn response(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
