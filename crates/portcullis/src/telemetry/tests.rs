use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::SpanProcessor;
use portcullis_identity::Secret;
use portcullis_measure::trace::{Callers, Finished, Sampling, Span, TraceContext};
use portcullis_measure::{Answered, Door, Metrics, OriginOutcome, Stage};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::{LONGEST_QUEUE, Pace, Telemetry, TelemetryError, start_at_pace};
use crate::config::TelemetryConfig;

const SAMPLING: Sampling = Sampling { per_thousand: 0, callers: Callers::Continued };

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Gathers until told to stop, and tries again at once.
const QUICK: Pace = Pace {
    gather: Duration::from_secs(600),
    answer: Duration::from_secs(60),
    pauses: &[Duration::ZERO, Duration::ZERO],
};

/// A collector that answers as it is told, and keeps what it got.
struct Receiver {
    endpoint: String,
    got: Arc<Mutex<Vec<(http::request::Parts, Value)>>>,
}

impl Receiver {
    /// Answers the nth request by `answer(n)`, each when `gate` has a place for it.
    async fn start(gate: Arc<Semaphore>, answer: fn(usize) -> Response<Full<Bytes>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/otlp", listener.local_addr().unwrap());
        let got = Arc::<Mutex<Vec<_>>>::default();
        let kept = Arc::clone(&got);
        let seen = Arc::<AtomicUsize>::default();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, seen, gate) = (Arc::clone(&kept), Arc::clone(&seen), Arc::clone(&gate));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (kept, seen, gate) = (Arc::clone(&kept), Arc::clone(&seen), Arc::clone(&gate));
                    async move {
                        let nth = seen.fetch_add(1, Ordering::SeqCst);
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        kept.lock().unwrap().push((head, serde_json::from_slice(&body).unwrap()));
                        gate.acquire().await.unwrap().forget();
                        Ok::<_, Infallible>(answer(nth))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { endpoint, got }
    }

    fn spans(&self) -> Vec<Value> {
        let got = self.got.lock().unwrap();
        let batches = got.iter().map(|(_, body)| &body["resourceSpans"][0]["scopeSpans"][0]["spans"]);
        batches.flat_map(|spans| spans.as_array().unwrap().clone()).collect()
    }
}

fn config(endpoint: &str) -> TelemetryConfig {
    TelemetryConfig {
        endpoint: endpoint.parse().unwrap(),
        service_name: "gate-of-tests".to_owned(),
        per_thousand: 1000,
        headers: vec![(HeaderName::from_static("x-api-key"), Secret::new("hunter2".to_owned()))],
    }
}

fn answer(status: u16, body: &'static str) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap()
}

fn unhindered() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(Semaphore::MAX_PERMITS))
}

fn span(reference: u128) -> Span {
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", HeaderValue::from_static(PARENT));
    headers.insert("tracestate", HeaderValue::from_static("vendor=1"));
    let context = TraceContext::of(&headers, SAMPLING, reference);
    let finished = Finished {
        reference: "06BQX7-M2K4T-8V3NR-1C5ZD-9WEHG",
        door: Door::Proxy,
        method: "GET",
        app: "shop",
        route: "orders",
        answered: Answered::Forwarded,
        reason: "",
        status: 502,
    };
    let start = UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_001);
    Span::new(context, &finished, start, start + Duration::from_millis(5))
}

/// Sent and given up, as the metrics show it.
fn shown(metrics: &Metrics) -> (u64, u64) {
    let text = metrics.render();
    let value =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().parse().unwrap();
    (value("portcullis_spans_sent_total"), value("portcullis_spans_dropped_total"))
}

fn watched(telemetry: &Telemetry) -> Metrics {
    let metrics = Metrics::new();
    telemetry.watched_by(&metrics);
    metrics
}

