//! The way of one request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use portcullis_context::Situation;
use portcullis_decision::{Permit, Ticket};
use portcullis_identity::{Absence, How, Principal};
use portcullis_payload::PayloadRules;
use portcullis_record::{Door, Log, LogFault};
use portcullis_request::{CanonicalRequest, Connection, Reference, Rules, TrustedPeers, admit};
use portcullis_response::{Asked, Branding, Fault, Refusal};

use crate::bind::{facts, refusal};
use crate::draft::Draft;
use crate::limit::{self, Exceeded};
use crate::stop::Stop;
use crate::{
    App, OriginTarget, OutcomeWriter, Route, Snapshot, own_headers, preflight, problems, secure, vouch,
};

/// The gate: decides every request on the snapshot of the moment and leaves a record of each.
pub struct Gate {
    snapshot: ArcSwap<Snapshot>,
    log: Arc<Log>,
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
        Self { snapshot: ArcSwap::from_pointee(snapshot), log }
    }

    /// The snapshot that the next request will see.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Replaces the snapshot at once; requests under way end on the one they began with.
    pub fn swap(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Decides one request by its head, before its body is read and before a byte reaches the origin.
    pub async fn pass(&self, head: &Parts, from: &Connection) -> Passage {
        let snapshot = self.snapshot.load_full();
        let mut draft = Draft::open(head, from, Door::Proxy, &snapshot.version);
        match guarded(&mut draft, |draft| stages(&snapshot, &snapshot.trusted, head, from, draft)) {
            Ok(allowed) => match self.recorded(&snapshot, head, &allowed, &draft).await {
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
        draft.unreadable(unreadable);
        self.stop(&snapshot, &head, Stop::unreadable(unreadable), draft).await
    }

    /// Hands the record of an allowed request to the log; without one, it is not carried out.
    pub(crate) async fn recorded(
        &self,
        snapshot: &Snapshot,
        head: &Parts,
        allowed: &Allowed,
        draft: &Draft,
    ) -> Result<OutcomeWriter, Box<Answer>> {
        if let Err(fault) = self.log.submit(draft.close(None, None)).await {
            let about = Some((&*allowed.app, &allowed.request));
            return Err(self.unrecorded(snapshot, head, about, draft, &fault));
        }
        Ok(OutcomeWriter::new(Arc::clone(&self.log), draft.reference, draft.started, 0))
    }

    pub(crate) async fn stop(
        &self,
        snapshot: &Snapshot,
        head: &Parts,
        stop: Stop,
        draft: Draft,
    ) -> Box<Answer> {
        let close = stop.closes();
        let (reason, response, about) = match stop {
            Stop::Answered { response } => (None, *response, None),
            Stop::Refused { refusal, about } => {
                let reason = refusal.code().to_owned();
                let about = about.map(|about| *about);
                let response =
                    render(snapshot, head, &refusal, about.as_ref().map(|(a, r)| (&**a, r)), &draft);
                (Some(reason), response, about)
            }
        };
        let mut response = response;
        response.headers_mut().extend(draft.told.clone());
        let status = response.status().as_u16();
        if let Err(fault) = self.log.submit(draft.close(reason.as_deref(), Some(status))).await {
            let about = about.as_ref().map(|(app, request)| (&**app, request));
            return self.unrecorded(snapshot, head, about, &draft, &fault);
        }
        let outcome = OutcomeWriter::new(Arc::clone(&self.log), draft.reference, draft.started, status);
        Box::new(Answer { response, close, reason, reference: draft.reference, outcome })
    }

    /// A decision that cannot be recorded is not carried out: nobody could say afterwards what was let in.
    fn unrecorded(
        &self,
        snapshot: &Snapshot,
        head: &Parts,
        about: Option<(&App, &CanonicalRequest)>,
        draft: &Draft,
        fault: &LogFault,
    ) -> Box<Answer> {
        tracing::error!(reference = %draft.reference, %fault, "decision not recorded; answering 503");
        let unavailable = Refusal::Unavailable(refusal::said("log_unavailable"), refusal::RETRY_AFTER);
        let response = render(snapshot, head, &unavailable, about, draft);
        let status = response.status().as_u16();
        let outcome = OutcomeWriter::new(Arc::clone(&self.log), draft.reference, draft.started, status);
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

/// A request that the policies allowed.
pub(crate) struct Allowed {
    pub(crate) permit: Permit,
    pub(crate) request: CanonicalRequest,
    pub(crate) app: Arc<App>,
    pub(crate) payload: Option<Arc<PayloadRules>>,
    pub(crate) own_headers: HeaderMap,
}

fn forward(
    snapshot: Arc<Snapshot>,
    head: &Parts,
    allowed: Allowed,
    draft: Draft,
    outcome: OutcomeWriter,
) -> Forward {
    let Allowed { permit, request, app, payload, own_headers } = allowed;
    let origin = Arc::clone(&app.origin);
    let told = draft.told.clone();
    let refuse = OriginRefusals { snapshot, app, base: base(&request), asked: asked_headers(head), draft };
    Forward { permit, request, origin, payload, own_headers, told, refuse, outcome }
}

/// A stage that panics has decided nothing: the answer is 503, recorded like any other, and the connection ends.
pub(crate) fn guarded<T>(
    draft: &mut Draft,
    stages: impl FnOnce(&mut Draft) -> Result<T, Stop>,
) -> Result<T, Stop> {
    // The draft is only added to, so what stands in it after a panic is what the stages before it found.
    let ended = catch_unwind(AssertUnwindSafe(|| stages(draft)));
    ended.unwrap_or_else(|_| {
        tracing::error!(reference = %draft.reference, "a stage panicked; answering 503");
        draft.detail("a stage panicked");
        Err(Stop::fault())
    })
}

/// The stages in order. Whatever does not reach the end is refused with the reason of the stage that stopped it.
///
/// `trusted` are the peers whose forwarded fields count at this door.
pub(crate) fn stages(
    snapshot: &Snapshot,
    trusted: &TrustedPeers,
    head: &Parts,
    from: &Connection,
    draft: &mut Draft,
) -> Result<Allowed, Stop> {
    let mut request = admitted(snapshot, trusted, head, from, draft)?;
    let (app, route) = routed(snapshot, &request, draft)?;
    let caller = identified(snapshot, &app, route, &request, draft)?;
    let situation = snapshot.situator.situate(caller.as_deref(), request.client, draft.received);
    let permit = decided(snapshot, route, &request, caller.as_deref(), &situation, draft)
        .map_err(|refusal| Stop::refused(refusal, &app, &request))?;
    let limits = app.limits.iter().chain(&route.limits);
    limit::by_caller(limits, caller.as_deref(), &request, &situation, &mut draft.told)
        .map_err(|exceeded| too_many(&exceeded, &app, &request, draft))?;
    let mut own_headers = own_headers::of(caller.as_deref(), &situation, request.reference);
    if let (Some(vouching), Some(caller)) = (&snapshot.vouching, &caller) {
        vouch::vouch(vouching, caller, &situation, &app.name, draft.received, &mut own_headers);
    }
    if let Some(caller) = &caller
        && !app.forward_credentials
    {
        withhold_credential(snapshot, caller, &mut request);
    }
    let payload = route.payload.clone();
    Ok(Allowed { permit, request, app, payload, own_headers })
}

/// The credential we identified the caller by ends here: an origin that had it could be the caller elsewhere. One that
/// means nothing to us (`Basic` on a public route) is between caller and origin.
fn withhold_credential(snapshot: &Snapshot, caller: &Principal, request: &mut CanonicalRequest) {
    match &caller.how {
        How::Token { .. } => {
            request.headers.remove(http::header::AUTHORIZATION);
        }
        How::ApiKey { .. } => {
            if let Some(name) = snapshot.identifier.api_key_header() {
                request.headers.remove(name);
            }
        }
    }
}

/// admit: is this one unambiguous HTTP request?
fn admitted(
    snapshot: &Snapshot,
    trusted: &TrustedPeers,
    head: &Parts,
    from: &Connection,
    draft: &mut Draft,
) -> Result<CanonicalRequest, Stop> {
    let rules = Rules { trusted, loosened: &|host| snapshot.apps.loosened(host) };
    let request = admit(head, from, &rules, draft.reference, draft.received).map_err(|ambiguity| {
        draft.detail(&ambiguity.detail);
        Stop::ambiguous(&ambiguity)
    })?;
    draft.admitted(&request, &snapshot.redaction);
    Ok(request)
}

/// Which app and route is it for? Our own pages, redirects and CORS preflights end here, and so do callers whose address
/// asked too often.
fn routed<'s>(
    snapshot: &'s Snapshot,
    request: &CanonicalRequest,
    draft: &mut Draft,
) -> Result<(Arc<App>, &'s Route), Stop> {
    if !snapshot.apps.know(&request.host) {
        draft.detail("no app has this host");
        return Err(Stop::unknown_host());
    }
    if let Some((response, what)) = own_answer(snapshot, request, draft.received) {
        draft.detail(what);
        return Err(Stop::answered(response));
    }
    let Some(app) = snapshot.apps.of(request) else {
        draft.detail("no app of this host has this path");
        return Err(Stop::no_app());
    };
    limit::by_address(&app.limits, request, &mut draft.told)
        .map_err(|exceeded| too_many(&exceeded, app, request, draft))?;
    if let Some(response) = secure::answer(app, request) {
        draft.detail("sent from plain text to TLS");
        return Err(Stop::answered(response));
    }
    let route = app.route(request);
    if let Some(response) = preflight::answer(app, route, request) {
        draft.detail("CORS preflight");
        return Err(Stop::answered(response));
    }
    let Some(route) = route else {
        draft.detail("no route of this app covers this path and method");
        return Err(Stop::refused(Refusal::NoRoute, app, request));
    };
    draft.routed(app, route);
    Ok((Arc::clone(app), route))
}

/// What we publish ourselves below every host of ours: reference pages, and the keys of our word on callers.
fn own_answer(
    snapshot: &Snapshot,
    request: &CanonicalRequest,
    now: SystemTime,
) -> Option<(Response<Bytes>, &'static str)> {
    if let Some(response) = problems::answer(&snapshot.renderer, request) {
        return Some((response, "our own reference page"));
    }
    let vouching = snapshot.vouching.as_ref()?;
    vouch::answer(vouching, request, now).map(|response| (response, "our own public keys"))
}

fn too_many(exceeded: &Exceeded, app: &Arc<App>, request: &CanonicalRequest, draft: &mut Draft) -> Stop {
    draft.detail(&format!("the limit `{}` is used up", exceeded.name));
    Stop::refused(Refusal::TooMany(refusal::said("rate_limited"), exceeded.retry_after), app, request)
}

/// identify: who sends it? `None` only on a public route; a credential that does not hold is refused there too.
fn identified(
    snapshot: &Snapshot,
    app: &Arc<App>,
    route: &Route,
    request: &CanonicalRequest,
    draft: &mut Draft,
) -> Result<Option<Arc<Principal>>, Stop> {
    match snapshot.identifier.identify(&request.headers, draft.received) {
        Ok(caller) => {
            draft.identified(&caller);
            Ok(Some(caller))
        }
        Err(absence) => {
            draft.unidentified(&absence);
            match absence {
                Absence::NoCredential if route.public => Ok(None),
                // As if the route did not exist: where everything else asks who it is, so does what is hidden.
                _ if app.route_without(route, request).is_none_or(|next| next.public)
                    && hides_from_strangers(snapshot, route, request, draft) =>
                {
                    Err(Stop::refused(Refusal::Hidden, app, request))
                }
                absence => Err(Stop::refused(refusal::absence(&absence), app, request)),
            }
        }
    }
}

/// Whether the policies hide this route from a caller whom we do not know, whatever the reason. A challenge, or a word
/// on a bad credential, would tell that there is something, so hiding comes before both.
fn hides_from_strangers(
    snapshot: &Snapshot,
    route: &Route,
    request: &CanonicalRequest,
    draft: &mut Draft,
) -> bool {
    if !snapshot.policies.hides() {
        return false;
    }
    let situation = snapshot.situator.situate(None, request.client, draft.received);
    let bound = facts::bind(request, route, None, &situation, None);
    let verdict = snapshot.program.decide_facts(&snapshot.world, &bound.facts);
    let said = refusal::verdict(&verdict, &snapshot.policies, snapshot.on_forbid_fault);
    let hides = matches!(said, Err(Refusal::Hidden));
    if hides {
        draft.decided(bound, &verdict, &snapshot.redaction);
    }
    hides
}

/// decide: may they?
fn decided(
    snapshot: &Snapshot,
    route: &Route,
    request: &CanonicalRequest,
    caller: Option<&Principal>,
    situation: &Situation,
    draft: &mut Draft,
) -> Result<Permit, Refusal> {
    let ticket = Ticket(request.reference.as_u128());
    let bound = facts::bind(request, route, caller, situation, Some(ticket));
    let verdict = snapshot.program.decide_facts(&snapshot.world, &bound.facts);
    draft.decided(bound, &verdict, &snapshot.redaction);
    if let Some(person) = caller.and_then(|caller| snapshot.directory.person(caller.kind, &caller.id)) {
        draft.member_of(person);
    }
    refusal::verdict(&verdict, &snapshot.policies, snapshot.on_forbid_fault)
}

/// How an allowed request's answer says that the origin failed, in the form the caller asked for.
pub struct OriginRefusals {
    snapshot: Arc<Snapshot>,
    app: Arc<App>,
    base: String,
    asked: (http::Method, HeaderMap),
    draft: Draft,
}

impl OriginRefusals {
    /// 502: the origin could not be reached, or did not speak HTTP.
    #[must_use]
    pub fn bad_gateway(&self) -> Response<Bytes> {
        self.render(&Refusal::OriginFailed(refusal::said("bad_gateway")))
    }

    /// 504: the origin did not answer in time.
    #[must_use]
    pub fn gateway_timeout(&self) -> Response<Bytes> {
        self.render(&Refusal::OriginTimeout(refusal::said("gateway_timeout")))
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
        let asked = Asked { method, headers, base: &self.base, reference: self.draft.reference };
        self.snapshot.renderer.render(refusal, &asked, &self.app.branding)
    }
}

fn render(
    snapshot: &Snapshot,
    head: &Parts,
    refusal: &Refusal,
    about: Option<(&App, &CanonicalRequest)>,
    draft: &Draft,
) -> Response<Bytes> {
    let nobody = Branding::default();
    let base = about.map(|(_, request)| base(request)).unwrap_or_default();
    let asked =
        Asked { method: &head.method, headers: &head.headers, base: &base, reference: draft.reference };
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
    (head.method.clone(), head.headers.clone())
}

#[cfg(test)]
mod tests;
