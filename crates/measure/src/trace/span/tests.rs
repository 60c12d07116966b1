use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;

use super::{ChildKind, Finished, Span, Value};
use crate::event::{Answered, Door, OriginOutcome, Stage};
use crate::trace::{Callers, Sampling, TraceContext};

const REFUSED: Finished<'static> = Finished {
    reference: "06BQX7-M2K4T-8V3NR-1C5ZD-9WEHG",
    door: Door::Proxy,
    method: "GET",
    app: "shop",
    route: "orders",
    answered: Answered::Refused,
    reason: "region_restricted",
    status: 403,
};

fn span(finished: &Finished<'_>) -> Span {
    let sampling = Sampling { per_thousand: 1000, callers: Callers::Continued };
    let context = TraceContext::of(&HeaderMap::new(), sampling, 7);
    Span::new(context, finished, UNIX_EPOCH, UNIX_EPOCH + Duration::from_millis(3))
}

fn attribute(span: &Span, key: &str) -> Option<Value> {
    span.attributes().iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone())
}

#[test]
fn a_refusal_says_why_and_is_no_failure() {
    let span = span(&REFUSED);
    assert_eq!((&*span.name, span.failed), ("GET orders", false));
    let text = |key| attribute(&span, key);
    assert_eq!(text("portcullis.reason"), Some(Value::Text("region_restricted".to_owned())));
    assert_eq!(text("portcullis.reference"), Some(Value::Text(REFUSED.reference.to_owned())));
    assert_eq!(text("http.response.status_code"), Some(Value::Number(403)));
    assert_eq!(text("error.type"), None);
}

#[test]
fn a_fault_is_a_failure_and_what_is_not_known_is_not_said() {
    let span = span(&Finished { app: "", route: "", reason: "", status: 503, ..REFUSED });
    assert_eq!((&*span.name, span.failed), ("GET", true));
    assert_eq!(attribute(&span, "error.type"), Some(Value::Text("503".to_owned())));
    assert_eq!(attribute(&span, "http.route"), None);
    assert_eq!(attribute(&span, "portcullis.app"), None);
}

#[test]
fn no_text_of_a_caller_makes_a_name() {
    let span = span(&Finished { method: "GIMME", ..REFUSED });
    assert_eq!(span.name, "HTTP orders");
    assert_eq!(attribute(&span, "http.request.method"), Some(Value::Text("_OTHER".to_owned())));
}

#[test]
fn texts_and_parts_are_bounded() {
    let long = "é".repeat(10_000);
    let mut span = span(&Finished { route: &long, reason: &long, status: 500, ..REFUSED });
    assert!(span.name.len() <= 256);
    for (key, value) in span.attributes() {
        assert!(!matches!(value, Value::Text(text) if text.len() > 256), "{key}");
    }
    assert_eq!(span.attributes().len(), 9);
    (0..100).for_each(|_| span.stage(Stage::Admit, UNIX_EPOCH, Duration::MAX));
    assert_eq!(span.children().len(), 32);
}

#[test]
fn parts_have_identifiers_of_their_own() {
    let mut span = span(&REFUSED);
    let onward = span.context.onward(0);
    span.stage(Stage::Admit, UNIX_EPOCH, Duration::from_micros(5));
    span.stage(Stage::Decide, UNIX_EPOCH, Duration::from_micros(5));
    span.origin_try(onward.span, UNIX_EPOCH, Duration::from_millis(1), OriginOutcome::Timeout);
    let children = span.children();
    let ids: BTreeSet<_> = children.iter().map(|child| child.span.bits()).collect();
    assert_eq!(ids.len(), 3);
    assert!(!ids.contains(&span.context.span().bits()));
    assert_eq!(children[0].end, UNIX_EPOCH + Duration::from_micros(5));
    let origin = &children[2];
    assert_eq!((origin.kind, origin.failed, origin.outcome), (ChildKind::Client, true, Some("timeout")));
    assert_eq!(origin.span, onward.span);
}