#[tokio::test]
async fn a_request_arrives_as_part_of_its_callers_trace() {
    let receiver = Receiver::start(unhindered(), |_| answer(200, "{}")).await;
    let telemetry = start_at_pace(&config(&receiver.endpoint), &QUICK).unwrap();
    let metrics = watched(&telemetry);
    let mut span = span(7);
    let onward = span.context.onward(0);
    span.stage(Stage::Decide, span.start, Duration::from_micros(3));
    span.origin_try(onward.span, span.start, Duration::from_millis(4), OriginOutcome::Broken);
    telemetry.sink().finished(span.clone());
    telemetry.stop().await;

    let (head, body) = receiver.got.lock().unwrap().remove(0);
    assert_eq!((head.method.as_str(), head.uri.path()), ("POST", "/otlp/v1/traces"));
    assert_eq!(head.headers["content-type"], "application/json");
    assert_eq!(head.headers["x-api-key"], "hunter2");
    let resource = body["resourceSpans"][0]["resource"]["attributes"].as_array().unwrap();
    assert!(
        resource.contains(&json!({ "key": "service.name", "value": { "stringValue": "gate-of-tests" } }))
    );
    assert_eq!(body["resourceSpans"][0]["scopeSpans"][0]["scope"]["name"], "portcullis");
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let [request, decide, origin] = spans.as_slice() else { panic!("{spans:#?}") };
    for span in spans {
        assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span["traceState"], "vendor=1");
    }
    let ours = span.context.span().to_string();
    assert_eq!(
        *request,
        json!({
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
            "spanId": ours,
            "traceState": "vendor=1",
            "parentSpanId": "00f067aa0ba902b7",
            "flags": 0x301,
            "name": "GET orders",
            "kind": 2,
            "startTimeUnixNano": "1700000000000000001",
            "endTimeUnixNano": "1700000000005000001",
            "attributes": [
                { "key": "http.request.method", "value": { "stringValue": "GET" } },
                { "key": "http.route", "value": { "stringValue": "orders" } },
                { "key": "portcullis.app", "value": { "stringValue": "shop" } },
                { "key": "portcullis.door", "value": { "stringValue": "proxy" } },
                { "key": "portcullis.reference", "value": { "stringValue": "06BQX7-M2K4T-8V3NR-1C5ZD-9WEHG" } },
                { "key": "portcullis.verdict", "value": { "stringValue": "forwarded" } },
                { "key": "http.response.status_code", "value": { "intValue": "502" } },
                { "key": "error.type", "value": { "stringValue": "502" } },
            ],
            "status": { "code": 2 },
        })
    );
    assert_eq!(
        (&decide["name"], &decide["kind"], &decide["parentSpanId"]),
        (&json!("decide"), &json!(1), &json!(ours))
    );
    assert_eq!((&decide["status"], &decide["flags"]), (&json!({}), &json!(0x101)));
    // The origin was told the span that is reported for it.
    assert_eq!((&origin["spanId"], &origin["kind"]), (&json!(onward.span.to_string()), &json!(3)));
    assert!(onward.parent.to_str().unwrap().contains(&onward.span.to_string()));
    assert_eq!(origin["attributes"][0]["value"]["stringValue"], "broken");
    assert_eq!(shown(&metrics), (3, 0));
}

#[tokio::test]
async fn nobody_waits_for_a_collector_that_does_not_answer_and_what_is_lost_is_counted() {
    let gate = Arc::new(Semaphore::new(0));
    let receiver = Receiver::start(Arc::clone(&gate), |_| answer(200, "{}")).await;
    let telemetry = start_at_pace(&config(&receiver.endpoint), &QUICK).unwrap();
    let metrics = watched(&telemetry);
    let sink = telemetry.sink();
    let more = 500;
    for reference in 0..LONGEST_QUEUE + more {
        sink.finished(span(u128::try_from(reference).unwrap()));
    }
    assert_eq!(shown(&metrics), (0, u64::try_from(more).unwrap()));
    gate.add_permits(1000);
    telemetry.stop().await;
    assert_eq!(receiver.spans().len(), LONGEST_QUEUE);
    assert_eq!(shown(&metrics), (2048, 500));
    sink.finished(span(1));
    assert_eq!(shown(&metrics), (2048, 501), "after the end nothing is sent, and it is counted");
}

