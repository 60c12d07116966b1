//! What questions are put to: one set of policies and the world it speaks of.

use std::str::FromStr;

use cedar_policy::EntityUid;
use portcullis_context::Directory;
use portcullis_decision::{Change, Decision, Program, Verdict, World};
use portcullis_gate::{ForbidFault, Snapshot, bind};
use portcullis_policy::Policies;
use portcullis_response::Refusal;

use crate::Question;

/// Policies, their public reasons, and what stands still between requests.
#[derive(Clone, Copy)]
pub struct Rulebook<'a> {
    /// The policies, ready to decide.
    pub program: &'a Program,
    /// The directory and the apps as entities.
    pub world: &'a World,
    /// The policies as written, with their public reasons and origins.
    pub policies: &'a Policies,
    /// Users, groups and devices.
    pub directory: &'a Directory,
    /// What an erring forbid means.
    pub on_forbid_fault: ForbidFault,
}

/// What the policies say to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// `allow`, `deny` or `undecided`.
    pub decision: &'static str,
    /// The policies that determined it, sorted.
    pub policies: Vec<String>,
    /// What the caller would be told; `None`: the request would go on to the origin.
    pub refusal: Option<Refusal>,
    /// Facts without which nobody can say.
    pub undecided: Vec<String>,
}

impl Answer {
    /// Whether the request would go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.refusal.is_none()
    }

    /// The status that would be sent; `None` where the origin's would.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.refusal.as_ref().map(|refusal| refusal.status().as_u16())
    }

    /// The public reason's code.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.refusal.as_ref().map(Refusal::code)
    }
}

impl<'a> Rulebook<'a> {
    /// What a snapshot decides by.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            program: &snapshot.program,
            world: &snapshot.world,
            policies: &snapshot.policies,
            directory: &snapshot.directory,
            on_forbid_fault: snapshot.on_forbid_fault,
        }
    }

    /// What the policies say.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Answer {
        let facts = question.facts();
        self.said(&self.program.decide_facts(self.world, &facts))
    }

    /// A verdict in the words of an answer.
    #[must_use]
    pub fn said(&self, verdict: &Verdict<'_>) -> Answer {
        Answer {
            decision: match (verdict.undecided().is_empty(), verdict.decision()) {
                (false, _) => "undecided",
                (true, Decision::Allow) => "allow",
                (true, Decision::Deny) => "deny",
            },
            policies: verdict.reasons().map(str::to_owned).collect(),
            refusal: bind::refusal::denied(verdict, self.policies, self.on_forbid_fault),
            undecided: verdict.undecided().to_vec(),
        }
    }

    /// Whether the request would go on, and nothing else: cheaper than [`Rulebook::answer`].
    pub(crate) fn allows(&self, question: &Question) -> bool {
        let facts = question.facts();
        let verdict = self.program.decide_facts(self.world, &facts);
        verdict.undecided().is_empty() && verdict.decision() == Decision::Allow && !verdict.forbid_erred()
    }
}

/// The world without what it says of one entity: for questions that say everything about it themselves.
#[must_use]
pub fn world_without(world: &World, (kind, id): &(String, String)) -> World {
    let Ok(kind) = cedar_policy::EntityTypeName::from_str(kind) else { return world.clone() };
    let uid = EntityUid::from_type_name_and_id(kind, cedar_policy::EntityId::new(id));
    world.with([Change::Remove(uid)]).unwrap_or_else(|_| world.clone())
}
