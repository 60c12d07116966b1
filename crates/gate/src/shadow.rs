//! Shadow policies: a second set that is asked what it would have said, after the caller was answered.
//!
//! INVARIANT: nothing here reaches an answer. A question carries no ticket, so no verdict on it is a permit; it is handed
//! over when the answer has ended, and where the queue is full it is dropped and counted, never waited for.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use portcullis_context::Situation;
use portcullis_decision::{EntityName, EntityOverlay, Facts, Program, Value, World};
use portcullis_identity::Principal;
use portcullis_measure::{Metrics, ShadowOutcome};
use portcullis_policy::Policies;
use portcullis_request::{CanonicalRequest, Reference};
use portcullis_response::Refusal;

use crate::bind::facts::{self, Read};
use crate::draft::Draft;
use crate::{ForbidFault, Route, Snapshot};

/// A set of policies that is only asked.
pub struct ShadowSet {
    /// Hash of its files.
    pub version: String,
    /// The policies, with their public reasons.
    pub policies: Policies,
    /// Ready to decide.
    pub program: Program,
    /// The entities of the snapshot it belongs to.
    pub world: World,
    /// What an erring forbid means.
    pub on_forbid_fault: ForbidFault,
    /// Which requests it is asked about.
    pub sample: Sample,
}

impl ShadowSet {
    fn read(&self) -> Read<'_> {
        Read { facts: Some(self.program.reads()), headers: &self.policies.headers }
    }
}

/// A share of all requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample(u64);

impl Sample {
    /// From 0, none, to 1, all of them.
    #[must_use]
    pub fn new(share: f64) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped")]
        Self((share.clamp(0.0, 1.0) * ALL as f64) as u64)
    }

    /// Whether this request is one of them: by the end of its reference, which is random.
    fn has(self, reference: Reference) -> bool {
        u64::try_from(reference.as_u128() & u128::from(ALL - 1)).is_ok_and(|end| end < self.0)
    }
}

/// As many ends of references are told apart.
const ALL: u64 = 1 << 32;

/// One request as it was decided, to be put to a shadow set.
pub struct ShadowQuestion {
    /// Who is asked.
    pub set: Arc<ShadowSet>,
    /// What that set reads of the facts.
    pub facts: Facts<'static>,
    /// The decision's identifier.
    pub reference: Reference,
    /// The app and the route it was for.
    pub route: (String, String),
    /// What the policies in force had said to the caller: public reason and status; `None`: the request went on.
    pub was: Option<(String, u16)>,
}

/// Takes questions to where they are answered.
#[derive(Clone)]
pub struct Shadows {
    queue: SyncSender<Box<ShadowQuestion>>,
    metrics: Arc<Metrics>,
}

impl Shadows {
    /// Hands questions into `queue`.
    #[must_use]
    pub fn new(queue: SyncSender<Box<ShadowQuestion>>, metrics: Arc<Metrics>) -> Self {
        Self { queue, metrics }
    }

    /// Hands one over, or drops and counts it.
    fn offer(&self, question: Box<ShadowQuestion>) {
        if self.queue.try_send(question).is_err() {
            self.metrics.shadow(ShadowOutcome::Dropped);
        }
    }
}

/// A question on its way to the end of the answer.
pub(crate) struct Shadowed {
    shadows: Shadows,
    question: Box<ShadowQuestion>,
}

impl Shadowed {
    pub(crate) fn of(shadows: Option<&Shadows>, draft: &mut Draft) -> Option<Self> {
        let question = draft.shadow.take()?;
        Some(Self { shadows: shadows?.clone(), question })
    }

    /// The answer has ended.
    pub(crate) fn offer(self) {
        self.shadows.offer(self.question);
    }
}

/// Copies what the shadow set of a snapshot reads of a request; `None`: there is none, or it is not asked about this one.
pub(crate) fn question(
    snapshot: &Snapshot,
    (route, request): (&Route, &CanonicalRequest),
    caller: Option<&Principal>,
    situation: &Situation,
    refusal: Option<&Refusal>,
    draft: &Draft,
) -> Option<Box<ShadowQuestion>> {
    let set = snapshot.shadow.as_ref().filter(|set| set.sample.has(draft.reference))?;
    let bound = facts::bind(request, route, caller, situation, set.read(), None);
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    Some(Box::new(ShadowQuestion {
        facts: owned(bound.facts),
        set: Arc::clone(set),
        reference: draft.reference,
        route: (name(&draft.entry.app), name(&draft.entry.route)),
        was: refusal.map(|refusal| (refusal.code().to_owned(), refusal.status().as_u16())),
    }))
}

/// Facts that outlive their request.
fn owned(facts: Facts<'_>) -> Facts<'static> {
    fn fields(fields: Vec<(Cow<'_, str>, Value<'_>)>) -> Vec<(Cow<'static, str>, Value<'static>)> {
        fields.into_iter().map(|(name, value)| (text(name), value.into_owned())).collect()
    }
    let overlay = facts.overlay.into_iter().map(|overlay| EntityOverlay {
        name: overlay.name.into_owned(),
        attributes: fields(overlay.attributes),
        parents: overlay.parents.into_iter().map(EntityName::into_owned).collect(),
    });
    Facts {
        principal: facts.principal.into_owned(),
        action: facts.action.into_owned(),
        resource: facts.resource.into_owned(),
        context: fields(facts.context),
        overlay: overlay.collect(),
        unavailable: facts.unavailable.into_iter().map(|path| path.into_iter().map(text).collect()).collect(),
        unavailable_principal: facts.unavailable_principal.into_iter().map(text).collect(),
        ticket: None,
    }
}

fn text(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_sample_is_the_share_it_says() {
        let references: Vec<Reference> = (0..2000).map(|_| Reference::new(SystemTime::now())).collect();
        let count = |share| references.iter().filter(|one| Sample::new(share).has(**one)).count();
        assert_eq!((count(0.0), count(1.0), count(7.0), count(f64::NAN)), (0, 2000, 2000, 0));
        assert!((800..1200).contains(&count(0.5)), "{}", count(0.5));
    }
}
