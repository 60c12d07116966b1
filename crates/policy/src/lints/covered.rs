//! Permits that can never let anybody in, because a forbid holds whenever they do.
//!
//! Only what is plain is found: a forbid whose scope is at least as wide and whose every clause is, word for word, one
//! of the permit's.

use cedar_policy::Schema;
use cedar_policy_core::ast::{
    ActionConstraint, EntityReference, EntityUID, Expr, ExprKind, PrincipalOrResourceConstraint, Template,
};

use crate::finding::{Findings, Sources};
use crate::guards::Declared;
use crate::load::{Body, Entry};

/// Pairs of permit and forbid that are compared; the lint is advice, and does not hold up a large set.
const COMPARISONS: usize = 4_000_000;

pub(super) fn run(
    entries: &[Entry],
    declared: &Declared,
    schema: &Schema,
    sources: &Sources,
    findings: &mut Findings,
) {
    let of = |forbids: bool| {
        entries
            .iter()
            .filter(move |entry| entry.is_forbid() == forbids && matches!(entry.body, Body::Static(_)))
    };
    let forbids: Vec<(&Entry, Vec<&Expr>)> = of(true).map(|entry| (entry, clauses(entry.tree()))).collect();
    if forbids.is_empty() {
        return;
    }
    let actions = schema.action_entities().ok();
    let knows = Knows { declared, actions: actions.as_ref() };
    for permit in of(false).filter(|entry| entry.is_written()).take(COMPARISONS / forbids.len()) {
        let conditions = clauses(permit.tree());
        let covering = forbids.iter().find(|(forbid, clauses)| {
            clauses.iter().all(|clause| conditions.contains(clause))
                && knows.covers(forbid.tree(), permit.tree())
        });
        if let Some((forbid, _)) = covering {
            let at = forbid.place.file.map_or_else(String::new, |file| {
                format!(" ({}:{})", sources.name(file), sources.position(file, forbid.place.span.start).0)
            });
            findings.warning(
                "portcullis::policy::covered_permit",
                &permit.place,
                format!(
                    "permit `{}` lets nobody in: forbid `{}`{at} holds whenever it does",
                    permit.id, forbid.id
                ),
                "narrow the forbid by an `unless`, or take the permit out",
            );
        }
    }
}

fn clauses(tree: &Template) -> Vec<&Expr> {
    let mut clauses = Vec::new();
    let mut open: Vec<&Expr> = tree.non_scope_constraints().into_iter().collect();
    while let Some(expr) = open.pop() {
        match expr.expr_kind() {
            ExprKind::And { left, right } => open.extend([&**right, &**left]),
            _ => clauses.push(expr),
        }
    }
    clauses
}

struct Knows<'a> {
    declared: &'a Declared,
    actions: Option<&'a cedar_policy::Entities>,
}

impl Knows<'_> {
    /// Whether every request in the narrow scope is in the wide one.
    fn covers(&self, wide: &Template, narrow: &Template) -> bool {
        self.entity(wide.principal_constraint().as_inner(), narrow.principal_constraint().as_inner())
            && self.action(wide.action_constraint(), narrow.action_constraint())
            && self.entity(wide.resource_constraint().as_inner(), narrow.resource_constraint().as_inner())
    }

    fn entity(&self, wide: &PrincipalOrResourceConstraint, narrow: &PrincipalOrResourceConstraint) -> bool {
        use PrincipalOrResourceConstraint::{Any, Eq, In, Is, IsIn};
        let (EntityReference::EUID(wide_in), wide_kind) = (match wide {
            Any => return true,
            Eq(_) => return wide == narrow,
            Is(kind) => {
                return match narrow {
                    Is(narrow) | IsIn(narrow, _) => narrow == kind,
                    Eq(EntityReference::EUID(uid)) => uid.entity_type() == kind.as_ref(),
                    _ => false,
                };
            }
            In(reference) => (reference, None),
            IsIn(kind, reference) => (reference, Some(kind)),
        }) else {
            return false;
        };
        let (of_kind, within) = match narrow {
            Eq(EntityReference::EUID(uid)) => {
                (wide_kind.is_none_or(|kind| uid.entity_type() == kind.as_ref()), uid)
            }
            In(EntityReference::EUID(uid)) => (wide_kind.is_none(), uid),
            IsIn(kind, EntityReference::EUID(uid)) => (wide_kind.is_none_or(|wide| wide == kind), uid),
            _ => return false,
        };
        of_kind && self.is_in(within, wide_in)
    }

    /// Equal, a route in its app, or an action in its group. Groups and roles change while policies stand.
    fn is_in(&self, entity: &EntityUID, ancestor: &EntityUID) -> bool {
        let id: &str = entity.eid().as_ref();
        let above: &str = ancestor.eid().as_ref();
        entity == ancestor
            || (entity.entity_type().to_string() == "Route"
                && ancestor.entity_type().to_string() == "App"
                && self.declared.routes.get(id).is_some_and(|app| app == above))
            || self.actions.is_some_and(|actions| {
                actions.is_ancestor_of(&ancestor.clone().into(), &entity.clone().into())
            })
    }

    fn action(&self, wide: &ActionConstraint, narrow: &ActionConstraint) -> bool {
        if wide == narrow {
            return true;
        }
        let narrow = match narrow {
            ActionConstraint::Any => return *wide == ActionConstraint::Any,
            ActionConstraint::Eq(action) => std::slice::from_ref(action),
            ActionConstraint::In(actions) => actions.as_slice(),
        };
        match wide {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(_) => false,
            ActionConstraint::In(groups) => {
                narrow.iter().all(|action| groups.iter().any(|group| self.is_in(action, group)))
            }
        }
    }
}
