//! What an origin gets, and what a caller gets back from it.

use crate::caller::{Caller, exchange};
use crate::origin::{OK, answering, on_connection};
use crate::world::{door, tuned};

/// The values of a field in a head.
pub(crate) fn fields<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

#[tokio::test]
async fn the_canonical_request_is_what_is_sent() {
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    let answer = exchange(
        door.address,
        "GET /%61/c+%c3%a9?q=%2e%2E HTTP/1.1\r\nHost: Shop.Example:8080\r\nAccept: a\r\nAccept: b\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhi"), "{answer}");
    let head = heads.recv().await.expect("forwarded");
    assert!(head.starts_with("GET /a/c%2B%C3%A9?q=%2e%2E HTTP/1.1\r\n"), "{head}");
    assert_eq!(fields(&head, "host"), ["shop.example:8080"]);
    assert_eq!(fields(&head, "accept"), ["a", "b"]);
    assert_eq!(fields(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(fields(&head, "x-forwarded-proto"), ["http"]);
    assert_eq!(fields(&head, "x-forwarded-host"), ["shop.example:8080"]);
    assert_eq!(fields(&head, "x-portcullis-ref").len(), 1);
    let ended = door.ended().await;
    assert_eq!((ended[0].status, ended[0].origin_status, ended[0].bytes), (200, Some(200), 2));
    assert_eq!((ended.len(), ended[0].fault.as_deref()), (1, None));
}

#[tokio::test]
async fn an_origin_may_be_called_by_its_own_name() {
    let (origin, mut heads) = answering(OK).await;
    let door = tuned(origin, |_, target| target.preserve_host = false).await;
    exchange(door.address, "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n").await;
    let head = heads.recv().await.expect("forwarded");
    assert_eq!(fields(&head, "host"), [origin.to_string()]);
    assert_eq!(fields(&head, "x-forwarded-host"), ["shop.example"]);
}

/// Threats 18, 19 and 20.
#[tokio::test]
async fn callers_set_no_identity_and_remove_none() {
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: shop.example\r\nX-API-Key: {}\r\n\
        X-Portcullis-User: admin\r\nX-Portcullis-Ref: mine\r\nX-Forwarded-For: 10.0.0.1\r\n\
        X-Forwarded-Prefix: /x\r\nForwarded: for=10.0.0.1\r\nX-Original-URL: /admin\r\n\
        X-HTTP-Method-Override: DELETE\r\nProxy: http://evil.example\r\nTE: gzip\r\nKeep-Alive: 5\r\n\
        Expect: 100-continue\r\nX-Mine: 1\r\nX-Stays: 1\r\n\
        Connection: close, X-Mine, X-Portcullis-User, X-Portcullis-Ref, X-Forwarded-For\r\n\r\n",
        door.key
    );
    exchange(door.address, request).await;
    let head = heads.recv().await.expect("forwarded");
    for gone in [
        "x-forwarded-prefix",
        "forwarded",
        "x-original-url",
        "x-http-method-override",
        "proxy",
        "te",
        "keep-alive",
        "expect",
        "x-mine",
        "connection",
    ] {
        assert_eq!(fields(&head, gone), [""; 0], "{gone} in {head}");
    }
    assert_eq!(fields(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(fields(&head, "host"), ["shop.example"]);
    assert_eq!(fields(&head, "x-stays"), ["1"]);
    assert_eq!(fields(&head, "x-portcullis-user"), ["alice"]);
    assert_eq!(fields(&head, "x-portcullis-groups"), ["staff"]);
    let own = fields(&head, "x-portcullis-ref");
    assert!(own.len() == 1 && own[0].len() == 30, "{own:?}");
    let removing = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close, Host\r\n\r\n";
    let answer = exchange(door.address, removing).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(heads.try_recv().is_err());
}

#[tokio::test]
async fn a_stranger_has_no_identity() {
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Portcullis-User: admin\r\nX-PORTCULLIS-GROUPS: admin\r\n\
        Connection: close\r\n\r\n";
    exchange(door.address, request).await;
    let head = heads.recv().await.expect("forwarded");
    assert!(!head.contains("admin"), "{head}");
    assert_eq!(fields(&head, "x-portcullis-user"), [""; 0]);
}

/// Threat 19: a name that a careless server folds into one of ours is not forwarded at all.
#[tokio::test]
async fn folded_spellings_of_our_headers_are_refused() {
    for name in ["X_Portcullis_User", "X.Portcullis.User"] {
        let (origin, mut heads) = answering(OK).await;
        let door = door(origin).await;
        let answer =
            exchange(door.address, format!("GET / HTTP/1.1\r\nHost: a\r\n{name}: admin\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(heads.try_recv().is_err());
    }
}

#[tokio::test]
async fn hop_by_hop_fields_of_origins_end_here() {
    let (origin, _heads) = answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Status: fake\r\nUpgrade: h2c\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Stays: 1\r\n\r\nhi",
    )
    .await;
    let door = door(origin).await;
    let mut caller = Caller::connect(door.address).await;
    caller.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = caller.until("\r\n\r\n").await;
    for gone in ["connection", "x-hop", "keep-alive", "proxy-status", "upgrade"] {
        assert_eq!(fields(&head, gone), [""; 0], "{gone} in {head}");
    }
    assert_eq!(fields(&head, "set-cookie"), ["a=1", "b=2"]);
    assert_eq!(fields(&head, "x-stays"), ["1"]);
    caller.until("hi").await;
    // The caller's connection lives on although the origin closed its own.
    caller.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(caller.rest().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn connections_to_origins_are_kept() {
    let origin = on_connection(|mut connection| async move {
        let mut requests = 0;
        while connection.head().await.is_some() {
            requests += 1;
            connection.send(format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{requests}")).await;
        }
    })
    .await;
    let door = door(origin).await;
    let mut caller = Caller::connect(door.address).await;
    for expected in ["1", "2", "3"] {
        caller.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let answer = caller.until("\r\n\r\n").await;
        assert_eq!(caller.until(expected).await, expected, "{answer}");
    }
}

#[tokio::test]
async fn head_has_the_fields_and_no_body() {
    let (origin, mut heads) = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n").await;
    let door = door(origin).await;
    let answer = exchange(door.address, "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(heads.recv().await.expect("forwarded").starts_with("HEAD / "));
    assert_eq!(fields(&answer, "content-length"), ["2"]);
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    let ended = door.ended().await;
    assert_eq!((ended[0].status, ended[0].bytes, ended[0].fault.as_deref()), (200, 0, None));
}

#[tokio::test]
async fn both_sides_may_speak_http_1_0() {
    let (origin, mut heads) = answering("HTTP/1.0 200 OK\r\n\r\nuntil the end").await;
    let door = door(origin).await;
    let answer = exchange(door.address, "GET / HTTP/1.0\r\nHost: a\r\n\r\n").await;
    assert!(answer.contains(" 200 OK\r\n") && answer.ends_with("\r\n\r\nuntil the end"), "{answer}");
    let answer = exchange(door.address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("D\r\nuntil the end\r\n0\r\n\r\n"), "{answer}");
    assert!(heads.recv().await.expect("forwarded").starts_with("GET / HTTP/1.1\r\n"));
    assert_eq!(door.ended().await.iter().filter(|ended| ended.fault.is_some()).count(), 0);
}

#[tokio::test]
async fn an_origins_404_can_be_ours() {
    let (origin, _heads) = answering("HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\n\r\ntheirs").await;
    let door = tuned(origin, |_, target| target.renders_404 = true).await;
    let answer = exchange(door.address, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404 ") && !answer.contains("theirs"), "{answer}");
    let ended = door.ended().await;
    assert_eq!((ended[0].status, ended[0].origin_status), (404, Some(404)));
    assert!(ended[0].intercepted);
}

/// A refusal of the origin is told apart from ours.
#[tokio::test]
async fn what_an_origin_refuses_is_told_apart_from_what_we_do() {
    let (origin, _heads) = answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 6\r\n\r\ntheirs").await;
    let door = door(origin).await;
    let answer = exchange(door.address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.ends_with("theirs"), "{answer}");
    assert_eq!(fields(&answer, "proxy-status"), ["portcullis; received-status=403"]);
    let ours = exchange(door.address, "GET /refused HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert_eq!(fields(&ours, "proxy-status"), ["portcullis; error=http_request_denied"]);
    let ended = door.ended().await;
    assert_eq!(ended.iter().map(|ended| ended.origin_status).collect::<Vec<_>>(), [Some(403), None]);
}

#[tokio::test]
async fn answers_are_intercepted_where_that_is_asked() {
    for (status, kept) in [
        ("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\""),
        ("405 Method Not Allowed", "Allow: GET"),
        ("500 Internal Server Error", ""),
        ("503 Service Unavailable", "Retry-After: 7"),
    ] {
        let kept_line = if kept.is_empty() { String::new() } else { format!("{kept}\r\n") };
        let answer = format!(
            "HTTP/1.1 {status}\r\n{kept_line}X-Debug: secret\r\ncontent-length: 11\r\n\r\nstack trace"
        );
        let (origin, _heads) = answering(answer).await;
        let door = tuned(origin, |_, target| {
            target.intercept.statuses = [401, 405].into();
            target.intercept.classes = [5].into();
        })
        .await;
        let answer = exchange(door.address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        assert!(!answer.contains("stack trace") && !answer.contains("secret"), "{answer}");
        let code: u16 = status[..3].parse().expect("a status");
        assert_eq!(fields(&answer, "proxy-status"), [format!("portcullis; received-status={code}")]);
        if let Some((name, value)) = kept.split_once(": ") {
            assert_eq!(fields(&answer, name), [value]);
        }
        let ended = door.ended().await;
        assert_eq!((ended[0].status, ended[0].origin_status), (code, Some(code)));
        assert!(ended[0].intercepted, "{:?}", ended[0].fault);
    }
}

#[tokio::test]
async fn other_answers_are_not_intercepted() {
    let (origin, _heads) = answering("HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\n\r\ntheirs").await;
    let door = tuned(origin, |_, target| {
        target.intercept.statuses = [403].into();
        target.intercept.classes = [2, 5].into();
    })
    .await;
    let answer = exchange(door.address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("theirs"), "{answer}");
}

#[tokio::test]
async fn answers_without_content_end_at_their_head() {
    for status in ["204 No Content", "304 Not Modified", "205 Reset Content"] {
        let length = if status.starts_with("205") { "content-length: 0\r\n" } else { "" };
        let origin = on_connection(move |mut connection| async move {
            while connection.head().await.is_some() {
                connection.send(format!("HTTP/1.1 {status}\r\n{length}etag: \"x\"\r\n\r\n")).await;
            }
        })
        .await;
        let door = door(origin).await;
        let mut caller = Caller::connect(door.address).await;
        for _ in 0..3 {
            caller.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
            let answer = caller.until("\r\n\r\n").await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        }
        drop(caller);
        assert!(door.ended().await.iter().all(|ended| ended.fault.is_none()));
    }
}

/// What a route says about bodies is held against them before the origin sees a byte.
#[tokio::test]
async fn bodies_are_checked_before_they_are_sent() {
    let post = |kind: &str, body: &str| {
        let length = body.len();
        format!(
            "POST /checked/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{kind}Content-Length: {length}\r\n\r\n{body}"
        )
    };
    let json = "Content-Type: application/json\r\n";
    let long = format!("{{\"n\":1,\"x\":\"{}\"}}", "x".repeat(100_000));
    let (origin, mut heads) = answering(OK).await;
    let door = door(origin).await;
    for (request, status, code) in [
        (post(json, "{\"n\":"), 400, "malformed_payload"),
        (post(json, "{\"n\":1,\"n\":2}"), 400, "malformed_payload"),
        (post(json, "{\"n\":\"x\"}"), 422, "invalid_payload"),
        (post("Content-Type: text/plain\r\n", "x"), 415, "unsupported_media_type"),
        (post("", "{\"n\":1}"), 415, "unsupported_media_type"),
        (post(&format!("{json}Content-Encoding: gzip\r\n"), "{\"n\":1}"), 415, "unsupported_media_type"),
        (post(json, &long), 413, "payload_too_large"),
        (post(json, ""), 422, "invalid_payload"),
    ] {
        let answer = exchange(door.address, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.200}: {answer}");
        assert!(answer.contains(code), "{answer}");
        assert!(heads.try_recv().is_err(), "nothing is sent");
    }
    let answer = exchange(door.address, post(json, "{\"n\":1}")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(fields(&heads.recv().await.expect("forwarded"), "content-length"), ["7"]);
    let chunked = "POST /checked/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
                   Transfer-Encoding: chunked\r\n\r\n4\r\n{\"n\"\r\n3\r\n:1}\r\n0\r\n\r\n";
    let answer = exchange(door.address, chunked).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let head = heads.recv().await.expect("forwarded");
    assert_eq!((fields(&head, "content-length"), fields(&head, "transfer-encoding")), (vec!["7"], vec![]));
    let refused = door.ended().await.into_iter().filter(|ended| ended.status >= 400);
    assert!(refused.clone().count() == 8 && refused.clone().all(|ended| ended.origin_status.is_none()));
}
