//! Compiles: policies in the order of their ids, clauses into one graph, scopes into tests, tests into an index.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy::PolicySet;
use cedar_policy_core::ast::{
    self, ActionConstraint, Effect, EntityReference, EntityUID, Policy, PrincipalOrResourceConstraint,
};

use super::report::Report;
use super::{CompileError, Program, Reads};
use crate::evaluate::{Clause, REMEMBERED};
use crate::graph::{Builder, NodeId};
use crate::index::{self, Index, Keys};
use crate::lower::{Lower, Unsupported};
use crate::name::{Kinds, Print};
use crate::rule::{Literal, Rule, Terms, Test};
use crate::source::Sources;

pub(super) fn compile(set: &PolicySet, indexed: bool) -> Result<Program, CompileError> {
    let count = set.num_of_policies();
    if count > Program::LIMIT {
        return Err(CompileError::TooMany { count, limit: Program::LIMIT });
    }
    let core: &ast::PolicySet = set.as_ref();
    let mut policies: Vec<&Policy> = core.policies().collect();
    policies.sort_by(|a, b| AsRef::<str>::as_ref(a.id()).cmp(b.id().as_ref()));
    let mut compile = Compile::default();
    for (policy, place) in policies.iter().zip(0_u32..) {
        compile.policy(policy, place);
    }
    Ok(compile.finish(indexed))
}

/// Nested deeper than this, a policy is kept as it was parsed: parsing recurses, and the thread that asks for its words
/// may have less stack than the one that loaded it.
const PARSED_AGAIN: usize = 16;

#[derive(Default)]
struct Compile {
    sources: Sources,
    builder: Builder,
    terms: Terms,
    rules: Vec<Rule>,
    handed: Vec<(u32, Unsupported)>,
    literals: HashMap<Print, Literal>,
    kinds: Kinds,
    /// The texts of types, by what a rule calls them.
    kind_places: BTreeMap<Arc<str>, u32>,
}

impl Compile {
    fn policy(&mut self, policy: &Policy, place: u32) {
        let tests = [
            self.test(&policy.principal_constraint().into_inner()),
            self.action(policy.action_constraint()),
            self.test(&policy.resource_constraint().into_inner()),
        ];
        let mut lower = Lower::new(&mut self.builder, policy.env());
        let start = length(&self.terms.clauses);
        let lowered = lower.clauses(policy.non_scope_constraints());
        self.sources.add(policy, lowered.is_ok() && lower.deepest() <= PARSED_AGAIN);
        let unsupported = match lowered {
            Ok(nodes) => {
                let clauses = nodes.into_iter().map(|node| Clause { node, place: REMEMBERED });
                self.terms.clauses.extend(clauses);
                None
            }
            Err(unsupported) => Some(unsupported),
        };
        let forbid = policy.effect() == Effect::Forbid;
        let mut rule = Rule::new(place, forbid, tests, (start, length(&self.terms.clauses)));
        rule.reference = unsupported.is_some();
        self.handed.extend(unsupported.map(|unsupported| (place, unsupported)));
        self.rules.push(rule);
    }

    fn test(&mut self, constraint: &PrincipalOrResourceConstraint) -> Test {
        match constraint {
            PrincipalOrResourceConstraint::Any => Test::Any,
            PrincipalOrResourceConstraint::Eq(reference) => {
                self.named(reference).map_or(Test::Never, Test::Equal)
            }
            PrincipalOrResourceConstraint::In(reference) => {
                self.named(reference).map_or(Test::Never, Test::In)
            }
            PrincipalOrResourceConstraint::Is(kind) => Test::Is(self.kind(kind)),
            PrincipalOrResourceConstraint::IsIn(kind, reference) => match self.named(reference) {
                Some(literal) => {
                    let pair = (self.kind(kind), literal);
                    self.terms.kinds_in.push(pair);
                    Test::IsIn(length(&self.terms.kinds_in).saturating_sub(1))
                }
                None => Test::Never,
            },
        }
    }

    fn action(&mut self, constraint: &ActionConstraint) -> Test {
        match constraint {
            ActionConstraint::Any => Test::Any,
            ActionConstraint::Eq(action) => Test::Equal(self.literal(action)),
            ActionConstraint::In(actions) => match &**actions {
                [action] => Test::In(self.literal(action)),
                actions => {
                    let list = actions.iter().map(|action| self.literal(action)).collect();
                    self.terms.lists.push(list);
                    Test::InSome(length(&self.terms.lists).saturating_sub(1))
                }
            },
        }
    }

    /// The entity of a scope. An open slot names nothing: a template without a link applies to nothing.
    fn named(&mut self, reference: &EntityReference) -> Option<Literal> {
        match reference {
            EntityReference::EUID(uid) => Some(self.literal(uid)),
            EntityReference::Slot(_) => None,
        }
    }

    fn literal(&mut self, uid: &EntityUID) -> Literal {
        let kind = self.kind(uid.entity_type());
        let id: &str = uid.eid().as_ref();
        let print = Print::of(self.terms.kind(kind), id);
        let next = Literal(u32::try_from(self.literals.len()).unwrap_or(u32::MAX));
        let literal = *self.literals.entry(print).or_insert(next);
        if literal == next {
            self.terms.add_literal(print, kind, id);
        }
        literal
    }

    fn kind(&mut self, kind: &ast::EntityType) -> u32 {
        let text = self.kinds.of(kind);
        let next = length(&self.terms.kinds);
        let place = *self.kind_places.entry(Arc::clone(&text)).or_insert(next);
        if place == next {
            self.terms.kinds.push(text.as_ref().into());
        }
        place
    }

    fn finish(mut self, indexed: bool) -> Program {
        remember(&mut self.terms.clauses);
        self.sources.finish();
        self.terms.finish(&self.rules);
        let forbids = self.rules.iter().map(|rule| rule.forbid).collect();
        let (graph, layout) = self.builder.finish();
        let (index, keys) = if indexed {
            index::build(self.rules, &self.terms, &graph)
        } else {
            (Index::unplanted(self.rules), Keys::default())
        };
        let kinds: BTreeSet<Arc<str>> = self.kinds.texts().chain(graph.kinds()).collect();
        let reads =
            Reads::of(&graph, self.terms.clauses.iter().map(|clause| clause.node), !self.handed.is_empty());
        let mut program = Program {
            reads,
            sources: self.sources,
            graph,
            terms: self.terms,
            index,
            layout,
            kinds,
            report: Report::default(),
            forbids,
            keys,
            handed: self.handed,
        };
        program.report = Report::of(&program);
        program
    }
}

/// Gives the clauses that most policies share a place to be remembered in.
fn remember(clauses: &mut [Clause]) {
    let mut uses: HashMap<NodeId, usize> = HashMap::new();
    for clause in &*clauses {
        *uses.entry(clause.node).or_default() += 1;
    }
    let mut shared: Vec<(NodeId, usize)> = uses.into_iter().filter(|(_, uses)| *uses > 1).collect();
    shared.sort_unstable_by_key(|(node, uses)| (std::cmp::Reverse(*uses), *node));
    let places: HashMap<NodeId, u16> = shared.into_iter().map(|(node, _)| node).zip(0..REMEMBERED).collect();
    for clause in clauses {
        clause.place = places.get(&clause.node).copied().unwrap_or(REMEMBERED);
    }
}

fn length<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}
