//! The stages of one request, in order; each ends the way or hands on what the next one needs.
//!
//! INVARIANT: an [`Allowed`] exists only at the end of [`stages`], and holds the permit of the very request it holds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response};
use portcullis_context::Situation;
use portcullis_decision::{Permit, Ticket};
use portcullis_identity::{Absence, How, Principal};
use portcullis_measure::Stage;
use portcullis_payload::PayloadRules;
use portcullis_record::{Door, Stage as Reached};
use portcullis_request::{
    CanonicalRequest, Connection, Host, Loosened, Rules, TrustedPeers, admit, overrides_method, read_once,
};
use portcullis_response::Refusal;

use crate::bind::facts::{self, Bound};
use crate::bind::refusal;
use crate::draft::Draft;
use crate::limit::{self, Exceeded};
use crate::stop::Stop;
use crate::{App, Route, Snapshot, own_headers, preflight, problems, secure, shadow, vouch};

/// A request that the policies allowed.
pub(crate) struct Allowed {
    pub(crate) permit: Permit,
    pub(crate) request: CanonicalRequest,
    pub(crate) app: Arc<App>,
    pub(crate) payload: Option<Arc<PayloadRules>>,
    pub(crate) own_headers: HeaderMap,
}

/// A stage that panics has decided nothing: the answer is 503, recorded like any other, and the connection ends. The record
/// of what was not admitted has it as it was sent.
pub(crate) fn guarded<T>(
    draft: &mut Draft,
    (head, from): (&Parts, &Connection),
    stages: impl FnOnce(&mut Draft) -> Result<T, Stop>,
) -> Result<T, Stop> {
    // The draft is only added to, so what stands in it after a panic is what the stages before it found.
    let ended = catch_unwind(AssertUnwindSafe(|| stages(draft))).unwrap_or_else(|_| {
        tracing::error!(reference = %draft.reference, "a stage panicked; answering 503");
        draft.detail("a stage panicked");
        Err(Stop::fault())
    });
    if draft.entry.stage == Reached::Admit {
        draft.as_sent(head, from);
    }
    ended
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
    draft.ended(Stage::Admit);
    let caller = identified(snapshot, &app, route, &request, draft)?;
    draft.ended(Stage::Identify);
    let situation = snapshot.situator.situate(caller.as_deref(), request.client, draft.received);
    draft.ended(Stage::Situate);
    let permit = decided(snapshot, route, &request, caller.as_deref(), &situation, draft)
        .map_err(|refusal| Stop::refused(refusal, &app, &request))?;
    draft.ended(Stage::Decide);
    limit::by_caller(&app.limits, &route.limits, caller.as_deref(), &request, &situation, &mut draft.told)
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
    let door = draft.entry.door;
    let loosened = |host: &Host| match (snapshot.apps.loosened(host), door) {
        // Resolved is what was decided on, but the asking proxy forwards what was written: `/admin/../open`.
        (loosened, Door::ForwardAuth) => Loosened { dot_segments: false, empty_segments: false, ..loosened },
        (loosened, _) => loosened,
    };
    let rules = Rules { trusted, loosened: &loosened };
    let stands_once = |request: &CanonicalRequest| {
        let mut once = snapshot.policies.headers.iter().filter(|header| header.once);
        once.try_for_each(|header| read_once(&request.headers, &header.name))
    };
    let request = admit(head, from, &rules, draft.reference, draft.received)
        .and_then(|request| stands_once(&request).map(|()| request))
        .map_err(|ambiguity| {
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
    // Where the method decides which route it is, no other word on the method may reach the origin.
    let methods_matter = app.routes.iter().any(|route| !route.methods.is_empty());
    if let Some(name) = request.query.as_deref().filter(|_| methods_matter).and_then(overrides_method) {
        draft.detail(&format!("the query parameter {name} names another method"));
        return Err(Stop::overridden());
    }
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
    draft.limit = Some(exceeded.name.clone());
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
    let Bound { facts, missing } = facts::bind(request, route, None, &situation, snapshot.read(), None);
    let verdict = snapshot.program.decide_facts(&snapshot.world, &facts);
    let said = refusal::verdict(&verdict, &snapshot.policies, snapshot.on_forbid_fault);
    let hides = matches!(said, Err(Refusal::Hidden));
    if hides {
        draft.decided((&facts, missing), &verdict, None, snapshot);
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
    let Bound { facts, missing } =
        facts::bind(request, route, caller, situation, snapshot.read(), Some(ticket));
    let verdict = snapshot.program.decide_facts(&snapshot.world, &facts);
    let person = caller.and_then(|caller| snapshot.directory.person(caller.kind, &caller.id));
    draft.decided((&facts, missing), &verdict, person, snapshot);
    let said = refusal::verdict(&verdict, &snapshot.policies, snapshot.on_forbid_fault);
    let refusal = said.as_ref().err();
    draft.shadow = shadow::question(snapshot, (route, request), caller, situation, refusal, draft);
    said
}
