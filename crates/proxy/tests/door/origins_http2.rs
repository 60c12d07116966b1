//! Origins over HTTP/2: one connection for many requests, trailers, and origins that go away.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis_gate::OriginProtocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::unbounded_channel;

use crate::caller::exchange;
use crate::http2::good;
use crate::origin::answering;
use crate::world::tuned;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// An origin over HTTP/2 by prior knowledge.
pub(crate) async fn over_http2<F, B>(
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) -> SocketAddr
where
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(speak_http2(stream, answer.clone()));
        }
    });
    address
}

/// Speaks HTTP/2 on one connection.
pub(crate) async fn speak_http2<S, F, B>(
    stream: S,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answered = answer(request);
        async move { Ok::<_, std::convert::Infallible>(answered.await) }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.enable_connect_protocol();
    drop(builder.serve_connection(TokioIo::new(stream), service).await);
}

/// An origin that answers which version it was asked in, and for which host.
pub(crate) async fn versions(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = request.uri().authority().map_or("", |authority| authority.as_str());
    Response::new(Full::from(format!("{:?} {host}{authority}", request.version())))
}

/// gRPC in small: `te: trailers` there, trailers back, from HTTP/2 to HTTP/2.
#[tokio::test]
async fn trailers_pass_over_http2() {
    let origin = over_http2(|request: Request<Incoming>| async {
        let te = request.headers().get("te").cloned();
        let bytes = request.into_body().collect().await.expect("a whole body").to_bytes();
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        trailers.insert("x-portcullis-ref", HeaderValue::from_static("fake"));
        let body = Full::new(bytes).with_trailers(std::future::ready(Some(Ok(trailers))));
        let mut response = Response::new(body);
        // Said back under another name, since `te` ends at each hop.
        response.headers_mut().extend(te.map(|te| (http::HeaderName::from_static("x-te"), te)));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        response
    })
    .await;
    let door = tuned(origin, |_, target| target.protocol = OriginProtocol::Http2).await;
    let mut caller = good(door.address).await;
    let request = Request::post("http://a/svc/Method")
        .version(Version::HTTP_2)
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .body(Full::from("message"))
        .expect("a request");
    let response = caller.send_request(request).await.expect("an answer");
    assert_eq!((response.status().as_u16(), response.headers()["x-te"].as_bytes()), (200, &b"trailers"[..]));
    let whole = response.into_body().collect().await.expect("a whole body");
    let trailers = whole.trailers().cloned().expect("trailers");
    assert_eq!(trailers.get("grpc-status"), Some(&HeaderValue::from_static("0")));
    assert!(!trailers.contains_key("x-portcullis-ref"));
    assert_eq!(whole.to_bytes(), "message");
}

/// Requests of many callers share a connection.
#[tokio::test]
async fn one_connection_over_http2_serves_many_requests() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(speak_http2::<TcpStream, _, _>(stream, versions));
        }
    });
    let door = tuned(origin, |_, target| target.protocol = OriginProtocol::Http2).await;
    let asked: Vec<_> = (0..20).map(|_| tokio::spawn(exchange(door.address, GET))).collect();
    for asked in asked {
        assert!(asked.await.expect("no panic").ends_with("HTTP/2.0 a"));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// The origin goes away after each answer (GOAWAY): the next request finds another connection.
#[tokio::test]
async fn a_connection_that_goes_away_is_replaced() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (answered, mut after) = unbounded_channel();
                let service = service_fn(move |request| {
                    let answered = answered.clone();
                    async move {
                        answered.send(()).ok();
                        Ok::<_, std::convert::Infallible>(versions(request).await)
                    }
                });
                let builder = http2::Builder::new(TokioExecutor::new());
                let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
                tokio::select! {
                    ended = &mut connection => return drop(ended),
                    _ = after.recv() => connection.as_mut().graceful_shutdown(),
                }
                drop(connection.await);
            });
        }
    });
    let door = tuned(origin, |_, target| target.protocol = OriginProtocol::Http2).await;
    for _ in 0..10 {
        let answer = exchange(door.address, GET).await;
        assert!(answer.ends_with("HTTP/2.0 a"), "{answer}");
    }
}

/// RFC 9113 §6.8: what an origin that goes away has not seen is sent to it again, on another connection.
#[tokio::test]
async fn what_was_not_seen_before_a_goaway_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.expect("a connection");
        let mut scrap = [0; 1024];
        assert!(first.read(&mut scrap).await.expect("a preface") > 0);
        // SETTINGS, and GOAWAY without an error after which no stream was seen.
        first.write_all(b"\0\0\0\x04\0\0\0\0\0").await.expect("open");
        first.write_all(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0").await.expect("open");
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(speak_http2(stream, versions));
        }
    });
    let door = tuned(origin, |_, target| target.protocol = OriginProtocol::Http2).await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.ends_with("HTTP/2.0 a"), "{answer}");
    assert_eq!(door.ended().await.len(), 1, "one request, one record");
}

/// An origin over HTTP/2 that is HTTP/1 in truth.
#[tokio::test]
async fn another_version_than_configured_is_502() {
    let (origin, _heads) = answering("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let door = tuned(origin, |_, target| {
        target.protocol = OriginProtocol::Http2;
        target.retries = 0;
    })
    .await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
}
