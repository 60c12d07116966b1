//! Several addresses of an origin: which is asked, what is tried again, and what is not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portcullis_gate::{HealthCheck, OriginTarget};
use tokio::sync::mpsc::unbounded_channel;

use crate::caller::{Caller, exchange};
use crate::forwarding::fields;
use crate::origin::{OK, answering, dead, on_connection};
use crate::world::tuned;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
const SHORT: Duration = Duration::from_millis(50);

fn at(addresses: &[SocketAddr], target: &mut OriginTarget) {
    target.addresses =
        addresses.iter().map(|address| address.to_string().parse().expect("an authority")).collect();
}

#[tokio::test]
async fn an_address_where_nobody_listens_costs_no_request() {
    let (alive, mut heads) = answering(OK).await;
    let (first, second) = (dead().await, dead().await);
    let door = tuned(alive, |_, target| at(&[first, alive, second], target)).await;
    for request in [GET, POST, GET, POST, GET, GET] {
        let answer = exchange(door.address, request).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(heads.recv().await.is_some());
    }
    assert!(heads.try_recv().is_err(), "each request arrived once");
    assert!(door.ended().await.iter().all(|ended| ended.fault.is_none()));
}

#[tokio::test]
async fn where_nobody_listens_at_all_is_502() {
    let (first, second) = (dead().await, dead().await);
    let door = tuned(first, |_, target| at(&[first, second], target)).await;
    for _ in 0..8 {
        let answer = exchange(door.address, GET).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert!(answer.contains("proxy-status: portcullis; error=connection_refused"), "{answer}");
    }
    assert_eq!(door.ended().await.len(), 8);
}

/// Whoever is busy is spared.
#[tokio::test]
async fn the_least_loaded_address_is_asked() {
    let (arrived, mut arrivals) = unbounded_channel();
    let busy = on_connection(move |mut connection| {
        let arrived = arrived.clone();
        async move {
            connection.head().await;
            arrived.send(()).ok();
            connection.rest().await;
        }
    })
    .await;
    let (idle, mut heads) = answering(OK).await;
    let door = tuned(busy, |limits, target| {
        limits.drain = SHORT;
        at(&[busy, idle], target);
    })
    .await;
    let mut held = Caller::connect(door.address).await;
    held.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n").await;
    arrivals.recv().await.expect("held");
    for _ in 0..4 {
        assert!(exchange(door.address, GET).await.starts_with("HTTP/1.1 200 "));
        assert!(heads.recv().await.is_some());
    }
    assert!(arrivals.try_recv().is_err());
}

/// An origin that ends its first connections after the head of the request, and answers on the later ones.
async fn failing_at_first(failures: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let origin = on_connection(move |mut connection| {
        let count = Arc::clone(&count);
        async move {
            if connection.head().await.is_some() && count.fetch_add(1, Ordering::SeqCst) >= failures {
                connection.send(OK).await;
            }
        }
    })
    .await;
    (origin, seen)
}

/// RFC 9110 §9.2.2.
#[tokio::test]
async fn what_may_be_done_twice_is_tried_again() {
    let get =
        |method: &str, more: &str| format!("{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{more}");
    for (request, tries) in [
        (get("GET", "\r\n"), 3),
        (get("DELETE", "\r\n"), 3),
        (get("POST", "\r\n"), 1),
        (get("PATCH", "Content-Length: 2\r\n\r\nhi"), 1),
        // Begun, so that nobody has it whole any more.
        (get("PUT", "Content-Length: 2\r\n\r\nhi"), 1),
    ] {
        let (origin, seen) = failing_at_first(2).await;
        let door = tuned(origin, |_, target| target.retries = 2).await;
        let answer = exchange(door.address, &request).await;
        let expected = if tries == 3 { "HTTP/1.1 200 " } else { "HTTP/1.1 502 " };
        assert!(answer.starts_with(expected), "{request}: {answer}");
        assert_eq!(seen.load(Ordering::SeqCst), tries, "{request}");
        assert_eq!(door.ended().await.len(), 1, "one request, one record, however often it was tried");
    }
}

