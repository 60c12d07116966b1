//! The way of a request that somebody else will forward: another proxy asks, and carries out what it is told.
//!
//! INVARIANT: the stages are those of [`Gate::pass`], and the record is written before the answer. No permit leaves this
//! place, since nothing is forwarded from here.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response};
use portcullis_record::Door;
use portcullis_request::{Connection, Reference};

use crate::draft::Draft;
use crate::pass::{guarded, stages};
use crate::{Answer, Gate, OutcomeWriter};

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
    /// What the caller should get, whole.
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
    pub async fn ask(&self, head: &Parts, from: &Connection, door: Door) -> Asked {
        let snapshot = self.snapshot();
        let mut draft = Draft::open(head, from, door, &snapshot.version);
        let ended = match guarded(&mut draft, |draft| stages(&snapshot, head, from, draft)) {
            Ok(allowed) => {
                self.recorded(&snapshot, head, &allowed, &draft).await.map(|outcome| (allowed, outcome))
            }
            Err(stop) => {
                let reference = draft.reference;
                let answer = self.stop(&snapshot, head, stop, draft).await;
                return denied(*answer, reference);
            }
        };
        match ended {
            Ok((allowed, outcome)) => Asked::Allowed(Box::new(Allowance {
                own_headers: allowed.own_headers,
                reference: draft.reference,
                outcome,
            })),
            Err(answer) => denied(*answer, draft.reference),
        }
    }
}

fn denied(answer: Answer, reference: Reference) -> Asked {
    let Answer { response, reason, outcome, .. } = answer;
    Asked::Denied(Box::new(Denial { response, reason, reference, outcome }))
}
