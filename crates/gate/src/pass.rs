//! The way of one request.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use portcullis_decision::Permit;
use portcullis_measure::{Answered, Metrics, Stage};
use portcullis_payload::PayloadRules;
use portcullis_record::{Door, Log, LogFault};
use portcullis_request::{CanonicalRequest, Connection, Reference, TrustedPeers};
use portcullis_response::{Asked, Branding, Fault, Refusal, Taken};

use crate::bind::{facts, refusal};
use crate::draft::{Draft, counted_door};
use crate::shadow::{Shadowed, Shadows};
use crate::stages::{Allowed, guarded, stages};
use crate::stop::Stop;
use crate::{App, OriginTarget, OutcomeWriter, Snapshot, Traces};

/// The gate: decides every request on the snapshot of the moment and leaves a record of each.
pub struct Gate {
    snapshot: ArcSwap<Snapshot>,
    log: Arc<Log>,
    metrics: Arc<Metrics>,
    traces: Option<Traces>,
    shadows: Option<Shadows>,
}

/// Where a request goes from here.
pub enum Passage {
    /// Allowed: to the origin.
    Forward(Box<Forward>),
    /// Not further: this is the answer.
    Answer(Box<Answer>),
}

/// An answer of our own, already recorded.
pub struct Answer {
    /// What to send. For HEAD the fields are those of GET and the body is empty.
    pub response: Response<Bytes>,
    /// Whether the connection must end with it, because its framing is in doubt.
    pub close: bool,
    /// The public code of the refusal; `None` where nothing was refused. `hidden` for what looks as if it were not there.
    pub reason: Option<String>,
    /// The decision's identifier.
    pub reference: Reference,
    /// To be finished when the answer was sent.
    pub outcome: OutcomeWriter,
}

/// An allowed request, already recorded. Forwarding consumes it.
pub struct Forward {
    /// The proof that it was allowed.
    pub permit: Permit,
    /// What was decided, and therefore what is sent.
    pub request: CanonicalRequest,
    /// Where to.
    pub origin: Arc<OriginTarget>,
    /// What the body must be; `None`: anything.
    pub payload: Option<Arc<PayloadRules>>,
    /// Headers of ours for the origin: who the caller is, and the reference.
    pub own_headers: HeaderMap,
    /// Headers of ours for the caller, beside the origin's: where its limits stand.
    pub told: HeaderMap,
    /// How to say that the origin failed.
    pub refuse: OriginRefusals,
    /// To be finished when the answer ended.
    pub outcome: OutcomeWriter,
}

impl Gate {
    /// A gate that decides on `snapshot` and records into `log`.
    #[must_use]
    pub fn new(snapshot: Snapshot, log: Arc<Log>) -> Self {
        let metrics = Arc::new(Metrics::new());
        metrics.snapshot(&snapshot.version);
        Self { snapshot: ArcSwap::from_pointee(snapshot), log, metrics, traces: None, shadows: None }
    }

    /// Sends traces of its requests.
    #[must_use]
    pub fn with_traces(mut self, traces: Traces) -> Self {
        self.traces = Some(traces);
        self
    }

    /// Has shadow policies asked, where its snapshot has any.
    #[must_use]
    pub fn with_shadows(mut self, shadows: Shadows) -> Self {
        self.shadows = Some(shadows);
        self
    }

