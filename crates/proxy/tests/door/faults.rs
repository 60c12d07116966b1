//! Origins and callers that fail. Promise 1: what an origin did is 502 or 504, never a refusal.

use std::time::Duration;

use portcullis_request::Reference;
use tokio::sync::mpsc::unbounded_channel;

use crate::caller::{Caller, exchange};
use crate::forwarding::fields;
use crate::origin::{Connection, OK, answering, dead, on_connection};
use crate::world::{door, tuned};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const SHORT: Duration = Duration::from_millis(30);

#[tokio::test]
async fn a_dead_origin_is_502() {
    let door = door(dead().await).await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let ended = door.ended().await;
    assert_eq!((ended[0].status, ended[0].origin_status), (502, None));
    let fault = ended[0].fault.as_deref().unwrap_or_default();
    assert!(fault.contains("could not be reached") && fault.contains("refused"), "{fault}");
}

#[tokio::test]
async fn an_origin_that_speaks_no_http_is_502() {
    for garbage in [
        "",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 999999 OK\r\n\r\n",
        "HTTP/3.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let (origin, _heads) = answering(garbage).await;
        let door = door(origin).await;
        let answer = exchange(door.address, GET).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{garbage:?}: {answer}");
        let ended = door.ended().await;
        assert!(ended[0].status == 502 && ended[0].fault.is_some(), "{garbage:?}");
    }
}

#[tokio::test]
async fn an_oversized_head_of_an_origin_is_502() {
    let (origin, _heads) = answering(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(300_000))).await;
    let door = door(origin).await;
    assert!(exchange(door.address, GET).await.starts_with("HTTP/1.1 502 "));
}

#[tokio::test]
async fn a_silent_origin_is_504() {
    let origin = on_connection(|connection| async move {
        connection.rest().await;
    })
    .await;
    let door = tuned(origin, |_, target| target.response_timeout = SHORT).await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    let ended = door.ended().await;
    assert!(ended[0].fault.as_deref().unwrap_or_default().contains("did not answer within"));
}

/// They are bounded in number and not only by time; none is passed on.
#[tokio::test]
async fn a_flood_of_interim_answers_is_502() {
    let origin = on_connection(|mut connection| async move {
        connection.head().await;
        for _ in 0..1_000_000 {
            connection.send("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n").await;
            tokio::task::yield_now().await;
        }
    })
    .await;
    let door = door(origin).await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 502 ") && !answer.contains("103"), "{answer}");
    assert!(answer.contains("proxy-status: portcullis; error=http_protocol_error"), "{answer}");
}

#[tokio::test]
async fn a_few_interim_answers_are_consumed() {
    for interim in ["100 Continue", "102 Processing", "103 Early Hints"] {
        let interim = format!("HTTP/1.1 {interim}\r\n\r\n").repeat(9);
        let (origin, _heads) = answering(format!("{interim}{OK}")).await;
        let door = door(origin).await;
        let answer = exchange(door.address, GET).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("hi"), "{answer}");
    }
}

/// Threat 2.
#[tokio::test]
async fn an_origin_that_says_101_unasked_has_failed() {
    let (origin, _heads) = answering(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nleaked bytes",
    )
    .await;
    let door = door(origin).await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 502 ") && !answer.contains("leaked"), "{answer}");
}

#[tokio::test]
async fn a_full_origin_is_504() {
    let origin = on_connection(|connection| async move {
        connection.rest().await;
    })
    .await;
    let door = tuned(origin, |limits, target| {
        limits.origin_requests = 0;
        target.connect_timeout = SHORT;
    })
    .await;
    assert!(exchange(door.address, GET).await.starts_with("HTTP/1.1 504 "));
    let ended = door.ended().await;
    assert!(ended[0].fault.as_deref().unwrap_or_default().contains("too many requests"));
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_the_connection_and_is_recorded() {
    for (body, fault) in [
        ("content-length: 10\r\n\r\nhalf", "broken"),
        ("transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", "broken"),
        ("transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", "broken"),
    ] {
        let (origin, _heads) = answering(format!("HTTP/1.1 200 OK\r\n{body}")).await;
        let door = door(origin).await;
        let answer = exchange(door.address, GET).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.ends_with("0\r\n\r\n"), "{body:?}: {answer}");
        let ended = door.ended().await;
        assert_eq!((ended[0].status, ended[0].origin_status), (200, Some(200)));
        assert!(
            ended[0].fault.as_deref().unwrap_or_default().contains(fault),
            "{body:?}: {:?}",
            ended[0].fault
        );
    }
}

