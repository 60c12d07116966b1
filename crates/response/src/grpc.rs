//! Refusals for gRPC callers: HTTP 200 with the status in the header block ("Trailers-Only" in the gRPC over HTTP/2
//! protocol). A gRPC client that sees another HTTP status guesses a code and drops our sentence.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The fields that say it. `retry_ms` also stops the client library's own retries for that long (gRFC A6).
pub(crate) fn fields(status: StatusCode, code: &str, message: &str, retry_ms: Option<u128>) -> HeaderMap {
    let mut fields = HeaderMap::with_capacity(3);
    fields.insert(GRPC_STATUS, HeaderValue::from(grpc_status(status)));
    let text: String = format!("{code}: {message}").chars().take(LONGEST_MESSAGE).collect();
    if let Ok(value) = HeaderValue::try_from(utf8_percent_encode(&text, ESCAPED).to_string()) {
        fields.insert(GRPC_MESSAGE, value);
    }
    if let Some(Ok(value)) = retry_ms.map(|wait| HeaderValue::try_from(wait.to_string())) {
        fields.insert(GRPC_RETRY_PUSHBACK, value);
    }
    fields
}

/// The gRPC code nearest to each status we send. Unlike the protocol's table for foreign proxies we know what was
/// meant: our 404 is `NOT_FOUND`, not `UNIMPLEMENTED`; our 400 is the caller's fault, not `INTERNAL`.
fn grpc_status(status: StatusCode) -> u16 {
    match status.as_u16() {
        400 | 414 | 415 | 422 => 3, // INVALID_ARGUMENT
        401 => 16,                  // UNAUTHENTICATED
        403 | 451 => 7,             // PERMISSION_DENIED
        404 | 410 => 5,             // NOT_FOUND
        408 | 504 => 4,             // DEADLINE_EXCEEDED
        409 => 10,                  // ABORTED
        412 | 421 => 9,             // FAILED_PRECONDITION: no retry helps; of 421, none on this connection
        // RESOURCE_EXHAUSTED, which gRPC itself says of messages and metadata that are too large.
        413 | 429 | 431 => 8,
        416 => 11,             // OUT_OF_RANGE
        405 | 501 | 505 => 12, // UNIMPLEMENTED
        500 => 13,             // INTERNAL
        502 | 503 => 14,       // UNAVAILABLE
        _ => 2,                // UNKNOWN
    }
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_RETRY_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// `Percent-Encoded` of the gRPC protocol: everything but `%` from space to tilde stands for itself.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// Characters; a client's header limit is 8 KiB for all fields together and each may take twelve bytes.
const LONGEST_MESSAGE: usize = 300;