    /// What is counted here; doors count what they see there too.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The snapshot that the next request will see.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Replaces the snapshot at once; requests under way end on the one they began with.
    pub fn swap(&self, snapshot: Snapshot) {
        self.metrics.snapshot(&snapshot.version);
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Decides one request by its head, before its body is read and before a byte reaches the origin.
    pub async fn pass(&self, head: &Parts, from: &Connection) -> Passage {
        let snapshot = self.snapshot.load_full();
        let trusted = &snapshot.trusted;
        let mut draft = self.draft(&snapshot, trusted, head, from, Door::Proxy);
        match guarded(&mut draft, (head, from), |draft| stages(&snapshot, trusted, head, from, draft)) {
            Ok(allowed) => match self.recorded(&snapshot, head, &allowed, &mut draft).await {
                Ok(outcome) => Passage::Forward(Box::new(forward(snapshot, head, allowed, draft, outcome))),
                Err(answer) => Passage::Answer(answer),
            },
            Err(stop) => Passage::Answer(self.stop(&snapshot, head, stop, draft).await),
        }
    }

    /// Records and answers what arrived where a request should be, and could not be read as one.
    pub async fn unreadable(&self, unreadable: &Unreadable, from: &Connection) -> Box<Answer> {
        let snapshot = self.snapshot.load_full();
        let head = unreadable.shown();
        let mut draft = Draft::open(&head, from, Door::Proxy, &snapshot.version);
        draft.unreadable(unreadable, from);
        self.stop(&snapshot, &head, Stop::unreadable(unreadable), draft).await
    }

    /// Hands the record of an allowed request to the log; without one, it is not carried out.
    pub(crate) async fn recorded(
        &self,
        snapshot: &Snapshot,
        head: &Parts,
        allowed: &Allowed,
        draft: &mut Draft,
    ) -> Result<OutcomeWriter, Box<Answer>> {
        draft.ended(Stage::Answer);
        let handed = match self.log.submit(draft.close(None, None)).await {
            Ok(handed) => handed,
            Err(fault) => {
                let base = base(&allowed.request);
                return Err(self.unrecorded(snapshot, head, Some((&allowed.app, &base)), draft, &fault));
            }
        };
        self.count(draft, Answered::Forwarded, "");
        Ok(self.outcome(draft, 0).of(handed))
    }

    fn outcome(&self, draft: &mut Draft, status: u16) -> OutcomeWriter {
        let (log, metrics) = (Arc::clone(&self.log), Arc::clone(&self.metrics));
        let shadowed = Shadowed::of(self.shadows.as_ref(), draft);
        OutcomeWriter::new(log, metrics, draft.traced.take(), draft.reference, draft.started, status)
            .shadowed(shadowed)
    }

    /// Opens the record and the trace of a request.
    pub(crate) fn draft(
        &self,
        snapshot: &Snapshot,
        trusted: &TrustedPeers,
        head: &Parts,
        from: &Connection,
        door: Door,
    ) -> Draft {
        let mut draft = Draft::open(head, from, door, &snapshot.version);
        draft.traced = self.traces.as_ref().map(|traces| {
            let trusted = trusted.contains(from.peer.ip());
            traces.begin(&head.headers, draft.reference, draft.received, trusted)
        });
        draft
    }

    fn count(&self, draft: &mut Draft, answered: Answered, reason: &str) {
        draft.ended(Stage::Record);
        for (stage, took) in &draft.took {
            self.metrics.stage(*stage, *took);
        }
        if let Some(mut traced) = draft.traced.take() {
            traced.decided(draft, answered, reason);
            draft.traced = Some(traced);
        }
        let door = counted_door(draft.entry.door);
        self.metrics.request(door, answered, reason, draft.entry.app.as_deref().unwrap_or_default());
    }

    pub(crate) async fn stop(
        &self,
        snapshot: &Snapshot,
        head: &Parts,
        stop: Stop,
        mut draft: Draft,
    ) -> Box<Answer> {
        let close = stop.closes();
        let (reason, mut response, about) = match stop {
            Stop::Answered { response } => (None, *response, None),
            Stop::Refused { refusal, about } => {
                if let Refusal::TooMany(..) = *refusal {
                    self.metrics.rate_limited(draft.limit.as_deref().unwrap_or_default());
                }
                let reason = refusal.code().to_owned();
                let shown = about.as_ref().map(|(app, base)| (&**app, base.as_str()));
                let response = render(snapshot, head, &refusal, shown, &draft);
                (Some(reason), response, about)
            }
        };
        response.headers_mut().extend(std::mem::take(&mut draft.told));
        draft.ended(Stage::Answer);
        let status = response.status().as_u16();
        let handed = match self.log.submit(draft.close(reason.as_deref(), Some(status))).await {
            Ok(handed) => handed,
            Err(fault) => {
                let about = about.as_ref().map(|(app, base)| (&**app, base.as_str()));
                return self.unrecorded(snapshot, head, about, &mut draft, &fault);
            }
        };
        let answered = match (&reason, status) {
            (None, _) => Answered::Answered,
            (Some(_), 500..) => Answered::Failed,
            (Some(_), _) => Answered::Refused,
        };
        self.count(&mut draft, answered, reason.as_deref().unwrap_or_default());
        let outcome = self.outcome(&mut draft, status).of(handed);
        Box::new(Answer { response, close, reason, reference: draft.reference, outcome })
    }

    /// A decision that cannot be recorded is not carried out: nobody could say afterwards what was let in.
    fn unrecorded(
        &self,
        snapshot: &Snapshot,
        head: &Parts,
        about: Option<(&App, &str)>,
        draft: &mut Draft,
        fault: &LogFault,
    ) -> Box<Answer> {
        tracing::error!(reference = %draft.reference, %fault, "decision not recorded; answering 503");
        let unavailable = Refusal::Unavailable(refusal::said("log_unavailable"), refusal::RETRY_AFTER);
        let response = render(snapshot, head, &unavailable, about, draft);
        let status = response.status().as_u16();
        self.count(draft, Answered::Failed, unavailable.code());
        let outcome = self.outcome(draft, status);
        let reason = Some(unavailable.code().to_owned());
        Box::new(Answer { response, close: true, reason, reference: draft.reference, outcome })
    }
}

/// What arrived where a request head should be.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// Stable public code: `malformed_request`.
    pub code: &'static str,
    /// What it is answered with: 400, 408, 414, 431, 501 or 505.
    pub status: StatusCode,
    /// For the operator: what was seen, escaped and cut.
    pub detail: String,
    /// What could be read of the method, escaped and cut.
    pub method: Option<String>,
    /// What could be read of the target, escaped and cut.
    pub target: Option<String>,
    /// What could be read of `Host`, escaped and cut.
    pub host: Option<String>,
}