#[tokio::test]
async fn the_parts_of_a_trace_are_kept_or_given_up_together() {
    let gate = Arc::new(Semaphore::new(0));
    let receiver = Receiver::start(Arc::clone(&gate), |_| answer(200, "{}")).await;
    let telemetry = start_at_pace(&config(&receiver.endpoint), &QUICK).unwrap();
    let metrics = watched(&telemetry);
    let sink = telemetry.sink();
    (1..LONGEST_QUEUE).for_each(|_| sink.finished(span(1)));
    let mut parts = span(2);
    parts.stage(Stage::Admit, parts.start, Duration::ZERO);
    sink.finished(parts);
    assert_eq!(shown(&metrics), (0, 2), "room for one of two");
    gate.add_permits(1000);
    telemetry.stop().await;
    assert_eq!(shown(&metrics), (2047, 2));
}

#[tokio::test]
async fn what_may_succeed_later_is_tried_again_and_what_may_not_is_not() {
    let tries = async |answers: fn(usize) -> Response<Full<Bytes>>| {
        let receiver = Receiver::start(unhindered(), answers).await;
        // Told to stop, nothing is tried again: here a full batch is sent before that.
        let telemetry = start_at_pace(&config(&receiver.endpoint), &QUICK).unwrap();
        let metrics = watched(&telemetry);
        let sink = telemetry.sink();
        (0..super::LARGEST_BATCH).for_each(|_| sink.finished(span(1)));
        while shown(&metrics) == (0, 0) {
            tokio::task::yield_now().await;
        }
        telemetry.stop().await;
        let tries = receiver.got.lock().unwrap().len();
        (tries, shown(&metrics))
    };
    assert_eq!(tries(|nth| answer(if nth == 0 { 503 } else { 200 }, "{}")).await, (2, (512, 0)));
    assert_eq!(tries(|_| answer(429, "")).await, (3, (0, 512)));
    assert_eq!(tries(|_| answer(400, "")).await, (1, (0, 512)));
    assert_eq!(tries(|_| answer(302, "")).await, (1, (0, 512)));
    assert_eq!(tries(|_| answer(200, r#"{"partialSuccess":{"rejectedSpans":"12"}}"#)).await, (1, (500, 12)));
    assert_eq!(tries(|_| answer(200, r#"{"partialSuccess":{"rejectedSpans":9999}}"#)).await, (1, (0, 512)));
    assert_eq!(tries(|_| answer(200, "\u{1}\u{2}")).await, (1, (512, 0)));
}

#[tokio::test]
async fn a_collector_that_is_away_does_not_hold_up_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    const PATIENT: Pace = Pace { pauses: &[Duration::from_secs(600)], ..QUICK };
    let telemetry = start_at_pace(&config(&endpoint), &PATIENT).unwrap();
    let metrics = watched(&telemetry);
    telemetry.sink().finished(span(1));
    let spans = Arc::clone(&telemetry.spans);
    telemetry.stop().await;
    assert_eq!(shown(&metrics), (0, 1));
    let thread = spans.batches.shutdown_with_timeout(Duration::ZERO);
    assert!(matches!(thread, Err(OTelSdkError::AlreadyShutdown)), "it still waits to try again: {thread:?}");
}

#[tokio::test]
async fn no_secret_is_printed() {
    let mut wrong = config("http://127.0.0.1:4318");
    wrong.headers = vec![(HeaderName::from_static("x-api-key"), Secret::new("hunter2\n".to_owned()))];
    let Err(fault) = start_at_pace(&wrong, &QUICK) else { panic!("a line end in a header") };
    assert!(matches!(fault, TelemetryError::Header(_)));
    assert!(!format!("{fault} {fault:?} {wrong:?}").contains("hunter2"));
}

#[test]
fn outside_a_runtime_it_says_so() {
    let started = start_at_pace(&config("http://127.0.0.1:4318"), &QUICK);
    assert!(matches!(started, Err(TelemetryError::Runtime(_))));
}