#[tokio::test]
async fn a_body_that_pauses_too_long_ends_the_connection_and_is_recorded() {
    let origin = on_connection(|mut connection| async move {
        connection.head().await;
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
        connection.rest().await;
    })
    .await;
    let door = tuned(origin, |limits, _| limits.body_pause = SHORT).await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.ends_with("\r\n\r\nhalf"), "{answer}");
    let ended = door.ended().await;
    assert!(ended[0].fault.as_deref().unwrap_or_default().contains("paused"), "{:?}", ended[0].fault);
    assert_eq!(ended[0].bytes, 4);
}

#[tokio::test]
async fn a_length_beside_chunks_is_not_passed_on() {
    let (origin, _heads) = answering(
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    )
    .await;
    let door = door(origin).await;
    let answer = exchange(door.address, GET).await;
    assert!(!answer.contains("content-length") && answer.ends_with("2\r\nhi\r\n0\r\n\r\n"), "{answer}");
}

/// Threat 5: broken chunks of a caller.
#[tokio::test]
async fn a_callers_broken_body_is_400_and_ends_the_connection() {
    for body in [
        "zz\r\nabc\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "3;\r\r\nabc\r\n",
    ] {
        let origin = on_connection(|connection| async move {
            connection.rest().await;
        })
        .await;
        let door = door(origin).await;
        let answer = exchange(
            door.address,
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}"),
        )
        .await;
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.contains("connection: close"),
            "{body:?}: {answer}"
        );
        assert!(answer.contains("broken_body"), "{answer}");
        let ended = door.ended().await;
        assert!(
            ended[0].fault.as_deref().unwrap_or_default().contains("the caller's body"),
            "{:?}",
            ended[0].fault
        );
    }
}

#[tokio::test]
async fn a_callers_body_that_stops_is_408() {
    let origin = on_connection(|connection| async move {
        connection.rest().await;
    })
    .await;
    let door = tuned(origin, |limits, target| {
        limits.body_pause = SHORT * 3;
        target.response_timeout = SHORT;
    })
    .await;
    let answer = exchange(door.address, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe").await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"), "{answer}");
    assert!(answer.contains("body_timeout"), "{answer}");
}

#[tokio::test]
async fn a_caller_that_leaves_mid_body_is_recorded() {
    let origin = on_connection(|mut connection| async move {
        connection.head().await;
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n").await;
        connection.send(vec![b'x'; 100_000_000]).await;
    })
    .await;
    let door = door(origin).await;
    let mut caller = Caller::connect(door.address).await;
    caller.send(GET).await;
    caller.until("xxxx").await;
    drop(caller);
    let ended = door.ended().await;
    assert!(ended[0].fault.as_deref().unwrap_or_default().contains("aborted"), "{:?}", ended[0].fault);
}

/// How an origin may fail, and what the caller is told.
#[derive(Debug, Clone, Copy)]
enum Failing {
    Resets,
    Stalls,
    Drips,
    SaysNothing,
    BreaksOffTheHead,
    SpeaksSomethingElse,
    SendsABadChunk,
    SendsTooLittle,
    SendsTooMuch,
    FloodsInterim,
    Says101,
    AnswersEarly,
    ClosesItsSide,
}

