//! OTLP/JSON (OpenTelemetry protocol specification 1.x, "JSON Protobuf Encoding"): identifiers in hexadecimal, 64-bit
//! integers as text, enums as numbers, names in camel case. Holds what a trace of ours has, and no more of the protocol.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use serde::Serialize;

/// The body of one `POST /v1/traces`. All spans have the scope of the first: there is one.
pub(super) fn request(resource: &Resource, batch: &[SpanData]) -> serde_json::Result<Vec<u8>> {
    // A resource is a hash map; in one order, the same spans give the same bytes.
    let mut about: Vec<_> =
        resource.iter().map(|(key, value)| Attribute { key: key.as_str(), value: any(value) }).collect();
    about.sort_by_key(|attribute| attribute.key);
    let scope = batch.first().map(|span| &span.instrumentation_scope);
    let scope = Scope {
        name: scope.map_or("", |scope| scope.name()),
        version: scope.and_then(|scope| scope.version()),
    };
    let spans = batch.iter().map(span).collect();
    serde_json::to_vec(&Request {
        resource_spans: [ResourceSpans {
            resource: About { attributes: about },
            scope_spans: [ScopeSpans { scope, spans }],
        }],
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    resource_spans: [ResourceSpans<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: About<'a>,
    scope_spans: [ScopeSpans<'a>; 1],
}

#[derive(Serialize)]
struct About<'a> {
    attributes: Vec<Attribute<'a>>,
}

#[derive(Serialize)]
struct ScopeSpans<'a> {
    scope: Scope<'a>,
    spans: Vec<Span<'a>>,
}

#[derive(Serialize)]
struct Scope<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Span<'a> {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    trace_state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    parent_span_id: String,
    flags: u32,
    name: &'a str,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Attribute<'a>>,
    status: State,
}

/// `{}` is "unset".
#[derive(Serialize)]
struct State {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
}

#[derive(Serialize)]
struct Attribute<'a> {
    key: &'a str,
    value: Any,
}

#[derive(Serialize)]
enum Any {
    #[serde(rename = "boolValue")]
    Bool(bool),
    #[serde(rename = "intValue")]
    Int(String),
    #[serde(rename = "doubleValue")]
    Double(f64),
    #[serde(rename = "stringValue")]
    Text(String),
}

fn span(span: &SpanData) -> Span<'_> {
    let context = &span.span_context;
    let parent = span.parent_span_id;
    Span {
        trace_id: context.trace_id().to_string(),
        span_id: context.span_id().to_string(),
        trace_state: context.trace_state().header(),
        parent_span_id: if parent == SpanId::INVALID { String::new() } else { parent.to_string() },
        flags: flags(span),
        name: &span.name,
        kind: match span.span_kind {
            SpanKind::Internal => 1,
            SpanKind::Server => 2,
            SpanKind::Client => 3,
            SpanKind::Producer => 4,
            SpanKind::Consumer => 5,
        },
        start_time_unix_nano: nanoseconds(span.start_time),
        end_time_unix_nano: nanoseconds(span.end_time),
        attributes: span.attributes.iter().map(attribute).collect(),
        status: State {
            code: match &span.status {
                Status::Unset => None,
                Status::Ok => Some(1),
                Status::Error { .. } => Some(2),
            },
        },
    }
}

/// `SpanFlags`: the flags of the trace, and whether the parent is elsewhere, which is known.
fn flags(span: &SpanData) -> u32 {
    let remote = if span.parent_span_is_remote { 0x200 } else { 0 };
    u32::from(span.span_context.trace_flags().to_u8()) | 0x100 | remote
}

fn attribute(pair: &KeyValue) -> Attribute<'_> {
    Attribute { key: pair.key.as_str(), value: any(&pair.value) }
}

fn any(value: &Value) -> Any {
    match value {
        Value::Bool(value) => Any::Bool(*value),
        Value::I64(value) => Any::Int(value.to_string()),
        Value::F64(value) => Any::Double(*value),
        other => Any::Text(other.as_str().into_owned()),
    }
}

fn nanoseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}
