//! A policy set made ready to decide with.
//!
//! Every policy is evaluated by the official Cedar evaluator; what is done here is what that evaluator is not asked
//! for: skipping policies whose scope does not match, the nearest permits of a default denial, and what follows from
//! facts that are unavailable. It does not validate policies and explains nothing to callers.
//!
//! INVARIANT: where nothing is unavailable, decision, reasons and errors are the official authorizer's; only a chain of
//! `&&` or `||` that is too long for its stack is decided here all the same.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Authorizer, PolicySet, Request, Schema};
use cedar_policy_core::ast::{self, EntityUIDEntry, ExprKind};
use cedar_policy_core::entities::Entities;
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;

use crate::bound::{Bound, Types, Unusable};
use crate::concrete::condition;
use crate::outcomes::Outcomes;
use crate::partial::{Partial, as_bool};
use crate::prepared::{Prepared, Target};
use crate::slice::{dereferenced, reachable};
use crate::{Decision, Facts, NearMiss, PolicyFault, Verdict, World};

/// A policy set made ready to decide with.
#[derive(Debug)]
pub struct Program {
    set: PolicySet,
    /// By id, so that every list comes out sorted.
    policies: Vec<Prepared>,
    types: Types,
    /// Entities that some condition names and may look into.
    literals: Vec<ast::EntityUID>,
}

