//! Decides: walks the index, evaluates what it leads to, counts what holds.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::Request;
use cedar_policy_core::ast::{self, Context, EntityUIDEntry};
use smallvec::SmallVec;

use crate::bind::Bound;
use crate::careful::Careful;
use crate::check::{self, Trouble, Unusable};
use crate::evaluate::{Evaluation, Outcome};
use crate::index::{Known, Visit};
use crate::name::Name;
use crate::outcomes::Outcomes;
use crate::reference::Reference;
use crate::rule::{Literal, Proven, Rule};
use crate::situation::{Requested, Situation};
use crate::unknown::Unknowns;
use crate::value::Fields;
use crate::value::official::stored;
use crate::value::view::Made;
use crate::verdict::Policies;
use crate::{Decision, Facts, NearMiss, PolicyFault, Program, Ticket, Verdict, World};

/// What a verdict was asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'v> {
    pub(crate) program: &'v Program,
    world: &'v World,
    question: Question<'v>,
}

#[derive(Clone, Copy)]
enum Question<'v> {
    Facts(&'v Facts<'v>),
    Request(&'v Request),
}

/// Decides by facts.
pub(crate) fn facts<'v>(program: &'v Program, world: &'v World, facts: &'v Facts<'v>) -> Verdict<'v> {
    let asked = Asked { program, world, question: Question::Facts(facts) };
    let mut situation = Situation::of_facts(world, facts);
    if let Err(cycle) = situation.close() {
        let name = check::entity(cycle.0);
        let fault = format!("`{name}` would be its own ancestor");
        return undecidable(asked, Unusable { fact: name, fault });
    }
    let mut bound = Bound::nothing();
    let trouble = match check::check(program, facts, &situation, &mut bound) {
        Ok(trouble) => trouble,
        Err(unusable) => return undecidable(asked, unusable),
    };
    match trouble {
        None => certain(asked, &situation, &bound, facts.ticket),
        Some(trouble) => {
            let mut verdict = possible(asked, &situation, &trouble.unknowns);
            verdict.ticket = facts.ticket;
            verdict.faults = trouble.faults.into_iter().map(of_the_facts).collect();
            verdict
        }
    }
}

/// Decides a request of the official crate.
pub(crate) fn request<'v>(program: &'v Program, world: &'v World, request: &'v Request) -> Verdict<'v> {
    let asked = Asked { program, world, question: Question::Request(request) };
    match requested(request) {
        Some(requested) => certain(asked, &Situation::of_request(world, &requested), &Bound::nothing(), None),
        None => undecidable(
            asked,
            Unusable {
                fact: "request".to_owned(),
                fault: "it holds an unknown of partial evaluation".to_owned(),
            },
        ),
    }
}

/// The request in our words; `None` if it is one of partial evaluation.
fn requested(request: &Request) -> Option<Requested> {
    let request: &ast::Request = request.as_ref();
    let name = |entry: &EntityUIDEntry| entry.uid().map(Name::of);
    let context = match request.context()? {
        Context::Value(fields) => {
            Fields::new(fields.iter().map(|(name, value)| (name.as_str().into(), stored(value))))
        }
        Context::RestrictedResidual(_) => return None,
    };
    Some(Requested {
        principal: name(request.principal())?,
        action: name(request.action())?,
        resource: name(request.resource())?,
        context,
    })
}

/// Decides where every fact is there or absent.
fn certain<'v>(
    asked: Asked<'v>,
    situation: &Situation<'_>,
    bound: &Bound<'_>,
    ticket: Option<Ticket>,
) -> Verdict<'v> {
    let made = Made::new();
    let evaluation = Evaluation::new(&asked.program.graph, situation, &made).with(bound);
    let mut tally = Tally {
        asked,
        evaluation: &evaluation,
        action: asked.program.terms.action(situation.action.view.print),
        permits: SmallVec::new(),
        forbids: SmallVec::new(),
        erring: SmallVec::new(),
        forbid_erred: false,
    };
    asked.program.index.walk(&asked.program.terms, &evaluation, &mut tally);
    sort(&mut tally.erring);
    sort(&mut tally.permits);
    sort(&mut tally.forbids);
    let (decision, reasons) = match (tally.forbids.is_empty(), tally.permits.is_empty()) {
        (false, _) => (Decision::Deny, tally.forbids),
        (true, false) => (Decision::Allow, tally.permits),
        (true, true) => (Decision::Deny, SmallVec::new()),
    };
    Verdict {
        asked,
        decision,
        reasons,
        erring: tally.erring,
        forbid_erred: tally.forbid_erred,
        faults: Vec::new(),
        undecided: Vec::new(),
        ticket,
        errors: OnceCell::new(),
        nearest: OnceCell::new(),
    }
}

/// A policy may lie under several keys that one request has.
fn sort(policies: &mut Policies) {
    if policies.len() < 2 {
        return;
    }
    policies.sort_unstable();
    policies.dedup();
}

