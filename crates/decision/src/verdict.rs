//! The engine's result: allow or deny, with the reasons for it.

use crate::permit::{Permit, Ticket};

/// Allow or deny, as Cedar defines them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Some permit held and no forbid did.
    Allow,
    /// A forbid held, or no permit did.
    Deny,
}

/// A policy that could not be evaluated, and Cedar's own words about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// The policy's id (a link's own id for a linked template); empty where the facts and not a policy are at fault.
    pub policy: String,
    /// The official error text.
    pub message: String,
    /// Whether the policy is a `forbid`: then an allowing verdict yields no permit.
    pub forbid: bool,
}

/// A permit whose scope matched but whose conditions did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The permit's id.
    pub policy: String,
    /// How many of its clauses (top-level conjuncts of its conditions) failed or erred; at least one.
    pub failed: usize,
    /// How many clauses it has.
    pub clauses: usize,
}

/// What the policies say about one request. Order of every list is deterministic.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub(crate) decision: Decision,
    pub(crate) reasons: Vec<String>,
    pub(crate) errors: Vec<PolicyFault>,
    pub(crate) nearest: Vec<NearMiss>,
    pub(crate) undecided: Vec<String>,
    pub(crate) ticket: Option<Ticket>,
}

impl Verdict {
    /// Allow or deny.
    #[must_use]
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// The ids of the policies that determined the decision, sorted; empty on a default denial.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// Every policy that erred, whatever the decision, sorted by id.
    #[must_use]
    pub fn errors(&self) -> &[PolicyFault] {
        &self.errors
    }

    /// On a default denial, the permits whose scope matched: fewest failed clauses first, ties by id.
    #[must_use]
    pub fn nearest(&self) -> &[NearMiss] {
        &self.nearest
    }

    /// The unavailable facts that could change the decision (`context.geo`, `principal.tier`), sorted. Not empty
    /// means: nobody can say yet, so the answer is 503 and there is no permit. `decision` is then `Deny`.
    #[must_use]
    pub fn undecided(&self) -> &[String] {
        &self.undecided
    }

    /// Whether some `forbid` could not be evaluated.
    #[must_use]
    pub fn forbid_erred(&self) -> bool {
        self.errors.iter().any(|fault| fault.forbid)
    }

    /// Denied because no permit held, and that is certain.
    pub(crate) fn is_default_denial(&self) -> bool {
        self.decision == Decision::Deny && self.reasons.is_empty() && self.undecided.is_empty()
    }

    /// The permit: only when allowed, nothing undecided, no forbid erred, and the facts carried a ticket.
    #[must_use]
    pub fn permit(&self) -> Option<Permit> {
        if self.forbid_erred() { None } else { self.dangerous_permit_despite_erring_forbid() }
    }

    /// A permit even though a forbid could not be evaluated, as Cedar itself would have it. The forbid might have
    /// refused this request: use only where an operator chose so in writing.
    #[must_use]
    pub fn dangerous_permit_despite_erring_forbid(&self) -> Option<Permit> {
        match (self.decision, self.undecided.is_empty()) {
            (Decision::Allow, true) => self.ticket.map(Permit::mint),
            _ => None,
        }
    }
}
