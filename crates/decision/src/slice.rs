//! The entities one request can reach, with what the request adds to them: a small store of its own, so that the
//! world is not copied to give one principal its claims.
//!
//! Cedar comes by an entity only through the request's variables, literals of policies, values of the context, and
//! attributes or tags of entities it has come by; ancestors are tested, never walked. So the closure of these is all
//! that a policy can look at, and literals that are only compared (`== X`, `in X`) need not be in it.
//!
//! INVARIANT: every evaluation over the slice has the result it would have over the whole world with the same overlay.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use cedar_policy_core::ast::{BinaryOp, Context, Entity, EntityUID, Expr, ExprKind, Literal, PartialValue};
use cedar_policy_core::entities::{Dereference, Entities, NoEntitiesSchema, TCComputation};
use cedar_policy_core::extensions::Extensions;

use crate::bound::{Bound, Overlay, Unusable};

/// A request that reaches more entities than this is decided over a copy of the world.
const REACH: usize = 1_024;

/// The store to decide `bound` over.
///
/// Without an overlay that is the world itself. With one it costs a copy of each entity in reach (usually the
/// principal, the action and the resource); beyond [`REACH`] of them, a copy of the world's table.
pub(crate) fn reachable<'w>(
    world: &'w Entities,
    bound: &Bound,
    literals: &[EntityUID],
) -> Result<Cow<'w, Entities>, Unusable> {
    if bound.overlays.is_empty() {
        return Ok(Cow::Borrowed(world));
    }
    let added = added_ancestors(world, &bound.overlays)?;
    let entities = match collect(world, bound, literals, &added) {
        Some(slice) => Entities::new().add_entities(
            slice.into_iter().map(Arc::new),
            None::<&NoEntitiesSchema>,
            TCComputation::AssumeAlreadyComputed,
            Extensions::all_available(),
        ),
        None => world.clone().upsert_entities(
            bound.overlays.iter().map(|overlay| Arc::new(merged(world, overlay))),
            None::<&NoEntitiesSchema>,
            TCComputation::ComputeNow,
            Extensions::all_available(),
        ),
    };
    entities
        .map(Cow::Owned)
        .map_err(|fault| Unusable { fact: "principal".to_owned(), fault: fault.to_string() })
}

/// For each overlaid entity, every ancestor that the overlays give it.
fn added_ancestors(
    world: &Entities,
    overlays: &[Overlay],
) -> Result<BTreeMap<EntityUID, HashSet<EntityUID>>, Unusable> {
    let mut added: BTreeMap<EntityUID, HashSet<EntityUID>> = overlays
        .iter()
        .filter(|overlay| !overlay.parents.is_empty())
        .map(|overlay| {
            let mut ancestors: HashSet<EntityUID> = overlay.parents.iter().cloned().collect();
            for parent in &overlay.parents {
                ancestors.extend(ancestors_of(world, parent));
            }
            (overlay.name.clone(), ancestors)
        })
        .collect();
    // An overlaid entity may be an ancestor of another: as many rounds as there are overlays reach every one.
    for _ in 0..overlays.len() {
        let before = added.clone();
        for ancestors in added.values_mut() {
            for (name, further) in &before {
                if ancestors.contains(name) {
                    ancestors.extend(further.iter().cloned());
                }
            }
        }
        if added == before {
            break;
        }
    }
    match added.iter().find(|(name, ancestors)| ancestors.contains(name)) {
        Some((name, _)) => {
            Err(Unusable { fact: name.to_string(), fault: format!("`{name}` would be its own ancestor") })
        }
        None => Ok(added),
    }
}

fn ancestors_of(world: &Entities, name: &EntityUID) -> Vec<EntityUID> {
    match world.entity(name) {
        Dereference::Data(entity) => entity.ancestors().cloned().collect(),
        Dereference::NoSuchEntity | Dereference::Residual(_) => Vec::new(),
    }
}

