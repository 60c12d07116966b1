//! With the HTTP library behind: whatever is sent, it reads every head that it gets, so that every answer is ours.

use std::convert::Infallible;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

use super::*;

/// What one request came to: its target and body, or the code it was refused with.
type Seen = Result<(String, Result<Vec<u8>, String>), &'static str>;

/// What the service saw, and what the caller got that sends this and no more.
async fn serve(sent: &[u8]) -> (Vec<Seen>, String) {
    let (mut caller, ours) = duplex(1 << 20);
    caller.write_all(sent).await.unwrap();
    caller.shutdown().await.unwrap();
    answered(caller, ours).await
}

/// Likewise, until we end the connection.
async fn answered(mut caller: DuplexStream, ours: DuplexStream) -> (Vec<Seen>, String) {
    let (strict, heads) = Strict::new(ours, LIMITS);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let service = service_fn(move |request: Request<Incoming>| {
        let Head { fault, upgrade } = heads.next();
        let record = Arc::clone(&record);
        async move {
            let status = fault.as_ref().map_or(StatusCode::OK, |fault| fault.status);
            let target = request.uri().to_string();
            let body = request.into_body().collect().await;
            let body = body.map(|body| body.to_bytes().to_vec()).map_err(|fault| told(&fault));
            record.lock().unwrap().push(match fault {
                Some(fault) => Err(fault.code),
                None => Ok((target, body)),
            });
            if let Some(upgrade) = upgrade {
                upgrade.go_on_http();
            }
            let mut response = Response::new(Full::new(Bytes::from_static(b"ours")));
            response.headers_mut().insert("x-ours", http::HeaderValue::from_static("1"));
            *response.status_mut() = status;
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = http1::Builder::new();
    LIMITS.configure(builder.timer(TokioTimer::new()));
    // An error is the end of a connection whose body was cut short or broken.
    drop(builder.serve_connection(TokioIo::new(strict), service).await);
    let mut answers = Vec::new();
    caller.read_to_end(&mut answers).await.unwrap();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (seen, String::from_utf8(answers).unwrap())
}

/// The fault at the root.
fn told(fault: &hyper::Error) -> String {
    let mut source: &dyn std::error::Error = fault;
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    source.to_string()
}

fn answers(text: &str) -> usize {
    text.matches("HTTP/1.").count()
}

#[tokio::test]
async fn the_first_is_answered_the_second_refused_the_third_never_read() {
    let sent = [GET, b"GET /#b HTTP/1.1\r\nHost: a\r\n\r\n", GET].concat();
    let (seen, text) = serve(&sent).await;
    assert_eq!(seen, [Ok(("/".to_owned(), Ok(Vec::new()))), Err("ambiguous_target")]);
    assert_eq!(answers(&text), 2, "{text}");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("HTTP/1.1 400 "), "{text}");
    assert!(text.contains("connection: close\r\n"), "{text}");
}

#[tokio::test]
async fn every_refusal_is_ours_and_none_is_bare() {
    for (sent, code) in head::tests::BAD {
        let (seen, text) = serve(sent).await;
        assert_eq!(seen, [Err(*code)], "{}", sent.escape_ascii());
        assert!(answers(&text) == 1 && text.ends_with("ours"), "{text}");
    }
}

#[tokio::test]
async fn the_library_reads_every_head_that_passes() {
    for (sent, body, _) in head::tests::GOOD {
        let body = match body {
            Framing::None => b"".as_slice(),
            Framing::Length(_) => b"twelve bytes",
            Framing::Chunked => b"1\r\na\r\n0\r\n\r\n",
        };
        let (seen, text) = serve(&[sent, body].concat()).await;
        assert!(matches!(seen.as_slice(), [Ok((_, Ok(_)))]), "{}: {seen:?}", sent.escape_ascii());
        // The answer to CONNECT is the tunnel.
        assert_eq!(answers(&text), 1, "{text}");
    }
}

#[tokio::test]
async fn limits_are_ours_before_they_are_the_librarys() {
    for (sent, code) in [
        (sized(LIMITS.head_bytes, false), None),
        (sized(LIMITS.head_bytes + 1, false), Some("head_too_large")),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a:b\r\n".repeat(99)).into_bytes(), None),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a:b\r\n".repeat(100)).into_bytes(),
            Some("too_many_headers"),
        ),
        (format!("GET /{} HTTP/1.1\r\nHost: a", "x".repeat(9000)).into_bytes(), Some("target_too_long")),
    ] {
        let (seen, text) = serve(&sent).await;
        assert_eq!(seen.first().and_then(|seen| seen.as_ref().err()), code.as_ref(), "{text}");
        assert_eq!((seen.len(), answers(&text)), (1, 1), "{text}");
    }
    // Trailers just within our bound are within the library's.
    let trailers = format!("0\r\n{}c:{}\r\n\r\n", "a:b\r\n".repeat(99), "d".repeat(7500));
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (seen, _) = serve(format!("{head}{trailers}").as_bytes()).await;
    assert_eq!(seen, [Ok(("/".to_owned(), Ok(Vec::new())))]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_ended_in_its_time_and_answered_if_a_head_has_begun() {
    for (sent, expected, answered_times) in [
        (b"".to_vec(), vec![], 0),
        (b"\r\n".to_vec(), vec![], 0),
        (GET.to_vec(), vec![Ok(("/".to_owned(), Ok(Vec::new())))], 1),
        (b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec(), vec![Err("head_timeout")], 1),
        ([GET, b"G"].concat(), vec![Ok(("/".to_owned(), Ok(Vec::new()))), Err("head_timeout")], 2),
    ] {
        let (mut caller, ours) = duplex(1 << 20);
        caller.write_all(&sent).await.unwrap();
        let started = tokio::time::Instant::now();
        let (seen, text) = answered(caller, ours).await;
        assert_eq!((&seen, answers(&text)), (&expected, answered_times), "{text}");
        let late = expected.contains(&Err("head_timeout"));
        let limit = if late { LIMITS.head_time } else { LIMITS.idle_time };
        assert_eq!(started.elapsed().as_secs(), limit.as_secs(), "{}", sent.escape_ascii());
        assert_eq!(text.contains("HTTP/1.1 408 "), late, "{text}");
    }
}

/// Threats.md 5: the body fails with our reason, and nothing behind it is a request.
#[tokio::test]
async fn broken_chunks_fail_the_body_threats_md_5() {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice();
    for (body, _, fault) in chunked::tests::BAD {
        let (seen, text) = serve(&[head, body, b"\r\n\r\n", GET].concat()).await;
        assert_eq!(seen, [Ok(("/".to_owned(), Err(fault.to_string())))], "{}", body.escape_ascii());
        assert!(answers(&text) <= 1, "{text}");
    }
}

proptest! {
    /// Whatever is damaged, each answer is to a head that the service saw.
    #[test]
    fn no_damaged_head_is_answered_by_the_library(
        messages in proptest::collection::vec(message(), 1..3),
        at in any::<usize>(),
        with in prop_oneof![any::<u8>(), Just(b'\r'), Just(b'\n'), Just(b' '), Just(b':'), Just(b'#'), Just(0)],
        insert in any::<bool>(),
    ) {
        let mut sent = messages.concat();
        let at = at % sent.len();
        if insert { sent.insert(at, with) } else { sent[at] = with };
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let (seen, text) = runtime.block_on(serve(&sent));
        prop_assert!(!seen.is_empty());
        let bare = text.split("HTTP/1.").skip(1).filter(|answer| !answer.contains("x-ours: 1\r\n")).count();
        prop_assert!(answers(&text) <= seen.len() && bare == 0, "{}", text);
    }
}
