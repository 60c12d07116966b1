//! Tunnels: WebSocket and other protocols, from callers of both versions of HTTP to origins of both. Threat 2: nothing of
//! a tunnel passes before the origin granted it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::caller::{Caller, PATIENCE, exchange};
use crate::forwarding::fields;
use crate::origin::{answering, on_connection};
use crate::origins_http2::over_http2;
use crate::world::{door, tuned};

const SHORT: Duration = Duration::from_millis(50);

/// The example of RFC 6455 §1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn websocket(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

fn granting() -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\nX-Portcullis-Ref: fake\r\n\r\n"
    )
}

/// An origin that grants a WebSocket with `granting` and then answers `ping` by `pong`. What it saw comes from the
/// receiver: the head, then whatever came before it answered, then the rest.
async fn tunnelling(granting: fn(&str) -> String) -> (SocketAddr, UnboundedReceiver<String>) {
    let (seen, sights) = unbounded_channel();
    let origin = on_connection(move |mut connection| {
        let seen = seen.clone();
        async move {
            let head = connection.head().await.unwrap_or_default();
            let answer = granting(&head);
            drop(seen.send(head));
            // Whatever is let through too early is there by then.
            drop(seen.send(connection.within(SHORT).await));
            connection.send(answer).await;
            if connection.until("ping").await.is_some() {
                connection.send("pong").await;
            }
            drop(seen.send(connection.rest().await));
        }
    })
    .await;
    (origin, sights)
}

#[tokio::test]
async fn bytes_pass_both_ways_once_it_is_granted() {
    let (origin, mut sights) = tunnelling(|_| granting()).await;
    let door = door(origin).await;
    let mut caller = Caller::connect(door.address).await;
    // Some of the tunnel comes with the head, as careless clients send it.
    caller.send(websocket("/chat") + "early").await;
    let head = sights.recv().await.expect("forwarded");
    assert_eq!((fields(&head, "connection"), fields(&head, "upgrade")), (vec!["upgrade"], vec!["websocket"]));
    assert_eq!(fields(&head, "sec-websocket-key"), [KEY]);
    assert_eq!(fields(&head, "x-portcullis-ref").len(), 1);
    assert_eq!(sights.recv().await.expect("a sight"), "", "nothing before the 101");
    let answer = caller.until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert_eq!(
        (fields(&answer, "connection"), fields(&answer, "upgrade")),
        (vec!["upgrade"], vec!["websocket"])
    );
    assert_eq!(fields(&answer, "sec-websocket-accept"), [ACCEPT]);
    assert!(!answer.contains("fake"), "{answer}");
    caller.send("ping").await;
    caller.until("pong").await;
    caller.send("more").await;
    caller.finish().await;
    assert_eq!(sights.recv().await.expect("the origin's end"), "more", "half-closed, and everything arrived");
    assert_eq!(caller.rest().await, "");
    let ended = door.ended().await;
    assert_eq!((ended[0].status, ended[0].origin_status, ended[0].bytes), (101, Some(101), 4));
    assert_eq!((ended.len(), ended[0].fault.as_deref()), (1, None));
}