/// Why a policy set cannot be made into a program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// More policies than [`Program::LIMIT`].
    #[error("`{count}` policies are more than the {limit} that one program holds; split the set by app")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl Program {
    /// How many policies one program holds.
    pub const LIMIT: usize = 1_000_000;

    /// Makes a program of static policies and template links. Templates without a link apply to nothing.
    ///
    /// # Errors
    /// [`CompileError`] if the set exceeds what a program holds.
    pub fn compile(set: &PolicySet) -> Result<Self, CompileError> {
        let count = set.num_of_policies();
        if count > Self::LIMIT {
            return Err(CompileError::TooMany { count, limit: Self::LIMIT });
        }
        let core: &ast::PolicySet = set.as_ref();
        let mut policies: Vec<Prepared> = core.policies().map(Prepared::new).collect();
        policies.sort_by(|a, b| a.id.cmp(&b.id));
        let mut types = Types::new();
        let mut literals = BTreeSet::new();
        for policy in &policies {
            for kind in policy.scope_types() {
                types.insert(kind.to_string(), kind.clone());
            }
            for clause in &policy.clauses {
                literals.extend(dereferenced(clause));
                if clause.subexpressions().any(|expr| matches!(expr.expr_kind(), ExprKind::Slot(_))) {
                    literals.extend(policy.policy.env().values().cloned());
                }
            }
        }
        Ok(Self { set: set.clone(), policies, types, literals: literals.into_iter().collect() })
    }

    /// As [`Program::compile`]; what the schema declares is known beforehand. It changes no decision: policies are
    /// validated elsewhere, requests and entities are taken as they come.
    ///
    /// # Errors
    /// [`CompileError`] if the set exceeds what a program holds.
    pub fn compile_with_schema(set: &PolicySet, schema: &Schema) -> Result<Self, CompileError> {
        let mut program = Self::compile(set)?;
        let actions = schema.actions().map(cedar_policy::EntityUid::type_name);
        for kind in schema.entity_types().chain(actions) {
            program.types.insert(kind.to_string(), kind.as_ref().clone());
        }
        Ok(program)
    }

    /// Decides a Cedar request as the official authorizer does, for conformance and for callers that have one.
    /// Never yields a permit.
    #[must_use]
    pub fn decide(&self, world: &World, request: &Request) -> Verdict {
        let response = Authorizer::new().is_authorized(request, &self.set, &world.entities);
        let mut verdict = Verdict {
            decision: match response.decision() {
                cedar_policy::Decision::Allow => Decision::Allow,
                cedar_policy::Decision::Deny => Decision::Deny,
            },
            reasons: response.diagnostics().reason().map(ToString::to_string).collect(),
            errors: response
                .diagnostics()
                .errors()
                .map(|error| {
                    let cedar_policy::AuthorizationError::PolicyEvaluationError(of) = error;
                    self.fault(of.policy_id().as_ref(), error.to_string())
                })
                .collect(),
            nearest: Vec::new(),
            undecided: Vec::new(),
            ticket: None,
        };
        verdict.reasons.sort();
        verdict.errors.sort_by(|a, b| a.policy.cmp(&b.policy));
        if verdict.is_default_denial()
            && let Some(target) = known_target(request.as_ref())
        {
            let entities: &Entities = AsRef::as_ref(&*world.entities);
            let evaluator = Evaluator::new(
                AsRef::<ast::Request>::as_ref(request).clone(),
                entities,
                Extensions::all_available(),
            );
            verdict.nearest = self.nearest(target, entities, |policy, clause| {
                evaluator
                    .interpret(clause, policy.policy.env())
                    .is_ok_and(|value| as_bool(&value) == Some(true))
            });
        }
        verdict
    }

    /// Decides by the facts of a request, with what it adds to the world.
    ///
    /// Facts that are no Cedar (a repeated name in a record, a decimal that is none) are treated as unavailable and
    /// named in [`Verdict::errors`] with an empty policy id; a request whose principal, action, resource or overlay
    /// cannot be named in Cedar is undecided.
    #[must_use]
    pub fn decide_facts(&self, world: &World, facts: &Facts<'_>) -> Verdict {
        let world: &Entities = AsRef::as_ref(&*world.entities);
        let bound = match Bound::new(facts, &self.types) {
            Ok(bound) => bound,
            Err(unusable) => return undecidable(unusable),
        };
        let entities = match reachable(world, &bound, &self.literals) {
            Ok(entities) => entities,
            Err(unusable) => return undecidable(unusable),
        };
        let request = ast::Request::new_unchecked(
            EntityUIDEntry::known(bound.principal.clone(), None),
            EntityUIDEntry::known(bound.action.clone(), None),
            EntityUIDEntry::known(bound.resource.clone(), None),
            Some(bound.context.clone()),
        );
        let evaluator = Evaluator::new(request, &entities, Extensions::all_available());
        let target = Target { principal: &bound.principal, action: &bound.action, resource: &bound.resource };
        let partial = Partial { evaluator: &evaluator, context: &bound.context, unknowns: &bound.unknowns };

        let mut tally = Tally::default();
        for policy in self.policies.iter().filter(|policy| policy.in_scope(target, &entities)) {
            tally.count(policy, &evaluator, &partial);
        }
        let mut verdict = tally.verdict();
        verdict.ticket = facts.ticket;
        verdict.errors.extend(bound.faults.into_iter().map(of_the_facts));
        verdict.errors.sort_by(|a, b| a.policy.cmp(&b.policy));
        if verdict.is_default_denial() {
            verdict.nearest = self.nearest(target, &entities, |policy, clause| {
                let clause = std::slice::from_ref(clause);
                partial.conditions(clause, policy.policy.env()).0 == Outcomes::YES
            });
        }
        verdict
    }

    fn nearest(
        &self,
        target: Target<'_>,
        entities: &Entities,
        holds: impl Fn(&Prepared, &ast::Expr) -> bool,
    ) -> Vec<NearMiss> {
        let mut nearest: Vec<NearMiss> = self
            .policies
            .iter()
            .filter(|policy| !policy.forbid && policy.in_scope(target, entities))
            .map(|policy| NearMiss {
                policy: policy.id.clone(),
                // Clauses are evaluated apart, so one can hold only where an earlier one does not guard it; but a
                // permit in this list did not hold as a whole.
                failed: policy.clauses.iter().filter(|clause| !holds(policy, clause)).count().max(1),
                clauses: policy.clauses.len().max(1),
            })
            .collect();
        // Stable: policies are in order of their ids already.
        nearest.sort_by_key(|miss| miss.failed);
        nearest
    }

    fn fault(&self, id: &str, message: String) -> PolicyFault {
        let found = self.policies.binary_search_by(|policy| policy.id.as_str().cmp(id)).ok();
        let forbid = found.and_then(|index| self.policies.get(index)).is_some_and(|policy| policy.forbid);
        PolicyFault { policy: id.to_owned(), message, forbid }
    }
}

