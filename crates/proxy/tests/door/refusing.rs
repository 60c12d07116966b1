//! Requests that end at the door, and what becomes of their connections (threat 1).

use crate::caller::{Caller, PATIENCE, exchange};
use crate::origin::{OK, answering, dead};
use crate::world::{door, tuned};

#[tokio::test]
async fn a_small_unread_body_is_not_the_next_request() {
    let door = door(dead().await).await;
    let hidden = "GET /refused/hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut caller = Caller::connect(door.address).await;
    let length = hidden.len();
    caller
        .send(format!("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{hidden}"))
        .await;
    let first = caller.until("\r\n\r\n").await;
    assert!(first.starts_with("HTTP/1.1 403 ") && !first.contains("connection: close"), "{first}");
    caller.send("GET /refused HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let rest = caller.rest().await;
    assert_eq!(rest.matches("HTTP/1.1 403 ").count(), 1, "{rest}");
    assert_eq!(door.ended().await.len(), 2, "one outcome for each request and none for the body");
}

#[tokio::test]
async fn a_small_chunked_body_is_read_too() {
    let door = door(dead().await).await;
    let answer = exchange(
        door.address,
        "POST /refused HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
         GET /refused HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(answer.matches("HTTP/1.1 403 ").count(), 2, "{answer}");
}

#[tokio::test]
async fn a_large_body_ends_the_connection_and_the_answer_arrives() {
    let door = door(dead().await).await;
    let head = "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let mut caller = Caller::connect(door.address).await;
    caller.send(head).await;
    caller.send("GET /refused HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100)).await;
    let answer = caller.rest().await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

/// RFC 9112 §9.6: a caller that still sends when the answer comes is not reset, or it might never read the answer.
#[tokio::test]
async fn the_rest_of_a_large_body_is_read_before_the_socket_closes() {
    let door = tuned(dead().await, |limits, _| limits.unread_time = PATIENCE).await;
    let mut caller = Caller::connect(door.address).await;
    caller.send("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n").await;
    caller.until("\r\n\r\n").await;
    for part in 0..20 {
        assert!(caller.may_send([b'x'; 1024]).await, "reset at part {part}");
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    caller.finish().await;
    caller.rest().await;
}

#[tokio::test]
async fn a_chunked_body_beyond_the_bound_ends_the_connection() {
    let door = tuned(dead().await, |limits, _| limits.unread_bytes = 10).await;
    let body = "b\r\nhello world\r\n0\r\n\r\n";
    let answer = exchange(
        door.address,
        format!("POST /refused HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let door =
        tuned(dead().await, |limits, _| limits.unread_time = std::time::Duration::from_millis(20)).await;
    let answer =
        exchange(door.address, "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_refused_caller_is_not_told_to_continue() {
    let door = door(dead().await).await;
    let answer = exchange(
        door.address,
        "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("connection: close"), "{answer}");
    assert!(!answer.contains(" 100 "), "{answer}");
}

#[tokio::test]
async fn an_ambiguous_request_ends_the_connection() {
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    for target in ["/a/../b", "//admin", "/a%2fb", "/a;b", "/%2e%2e/"] {
        let answer = exchange(
            door.address,
            format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("connection: close"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    assert!(heads.try_recv().is_err(), "nothing was forwarded");
}

/// threats.md 3, 5, 6 and 9: what has no single reading ends the connection, reaches no origin, and is recorded.
#[tokio::test]
async fn broken_heads_end_the_connection() {
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    let mut count = 0;
    for head in [
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /\r\n\r\n",
        "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\x16\x03\x01\x02",
    ] {
        let head = format!("{head}GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut caller = Caller::connect(door.address).await;
        caller.send(&head).await;
        caller.finish().await;
        let answer = caller.rest().await;
        let status = if head.contains("HTTP/2.0") { "505" } else { "400" };
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head:?}: {answer}");
        assert!(answer.contains("x-portcullis-ref: ") && answer.contains("connection: close"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{head:?}: {answer}");
        count += 1;
    }
    assert!(heads.try_recv().is_err(), "nothing was forwarded");
    assert_eq!(door.ended().await.len(), count, "each is recorded, and nothing behind it was read");
}

#[tokio::test]
async fn head_is_refused_without_body() {
    let door = door(dead().await).await;
    let answer =
        exchange(door.address, "HEAD /refused HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    let ended = door.ended().await;
    assert_eq!((ended[0].status, ended[0].bytes, ended[0].fault.as_deref()), (403, 0, None));
}