impl Failing {
    const ALL: [(Self, u16, &'static str); 13] = [
        (Self::Resets, 502, "error=http_response_incomplete"),
        (Self::Stalls, 504, "error=http_response_timeout"),
        (Self::Drips, 504, "error=http_response_timeout"),
        (Self::SaysNothing, 502, "error=http_response_incomplete"),
        (Self::BreaksOffTheHead, 502, "error=http_response_incomplete"),
        (Self::SpeaksSomethingElse, 502, "error=http_protocol_error"),
        (Self::SendsABadChunk, 502, "error=http_protocol_error"),
        (Self::SendsTooLittle, 200, ""),
        (Self::SendsTooMuch, 200, ""),
        (Self::FloodsInterim, 502, "error=http_protocol_error"),
        (Self::Says101, 502, "error=http_protocol_error"),
        (Self::AnswersEarly, 200, ""),
        (Self::ClosesItsSide, 200, ""),
    ];

    async fn serve(self, mut connection: Connection) {
        match self {
            Self::Resets => connection.reset(),
            Self::Stalls => drop(connection.rest().await),
            Self::Drips => {
                for byte in b"HTTP/1.1 200 OK\r\nx: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
                {
                    connection.send([*byte]).await;
                    drop(connection.within(Duration::from_millis(5)).await);
                }
            }
            Self::SaysNothing => {}
            Self::BreaksOffTheHead => connection.send("HTTP/1.1 200 OK\r\ncontent-le").await,
            Self::SpeaksSomethingElse => connection.send("220 smtp.example ESMTP\r\n\r\n").await,
            Self::SendsABadChunk => {
                connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhi").await;
            }
            Self::SendsTooLittle => connection.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi").await,
            Self::SendsTooMuch => connection.send(format!("{OK}HTTP/1.1 200 OK\r\n\r\nunasked")).await,
            Self::FloodsInterim => {
                connection.send("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000)).await;
                drop(connection.rest().await);
            }
            Self::Says101 => {
                connection.send("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\nx").await;
            }
            Self::AnswersEarly => connection.send(OK).await,
            Self::ClosesItsSide => {
                connection.send(OK).await;
                connection.finish().await;
                drop(connection.rest().await);
            }
        }
    }
}

/// Promise 3: whatever an origin does, each request that it saw has its one record, and nobody else's answer is passed on.
#[tokio::test]
async fn every_request_that_a_failing_origin_saw_was_permitted_and_recorded() {
    for (failing, status, told) in Failing::ALL {
        let (seen, mut heads) = unbounded_channel();
        let origin = on_connection(move |mut connection| {
            let seen = seen.clone();
            async move {
                if let Some(head) = connection.head().await {
                    drop(seen.send(head));
                    failing.serve(connection).await;
                }
            }
        })
        .await;
        let door = tuned(origin, |_, target| target.response_timeout = SHORT * 3).await;
        for method in ["GET", "POST"] {
            let request = format!("{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let answer = exchange(door.address, request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{failing:?}: {answer}");
            assert!(answer.contains(told) && !answer.contains("unasked"), "{failing:?}: {answer}");
        }
        let refused =
            exchange(door.address, "GET /refused HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
        let ended = door.ended().await;
        assert_eq!(ended.len(), 3, "{failing:?}");
        let mut arrived = Vec::new();
        while let Ok(head) = heads.try_recv() {
            let reference = fields(&head, "x-portcullis-ref")[0].parse::<Reference>().expect("a reference");
            arrived.push(reference.uuid());
        }
        arrived.sort_unstable();
        arrived.dedup();
        let permitted: Vec<_> = ended
            .iter()
            .filter(|ended| ended.status == status)
            .map(|ended| ended.reference.clone())
            .collect();
        assert_eq!(arrived, permitted, "{failing:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_reaches_no_origin_or_not_whole() {
    let (seen, mut sights) = unbounded_channel();
    let origin = on_connection(move |connection| {
        let seen = seen.clone();
        async move {
            drop(seen.send(connection.rest().await));
        }
    })
    .await;
    let door = tuned(origin, |_, target| target.largest_body = 4).await;
    let answer = exchange(door.address, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("payload_too_large"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(sights.try_recv().is_err(), "said by its length, it is not sent at all");
    let chunked =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n1\r\no\r\n0\r\n\r\n";
    let answer = exchange(door.address, chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("connection: close"), "{answer}");
    let sight = sights.recv().await.expect("begun");
    assert!(!sight.ends_with("0\r\n\r\n"), "the origin cannot take it for whole: {sight}");
}

#[tokio::test]
async fn the_whole_of_a_request_has_its_time() {
    let silent = on_connection(|connection| async move {
        connection.rest().await;
    })
    .await;
    let door = tuned(silent, |_, target| target.whole_timeout = Some(SHORT)).await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    let endless = on_connection(|mut connection| async move {
        connection.head().await;
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nbegun").await;
        for _ in 0..1000 {
            connection.send("x").await;
            drop(connection.within(Duration::from_millis(5)).await);
        }
    })
    .await;
    let door = tuned(endless, |_, target| target.whole_timeout = Some(SHORT * 3)).await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("begun"), "{answer}");
    let ended = door.ended().await;
    assert!(
        ended[0].fault.as_deref().unwrap_or_default().contains("longer than it may"),
        "{:?}",
        ended[0].fault
    );
}
