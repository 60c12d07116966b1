//! Sends an answer of ours, and leaves the connection in a state where the next request cannot be mistaken for the rest
//! of this one (Pingora CVE-2025-4366).

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use portcullis_gate::{Answer, OutcomeWriter};

use crate::Limits;
use crate::body::AnswerBody;

/// What is sent to the caller.
pub(crate) type Sent = Response<AnswerBody>;

/// Answers a request that went no further than the gate, whose body nobody wants.
pub(crate) async fn answer(answer: Answer, head: &Parts, body: Incoming, limits: &Limits) -> Sent {
    let Answer { response, close, outcome, .. } = answer;
    // On HTTP/2 a body is called off with its stream and nothing else (RFC 9113 §8.1); to read it would serve nobody.
    let close = head.version != Version::HTTP_2 && (close || !drained(head, body, limits).await);
    ours(response, close, &head.method, outcome)
}

/// Answers what could not be read as a request; nothing that follows it can be.
pub(crate) fn refuse(answer: Answer) -> Sent {
    let Answer { response, outcome, .. } = answer;
    ours(response, true, &Method::GET, outcome)
}

/// A response of ours with the outcome it reports to.
pub(crate) fn ours(response: Response<Bytes>, close: bool, method: &Method, outcome: OutcomeWriter) -> Sent {
    let status = response.status();
    let sent = method != Method::HEAD
        && !status.is_informational()
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::NOT_MODIFIED;
    let (mut parts, bytes) = response.into_parts();
    if close {
        parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Response::from_parts(parts, AnswerBody::ours(bytes, sent, outcome))
}

/// Reads a small body to its end so that the connection may live on. Says whether that was done.
///
/// A caller that waits for 100 is never told to go on: asking would be what sends for the body (RFC 9110 §10.1.1).
async fn drained(head: &Parts, mut body: Incoming, limits: &Limits) -> bool {
    if body.is_end_stream() {
        return true;
    }
    if head.headers.contains_key(EXPECT) || body.size_hint().lower() > limits.unread_bytes {
        return false;
    }
    let read_to_end = async {
        let mut left = limits.unread_bytes;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)) {
                Some(rest) => left = rest,
                None => return false,
            }
        }
        true
    };
    tokio::time::timeout(limits.unread_time, read_to_end).await.unwrap_or(false)
}
