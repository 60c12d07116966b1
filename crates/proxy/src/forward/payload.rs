//! The caller's body before the origin sees it: bounded in size, and where its route says what it must be, read whole and
//! checked first. What it must be is the `payload` crate's matter.
//!
//! INVARIANT: all bodies held whole at once have a bound together, and each is waited for only so long.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use portcullis_payload::{PayloadFault, PayloadRules, Wanted};
use portcullis_request::CanonicalRequest;
use portcullis_request::headers::naming_caller;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Fault;
use crate::Limits;
use crate::caller::{CallerFault, Upload};
use crate::origins::{BUFFER_UNIT, MOST_BUFFERED};

/// The body, and what its memory is counted by.
pub(super) struct Taken {
    pub(super) upload: Upload,
    pub(super) _memory: Option<OwnedSemaphorePermit>,
}

/// Holds the body against its bounds and rules as far as that is done before the origin is asked.
pub(super) async fn take(
    body: Incoming,
    request: &CanonicalRequest,
    rules: Option<&Arc<PayloadRules>>,
    largest: u64,
    limits: &Limits,
    buffers: &Arc<Semaphore>,
) -> Result<Taken, Fault> {
    let length = content_length(&request.headers);
    if length.is_some_and(|length| length > largest) {
        return Err(Fault::Caller(CallerFault::TooLarge(largest)));
    }
    let content_type = joined(&request.headers, &CONTENT_TYPE);
    let wanted = match rules {
        None => Wanted::Nothing,
        Some(rules) => {
            let encoding = joined(&request.headers, &CONTENT_ENCODING);
            let (method, has_body) = (request.method.as_str(), !body.is_end_stream());
            rules
                .head(method, content_type.as_deref(), encoding.as_deref(), length, has_body)
                .map_err(Fault::Payload)?
        }
    };
    let most = match (wanted, rules) {
        (Wanted::Whole(most), Some(rules)) => {
            let most = most.min(largest);
            let memory = reserve(buffers, length.unwrap_or(most).min(most)).await?;
            let bytes = timeout(WHOLE_TIME, read(body, most, limits.body_pause)).await;
            let bytes = bytes.unwrap_or(Err(Fault::Caller(CallerFault::Stalled(WHOLE_TIME))))?;
            check(Arc::clone(rules), content_type, bytes.clone()).await?;
            return Ok(Taken { upload: Upload::whole(bytes), _memory: Some(memory) });
        }
        (Wanted::Limited(most), _) => most.min(largest),
        _ => largest,
    };
    Ok(Taken { upload: Upload::new(body, limits.body_pause, most), _memory: None })
}

/// Waits for the memory. A body larger than all of it waits for all of it, and is bounded by its own limit.
async fn reserve(buffers: &Arc<Semaphore>, bytes: u64) -> Result<OwnedSemaphorePermit, Fault> {
    let units = usize::try_from(bytes).unwrap_or(usize::MAX).div_ceil(BUFFER_UNIT).clamp(1, MOST_BUFFERED);
    let units = u32::try_from(units).unwrap_or(u32::MAX);
    match timeout(BUFFER_TIME, Arc::clone(buffers).acquire_many_owned(units)).await {
        Ok(Ok(memory)) => Ok(memory),
        Ok(Err(_)) | Err(_) => Err(Fault::NoBuffer(BUFFER_TIME)),
    }
}

async fn read(mut body: Incoming, most: u64, pause: Duration) -> Result<Bytes, Fault> {
    let most_here = usize::try_from(most).unwrap_or(usize::MAX);
    let mut whole = BytesMut::new();
    loop {
        let frame = timeout(pause, body.frame()).await;
        let frame = frame.map_err(|_| Fault::Caller(CallerFault::Stalled(pause)))?;
        let Some(frame) = frame else { return Ok(whole.freeze()) };
        let frame = frame.map_err(|fault| Fault::Caller(CallerFault::Broken(fault.to_string())))?;
        if let Some(name) = frame.trailers_ref().and_then(naming_caller) {
            return Err(Fault::Caller(CallerFault::NamingTrailer(name.clone())));
        }
        // Trailers of a body that was checked are left out: they were not.
        let Some(data) = frame.data_ref() else { continue };
        if whole.len().saturating_add(data.len()) > most_here {
            return Err(Fault::Payload(PayloadFault::TooLarge { limit: most }));
        }
        whole.extend_from_slice(data);
    }
}

/// A large body is checked beside the threads that serve everybody.
async fn check(rules: Arc<PayloadRules>, content_type: Option<Vec<u8>>, bytes: Bytes) -> Result<(), Fault> {
    if bytes.len() <= CHECKED_AT_ONCE {
        return rules.check(content_type.as_deref(), &bytes).map_err(Fault::Payload);
    }
    let checked = tokio::task::spawn_blocking(move || rules.check(content_type.as_deref(), &bytes)).await;
    match checked {
        Ok(checked) => checked.map_err(Fault::Payload),
        // A check that did not end has found nothing good.
        Err(fault) => {
            tracing::error!(%fault, "a check of a body ended by a fault of ours");
            Err(Fault::Unchecked)
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A field's lines as one value.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
    (!lines.is_empty()).then(|| lines.join(&b", "[..]))
}

/// Longest time for all of a body that is read whole: a megabyte over a slow phone.
const WHOLE_TIME: Duration = Duration::from_secs(60);

/// Longest wait for memory: as long as people look at a page that does not come.
const BUFFER_TIME: Duration = Duration::from_secs(5);

/// Bytes that are checked within a millisecond.
const CHECKED_AT_ONCE: usize = 64 * 1024;
