//! Bodies pass while they are made, in both directions.

use tokio::sync::mpsc::unbounded_channel;

use crate::caller::{Caller, exchange};
use crate::origin::{OK, answering, on_connection};
use crate::world::{door, tuned};

/// As server-sent events need it.
#[tokio::test]
async fn an_answer_passes_while_it_is_made() {
    let (go, going) = unbounded_channel::<()>();
    let going = std::sync::Arc::new(tokio::sync::Mutex::new(going));
    let origin = on_connection(move |mut connection| {
        let going = std::sync::Arc::clone(&going);
        async move {
            connection.head().await;
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            connection.send(&format!("{head}d\r\ndata: first\n\n\r\n")).await;
            going.lock().await.recv().await;
            connection.send("e\r\ndata: second\n\n\r\n0\r\n\r\n").await;
        }
    })
    .await;
    let door = door(origin).await;
    let mut caller = Caller::connect(door.address).await;
    caller.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    caller.until("data: first\n\n").await;
    go.send(()).expect("the origin waits");
    assert!(caller.rest().await.contains("second"));
    let ended = door.ended().await;
    assert_eq!((ended[0].bytes, ended[0].fault.as_deref()), (27, None));
}

#[tokio::test]
async fn an_upload_passes_while_it_is_sent_and_may_take_longer_than_an_answer() {
    let (seen, mut sights) = unbounded_channel();
    let origin = on_connection(move |mut connection| {
        let seen = seen.clone();
        async move {
            for expected in ["\r\n\r\n", "first", "second", "0\r\n\r\n"] {
                drop(seen.send(connection.until(expected).await));
            }
            connection.send(OK).await;
        }
    })
    .await;
    // The origin's time runs out several times while the caller is what everybody waits for.
    let short = std::time::Duration::from_millis(10);
    let door = tuned(origin, |_, target| target.response_timeout = short).await;
    let mut caller = Caller::connect(door.address).await;
    caller
        .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        .await;
    let head = sights.recv().await.flatten().expect("the head arrives before the body");
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    for part in ["5\r\nfirst\r\n", "6\r\nsecond\r\n"] {
        let unsent = tokio::time::timeout(short * 3, sights.recv()).await;
        assert!(unsent.is_err(), "nothing arrives that was not sent: {unsent:?}");
        caller.send(part).await;
        assert!(sights.recv().await.flatten().is_some(), "{part:?} arrives before the next is sent");
    }
    caller.send("0\r\n\r\n").await;
    assert!(caller.rest().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn trailers_pass_both_ways_if_they_are_mere_trailers() {
    let (seen, mut sights) = unbounded_channel();
    let origin = on_connection(move |mut connection| {
        let seen = seen.clone();
        async move {
            let head = connection.head().await.unwrap_or_default();
            let body = connection.until("\r\n\r\n").await.unwrap_or_default();
            drop(seen.send(head + &body));
            connection
                .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 9\r\n\r\n")
                .await;
        }
    })
    .await;
    let door = door(origin).await;
    let answer = exchange(
        door.address,
        "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close, TE\r\nTransfer-Encoding: chunked\r\n\
         Trailer: Content-Digest, X-Role\r\n\r\n2\r\nhi\r\n0\r\nContent-Digest: 7\r\nX-Role: admin\r\n\r\n",
    )
    .await;
    assert!(answer.contains("trailer: X-Sum") || answer.contains("Trailer: X-Sum"), "{answer}");
    assert!(answer.to_ascii_lowercase().ends_with("0\r\nx-sum: 9\r\n\r\n"), "{answer}");
    let request = sights.recv().await.expect("forwarded").to_ascii_lowercase();
    assert!(request.contains("te: trailers\r\n") && request.contains("connection: te\r\n"), "{request}");
    assert!(request.contains("content-digest: 7\r\n") && !request.contains("admin"), "{request}");
}

/// threats.md 19: what says who asks counts as little behind a body as before it, and no honest client sends it there.
#[tokio::test]
async fn a_trailer_that_names_a_caller_is_400() {
    for name in ["X-Portcullis-User", "X_Auth_User", "Remote-User", "Authorization", "Cookie"] {
        let origin = on_connection(|connection| async move {
            connection.rest().await;
        })
        .await;
        let door = door(origin).await;
        let answer = exchange(
            door.address,
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n{name}: admin\r\n\r\n"
            ),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("broken_body"), "{name}: {answer}");
        let ended = door.ended().await;
        let fault = ended[0].fault.as_deref().unwrap_or_default();
        assert!(fault.contains(&format!("the trailer `{}`", name.to_ascii_lowercase())), "{fault}");
    }
}

#[tokio::test]
async fn a_caller_that_waits_for_100_gets_it_when_it_is_let_through() {
    let origin = on_connection(|mut connection| async move {
        connection.until("hello").await;
        connection.send(OK).await;
    })
    .await;
    let door = door(origin).await;
    let mut caller = Caller::connect(door.address).await;
    caller
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(caller.until("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    caller.send("hello").await;
    assert!(caller.rest().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_body_with_get_arrives() {
    let origin = on_connection(|mut connection| async move {
        connection.until("0\r\n\r\n").await;
        connection.send(OK).await;
    })
    .await;
    let door = door(origin).await;
    let answer = exchange(
        door.address,
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Pingora CVE-2025-4366, from the other side: an origin that answers early leaves the rest of the upload unread.
#[tokio::test]
async fn an_early_answer_of_the_origin_ends_the_connection() {
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    let mut caller = Caller::connect(door.address).await;
    caller.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n").await;
    caller.until("hi").await;
    caller.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(caller.rest().await, "");
    assert!(heads.recv().await.is_some() && heads.try_recv().is_err());
}
