//! What every clause of every policy in scope comes to: for those who ask which of them were ever tried.

use crate::careful::Careful;
use crate::evaluate::Evaluation;
use crate::index::{Known, Visit};
use crate::lower;
use crate::outcomes::Outcomes;
use crate::rule::{Literal, Proven, Rule};
use crate::unknown::Unknowns;
use crate::value::view::Made;
use crate::{Facts, Program, World};

use super::{CameTo, Place, place};

/// One policy whose scope matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried<'p> {
    /// Its id.
    pub policy: &'p str,
    /// Whether it is a `forbid`.
    pub forbid: bool,
    /// What each of its clauses came to, up to and with the first that did not hold: what stands behind it was not asked.
    pub clauses: Vec<CameTo>,
    /// How many clauses it has.
    pub of: usize,
}

/// One clause as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenClause {
    /// Its text.
    pub text: String,
    /// Where it is written; `None` if it was not read from a text.
    pub place: Option<Place>,
    /// Whether it stands in an `unless` or behind `!`: then it holds if what is written is false.
    pub negated: bool,
}

impl Program {
    /// The clauses of a policy as they are written, in the order of [`Tried::clauses`]. None if there is no policy of this
    /// id, or if the reference evaluator decides it.
    #[must_use]
    pub fn written_clauses(&self, policy: &str) -> Vec<WrittenClause> {
        let found = self.sources.find(policy);
        let rule = found.and_then(|at| self.index.rules().iter().find(|rule| rule.policy == at));
        let Some((rule, parsed)) = rule.and_then(|rule| Some((rule, self.policy(rule.policy)?))) else {
            return Vec::new();
        };
        let count = self.terms.clauses(rule).len();
        let written = parsed.non_scope_constraints().map(lower::clauses).unwrap_or_default();
        let written = written.into_iter().take(count).map(|clause| WrittenClause {
            text: place::text(clause.expr),
            place: place::of_expr(&self.sources, rule.policy, clause.expr),
            negated: clause.negated,
        });
        written.collect()
    }

    /// Every policy whose scope matches, by id, with what its clauses came to.
    #[must_use]
    pub fn tried<'p>(&'p self, world: &World, facts: &Facts<'_>) -> Vec<Tried<'p>> {
        let verdict = self.decide_facts(world, facts);
        let tried = verdict.asked.again(|situation, trouble| {
            let unknowns = trouble.map(|trouble| trouble.unknowns).unwrap_or_default();
            let made = Made::new();
            let evaluation = Evaluation::new(&self.graph, situation, &made);
            let action = self.terms.action(situation.action.view.print);
            let mut trying = Trying {
                program: self,
                evaluation: &evaluation,
                unknowns: &unknowns,
                action,
                tried: Vec::new(),
            };
            self.index.walk_scopes(&self.terms, situation, &mut trying);
            trying.tried
        });
        let mut tried = tried.unwrap_or_default();
        tried.sort_by(|a, b| a.policy.cmp(b.policy));
        tried.dedup_by(|a, b| a.policy == b.policy);
        tried
    }

    /// Every policy by id, with the number of its clauses, and whether it is a `forbid`.
    pub fn every_policy(&self) -> impl Iterator<Item = (&str, usize, bool)> {
        let mut rules: Vec<&Rule> = self.index.rules().iter().collect();
        rules.sort_by_key(|rule| rule.policy);
        rules.dedup_by_key(|rule| rule.policy);
        rules
            .into_iter()
            .map(|rule| (self.sources.id(rule.policy), self.terms.clauses(rule).len(), rule.forbid))
    }
}

struct Trying<'t, 'e, 'p> {
    program: &'p Program,
    evaluation: &'t Evaluation<'e>,
    unknowns: &'t Unknowns,
    action: Option<Literal>,
    tried: Vec<Tried<'p>>,
}

impl Visit for Trying<'_, '_, '_> {
    fn rule(&mut self, rule: &Rule, proven: Proven, _: Known) {
        let terms = &self.program.terms;
        if !terms.admits(rule, self.evaluation.situation, proven, self.action) {
            return;
        }
        let clauses = terms.clauses(rule);
        let mut came_to = Vec::with_capacity(clauses.len());
        for clause in clauses {
            let outcomes = if self.unknowns.is_empty() {
                Outcomes::from(self.evaluation.clause(*clause))
            } else {
                Careful::new(self.evaluation, self.unknowns).clauses(&[*clause]).0
            };
            let outcome = CameTo::of(outcomes);
            came_to.push(outcome);
            if outcome != CameTo::Holds {
                break;
            }
        }
        self.tried.push(Tried {
            policy: self.program.sources.id(rule.policy),
            forbid: rule.forbid,
            clauses: came_to,
            of: clauses.len(),
        });
    }
}
