//! From our spans to the SDK's: a request and its parts are spans of one trace.

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use portcullis_measure::trace::{Child, ChildKind, Span, TraceContext, Value};

/// The request first, then its parts.
pub(super) fn spans(span: Span, scope: &InstrumentationScope) -> impl Iterator<Item = SpanData> {
    let parts: Vec<_> = span.children().iter().map(|child| part(&span.context, child, scope)).collect();
    std::iter::once(request(span, scope)).chain(parts)
}

fn request(span: Span, scope: &InstrumentationScope) -> SpanData {
    let attributes = span.attributes().iter().map(|(key, value)| match value {
        Value::Text(text) => KeyValue::new(*key, text.clone()),
        Value::Number(number) => KeyValue::new(*key, *number),
    });
    let parent = span.context.parent();
    SpanData {
        attributes: attributes.collect(),
        parent_span_id: parent.map_or(SpanId::INVALID, |parent| parent.bits().into()),
        parent_span_is_remote: parent.is_some(),
        span_kind: SpanKind::Server,
        name: span.name.into(),
        start_time: span.start,
        end_time: span.end,
        status: status(span.failed),
        ..empty(&span.context, span.context.span().bits(), scope)
    }
}

fn part(context: &TraceContext, child: &Child, scope: &InstrumentationScope) -> SpanData {
    SpanData {
        attributes: child
            .outcome
            .iter()
            .map(|outcome| KeyValue::new("portcullis.outcome", *outcome))
            .collect(),
        parent_span_id: context.span().bits().into(),
        span_kind: match child.kind {
            ChildKind::Internal => SpanKind::Internal,
            ChildKind::Client => SpanKind::Client,
        },
        name: child.name.into(),
        start_time: child.start,
        end_time: child.end,
        status: status(child.failed),
        ..empty(context, child.span.bits(), scope)
    }
}

/// What every span of a trace has in common.
fn empty(context: &TraceContext, span: u64, scope: &InstrumentationScope) -> SpanData {
    let trace: TraceId = context.trace().bits().into();
    let flags = if context.sampled() { TraceFlags::SAMPLED } else { TraceFlags::default() };
    // It was checked when it was read; should the SDK think otherwise, the span is worth more than its state.
    let state: TraceState = context.state().and_then(|state| state.parse().ok()).unwrap_or_default();
    SpanData {
        span_context: SpanContext::new(trace, span.into(), flags, false, state),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "".into(),
        start_time: std::time::UNIX_EPOCH,
        end_time: std::time::UNIX_EPOCH,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    }
}

fn status(failed: bool) -> Status {
    if failed { Status::error("") } else { Status::Unset }
}
