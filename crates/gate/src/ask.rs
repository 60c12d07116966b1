//! The way of a request that somebody else will forward: another proxy asks, and carries out what it is told.
//!
//! INVARIANT: the stages are those of [`Gate::pass`], and the record is written before the answer. No permit leaves this
//! place, since nothing is forwarded from here.
//!
//! A denial may have any status, also one of success: a preflight is answered 204, a gRPC caller is refused with 200. So
//! whether a request may go on is told by [`Asked`] alone, never by a status.

use std::borrow::Cow;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Response};
use portcullis_record::Door;
use portcullis_request::{Connection, Reference, TrustedPeers};

use crate::draft::Draft;
use crate::stages::{guarded, stages};
use crate::stop::Stop;
use crate::{Answer, Gate, OutcomeWriter, Unreadable};

/// What the asking proxy is told.
pub enum Asked {
    /// It may forward the request.
    Allowed(Box<Allowance>),
    /// It may not.
    Denied(Box<Denial>),
}

/// A request that may be forwarded, already recorded.
pub struct Allowance {
    /// Headers of ours for the origin; the asking proxy replaces the caller's by them.
    pub own_headers: HeaderMap,
    /// The decision's identifier.
    pub reference: Reference,
    /// To be finished when the answer was sent. What the origin says is not seen from here.
    pub outcome: OutcomeWriter,
}

/// A request that may not be forwarded, already recorded.
pub struct Denial {
    /// What the caller should get, whole: for HEAD as for GET, since the asking proxy fetches it by a request of its own.
    pub response: Response<Bytes>,
    /// The public code of the refusal; `None` where nothing was refused (a preflight, a redirect).
    pub reason: Option<String>,
    /// The decision's identifier. The asking proxy may log it; the response has it only where the caller may see it.
    pub reference: Reference,
    /// To be finished when the answer was sent.
    pub outcome: OutcomeWriter,
}

impl Gate {
    /// Decides a request that another proxy holds, by its head as that proxy tells it.
    ///
    /// `trusted` are the peers whose forwarded fields count at this door; those of the proxy door do not.
    pub async fn ask(&self, head: &Parts, from: &Connection, door: Door, trusted: &TrustedPeers) -> Asked {
        let snapshot = self.snapshot();
        let mut draft = self.draft(&snapshot, trusted, head, from, door);
        let shown = with_content(head);
        match guarded(&mut draft, (head, from), |draft| stages(&snapshot, trusted, head, from, draft)) {
            Ok(allowed) => match self.recorded(&snapshot, &shown, &allowed, &mut draft).await {
                Ok(outcome) => Asked::Allowed(Box::new(Allowance {
                    own_headers: allowed.own_headers,
                    reference: draft.reference,
                    outcome,
                })),
                Err(answer) => Asked::Denied(denial(*answer)),
            },
            Err(stop) => Asked::Denied(denial(*self.stop(&snapshot, &shown, stop, draft).await)),
        }
    }

    /// Refuses and records what a door was told where a request should be, and could not read as one.
    pub async fn deny_unreadable(
        &self,
        unreadable: &Unreadable,
        from: &Connection,
        door: Door,
    ) -> Box<Denial> {
        let snapshot = self.snapshot();
        let head = unreadable.shown();
        let mut draft = Draft::open(&head, from, door, &snapshot.version);
        draft.unreadable(unreadable, from);
        denial(*self.stop(&snapshot, &head, Stop::unreadable(unreadable), draft).await)
    }
}

/// A head that is answered with content. Decided is still the one that was asked.
fn with_content(head: &Parts) -> Cow<'_, Parts> {
    if head.method != Method::HEAD {
        return Cow::Borrowed(head);
    }
    let mut shown = head.clone();
    shown.method = Method::GET;
    Cow::Owned(shown)
}

fn denial(answer: Answer) -> Box<Denial> {
    let Answer { response, reason, reference, outcome, .. } = answer;
    Box::new(Denial { response, reason, reference, outcome })
}
