//! Callers that speak HTTP/2: good ones by a library, hostile ones frame by frame. Whatever a hostile one does, nothing of
//! it reaches an origin, and a good caller beside it is served (promise P7).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

use crate::caller::PATIENCE;
use crate::frames::{
    CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, End, Framer, GOAWAY, HEADERS,
    NO_ERROR, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, get,
};
use crate::origin::{OK, answering, dead, on_connection};
use crate::world::{door, tuned};

const SHORT: Duration = Duration::from_millis(50);

/// One good connection by prior knowledge.
pub(crate) async fn good(door: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(door).await.expect("the door is open");
    let (sender, connection) =
        handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2 is spoken");
    tokio::spawn(async move { drop(connection.await) });
    sender
}

pub(crate) fn request(method: &str, uri: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(uri).version(Version::HTTP_2);
    request.body(Full::new(body.into())).expect("a request")
}

pub(crate) async fn read(response: Response<Incoming>) -> (StatusCode, String) {
    let status = response.status();
    let body = response.into_body().collect().await.expect("a whole body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

/// A good caller is served.
async fn serves(door: SocketAddr) {
    let mut caller = good(door).await;
    let answer = timeout(PATIENCE, caller.send_request(request("GET", "http://a/", ""))).await;
    assert_eq!(read(answer.expect("in time").expect("an answer")).await, (StatusCode::OK, "hi".to_owned()));
}

#[tokio::test]
async fn a_request_goes_through_the_gate_as_on_http_1() {
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    let mut caller = good(door.address).await;
    let answer = caller.send_request(request("POST", "http://a/x?y", "hello")).await.expect("an answer");
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
    assert_eq!(read(answer).await.1, "hi");
    let head = heads.recv().await.expect("forwarded");
    assert!(head.starts_with("POST /x?y HTTP/1.1\r\n") && head.contains("content-length: 5"), "{head}");
    let refused = caller.send_request(request("GET", "http://a/refused", "")).await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(!refused.headers().contains_key("connection"), "there is no such field on HTTP/2");
    assert!(heads.try_recv().is_err());
    drop(caller);
    let statuses: Vec<u16> = door.ended().await.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [200, 403]);
}

/// threats.md 1: there is no next request in a stream, so the rest of its body is called off and the connection stays.
#[tokio::test]
async fn an_unread_body_is_called_off_and_the_connection_stays() {
    let door = door(dead().await).await;
    let mut framer = Framer::connect(door.address, &[]).await;
    let head = block(&[(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/refused")]);
    framer.send(HEADERS, END_HEADERS, 1, &head).await;
    framer.send(DATA, 0, 1, b"GET /refused HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let End::Answered(body) = framer.end_of(1).await else { panic!("an answer comes first") };
    assert!(body.contains("\"status\": 403"), "{body}");
    assert_eq!(framer.end_of(1).await, End::Reset(NO_ERROR));
    framer.send(HEADERS, END_HEADERS | END_STREAM, 3, &get("/refused")).await;
    assert!(matches!(framer.end_of(3).await, End::Answered(_)));
    drop(framer);
    assert_eq!(door.ended().await.len(), 2);
}

/// threats.md 19: what a caller says of itself behind its body is refused, other trailers that nobody knows are removed.
#[tokio::test]
async fn trailers_name_no_caller() {
    let (seen, mut sights) = unbounded_channel();
    let origin = on_connection(move |mut connection| {
        let seen = seen.clone();
        async move {
            let head = connection.head().await.unwrap_or_default();
            // Of the refused one, the end never comes.
            let Some(body) = connection.until("\r\n0\r\ncontent-digest: 7\r\n\r\n").await else { return };
            drop(seen.send(head + &body));
            connection.send(OK).await;
        }
    })
    .await;
    let door = door(origin).await;
    let mut framer = Framer::connect(door.address, &[]).await;
    let said = ("trailer", "content-digest");
    let head = block(&[(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/"), said]);
    for (stream, name) in [(1, "x-role"), (3, "x-portcullis-user"), (5, "x-forwarded-user"), (7, "cookie")] {
        framer.send(HEADERS, END_HEADERS, stream, &head).await;
        framer.send(DATA, 0, stream, b"hi").await;
        let trailers = block(&[("content-digest", "7"), (name, "admin")]);
        framer.send(HEADERS, END_HEADERS | END_STREAM, stream, &trailers).await;
        let End::Answered(body) = framer.end_of(stream).await else { panic!("`{name}` has its answer") };
        assert_eq!(body.contains("broken_body"), stream > 1, "`{name}`: {body}");
    }
    let request = sights.recv().await.expect("forwarded").to_ascii_lowercase();
    assert!(!request.contains("admin"), "{request}");
    assert!(sights.try_recv().is_err(), "nothing else reached the origin whole");
}

/// threats.md 12 and 16, RFC 9113 §8.2 and §8.3.
#[tokio::test]
async fn malformed_heads_reach_no_origin() {
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    let (method, scheme, authority, path) =
        ((":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/"));
    let cases: &[&[(&str, &str)]] = &[
        &[method, scheme, authority, (":path", "admin")],
        &[method, scheme, authority, (":path", "a/admin")],
        &[method, scheme, authority, (":path", "")],
        &[method, scheme, authority, (":path", "*")],
        &[method, scheme, authority, (":path", "http://a/admin")],
        &[method, scheme, authority, (":path", "/a b")],
        &[method, scheme, authority, (":path", "/a/../b")],
        &[method, scheme, authority, (":path", "/a\r\nx: y")],
        &[method, scheme, authority],
        &[method, scheme, path],
        &[method, authority, path],
        &[scheme, authority, path],
        &[method, method, scheme, authority, path],
        &[method, scheme, scheme, authority, path],
        &[method, scheme, authority, authority, path],
        &[method, scheme, authority, path, path],
        &[method, scheme, authority, ("x", "y"), path],
        &[method, scheme, authority, path, (":status", "200")],
        &[method, scheme, authority, path, (":other", "x")],
        &[method, scheme, authority, path, (":protocol", "websocket")],
        &[method, scheme, authority, path, ("X-Upper", "y")],
        &[method, scheme, authority, path, ("host", "b")],
        &[method, scheme, authority, path, ("connection", "close")],
        &[method, scheme, authority, path, ("connection", "x-user")],
        &[method, scheme, authority, path, ("keep-alive", "x")],
        &[method, scheme, authority, path, ("proxy-connection", "x")],
        &[method, scheme, authority, path, ("transfer-encoding", "chunked")],
        &[method, scheme, authority, path, ("upgrade", "websocket")],
        &[method, scheme, authority, path, ("te", "gzip")],
        &[method, scheme, authority, path, ("x", "a\r\nb")],
        &[method, scheme, authority, path, ("x", "a\nb")],
        &[method, scheme, authority, path, ("x", "a\0b")],
        &[method, scheme, authority, path, ("x\r\ny", "z")],
        &[method, scheme, authority, path, ("x y", "z")],
        &[method, scheme, authority, path, ("x_y", "z")],
        &[method, scheme, authority, path, ("", "z")],
        &[method, scheme, authority, path, ("content-length", "5")],
        &[method, scheme, authority, path, ("content-length", "0"), ("content-length", "5")],
        &[(":method", "G T"), scheme, authority, path],
        &[method, (":scheme", "https"), authority, path],
        &[method, (":scheme", "file"), authority, path],
        &[method, scheme, (":authority", "a@b"), path],
        &[method, scheme, (":authority", "a, b"), path],
        &[(":method", "CONNECT"), authority],
        &[(":method", "CONNECT"), scheme, authority, path],
    ];
    for fields in cases {
        let mut framer = Framer::connect(door.address, &[]).await;
        framer.send(HEADERS, END_HEADERS | END_STREAM, 1, &block(fields)).await;
        match framer.end_of(1).await {
            End::Answered(body) => {
                assert!(
                    body.contains("\"status\": 400") || body.contains("\"status\": 421"),
                    "{fields:?}: {body}"
                );
            }
            End::Reset(_) | End::GoneAway(_) => {}
            End::Closed => panic!("{fields:?}: closed without a word"),
        }
        assert!(heads.try_recv().is_err(), "{fields:?} was forwarded");
    }
    serves(door.address).await;
}

/// threats.md 9: the library cuts a raw `#` and what follows it before anybody can see it. What is left is what is decided
/// and what is forwarded, so there is one reading of it still.
#[tokio::test]
async fn a_fragment_is_neither_decided_on_nor_forwarded() {
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    for (target, end) in [("/a#b", "hi"), ("/refused#/../a", "access_denied")] {
        let mut framer = Framer::connect(door.address, &[]).await;
        framer.send(HEADERS, END_HEADERS | END_STREAM, 1, &get(target)).await;
        let End::Answered(body) = framer.end_of(1).await else { panic!("an answer") };
        assert!(body.contains(end), "{body}");
    }
    assert!(heads.recv().await.expect("forwarded").starts_with("GET /a HTTP/1.1\r\n"));
    assert!(heads.try_recv().is_err());
}

/// RFC 9113 §8.1.1: an origin that waits for the whole body never gets one.
#[tokio::test]
async fn a_length_that_disagrees_with_the_data_is_no_request() {
    let (whole, mut wholes) = unbounded_channel();
    let origin = on_connection(move |mut connection| {
        let whole = whole.clone();
        async move {
            if connection.head().await.is_some() && connection.until("12345").await.is_some() {
                whole.send(()).ok();
                connection.send(OK).await;
            }
        }
    })
    .await;
    let door = door(origin).await;
    for data in ["123", "12345678"] {
        let mut framer = Framer::connect(door.address, &[]).await;
        let head = block(&[
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", "/"),
            ("content-length", "5"),
        ]);
        framer.send(HEADERS, END_HEADERS, 1, &head).await;
        framer.send(DATA, END_STREAM, 1, data.as_bytes()).await;
        match framer.end_of(1).await {
            End::Answered(body) => assert!(body.contains("\"status\": 400") || body.is_empty(), "{body}"),
            End::Reset(code) | End::GoneAway(code) => assert_ne!(code, NO_ERROR, "{data}"),
            End::Closed => panic!("{data}: closed without a word"),
        }
        assert!(wholes.try_recv().is_err(), "{data}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_or_has_too_many_fields_is_refused_and_recorded() {
    let door = door(dead().await).await;
    let mut framer = Framer::connect(door.address, &[]).await;
    let long = "x".repeat(15_000);
    let mut head = get("/");
    framer.send(HEADERS, END_STREAM, 1, &head).await;
    for name in ["a", "b", "c", "d"] {
        framer.send(CONTINUATION, 0, 1, &block(&[(name, &long)])).await;
    }
    framer.send(CONTINUATION, END_HEADERS, 1, &block(&[("e", &long)])).await;
    let End::Answered(body) = framer.end_of(1).await else { panic!("an answer") };
    assert!(body.contains("\"status\": 431"), "{body}");
    head.extend(block(&[("x", "1"); 101]));
    framer.send(HEADERS, END_HEADERS | END_STREAM, 3, &head).await;
    let End::Answered(body) = framer.end_of(3).await else { panic!("an answer") };
    assert!(body.contains("too_many_headers"), "{body}");
    drop(framer);
    let statuses: Vec<u16> = door.ended().await.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [431, 400]);
}

/// A header bomb: four kilobytes put into the dynamic table once, and named a thousand times by one byte each.
#[tokio::test]
async fn a_header_bomb_is_not_unpacked() {
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    let mut framer = Framer::connect(door.address, &[]).await;
    let mut bomb = get("/");
    let value = "x".repeat(4000);
    let literal = block(&[("x", &value)]);
    bomb.push(0x40); // with incremental indexing
    bomb.extend_from_slice(&literal[1..]);
    bomb.extend_from_slice(&[0x80 | 62; 1000]);
    framer.send(HEADERS, END_HEADERS | END_STREAM, 1, &bomb).await;
    assert_eq!(framer.end_of(1).await, End::GoneAway(ENHANCE_YOUR_CALM));
    assert!(heads.try_recv().is_err());
    serves(door.address).await;
}

/// CVE-2023-44487. Streams that were answered or looked at count too, which the library alone would not bound.
#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let (origin, _heads) = answering(OK).await;
    let door = tuned(origin, |limits, _| limits.resets = 20).await;
    let mut framer = Framer::connect(door.address, &[]).await;
    // One at a time, so that none waits unseen in the library.
    let mut last = None;
    for stream in (1..1000).step_by(2) {
        framer.send(HEADERS, END_HEADERS | END_STREAM, stream, &get("/refused")).await;
        framer.send(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()).await;
        framer.send(PING, 0, 0, &[0; 8]).await;
        while let Some(frame) = framer.next().await {
            match frame.kind {
                PING => break,
                GOAWAY => last = Some(frame.error()),
                _ => {}
            }
        }
        if last.is_some() {
            assert!((35..=45).contains(&stream), "ended at {stream}");
            break;
        }
    }
    assert_eq!(last, Some(ENHANCE_YOUR_CALM));
    serves(door.address).await;
}

/// Called off all at once, as a browser does that leaves a page, is no flood.
#[tokio::test]
async fn a_page_that_is_left_is_no_flood() {
    let door = door(dead().await).await;
    let mut framer = Framer::connect(door.address, &[]).await;
    for stream in (1..40).step_by(2) {
        framer.send(HEADERS, END_HEADERS, stream, &get("/refused")).await;
    }
    for stream in (1..40).step_by(2) {
        framer.send(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()).await;
    }
    framer.send(HEADERS, END_HEADERS | END_STREAM, 41, &get("/refused")).await;
    assert!(matches!(framer.end_of(41).await, End::Answered(_)));
}

/// CVE-2019-9512, 9513, 9515 and 9518: frames that are cheap to send and carry nothing.
#[tokio::test]
async fn floods_of_empty_frames_end_the_connection() {
    let (origin, _heads) = answering(OK).await;
    let door = tuned(origin, |limits, _| limits.idle_frames = 50).await;
    let settings = [0, 3, 0, 0, 0, 100];
    let floods = [
        frame(PING, 0, 0, &[0; 8]),
        frame(SETTINGS, 0, 0, &settings),
        frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 1]),
        frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
        frame(200, 0, 0, b"unknown"),
        frame(200, 0, 0, &[0; 16_000]),
    ];
    for flood in floods {
        let mut framer = Framer::connect(door.address, &[]).await;
        framer.send(HEADERS, END_HEADERS, 1, &get("/refused")).await;
        framer.send_raw(&flood.repeat(100)).await;
        assert_eq!(framer.gone().await, Some(ENHANCE_YOUR_CALM), "a flood of kind {}", flood[3]);
    }
    let mut framer = Framer::connect(door.address, &[]).await;
    framer.send(HEADERS, END_HEADERS, 1, &get("/")).await;
    framer.send_raw(&frame(DATA, 0, 1, &[]).repeat(100)).await;
    assert_eq!(framer.gone().await, Some(ENHANCE_YOUR_CALM), "a flood of empty DATA");
    serves(door.address).await;
}

/// CVE-2024-27316 and its kin.
#[tokio::test]
async fn floods_of_continuations_end_the_connection() {
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    for payload in [Vec::new(), block(&[("x", "y")])] {
        let mut framer = Framer::connect(door.address, &[]).await;
        framer.send(HEADERS, END_STREAM, 1, &get("/")).await;
        framer.send_raw(&frame(CONTINUATION, 0, 1, &payload).repeat(1000)).await;
        assert_eq!(framer.gone().await, Some(ENHANCE_YOUR_CALM));
    }
    assert!(heads.try_recv().is_err());
    serves(door.address).await;
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up() {
    let (origin, mut heads) = answering(OK).await;
    let door = tuned(origin, |limits, _| limits.head_time = SHORT).await;
    let mut framer = Framer::connect(door.address, &[]).await;
    framer.send(HEADERS, END_STREAM, 1, &get("/")).await;
    framer.gone().await;
    assert!(heads.try_recv().is_err());
    serves(door.address).await;
}

/// A caller that gives no room for an answer is reset after a while; the others of its connection are not.
#[tokio::test]
async fn a_stream_whose_caller_reads_nothing_is_reset_alone() {
    let body = "x".repeat(100_000);
    let (origin, _heads) =
        answering(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
    let door = tuned(origin, |limits, _| limits.write_pause = Duration::from_millis(200)).await;
    // SETTINGS_INITIAL_WINDOW_SIZE = 0.
    let mut framer = Framer::connect(door.address, &[0, 4, 0, 0, 0, 0]).await;
    framer.send(HEADERS, END_HEADERS | END_STREAM, 1, &get("/")).await;
    assert_eq!(framer.end_of(1).await, End::Reset(CANCEL));
    framer.send(HEADERS, END_HEADERS | END_STREAM, 3, &get("/refused")).await;
    framer.send(WINDOW_UPDATE, 0, 3, &[0, 1, 0, 0]).await;
    assert!(matches!(framer.end_of(3).await, End::Answered(_)), "the connection lives on");
    drop(framer);
    let ended = door.ended().await;
    assert!(ended[0].fault.as_deref().unwrap_or_default().contains("aborted"), "{:?}", ended[0].fault);
}

#[tokio::test]
async fn an_idle_connection_is_told_and_closed() {
    let door = tuned(dead().await, |limits, _| limits.idle_time = SHORT).await;
    let mut caller = good(door.address).await;
    let answer = caller.send_request(request("GET", "http://a/refused", "")).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let closed = async {
        while !caller.is_closed() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, closed).await.expect("the door closes");
}

/// A caller that answers nothing, not even the farewell, is dropped.
#[tokio::test]
async fn an_idle_connection_that_says_nothing_is_dropped() {
    let door = tuned(dead().await, |limits, _| {
        limits.idle_time = SHORT;
        limits.write_pause = SHORT;
    })
    .await;
    let mut framer = Framer::connect(door.address, &[]).await;
    assert_eq!(framer.gone().await, Some(NO_ERROR));
}
