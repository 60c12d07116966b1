//! What would turn a denial: ways that keep every forbid that held from holding, or make one permit hold.
//!
//! One step only: a permit that is made to hold may meet a forbid that nobody saw before. Whoever looks for a change asks
//! again with what was found.

use crate::evaluate::{Evaluation, Outcome};
use crate::facts::{EntityName, Facts};
use crate::rule::{Dimension, Rule, Test};
use crate::value::view::Made;
use crate::{Decision, Program, World};

use super::ways::{Edit, To, Way, Ways};

/// Changes that one policy asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The permit that would hold, or the first of the forbids that would not.
    pub policy: String,
    /// All of these, together.
    pub way: Way,
}

/// Permits that are looked into, nearest first.
const PERMITS: usize = 64;

/// Proposals in all.
const PROPOSALS: usize = 256;

impl Program {
    /// What could turn a denial into something else, fewest changes first. Nothing for what is allowed or cannot be
    /// decided. None of it is verified, and each is only the next step.
    #[must_use]
    pub fn proposals(&self, world: &World, facts: &Facts<'_>) -> Vec<Proposal> {
        let verdict = self.decide_facts(world, facts);
        if verdict.decision() == Decision::Allow || !verdict.undecided().is_empty() {
            return Vec::new();
        }
        let forbids: Vec<u32> = verdict.reasons.to_vec();
        let proposals = verdict.asked.again(|situation, trouble| {
            // What is unavailable is evaluated as if it were absent here: whoever decides again finds out if it matters.
            if trouble.is_some_and(|trouble| !trouble.faults.is_empty()) {
                return Vec::new();
            }
            let made = Made::new();
            let evaluation = Evaluation::new(&self.graph, situation, &made);
            let proposing = Proposing { program: self, evaluation: &evaluation };
            if forbids.is_empty() { proposing.permits() } else { proposing.against(&forbids) }
        });
        let mut proposals = proposals.unwrap_or_default();
        proposals.retain(|proposal| !proposal.way.is_empty());
        proposals.sort_by_key(|proposal| proposal.way.len());
        proposals.truncate(PROPOSALS);
        proposals
    }
}

struct Proposing<'a, 'e> {
    program: &'a Program,
    evaluation: &'a Evaluation<'e>,
}

impl Proposing<'_, '_> {
    /// Ways to keep all of these forbids from holding.
    fn against(&self, forbids: &[u32]) -> Vec<Proposal> {
        let mut ways: Vec<Way> = vec![Vec::new()];
        let mut first = "";
        for policy in forbids {
            let Some(rule) = self.rule(*policy) else { return Vec::new() };
            if first.is_empty() {
                first = self.program.sources.id(*policy);
            }
            let mut out = self.ways().any(self.program.terms.nodes(rule).into_iter(), false);
            out.extend(self.leaving(rule));
            ways = ways
                .iter()
                .flat_map(|way| out.iter().map(|more| [way.as_slice(), more.as_slice()].concat()))
                .take(PROPOSALS)
                .collect();
        }
        ways.into_iter().map(|way| Proposal { policy: first.to_owned(), way: tidy(way) }).collect()
    }

    /// Ways to make one permit hold.
    fn permits(&self) -> Vec<Proposal> {
        let mut near: Vec<(usize, u32, &Rule, Way)> = self.candidates();
        near.sort_by_key(|(failed, policy, ..)| (*failed, *policy));
        near.dedup_by_key(|(_, policy, ..)| *policy);
        near.truncate(PERMITS);
        let mut proposals = Vec::new();
        for (_, policy, rule, joining) in near {
            let ways = self.ways().all(self.program.terms.nodes(rule).into_iter(), true);
            proposals.extend(ways.into_iter().map(|way| Proposal {
                policy: self.program.sources.id(policy).to_owned(),
                way: tidy([joining.as_slice(), way.as_slice()].concat()),
            }));
        }
        proposals
    }

    /// The permits that are about this action and resource, and this principal if it were in a group: how many things
    /// are in the way of each, and what joining takes.
    fn candidates(&self) -> Vec<(usize, u32, &Rule, Way)> {
        let terms = &self.program.terms;
        let situation = self.evaluation.situation;
        let mut found = Vec::new();
        for rule in self.program.index.rules() {
            if rule.forbid || rule.reference || !terms.admits_but_for_principal(rule, situation) {
                continue;
            }
            let joining = match self.joining(rule) {
                Some(joining) => joining,
                None => continue,
            };
            let failed = terms
                .clauses(rule)
                .iter()
                .filter(|clause| self.evaluation.clause(**clause) != Outcome::Yes)
                .count();
            found.push((failed + joining.len(), rule.policy, rule, joining));
        }
        found
    }

    /// What the principal would have to be in for a rule to be about it; `None`: it never is about this one.
    fn joining(&self, rule: &Rule) -> Option<Way> {
        let terms = &self.program.terms;
        let situation = self.evaluation.situation;
        let test = rule.test(Dimension::Principal);
        if terms.holds(test, &situation.principal, situation) {
            return Some(Vec::new());
        }
        let groups = match test {
            Test::In(literal) => vec![literal],
            Test::InSome(list) => terms.list(list).to_vec(),
            Test::IsIn(pair) => {
                let (kind, literal) = terms.kind_in(pair)?;
                (terms.kind(kind) == situation.principal.view.kind()).then_some(vec![literal])?
            }
            _ => return None,
        };
        let groups: Vec<_> = groups.iter().filter_map(|literal| self.name(*literal)).collect();
        (!groups.is_empty()).then(|| vec![Edit::new(vec!["principal".to_owned()], To::MemberOf(groups))])
    }

    /// What the principal would have to leave for a rule not to be about it.
    fn leaving(&self, rule: &Rule) -> Option<Way> {
        let terms = &self.program.terms;
        let literal = match rule.test(Dimension::Principal) {
            Test::In(literal) => literal,
            Test::IsIn(pair) => terms.kind_in(pair)?.1,
            _ => return None,
        };
        let group = self.name(literal)?;
        Some(vec![Edit::new(vec!["principal".to_owned()], To::NotMemberOf(vec![group]))])
    }

    /// A group; nobody joins a person.
    fn name(&self, literal: crate::rule::Literal) -> Option<EntityName<'static>> {
        let (kind, id) = self.program.terms.literal(literal)?;
        let is_group = !matches!(kind, "User" | "Service" | "Anonymous");
        is_group.then(|| EntityName::new(kind.to_owned(), id.to_owned()))
    }

    fn rule(&self, policy: u32) -> Option<&Rule> {
        self.program.index.rules().iter().find(|rule| rule.policy == policy && !rule.reference)
    }

    fn ways(&self) -> Ways<'_, '_> {
        Ways { evaluation: self.evaluation }
    }
}

/// Each change once.
fn tidy(way: Way) -> Way {
    let mut tidied = Way::new();
    for edit in way {
        if !tidied.contains(&edit) {
            tidied.push(edit);
        }
    }
    tidied
}
