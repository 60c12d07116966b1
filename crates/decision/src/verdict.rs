//! The engine's result: allow or deny, with the reasons for it.

use std::cell::OnceCell;
use std::fmt;

use smallvec::SmallVec;

use crate::decide::Asked;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NearMiss<'v> {
    /// The permit's id.
    pub policy: &'v str,
    /// How many of its clauses (top-level conjuncts of its conditions) failed or erred; at least one.
    pub failed: usize,
    /// How many clauses it has.
    pub clauses: usize,
}

/// Policies by their places in the order of ids; few, as a rule.
pub(crate) type Policies = SmallVec<[u32; 8]>;

/// What the policies say about one request. Order of every list is deterministic.
///
/// It borrows what it was decided on: the words of errors and the nearest permits are found when they are asked for,
/// since most requests need neither.
pub struct Verdict<'v> {
    pub(crate) asked: Asked<'v>,
    pub(crate) decision: Decision,
    /// The determining policies, in the order of their ids.
    pub(crate) reasons: Policies,
    /// The policies that erred, in the order of their ids.
    pub(crate) erring: Policies,
    pub(crate) forbid_erred: bool,
    /// What is wrong with the facts.
    pub(crate) faults: Vec<PolicyFault>,
    pub(crate) undecided: Vec<String>,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) errors: OnceCell<Vec<PolicyFault>>,
    pub(crate) nearest: OnceCell<Vec<NearMiss<'v>>>,
}

impl<'v> Verdict<'v> {
    /// Allow or deny.
    #[must_use]
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// The ids of the policies that determined the decision, sorted; none on a default denial.
    pub fn reasons(&self) -> impl ExactSizeIterator<Item = &'v str> {
        let program = self.asked.program;
        self.reasons.iter().map(move |policy| program.sources.id(*policy))
    }

    /// The ids of the policies that erred, whatever the decision, sorted. Costs nothing, unlike their words.
    pub fn erring(&self) -> impl ExactSizeIterator<Item = &'v str> {
        let program = self.asked.program;
        self.erring.iter().map(move |policy| program.sources.id(*policy))
    }

    /// Every policy that erred, whatever the decision, sorted by id; before them what is wrong with the facts. The
    /// words are the reference evaluator's, which is asked now, once a verdict.
    #[must_use]
    pub fn errors(&self) -> &[PolicyFault] {
        self.errors.get_or_init(|| self.first_errors(usize::MAX))
    }

    /// As [`Verdict::errors`], of at most the first `count` policies: a thousand forbids may read what is missing.
    #[must_use]
    pub fn first_errors(&self, count: usize) -> Vec<PolicyFault> {
        let mut errors = self.faults.clone();
        let erring = self.erring.get(..count.min(self.erring.len())).unwrap_or(&[]);
        errors.extend(self.asked.faults(erring));
        errors
    }

    /// On a default denial, the permits whose scope matched: fewest failed clauses first, ties by id. Found now, once
    /// a verdict.
    #[must_use]
    pub fn nearest(&self) -> &[NearMiss<'v>] {
        self.nearest.get_or_init(|| if self.is_default_denial() { self.asked.nearest() } else { Vec::new() })
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
        self.forbid_erred
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

impl fmt::Debug for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verdict")
            .field("decision", &self.decision)
            .field("reasons", &self.reasons().collect::<Vec<_>>())
            .field("errors", &self.errors())
            .field("nearest", &self.nearest())
            .field("undecided", &self.undecided)
            .finish_non_exhaustive()
    }
}