/// Threat 2: an origin that answers 200 or 426 never sees the following bytes; they are a request of their own.
#[tokio::test]
async fn what_follows_a_wish_that_was_declined_is_http() {
    for status in ["200 OK", "426 Upgrade Required", "403 Forbidden"] {
        let (origin, mut heads) =
            answering(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")).await;
        let door = door(origin).await;
        let second = "GET /refused HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let answer = exchange(door.address, websocket("/a") + second).await;
        assert!(heads.recv().await.expect("forwarded").starts_with("GET /a "));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        assert!(answer.contains("error=http_request_denied"), "the second is decided for itself: {answer}");
        assert!(heads.try_recv().is_err(), "and reaches nobody");
        assert_eq!(door.ended().await.len(), 2);
    }
}

/// Threat 2.
#[tokio::test]
async fn a_wrong_granting_is_502_and_nothing_passes() {
    for wrong in [
        "Connection: Upgrade\r\nUpgrade: other\r\n",
        "Connection: Upgrade\r\n",
        "Upgrade: websocket\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket, other\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n",
    ] {
        let (seen, mut sights) = unbounded_channel();
        let origin = on_connection(move |mut connection| {
            let seen = seen.clone();
            async move {
                connection.head().await;
                connection.send(format!("HTTP/1.1 101 Switching Protocols\r\n{wrong}\r\nleaked")).await;
                drop(seen.send(connection.rest().await));
            }
        })
        .await;
        let door = door(origin).await;
        let mut caller = Caller::connect(door.address).await;
        caller.send(websocket("/") + "GET /refused HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        let answer = caller.rest().await;
        assert!(answer.starts_with("HTTP/1.1 502 ") && !answer.contains("leaked"), "{wrong:?}: {answer}");
        assert_eq!(sights.recv().await.expect("the origin's end"), "", "{wrong:?}");
        assert!(door.ended().await[0].fault.as_deref().unwrap_or_default().contains("101"), "{wrong:?}");
    }
}

/// What would be HTTP again, what is not allowed, what has a body, and what names several protocols is asked of no origin.
#[tokio::test]
async fn some_wishes_are_not_passed_on() {
    let upgrade = |protocol: &str, more: &str| {
        format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: {protocol}\r\n{more}")
    };
    for (request, allowed) in [
        (upgrade("h2c", "HTTP2-Settings: AAMAAABk\r\n\r\n"), true),
        (upgrade("TLS/1.2", "\r\n"), true),
        (upgrade("websocket, other", "\r\n"), true),
        (upgrade("websocket", "Content-Length: 2\r\n\r\nhi"), true),
        (upgrade("websocket", "\r\n"), false),
    ] {
        let (origin, mut heads) = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
        let door = tuned(origin, |_, target| target.upgrades = allowed).await;
        let answer = exchange(door.address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{request}: {answer}");
        let head = heads.recv().await.expect("forwarded");
        assert_eq!((fields(&head, "upgrade"), fields(&head, "connection")), (vec![], vec![]), "{head}");
    }
}

/// What was not asked for is not granted, whatever the caller wished.
#[tokio::test]
async fn a_granting_that_was_not_asked_for_is_502() {
    for (more, allowed) in [("Content-Length: 2\r\n\r\nhi", true), ("\r\n", false)] {
        let (origin, mut heads) = answering(granting() + "leaked").await;
        let door = tuned(origin, |_, target| target.upgrades = allowed).await;
        let request = websocket("/").replacen("\r\n\r\n", &format!("\r\n{more}"), 1);
        let mut caller = Caller::connect(door.address).await;
        caller.send(request).await;
        let answer = caller.until("\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 502 ") && !answer.contains("leaked"), "{answer}");
        assert_eq!(fields(&heads.recv().await.expect("forwarded"), "upgrade"), [""; 0]);
        drop(caller);
        assert_eq!(door.ended().await.len(), 1);
    }
}

#[tokio::test]
async fn a_tunnel_in_which_nothing_moves_is_closed() {
    let (origin, mut sights) = tunnelling(|_| granting()).await;
    let door = tuned(origin, |limits, _| limits.body_pause = SHORT).await;
    let mut caller = Caller::connect(door.address).await;
    caller.send(websocket("/")).await;
    caller.until("\r\n\r\n").await;
    assert_eq!(caller.rest().await, "");
    sights.recv().await.expect("a head");
    sights.recv().await.expect("nothing early");
    assert_eq!(sights.recv().await.expect("the origin's end"), "");
    let ended = door.ended().await;
    assert!(ended[0].fault.as_deref().unwrap_or_default().contains("nothing moved"), "{:?}", ended[0].fault);
}

#[tokio::test]
async fn a_tunnel_is_cut_when_the_drain_is_over() {
    let (origin, _sights) = tunnelling(|_| granting()).await;
    let door = tuned(origin, |limits, _| limits.drain = SHORT).await;
    let mut caller = Caller::connect(door.address).await;
    caller.send(websocket("/")).await;
    caller.until("\r\n\r\n").await;
    let ended = door.ended().await;
    assert_eq!((ended.len(), ended[0].status), (1, 101));
    assert!(ended[0].fault.as_deref().unwrap_or_default().contains("cut off"), "{:?}", ended[0].fault);
    assert_eq!(caller.rest().await, "");
}

#[tokio::test]
async fn a_refused_wish_reaches_no_origin() {
    let (origin, mut sights) = tunnelling(|_| granting()).await;
    let door = door(origin).await;
    let second = "GET /refused HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = exchange(door.address, websocket("/refused/chat") + second).await;
    assert_eq!(answer.matches("HTTP/1.1 403 ").count(), 2, "{answer}");
    assert!(sights.try_recv().is_err());
}

/// A connection over HTTP/2 that knows that the door takes extended CONNECT.
async fn caller_over_http2(door: SocketAddr) -> http2::SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(door).await.expect("the door is open");
    let (mut sender, mut connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2 is spoken");
    // The library tells nobody when the settings come, so they are looked at now and then.
    let settings = async {
        while !connection.is_extended_connect_protocol_enabled() {
            drop(timeout(Duration::from_millis(5), &mut connection).await);
        }
    };
    timeout(PATIENCE, settings).await.expect("extended CONNECT is offered");
    tokio::spawn(async move { drop(connection.await) });
    sender.ready().await.expect("ready");
    sender
}

fn connect(path: &str, protocol: &'static str) -> Request<Empty<Bytes>> {
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(format!("http://a{path}"))
        .header("sec-websocket-version", "13")
        .extension(Protocol::from_static(protocol));
    request.body(Empty::new()).expect("a request")
}

/// `ping`, and what comes back.
async fn played(response: Response<impl Send>) -> String {
    let upgraded = hyper::upgrade::on(response).await.expect("a tunnel");
    let mut stream = TokioIo::new(upgraded);
    stream.write_all(b"ping").await.expect("open");
    let mut answer = [0; 4];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("in time").expect("an answer");
    stream.shutdown().await.expect("open");
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("in time").expect("an orderly end");
    assert!(rest.is_empty());
    String::from_utf8(answer.to_vec()).expect("text")
}

/// The key that a head brings, and the proof that belongs to it.
fn proving(head: &str) -> String {
    let key = fields(head, "sec-websocket-key").first().copied().unwrap_or_default().to_owned();
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes());
    let proof = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest.finish());
    granting().replace(ACCEPT, &proof)
}