fn undetermined(asked: Asked<'_>) -> Verdict<'_> {
    Verdict {
        asked,
        decision: Decision::Deny,
        reasons: SmallVec::new(),
        erring: SmallVec::new(),
        forbid_erred: false,
        faults: Vec::new(),
        undecided: Vec::new(),
        ticket: None,
        errors: OnceCell::new(),
        nearest: OnceCell::new(),
    }
}

fn undecidable(asked: Asked<'_>, unusable: Unusable) -> Verdict<'_> {
    Verdict {
        faults: vec![of_the_facts(format!("`{}` is malformed: {}", unusable.fact, unusable.fault))],
        undecided: vec![unusable.fact],
        ..undetermined(asked)
    }
}

fn of_the_facts(message: String) -> PolicyFault {
    PolicyFault { policy: String::new(), message, forbid: false }
}

/// Counts what the policies come to.
struct Tally<'t, 'v> {
    asked: Asked<'v>,
    evaluation: &'t Evaluation<'t>,
    action: Option<Literal>,
    permits: Policies,
    forbids: Policies,
    erring: Policies,
    forbid_erred: bool,
}

impl Tally<'_, '_> {
    fn outcome(&self, rule: &Rule, known: Known) -> Outcome {
        let Known::Hold(skipped) = known else { return Outcome::Fails };
        let clauses = self.asked.program.terms.clauses(rule);
        for clause in clauses.get(skipped..).unwrap_or(&[]) {
            match self.evaluation.clause(*clause) {
                Outcome::Yes => {}
                other => return other,
            }
        }
        Outcome::Yes
    }
}

impl Visit for Tally<'_, '_> {
    fn rule(&mut self, rule: &Rule, proven: Proven, known: Known) {
        if !self.asked.program.terms.admits(rule, self.evaluation.situation, proven, self.action) {
            return;
        }
        let outcome = if rule.reference {
            self.asked.referred(rule.policy, self.evaluation.situation)
        } else {
            self.outcome(rule, known)
        };
        match (outcome, rule.forbid) {
            (Outcome::Yes, true) => self.forbids.push(rule.policy),
            (Outcome::Yes, false) => self.permits.push(rule.policy),
            (Outcome::Fails, forbid) => {
                self.erring.push(rule.policy);
                self.forbid_erred |= forbid;
            }
            (Outcome::No, _) => {}
        }
    }
}

/// Decides where some facts are unavailable: what could still turn the decision leaves it open.
fn possible<'v>(asked: Asked<'v>, situation: &Situation<'_>, unknowns: &Unknowns) -> Verdict<'v> {
    let made = Made::new();
    let evaluation = Evaluation::new(&asked.program.graph, situation, &made);
    let action = asked.program.terms.action(situation.action.view.print);
    let mut open = Open { asked, evaluation: &evaluation, action, unknowns, policies: BTreeMap::new() };
    asked.program.index.walk_scopes(&asked.program.terms, situation, &mut open);
    let mut verdict = undetermined(asked);
    let (mut permits, mut forbids) = (SmallVec::new(), SmallVec::new());
    let (mut open_permits, mut open_forbids) = (Vec::new(), Vec::new());
    for (policy, (forbid, outcomes, reads)) in open.policies {
        let (hold, open) =
            if forbid { (&mut forbids, &mut open_forbids) } else { (&mut permits, &mut open_permits) };
        match outcomes {
            Outcomes::YES => hold.push(policy),
            Outcomes::FAILS => {
                verdict.erring.push(policy);
                verdict.forbid_erred |= forbid;
            }
            Outcomes { yes: true, .. } => open.push(reads),
            // It cannot hold, whatever the unavailable facts are: at worst it would err, and a forbid that can only
            // be false or err could not have refused this request.
            Outcomes { yes: false, .. } => {}
        }
    }
    if !forbids.is_empty() {
        verdict.reasons = forbids;
    } else if !permits.is_empty() && open_forbids.is_empty() {
        (verdict.decision, verdict.reasons) = (Decision::Allow, permits);
    } else if !permits.is_empty() || !open_permits.is_empty() {
        let mut undecided: BTreeSet<String> = open_forbids.into_iter().flatten().collect();
        if permits.is_empty() {
            undecided.extend(open_permits.into_iter().flatten());
        }
        verdict.undecided = undecided.into_iter().collect();
    }
    verdict
}

/// Collects what the policies in scope can come to.
struct Open<'t, 'v> {
    asked: Asked<'v>,
    evaluation: &'t Evaluation<'t>,
    action: Option<Literal>,
    unknowns: &'t Unknowns,
    policies: BTreeMap<u32, (bool, Outcomes, BTreeSet<String>)>,
}

impl Visit for Open<'_, '_> {
    fn rule(&mut self, rule: &Rule, proven: Proven, _: Known) {
        let terms = &self.asked.program.terms;
        if !terms.admits(rule, self.evaluation.situation, proven, self.action) {
            return;
        }
        let (outcomes, reads) = if rule.reference {
            // Nobody looks into it here, so it may read anything.
            (Outcomes::ALL, self.unknowns.labels().collect())
        } else {
            Careful::new(self.evaluation, self.unknowns).clauses(terms.clauses(rule))
        };
        self.policies.insert(rule.policy, (rule.forbid, outcomes, reads));
    }
}

impl<'v> Asked<'v> {
    /// The situation again, for those who ask after the decision.
    pub(crate) fn again<T>(&self, then: impl FnOnce(&Situation<'_>, Option<Box<Trouble>>) -> T) -> Option<T> {
        match self.question {
            Question::Facts(facts) => {
                let mut situation = Situation::of_facts(self.world, facts);
                situation.close().ok()?;
                let trouble = check::check(self.program, facts, &situation, &mut Bound::nothing()).ok()?;
                Some(then(&situation, trouble))
            }
            Question::Request(request) => {
                let requested = requested(request)?;
                Some(then(&Situation::of_request(self.world, &requested), None))
            }
        }
    }

    fn reference<'a>(&'a self, situation: &'a Situation<'a>, unknowns: &Unknowns) -> Option<Reference<'a>> {
        match self.question {
            Question::Facts(facts) => Reference::of_facts(self.world, situation, facts, unknowns),
            Question::Request(request) => Some(Reference::of_request(self.world, situation, request)),
        }
    }

    /// What the reference evaluator makes of a policy that the compiler did not take.
    fn referred(&self, policy: u32, situation: &Situation<'_>) -> Outcome {
        let reference = self.reference(situation, &Unknowns::default());
        match reference.zip(self.program.policy(policy)) {
            Some((reference, policy)) => match reference.outcomes(&[policy]).first() {
                Some(Ok(true)) => Outcome::Yes,
                Some(Ok(false)) => Outcome::No,
                Some(Err(_)) | None => Outcome::Fails,
            },
            None => Outcome::Fails,
        }
    }

    /// The reference evaluator's words on policies that erred.
    pub(crate) fn faults(&self, policies: &[u32]) -> Vec<PolicyFault> {
        if policies.is_empty() {
            return Vec::new();
        }
        let outcomes = self.again(|situation, trouble| {
            let unknowns = trouble.map(|trouble| trouble.unknowns).unwrap_or_default();
            let parsed: Option<Vec<_>> = policies.iter().map(|policy| self.program.policy(*policy)).collect();
            let outcomes = self.reference(situation, &unknowns)?.outcomes(&parsed?);
            Some(outcomes.into_iter().map(Result::err).collect::<Vec<_>>())
        });
        let words = outcomes.flatten().unwrap_or_default();
        let words = words.into_iter().chain(std::iter::repeat(None));
        policies.iter().zip(words).map(|(policy, words)| self.fault(*policy, words)).collect()
    }

    fn fault(&self, policy: u32, words: Option<String>) -> PolicyFault {
        let id = self.program.sources.id(policy);
        let words = words.unwrap_or_else(|| "it could not be evaluated".to_owned());
        PolicyFault {
            policy: id.to_owned(),
            message: format!("error while evaluating policy `{id}`: {words}"),
            forbid: self.program.is_forbid(policy),
        }
    }

    /// The permits whose scope matches, nearest first.
    pub(crate) fn nearest(&self) -> Vec<NearMiss<'v>> {
        let misses = self.again(|situation, trouble| {
            let unknowns = trouble.map(|trouble| trouble.unknowns).unwrap_or_default();
            let made = Made::new();
            let evaluation = Evaluation::new(&self.program.graph, situation, &made);
            let action = self.program.terms.action(situation.action.view.print);
            let mut near = Near {
                asked: *self,
                evaluation: &evaluation,
                action,
                unknowns: &unknowns,
                misses: Vec::new(),
            };
            self.program.index.walk_scopes(&self.program.terms, situation, &mut near);
            near.misses
        });
        let mut misses = misses.unwrap_or_default();
        misses.sort_unstable();
        misses.dedup();
        let miss =
            |(failed, policy, clauses)| NearMiss { policy: self.program.sources.id(policy), failed, clauses };
        misses.into_iter().map(miss).collect()
    }
}

/// Counts the clauses that keep permits from holding.
struct Near<'t, 'v> {
    asked: Asked<'v>,
    evaluation: &'t Evaluation<'t>,
    action: Option<Literal>,
    unknowns: &'t Unknowns,
    /// Failed clauses, policy, all clauses: in this order they are sorted.
    misses: Vec<(usize, u32, usize)>,
}

impl Visit for Near<'_, '_> {
    fn rule(&mut self, rule: &Rule, proven: Proven, _: Known) {
        let terms = &self.asked.program.terms;
        if rule.forbid || !terms.admits(rule, self.evaluation.situation, proven, self.action) {
            return;
        }
        let clauses = terms.clauses(rule);
        let holds = |clause| {
            if self.unknowns.is_empty() {
                self.evaluation.clause(clause) == Outcome::Yes
            } else {
                Careful::new(self.evaluation, self.unknowns).clauses(&[clause]).0 == Outcomes::YES
            }
        };
        // Clauses are evaluated apart, so one can hold only where an earlier one does not guard it; but a permit in
        // this list did not hold as a whole.
        let failed = clauses.iter().filter(|clause| !holds(**clause)).count().max(1);
        self.misses.push((failed, rule.policy, clauses.len().max(1)));
    }
}
