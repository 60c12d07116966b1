//! Sends an allowed request to its origin, and the origin's answer back.
//!
//! INVARIANT: [`forward`] is the only way to an origin, and it consumes the permit of the very request it sends; further
//! tries of the same request happen inside that consumption. Host, path and query are those of the canonical request.

mod attempt;
mod fault;
mod outgoing;
mod payload;
mod relay;
pub(crate) mod retry;

use std::sync::Arc;

use http::HeaderMap;
use hyper::body::Incoming;
use portcullis_decision::{Permit, Ticket};
use portcullis_gate::{Forward, OriginTarget};
use portcullis_payload::PayloadRules;
use portcullis_request::{CanonicalRequest, Reference};
use tokio::time::{Instant, timeout, timeout_at};

use crate::answer::Sent;
use crate::body::Patience;
use crate::caller::Upload;
use crate::serve::Door;
use crate::upgrade::Wish;
use attempt::{Answered, Attempts};
use fault::Fault;
use outgoing::Outgoing;
use relay::Relay;

/// Forwards one request and waits for the head of the answer. `wish`: what it says about leaving HTTP, which is granted
/// or declined here.
pub(crate) async fn forward(allowed: Forward, body: Incoming, wish: Wish, door: &Door) -> Sent {
    let Forward { permit, request, origin: target, payload, own_headers, told, refuse, outcome, .. } =
        allowed;
    let deadline = target.whole_timeout.map(|time| Instant::now() + time);
    let patience = Patience { pause: door.limits.body_pause, deadline };
    let method = request.method.clone();
    let way = Way { permit, request, payload, own_headers, target: &target, wish: &wish };
    let mut unread = !http_body::Body::is_end_stream(&body);
    let asked = ask(way, body, door, &mut unread);
    let answered = match deadline {
        Some(deadline) => timeout_at(deadline, asked).await.unwrap_or(Err(Fault::TooLong)),
        None => asked.await,
    };
    let relay = Relay { target: &target, refuse, outcome, method, patience, limits: &door.limits, told };
    match answered {
        Ok(answered) => relay.pass_on(answered, wish, door).await,
        Err(fault) => {
            wish.decline();
            if let Some(code) = fault.payload_code() {
                door.gate.metrics().payload_refused(code);
            }
            // A caller that is still sending would have the rest of its body read as the next request.
            relay.refuse(&fault, unread)
        }
    }
}

/// What goes to the origin.
struct Way<'a> {
    permit: Permit,
    request: CanonicalRequest,
    payload: Option<Arc<PayloadRules>>,
    own_headers: HeaderMap,
    target: &'a OriginTarget,
    wish: &'a Wish,
}

/// The way to the origin. By value, the permit cannot be used again. `unread` says whether some of the caller's body was
/// not read.
async fn ask(way: Way<'_>, body: Incoming, door: &Door, unread: &mut bool) -> Result<Answered, Fault> {
    let Way { permit, request, payload, own_headers, target, wish } = way;
    let Door { origins, limits, .. } = door;
    consume(permit, request.reference)?;
    let asked = wish.asked(target.upgrades, *unread);
    if asked.is_none() && wish.is_extended_connect() {
        return Err(Fault::NoTunnel);
    }
    let rules = payload.as_ref();
    let taken = payload::take(body, &request, rules, target.largest_body, limits, &origins.buffers).await?;
    let upload = taken.upload;
    let outgoing = Outgoing::new(request, own_headers, target)
        .map_err(|fault| Fault::Broken(format!("the request cannot be written: {fault}")))?;
    let origin = origins.find(target);
    let place = timeout(target.connect_timeout, Arc::clone(&origin.places).acquire_owned()).await;
    let answered = match place {
        Ok(Ok(place)) => {
            let place = Arc::new(place);
            let metrics = door.gate.metrics();
            Attempts { outgoing: &outgoing, upload: &upload, asked, target, origin: &origin, place, metrics }
                .run()
                .await
        }
        Ok(Err(_)) | Err(_) => Err(Fault::Full(target.connect_timeout)),
    };
    *unread = is_unread(&upload);
    answered
}

fn is_unread(upload: &Upload) -> bool {
    !upload.progress().ended()
}

/// Uses the permit up, if it was given for this very request.
fn consume(permit: Permit, reference: Reference) -> Result<(), Fault> {
    if permit.is_for(Ticket(reference.as_u128())) { Ok(()) } else { Err(Fault::ForeignPermit) }
}

#[cfg(test)]
mod tests;
