//! Why: the policies that decided, erred or came near, clause by clause, with the facts that each clause read.
//!
//! Off the way of requests: policies are parsed again for their places, and everything is evaluated once more. What it
//! says is what `decide` found; only words are added.

mod clauses;
mod out;
mod place;
mod reads;
mod ways;

use crate::careful::Careful;
use crate::decide::Asked;
use crate::evaluate::Evaluation;
use crate::lower;
use crate::outcomes::Outcomes;
use crate::rule::Rule;
use crate::unknown::Unknowns;
use crate::value::view::Made;
use crate::{Facts, Program, Verdict, World};
pub use clauses::{Tried, WrittenClause};
pub use out::Proposal;
pub use place::Place;
pub use reads::Read;
pub use ways::{Edit, To, Way};

/// How many near misses are explained. Who has to change something looks at the first few.
const NEAREST: usize = 8;

/// Why a request is decided as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The policies that determined the decision, those that erred, and on a default denial the nearest permits; in
    /// this order, each group in the verdict's.
    pub policies: Vec<Explained>,
}

/// One policy, clause by clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Its id.
    pub policy: String,
    /// Whether it is a `forbid`.
    pub forbid: bool,
    /// What it has to do with the decision.
    pub part: Part,
    /// Where it stands; `None` if it was not read from a text.
    pub place: Option<Place>,
    /// Its conditions: the conjuncts of every `when`, and the disjuncts of every `unless`. None if it has no
    /// conditions, or if the reference evaluator decides it.
    pub clauses: Vec<ExplainedClause>,
    /// The reference evaluator's words, where it erred.
    pub fault: Option<String>,
}

/// What a policy has to do with a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It held, and so decided.
    Determining,
    /// It could not be evaluated.
    Erring,
    /// A permit that did not hold, and did not err.
    Near,
}

/// One clause and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedClause {
    /// As it is written.
    pub text: String,
    /// Where it is written.
    pub place: Option<Place>,
    /// Whether it stands in an `unless` or behind `!`: then it holds if what is written is false.
    pub negated: bool,
    /// What it came to. An earlier clause that does not hold keeps later ones from being evaluated; they are
    /// evaluated here all the same.
    pub came_to: CameTo,
    /// The facts it names, with their values; each once.
    pub reads: Vec<Read>,
}

/// What a clause came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameTo {
    /// It holds.
    Holds,
    /// It does not hold.
    DoesNotHold,
    /// It could not be evaluated.
    Fault,
    /// It depends on a fact that is unavailable.
    Open,
}

impl CameTo {
    fn of(outcomes: Outcomes) -> Self {
        match outcomes {
            Outcomes::YES => Self::Holds,
            Outcomes::NO => Self::DoesNotHold,
            Outcomes::FAILS => Self::Fault,
            _ => Self::Open,
        }
    }
}

impl Program {
    /// Explains what [`Program::decide_facts`] says of the same facts.
    #[must_use]
    pub fn explain(&self, world: &World, facts: &Facts<'_>) -> Explanation {
        let verdict = self.decide_facts(world, facts);
        explain(&verdict)
    }
}

fn explain(verdict: &Verdict<'_>) -> Explanation {
    let asked = &verdict.asked;
    let near = verdict.nearest().iter().take(NEAREST);
    let near = near.filter_map(|miss| asked.program.sources.find(miss.policy));
    let near = near.filter(|policy| !verdict.erring.contains(policy));
    let parts: Vec<(u32, Part)> = verdict
        .reasons
        .iter()
        .map(|policy| (*policy, Part::Determining))
        .chain(verdict.erring.iter().map(|policy| (*policy, Part::Erring)))
        .chain(near.map(|policy| (policy, Part::Near)))
        .collect();
    let policies = asked.again(|situation, trouble| {
        let unknowns = trouble.map(|trouble| trouble.unknowns).unwrap_or_default();
        let made = Made::new();
        let evaluation = Evaluation::new(&asked.program.graph, situation, &made);
        let explaining = Explaining { asked, evaluation: &evaluation, unknowns: &unknowns };
        parts.iter().filter_map(|(policy, part)| explaining.policy(*policy, *part, verdict)).collect()
    });
    Explanation { policies: policies.unwrap_or_default() }
}

struct Explaining<'a, 'e> {
    asked: &'a Asked<'a>,
    evaluation: &'a Evaluation<'e>,
    unknowns: &'a Unknowns,
}

impl Explaining<'_, '_> {
    fn policy(&self, policy: u32, part: Part, verdict: &Verdict<'_>) -> Option<Explained> {
        let program = self.asked.program;
        let rule = program.index.rules().iter().find(|rule| rule.policy == policy)?;
        let id = program.sources.id(policy);
        let fault = verdict.errors().iter().find(|fault| fault.policy == id);
        Some(Explained {
            policy: id.to_owned(),
            forbid: rule.forbid,
            part,
            place: place::of_policy(&program.sources, policy),
            clauses: self.clauses(rule),
            fault: fault.map(|fault| fault.message.clone()),
        })
    }

    /// The clauses as they are written beside the nodes they became: both are split in the same way.
    fn clauses(&self, rule: &Rule) -> Vec<ExplainedClause> {
        let program = self.asked.program;
        let Some(written) = program.policy(rule.policy) else { return Vec::new() };
        let written = written.non_scope_constraints().map(lower::clauses).unwrap_or_default();
        let compiled = program.terms.clauses(rule);
        let explain = |(written, compiled): (lower::Clause<'_>, &crate::evaluate::Clause)| {
            let place = place::of_expr(&program.sources, rule.policy, written.expr);
            ExplainedClause {
                text: place::text(written.expr),
                place,
                negated: written.negated,
                came_to: self.came_to(*compiled),
                reads: reads::of(self.evaluation, self.unknowns, compiled.node),
            }
        };
        written.into_iter().zip(compiled).map(explain).collect()
    }

    fn came_to(&self, clause: crate::evaluate::Clause) -> CameTo {
        CameTo::of(if self.unknowns.is_empty() {
            self.evaluation.clause(clause).into()
        } else {
            Careful::new(self.evaluation, self.unknowns).clauses(&[clause]).0
        })
    }
}
