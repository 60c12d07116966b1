//! The end of service under load: nobody who sent a request in time goes without an answer (promise P5).

use std::net::SocketAddr;

use http::StatusCode;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::caller::Caller;
use crate::frames::{END_HEADERS, End, Framer, GOAWAY, HEADERS, NO_ERROR, get};
use crate::http2::{good, read, request};
use crate::origin::{OK, on_connection};
use crate::world::door;

/// An origin that keeps its connections.
async fn lasting() -> SocketAddr {
    on_connection(|mut connection| async move {
        while connection.head().await.is_some() {
            connection.send(OK).await;
        }
    })
    .await
}

/// Asks again and again until the door says that the connection closes. Anything but an answer fails the test.
async fn keep_asking(door: SocketAddr, answered: UnboundedSender<()>) -> usize {
    let mut caller = Caller::connect(door).await;
    let mut count = 0;
    loop {
        caller.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let head = caller.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        caller.until("hi").await;
        count += 1;
        answered.send(()).ok();
        if head.contains("connection: close") {
            assert_eq!(caller.rest().await, "");
            return count;
        }
    }
}

/// The same over HTTP/2. A request that the library did not send, since it was told of the end, is none; nor is one that
/// crossed with the last word on the way: its stream is beyond those that are still answered, and whoever sent it may send
/// it again elsewhere (RFC 9113 §6.8).
async fn keep_asking_http2(door: SocketAddr, answered: UnboundedSender<()>) -> usize {
    let mut caller = good(door).await;
    let mut count = 0;
    while caller.ready().await.is_ok() {
        match caller.send_request(request("GET", "http://a/", "")).await {
            Ok(answer) => assert_eq!(read(answer).await, (StatusCode::OK, "hi".to_owned())),
            Err(fault) if fault.is_canceled() || crossed(&fault) => break,
            Err(fault) => panic!("{fault:?}"),
        }
        count += 1;
        answered.send(()).ok();
    }
    count
}

/// Only the wording tells it.
fn crossed(fault: &hyper::Error) -> bool {
    format!("{fault:?}").contains("GoAway(b\"\", NO_ERROR, Remote)")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_the_door_closes() {
    let mut door = door(lasting().await).await;
    let (answered, mut answers) = unbounded_channel();
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        callers.spawn(keep_asking(door.address, answered.clone()));
        callers.spawn(keep_asking_http2(door.address, answered.clone()));
    }
    for _ in 0..400 {
        answers.recv().await.expect("answers come");
    }
    door.stop();
    let counts = callers.join_all().await;
    let ended = door.ended().await;
    assert_eq!(ended.len(), counts.iter().sum::<usize>(), "each was answered, none twice");
    assert!(ended.iter().all(|outcome| outcome.status == 200 && outcome.fault.is_none()));
}

/// RFC 9113 §6.8: a stream that was begun is answered after GOAWAY.
#[tokio::test]
async fn a_stream_under_way_ends_after_goaway() {
    let (arrived, mut arrivals) = unbounded_channel();
    let (go, going) = unbounded_channel::<()>();
    let going = std::sync::Arc::new(tokio::sync::Mutex::new(going));
    let origin = on_connection(move |mut connection| {
        let (arrived, going) = (arrived.clone(), std::sync::Arc::clone(&going));
        async move {
            connection.head().await;
            arrived.send(()).ok();
            going.lock().await.recv().await;
            connection.send(OK).await;
        }
    })
    .await;
    let mut door = door(origin).await;
    let mut framer = Framer::connect(door.address, &[]).await;
    framer.send(HEADERS, END_HEADERS | 1, 1, &get("/")).await;
    arrivals.recv().await.expect("forwarded");
    door.stop();
    loop {
        let frame = framer.next().await.expect("GOAWAY comes first");
        if frame.kind == GOAWAY {
            assert_eq!(frame.error(), NO_ERROR);
            break;
        }
    }
    go.send(()).expect("the origin waits");
    assert_eq!(framer.end_of(1).await, End::Answered("hi".to_owned()));
    assert_eq!(door.ended().await.len(), 1);
}
