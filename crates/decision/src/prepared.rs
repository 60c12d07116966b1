//! One policy made ready: its scope as a native test, its conditions split into clauses. It decides nothing about the
//! set as a whole.
//!
//! INVARIANT: `scope && conditions` means what the official evaluator makes of the policy; scopes cannot err, so a
//! policy whose scope does not match is neither true nor erring.

use cedar_policy_core::ast::{
    ActionConstraint, Effect, EntityReference, EntityType, EntityUID, Expr, ExprKind, Policy,
    PrincipalOrResourceConstraint, UnaryOp,
};
use cedar_policy_core::entities::{Dereference, Entities};

/// A policy ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) id: String,
    pub(crate) forbid: bool,
    pub(crate) policy: Policy,
    /// The conjuncts of all `when` and `unless` bodies, in order; none if the policy has no conditions.
    pub(crate) clauses: Vec<Expr>,
    principal: PrincipalOrResourceConstraint,
    resource: PrincipalOrResourceConstraint,
}

/// Who, what, to what: all that a scope looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) principal: &'a EntityUID,
    pub(crate) action: &'a EntityUID,
    pub(crate) resource: &'a EntityUID,
}

impl Prepared {
    pub(crate) fn new(policy: &Policy) -> Self {
        let mut clauses = Vec::new();
        if let Some(conditions) = policy.non_scope_constraints() {
            split(conditions, &mut clauses);
        }
        Self {
            id: policy.id().to_string(),
            forbid: policy.effect() == Effect::Forbid,
            clauses,
            principal: policy.principal_constraint().into_inner(),
            resource: policy.resource_constraint().into_inner(),
            policy: policy.clone(),
        }
    }

    /// Whether the scope admits this request.
    pub(crate) fn in_scope(&self, target: Target<'_>, entities: &Entities) -> bool {
        constraint_admits(&self.principal, target.principal, entities)
            && match self.policy.action_constraint() {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(action) => **action == *target.action,
                ActionConstraint::In(actions) => {
                    actions.iter().any(|action| is_in(target.action, action, entities))
                }
            }
            && constraint_admits(&self.resource, target.resource, entities)
    }

    /// The entity types its scope names.
    pub(crate) fn scope_types(&self) -> impl Iterator<Item = &EntityType> {
        self.principal
            .iter_entity_type_names()
            .chain(self.resource.iter_entity_type_names())
            .chain(self.policy.action_constraint().iter_entity_type_names())
    }
}

fn constraint_admits(
    constraint: &PrincipalOrResourceConstraint,
    entity: &EntityUID,
    entities: &Entities,
) -> bool {
    match constraint {
        PrincipalOrResourceConstraint::Any => true,
        PrincipalOrResourceConstraint::Eq(reference) => named(reference) == Some(entity),
        PrincipalOrResourceConstraint::In(reference) => {
            named(reference).is_some_and(|ancestor| is_in(entity, ancestor, entities))
        }
        PrincipalOrResourceConstraint::Is(kind) => entity.entity_type() == kind.as_ref(),
        PrincipalOrResourceConstraint::IsIn(kind, reference) => {
            entity.entity_type() == kind.as_ref()
                && named(reference).is_some_and(|ancestor| is_in(entity, ancestor, entities))
        }
    }
}

/// The entity of a scope. An open slot names nothing: a template without a link applies to nothing.
fn named(reference: &EntityReference) -> Option<&EntityUID> {
    match reference {
        EntityReference::EUID(uid) => Some(uid),
        EntityReference::Slot(_) => None,
    }
}

fn is_in(entity: &EntityUID, ancestor: &EntityUID, entities: &Entities) -> bool {
    entity == ancestor
        || match entities.entity(entity) {
            Dereference::Data(data) => data.is_descendant_of(ancestor),
            Dereference::NoSuchEntity | Dereference::Residual(_) => false,
        }
}

/// Splits conditions into clauses: `a && b` into both, and the body of an `unless` by De Morgan, `!(a || b)` into `!a`
/// and `!b`. An `unless { a && b }` stays one clause, because only together do they mean something. With a worklist,
/// because a long chain of `&&` is a deep tree.
fn split(conditions: &Expr, clauses: &mut Vec<Expr>) {
    let mut open: Vec<(&Expr, bool)> = vec![(conditions, false)];
    while let Some((expr, negated)) = open.pop() {
        match (expr.expr_kind(), negated) {
            (ExprKind::And { left, right }, false) | (ExprKind::Or { left, right }, true) => {
                open.push((right, negated));
                open.push((left, negated));
            }
            (ExprKind::UnaryApp { op: UnaryOp::Not, arg }, _) => open.push((arg, !negated)),
            (_, false) => clauses.push(expr.clone()),
            (_, true) => clauses.push(
                Expr::unary_app(UnaryOp::Not, expr.clone()).with_maybe_source_loc(expr.source_loc().cloned()),
            ),
        }
    }
}