/// What the policies in scope came to.
#[derive(Debug, Default)]
struct Tally {
    permits: Vec<String>,
    forbids: Vec<String>,
    errors: Vec<PolicyFault>,
    /// Policies that may yet hold, and the unavailable facts that this depends on.
    open_permits: BTreeMap<String, BTreeSet<String>>,
    open_forbids: BTreeMap<String, BTreeSet<String>>,
}

impl Tally {
    fn count(&mut self, policy: &Prepared, evaluator: &Evaluator<'_>, partial: &Partial<'_>) {
        let (outcomes, reads) = if partial.unknowns.is_empty() {
            let conditions = policy.policy.non_scope_constraints();
            let outcome =
                conditions.map_or(Outcomes::YES, |all| condition(all, evaluator, policy.policy.env()));
            (outcome, BTreeSet::new())
        } else {
            partial.conditions(&policy.clauses, policy.policy.env())
        };
        let (hold, open) = if policy.forbid {
            (&mut self.forbids, &mut self.open_forbids)
        } else {
            (&mut self.permits, &mut self.open_permits)
        };
        match outcomes {
            Outcomes::YES => hold.push(policy.id.clone()),
            Outcomes::FAILS => {
                // Error texts are never written again: the official evaluator's is asked for. Under facts that are
                // unavailable it is the text that absence has.
                if let Err(error) = evaluator.evaluate(&policy.policy) {
                    let message = format!("error while evaluating policy `{}`: {error}", policy.id);
                    self.errors.push(PolicyFault {
                        policy: policy.id.clone(),
                        message,
                        forbid: policy.forbid,
                    });
                }
            }
            Outcomes { yes: true, .. } => {
                open.insert(policy.id.clone(), reads);
            }
            // It cannot hold, whatever the unavailable facts are: at worst it would err, and a forbid that can only
            // be false or err could not have refused this request.
            Outcomes { yes: false, .. } => {}
        }
    }

    fn verdict(self) -> Verdict {
        let mut undecided = BTreeSet::new();
        let (decision, reasons) = if !self.forbids.is_empty() {
            (Decision::Deny, self.forbids)
        } else if self.permits.is_empty() && self.open_permits.is_empty() {
            (Decision::Deny, Vec::new())
        } else if !self.permits.is_empty() && self.open_forbids.is_empty() {
            (Decision::Allow, self.permits)
        } else {
            undecided.extend(self.open_forbids.into_values().flatten());
            if self.permits.is_empty() {
                undecided.extend(self.open_permits.into_values().flatten());
            }
            (Decision::Deny, Vec::new())
        };
        Verdict {
            decision,
            reasons,
            errors: self.errors,
            nearest: Vec::new(),
            undecided: undecided.into_iter().collect(),
            ticket: None,
        }
    }
}

fn known_target(request: &ast::Request) -> Option<Target<'_>> {
    Some(Target {
        principal: request.principal().uid()?,
        action: request.action().uid()?,
        resource: request.resource().uid()?,
    })
}

fn undecidable(unusable: Unusable) -> Verdict {
    Verdict {
        decision: Decision::Deny,
        reasons: Vec::new(),
        errors: vec![of_the_facts(format!("`{}` is malformed: {}", unusable.fact, unusable.fault))],
        nearest: Vec::new(),
        undecided: vec![unusable.fact],
        ticket: None,
    }
}

fn of_the_facts(message: String) -> PolicyFault {
    PolicyFault { policy: String::new(), message, forbid: false }
}