/// The entities in reach, overlaid and closed; `None` if there are too many.
fn collect(
    world: &Entities,
    bound: &Bound,
    literals: &[EntityUID],
    added: &BTreeMap<EntityUID, HashSet<EntityUID>>,
) -> Option<Vec<Entity>> {
    let mut open = vec![bound.principal.clone(), bound.action.clone(), bound.resource.clone()];
    open.extend(literals.iter().cloned());
    if let Context::Value(fields) = &bound.context {
        open.extend(fields.values().flat_map(|value| value.all_literal_uids()));
    }
    let mut seen: HashSet<EntityUID> = HashSet::new();
    let mut slice = Vec::new();
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if seen.len() > REACH {
            return None;
        }
        let mut entity = match bound.overlays.iter().find(|overlay| overlay.name == name) {
            Some(overlay) => merged(world, overlay),
            None => match world.entity(&name) {
                Dereference::Data(entity) => entity.clone(),
                Dereference::NoSuchEntity | Dereference::Residual(_) => continue,
            },
        };
        let own = added.get(&name);
        let inherited = entity.ancestors().filter_map(|ancestor| added.get(ancestor));
        let further: Vec<EntityUID> = own.into_iter().chain(inherited).flatten().cloned().collect();
        for ancestor in further {
            entity.add_indirect_ancestor(ancestor);
        }
        for (_, value) in entity.attrs().chain(entity.tags()) {
            match value {
                PartialValue::Value(value) => open.extend(value.all_literal_uids()),
                PartialValue::Residual(expr) => {
                    open.extend(expr.subexpressions().filter_map(entity_literal).cloned())
                }
            }
        }
        slice.push(entity);
    }
    Some(slice)
}

/// The entity of the world with the overlay's attributes and direct parents.
fn merged(world: &Entities, overlay: &Overlay) -> Entity {
    let mut entity = match world.entity(&overlay.name) {
        Dereference::Data(entity) => entity.clone(),
        Dereference::NoSuchEntity | Dereference::Residual(_) => Entity::with_uid(overlay.name.clone()),
    };
    for parent in &overlay.parents {
        entity.add_parent(parent.clone());
    }
    if overlay.attributes.is_empty() {
        return entity;
    }
    let (name, mut attributes, ancestors, parents, tags) = entity.into_inner();
    for (attribute, value) in &overlay.attributes {
        attributes.insert(attribute.as_str().into(), PartialValue::Value(value.clone()));
    }
    Entity::new_with_attr_partial_value(name, attributes, ancestors, parents, tags)
}

/// The entities that a condition names other than to compare with them.
pub(crate) fn dereferenced(condition: &Expr) -> Vec<EntityUID> {
    let mut found = Vec::new();
    let mut open = vec![condition];
    while let Some(expr) = open.pop() {
        match expr.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) => found.push(EntityUID::clone(uid)),
            ExprKind::BinaryApp { op: BinaryOp::Eq, arg1, arg2 } => {
                open.extend(
                    [arg1, arg2].into_iter().map(|arg| &**arg).filter(|arg| entity_literal(arg).is_none()),
                );
            }
            ExprKind::BinaryApp { op: BinaryOp::In, arg1, arg2 } => {
                open.push(arg1);
                match arg2.expr_kind() {
                    ExprKind::Set(items) => {
                        open.extend(items.iter().filter(|item| entity_literal(item).is_none()));
                    }
                    _ if entity_literal(arg2).is_some() => {}
                    _ => open.push(arg2),
                }
            }
            _ => open.extend(children(expr)),
        }
    }
    found
}

fn entity_literal(expr: &Expr) -> Option<&EntityUID> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::EntityUID(uid)) => Some(uid),
        _ => None,
    }
}

fn children(expr: &Expr) -> Vec<&Expr> {
    match expr.expr_kind() {
        ExprKind::Lit(_) | ExprKind::Var(_) | ExprKind::Slot(_) | ExprKind::Unknown(_) => Vec::new(),
        ExprKind::If { test_expr, then_expr, else_expr } => vec![&**test_expr, &**then_expr, &**else_expr],
        ExprKind::And { left, right } | ExprKind::Or { left, right } => vec![&**left, &**right],
        ExprKind::UnaryApp { arg, .. } => vec![&**arg],
        ExprKind::BinaryApp { arg1, arg2, .. } => vec![&**arg1, &**arg2],
        ExprKind::GetAttr { expr, .. }
        | ExprKind::HasAttr { expr, .. }
        | ExprKind::ExtHasAttr { expr, .. }
        | ExprKind::Like { expr, .. }
        | ExprKind::Is { expr, .. } => vec![&**expr],
        ExprKind::ExtensionFunctionApp { args, .. } | ExprKind::Set(args) => args.iter().collect(),
        ExprKind::Record(fields) => fields.values().collect(),
    }
}