#[tokio::test]
async fn a_caller_over_http2_gets_its_tunnel_to_an_origin_over_http1() {
    let (origin, mut sights) = tunnelling(proving).await;
    let door = door(origin).await;
    let mut caller = caller_over_http2(door.address).await;
    let response = caller.send_request(connect("/chat", "websocket")).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key("sec-websocket-accept"));
    let head = sights.recv().await.expect("forwarded");
    assert!(head.starts_with("GET /chat HTTP/1.1\r\n"), "{head}");
    assert_eq!(fields(&head, "sec-websocket-key")[0].len(), 24);
    assert_eq!(fields(&head, "sec-websocket-version"), ["13"]);
    assert_eq!(sights.recv().await.expect("a sight"), "");
    assert_eq!(played(response).await, "pong");
    drop(caller);
    let ended = door.ended().await;
    assert_eq!((ended[0].status, ended[0].origin_status, ended[0].bytes), (200, Some(101), 4));
    assert_eq!(ended[0].fault, None);
}

/// To this caller any 2xx would mean that the tunnel is there.
#[tokio::test]
async fn an_extended_connect_is_never_answered_by_a_plain_success() {
    for (answer, status) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", 502),
        ("HTTP/1.1 204 No Content\r\n\r\n", 502),
        ("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\nhi", 426),
    ] {
        let (origin, _heads) = answering(answer).await;
        let door = door(origin).await;
        let mut caller = caller_over_http2(door.address).await;
        let response = caller.send_request(connect("/", "websocket")).await.expect("an answer");
        assert_eq!(response.status().as_u16(), status);
        response.into_body().collect().await.expect("a whole body");
    }
    let (origin, mut heads) = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
    let door = tuned(origin, |_, target| target.upgrades = false).await;
    let mut caller = caller_over_http2(door.address).await;
    let response = caller.send_request(connect("/", "websocket")).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NOT_IMPLEMENTED);
    assert!(heads.try_recv().is_err());
    let response = caller.send_request(connect("/refused/x", "websocket")).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::FORBIDDEN, "decided as the GET it stands for");
}

/// An origin over HTTP/2 that grants extended CONNECT.
async fn answer_over_http2(mut request: Request<Incoming>) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    let asked = request.extensions().get::<Protocol>().map(|protocol| protocol.as_str().to_owned());
    if asked.as_deref() != Some("websocket") || request.headers().contains_key("sec-websocket-key") {
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return response;
    }
    let on_upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(on_upgrade.await.expect("a tunnel"));
        let mut asked = [0; 4];
        stream.read_exact(&mut asked).await.expect("a ping");
        stream.write_all(b"pong").await.expect("open");
        stream.shutdown().await.expect("open");
        stream.read_to_end(&mut Vec::new()).await.expect("an orderly end");
    });
    response
}

#[tokio::test]
async fn callers_over_both_get_their_tunnel_to_an_origin_over_http2() {
    let origin = over_http2(answer_over_http2).await;
    let door = tuned(origin, |_, target| target.protocol = portcullis_gate::OriginProtocol::Http2).await;
    let mut caller = caller_over_http2(door.address).await;
    let response = caller.send_request(connect("/chat", "websocket")).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(played(response).await, "pong");
    drop(caller);
    let mut caller = Caller::connect(door.address).await;
    caller.send(websocket("/chat")).await;
    let answer = caller.until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert_eq!(fields(&answer, "sec-websocket-accept"), [ACCEPT], "the door proves for the origin");
    caller.send("ping").await;
    caller.until("pong").await;
    caller.finish().await;
    caller.rest().await;
    let ended = door.ended().await;
    assert_eq!(
        ended.iter().map(|ended| (ended.bytes, ended.fault.clone())).collect::<Vec<_>>(),
        [(4, None), (4, None)]
    );
}