impl Unreadable {
    /// A head for the answer's form: nothing of what could not be read decides it.
    pub(crate) fn shown(&self) -> Parts {
        Request::new(()).into_parts().0
    }
}

fn forward(
    snapshot: Arc<Snapshot>,
    head: &Parts,
    allowed: Allowed,
    draft: Draft,
    mut outcome: OutcomeWriter,
) -> Forward {
    let Allowed { permit, mut request, app, payload, own_headers } = allowed;
    outcome.onward(&mut request.headers);
    let origin = Arc::clone(&app.origin);
    let told = draft.told;
    let (base, asked, reference) = (base(&request), asked_headers(head), draft.reference);
    let refuse = OriginRefusals { snapshot, app, base, asked, reference };
    Forward { permit, request, origin, payload, own_headers, told, refuse, outcome }
}

/// How an allowed request's answer says that the origin failed, in the form the caller asked for.
pub struct OriginRefusals {
    snapshot: Arc<Snapshot>,
    app: Arc<App>,
    base: String,
    asked: (http::Method, HeaderMap),
    reference: Reference,
}

impl OriginRefusals {
    /// 502: the origin could not be reached, or did not speak HTTP. `code` is the error type of RFC 9209 §2.3 that says
    /// how (`connection_refused`), or `bad_gateway` where none does.
    #[must_use]
    pub fn bad_gateway(&self, code: &str) -> Response<Bytes> {
        self.render(&Refusal::OriginFailed(refusal::said(code)))
    }

    /// 504: the origin did not answer in time. `code` as for [`OriginRefusals::bad_gateway`], or `gateway_timeout`.
    #[must_use]
    pub fn gateway_timeout(&self, code: &str) -> Response<Bytes> {
        self.render(&Refusal::OriginTimeout(refusal::said(code)))
    }

    /// The origin's own status with a page of ours: what it said itself stays inside.
    #[must_use]
    pub fn instead(&self, status: StatusCode) -> Response<Bytes> {
        self.render(&Refusal::OriginSaid(status))
    }

    /// What was wrong with the body: 400, 413, 415 or 422.
    #[must_use]
    pub fn payload(&self, code: &str, status: StatusCode, faults: Vec<Fault>) -> Response<Bytes> {
        self.render(&Refusal::Payload(refusal::said(code), status, faults))
    }

    /// 415: the body's type or coding is not taken; what is, is said.
    #[must_use]
    pub fn unsupported(&self, taken: Taken) -> Response<Bytes> {
        self.render(&Refusal::Unsupported(refusal::said("unsupported_media_type"), taken))
    }

    /// 503: allowed, and not carried out for want of something of ours.
    #[must_use]
    pub fn unavailable(&self, code: &str) -> Response<Bytes> {
        self.render(&Refusal::Unavailable(refusal::said(code), refusal::RETRY_AFTER))
    }

    /// The body could not be read: 400, or 408 where it stopped coming.
    #[must_use]
    pub fn unreadable(&self, code: &str, status: StatusCode) -> Response<Bytes> {
        self.render(&Refusal::Unreadable(refusal::said(code), status))
    }

    /// The app's 404 as we render it: the same bytes as for what is hidden and for what has no route.
    #[must_use]
    pub fn not_found(&self) -> Response<Bytes> {
        self.render(&Refusal::NoRoute)
    }

    fn render(&self, refusal: &Refusal) -> Response<Bytes> {
        let (method, headers) = &self.asked;
        let asked = Asked { method, headers, base: &self.base, reference: self.reference };
        self.snapshot.renderer.render(refusal, &asked, &self.app.branding)
    }
}

fn render(
    snapshot: &Snapshot,
    head: &Parts,
    refusal: &Refusal,
    about: Option<(&App, &str)>,
    draft: &Draft,
) -> Response<Bytes> {
    let nobody = Branding::default();
    let base = about.map_or("", |(_, base)| base);
    let asked = Asked { method: &head.method, headers: &head.headers, base, reference: draft.reference };
    snapshot.renderer.render(refusal, &asked, about.map_or(&nobody, |(app, _)| &app.branding))
}

/// `http://shop.example:8080`: the origin, in the sense of RFC 6454, that the caller addressed.
pub(crate) fn base(request: &CanonicalRequest) -> String {
    let scheme = facts::scheme(request.scheme);
    match request.port {
        Some(port) => format!("{scheme}://{}:{port}", request.host.as_str()),
        None => format!("{scheme}://{}", request.host.as_str()),
    }
}

fn asked_headers(head: &Parts) -> (http::Method, HeaderMap) {
    (head.method.clone(), Asked::kept(&head.headers))
}

#[cfg(test)]
mod tests;
