//! Slow callers, many callers, and the end of service.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;

use crate::caller::{Caller, exchange};
use crate::origin::{OK, answering, dead, on_connection};
use crate::world::{door, tuned};

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up() {
    let door = tuned(dead().await, |limits, _| limits.head_time = SHORT).await;
    let answer = exchange(door.address, "GET / HTTP/1.1\r\nHost: a\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"), "{answer}");
    let ended = door.ended().await;
    assert_eq!((ended.len(), ended[0].status), (1, 408), "recorded like any other");
}

#[tokio::test]
async fn an_idle_connection_is_given_up() {
    let door = tuned(dead().await, |limits, _| limits.idle_time = SHORT).await;
    assert_eq!(Caller::connect(door.address).await.rest().await, "", "nothing to answer");
    let mut caller = Caller::connect(door.address).await;
    caller.send("GET /refused HTTP/1.1\r\nHost: a\r\n\r\n").await;
    caller.until("\r\n\r\n").await;
    assert!(!caller.rest().await.contains("HTTP/1.1 "), "nothing more is answered");
}

#[tokio::test]
async fn a_head_is_bounded() {
    let door = door(dead().await).await;
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    assert!(exchange(door.address, long).await.starts_with("HTTP/1.1 431 "));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(200));
    let answer = exchange(door.address, many).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("too_many_headers"), "{answer}");
    let ended = door.ended().await;
    assert_eq!(
        ended.iter().map(|outcome| outcome.status).collect::<Vec<_>>(),
        [431, 400],
        "each is recorded"
    );
}

#[tokio::test]
async fn a_caller_that_reads_nothing_is_given_up() {
    let (arrived, mut arrivals) = unbounded_channel();
    let origin = on_connection(move |mut connection| {
        let arrived = arrived.clone();
        async move {
            connection.head().await;
            arrived.send(()).ok();
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n").await;
            connection.send(vec![b'x'; 100_000_000]).await;
        }
    })
    .await;
    let door = tuned(origin, |limits, _| limits.write_pause = SHORT).await;
    let mut caller = Caller::connect(door.address).await;
    caller.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    arrivals.recv().await.expect("forwarded");
    // Reads nothing while the door ends, which it does within its patience and not within its drain.
    let ended = tokio::time::timeout(Duration::from_secs(20), door.ended()).await.expect("given up");
    assert!(ended[0].fault.as_deref().unwrap_or_default().contains("aborted"), "{:?}", ended[0].fault);
    drop(caller);
}

#[tokio::test]
async fn further_connections_wait_for_a_place() {
    let (origin, _heads) = answering(OK).await;
    let door = tuned(origin, |limits, _| limits.connections = 1).await;
    let mut first = Caller::connect(door.address).await;
    first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    first.until("hi").await;
    let mut second = Caller::connect(door.address).await;
    second.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    first.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(first.rest().await.ends_with("hi"));
    assert!(second.rest().await.ends_with("hi"), "served once the first has gone");
}

#[tokio::test]
async fn a_caller_may_close_its_sending_side() {
    let (origin, _heads) = answering(OK).await;
    let door = door(origin).await;
    let mut caller = Caller::connect(door.address).await;
    caller.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    caller.finish().await;
    assert!(caller.rest().await.ends_with("hi"));
}

#[tokio::test]
async fn requests_under_way_end_before_the_door_does() {
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
    let mut caller = Caller::connect(door.address).await;
    let idle = Caller::connect(door.address).await;
    caller.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    arrivals.recv().await.expect("forwarded");
    door.stop();
    assert_eq!(idle.rest().await, "", "an idle connection ends at once");
    assert!(TcpStream::connect(door.address).await.is_err(), "no new connection");
    go.send(()).expect("the origin waits");
    let answer = caller.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
    assert_eq!(door.ended().await[0].fault, None);
}

#[tokio::test]
async fn what_does_not_end_is_cut_off() {
    let (arrived, mut arrivals) = unbounded_channel();
    let origin = on_connection(move |mut connection| {
        let arrived = arrived.clone();
        async move {
            connection.head().await;
            arrived.send(()).ok();
            connection.rest().await;
        }
    })
    .await;
    let door = tuned(origin, |limits, _| limits.drain = SHORT).await;
    let mut caller = Caller::connect(door.address).await;
    caller.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    arrivals.recv().await.expect("forwarded");
    let ended = door.ended().await;
    assert!(ended[0].fault.as_deref().unwrap_or_default().contains("aborted"), "{:?}", ended[0].fault);
    assert_eq!(caller.rest().await, "");
}