#[tokio::test]
async fn tries_are_as_many_as_allowed() {
    let (origin, seen) = failing_at_first(usize::MAX).await;
    let door = tuned(origin, |_, target| target.retries = 0).await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(answer.contains("proxy-status: portcullis; error=http_response_incomplete"), "{answer}");
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

/// An outage is not multiplied.
#[tokio::test]
async fn tries_have_a_budget() {
    let (origin, seen) = failing_at_first(usize::MAX).await;
    let door = tuned(origin, |_, target| target.retries = 3).await;
    for _ in 0..40 {
        assert!(exchange(door.address, GET).await.starts_with("HTTP/1.1 502 "));
    }
    let seen = seen.load(Ordering::SeqCst);
    assert!((41..=60).contains(&seen), "{seen} tries of 40 requests");
}

/// A connection that the origin closes after each answer, without a word, costs no request that may be done twice.
#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_not_the_end() {
    let origin = on_connection(|mut connection| async move {
        if connection.head().await.is_some() {
            connection.send(OK).await;
        }
    })
    .await;
    let door = tuned(origin, |_, target| target.retries = 1).await;
    let mut caller = Caller::connect(door.address).await;
    for _ in 0..20 {
        caller.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let answer = caller.until("\r\n\r\nhi").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    drop(caller);
    assert!(door.ended().await.iter().all(|ended| ended.status == 200));
}

#[tokio::test]
async fn a_check_takes_an_address_out_and_back_in() {
    let well = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&well);
    let (checked, mut checks) = unbounded_channel();
    let sick = on_connection(move |mut connection| {
        let (told, checked) = (Arc::clone(&told), checked.clone());
        async move {
            while let Some(head) = connection.head().await {
                let status = if told.load(Ordering::SeqCst) == 0 { "503 Sick" } else { "200 OK" };
                if head.starts_with("GET /health ") {
                    assert_eq!(fields(&head, "user-agent"), ["portcullis-health"]);
                    connection.send(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")).await;
                    checked.send(()).ok();
                } else {
                    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsick").await;
                }
            }
        }
    })
    .await;
    let healthy = on_connection(|mut connection| async move {
        while connection.head().await.is_some() {
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwell").await;
        }
    })
    .await;
    let door = tuned(sick, |_, target| {
        at(&[sick, healthy], target);
        target.health = Some(HealthCheck {
            target: "/health".parse().expect("a target"),
            interval: Duration::from_millis(10),
            timeout: Duration::from_secs(5),
            down_after: 2,
            up_after: 2,
        });
    })
    .await;
    // The first request makes the origin known, and its checks begin.
    exchange(door.address, GET).await;
    for _ in 0..4 {
        checks.recv().await.expect("checked");
    }
    for _ in 0..6 {
        assert!(exchange(door.address, GET).await.ends_with("well"), "the sick one is spared");
    }
    well.store(1, Ordering::SeqCst);
    while checks.try_recv().is_ok() {}
    for _ in 0..5 {
        checks.recv().await.expect("checked");
    }
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(exchange(door.address, GET).await);
    }
    assert!(answers.iter().any(|answer| answer.ends_with("sick")), "{answers:?}");
    drop(door.ended().await);
    while checks.try_recv().is_ok() {}
    assert!(tokio::time::timeout(SHORT * 4, checks.recv()).await.is_err(), "checks end with the door");
}

#[tokio::test]
async fn a_name_without_address_is_told_apart() {
    let door = tuned(dead().await, |_, target| {
        target.addresses = vec!["nobody.invalid:80".parse().expect("an authority")];
    })
    .await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(answer.contains("proxy-status: portcullis; error=dns_error"), "{answer}");
}

#[tokio::test]
async fn a_name_with_an_address_is_found() {
    let (origin, _heads) = answering(OK).await;
    let door = tuned(origin, |_, target| {
        target.addresses = vec![format!("localhost:{}", origin.port()).parse().expect("an authority")];
    })
    .await;
    assert!(exchange(door.address, GET).await.starts_with("HTTP/1.1 200 "));
}
