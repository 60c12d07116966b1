//! The reference evaluator, asked about one policy: for the words of an error, and for what the compiler does not take.
//!
//! It gets its own small store: the entities that this policy can look at in this request, with what the request adds.
//! Cedar comes by an entity only through the request's variables, literals of the policy, values of the context, and
//! attributes or tags of entities it has come by; through elements of a set it does not, and ancestors are tested, never
//! walked. So as many steps as the policy reads attributes reach all of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::Request;
use cedar_policy_core::ast::{
    self, Context, Entity, EntityUIDEntry, ExprKind, Literal, PartialValue, Policy, Value,
};
use cedar_policy_core::entities::{Entities, NoEntitiesSchema, TCComputation};
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;

use crate::facts::{self, Facts};
use crate::name::{Name, Print};
use crate::situation::Situation;
use crate::unknown::{Standing, Unknowns};
use crate::value::view::{EntityView, Fails, RecordView, View};
use crate::value::{Stored, official};
use crate::world::World;

/// More entities than this are not gathered. What lies beyond counts as missing in the text of an error.
const REACH: usize = 10_000;

/// What the reference evaluator is asked in.
pub(crate) struct Reference<'a> {
    situation: &'a Situation<'a>,
    world: &'a World,
    request: ast::Request,
    named: HashMap<Print, Name>,
    given: Vec<Name>,
    overlaid: &'a [facts::EntityOverlay<'a>],
}

impl<'a> Reference<'a> {
    /// `None` if the facts are no request in Cedar's sense.
    pub(crate) fn of_facts(
        world: &'a World,
        situation: &'a Situation<'a>,
        facts: &'a Facts<'a>,
        unknowns: &Unknowns,
    ) -> Option<Self> {
        let context = context(situation.context, &mut Vec::new(), unknowns).ok()?;
        let entry =
            |subject: EntityView<'_>| Some(EntityUIDEntry::known(subject.to_name().to_cedar()?, None));
        let mut given = Vec::new();
        context.values().for_each(|value| official::named(&official::stored(value), &mut given));
        let request = ast::Request::new_unchecked(
            entry(situation.principal.view)?,
            entry(situation.action.view)?,
            entry(situation.resource.view)?,
            Some(Context::Value(Arc::new(context.into_iter().map(|(k, v)| (k.into(), v)).collect()))),
        );
        let mut named = HashMap::new();
        for name in
            facts.overlay.iter().flat_map(|overlay| std::iter::once(&overlay.name).chain(&overlay.parents))
        {
            let name = Name::new(name.kind.as_ref().into(), &name.id);
            named.insert(name.print, name);
        }
        let given = given;
        Some(Self { situation, world, request, named, given, overlaid: &facts.overlay })
    }

    pub(crate) fn of_request(world: &'a World, situation: &'a Situation<'a>, request: &Request) -> Self {
        let request: &ast::Request = request.as_ref();
        let given = match request.context() {
            Some(Context::Value(fields)) => {
                fields.values().flat_map(official::uids).map(|uid| Name::of(&uid)).collect()
            }
            _ => Vec::new(),
        };
        Self { situation, world, request: request.clone(), named: HashMap::new(), given, overlaid: &[] }
    }

    /// What each policy comes to, or the words on why it comes to nothing.
    pub(crate) fn outcomes(&self, policies: &[Arc<Policy>]) -> Vec<Result<bool, String>> {
        let entities = self.entities(policies);
        let evaluator = Evaluator::new(self.request.clone(), &entities, Extensions::all_available());
        let evaluate = |policy: &Arc<Policy>| evaluator.evaluate(policy).map_err(|error| error.to_string());
        policies.iter().map(evaluate).collect()
    }

    /// The entities that policies can look at.
    fn entities(&self, policies: &[Arc<Policy>]) -> Entities {
        let mut most = 0;
        let mut open: Vec<Name> = Vec::new();
        for policy in policies {
            open.extend(policy.env().values().map(Name::of));
            let mut steps = 1;
            for expr in policy.condition().subexpressions() {
                match expr.expr_kind() {
                    ExprKind::Lit(Literal::EntityUID(uid)) => open.push(Name::of(uid)),
                    ExprKind::GetAttr { .. } | ExprKind::HasAttr { .. } | ExprKind::BinaryApp { .. } => {
                        steps += 1;
                    }
                    ExprKind::ExtHasAttr { attrs, .. } => steps += attrs.len(),
                    _ => {}
                }
            }
            most = most.max(steps);
        }
        let situation = self.situation;
        let subjects = [situation.principal.view, situation.action.view, situation.resource.view];
        open.extend(subjects.into_iter().map(EntityView::to_name));
        open.extend(self.given.iter().cloned());
        let mut seen: HashSet<Print> = HashSet::new();
        let mut found: Vec<Arc<Entity>> = Vec::new();
        for _ in 0..most {
            let mut next = Vec::new();
            for name in open {
                if found.len() >= REACH || !seen.insert(name.print) {
                    continue;
                }
                found.extend(self.entity(&name, &mut next).map(Arc::new));
            }
            open = next;
        }
        let entities = Entities::new().add_entities(
            found,
            None::<&NoEntitiesSchema>,
            TCComputation::AssumeAlreadyComputed,
            Extensions::all_available(),
        );
        // Each name is there once, so nothing is in the way of adding them.
        entities.unwrap_or_default()
    }

    /// The entity with what the request adds, and the entities it names.
    fn entity(&self, name: &Name, next: &mut Vec<Name>) -> Option<Entity> {
        let view = EntityView::of(name);
        if !self.situation.exists(view) {
            return None;
        }
        let mut attributes = BTreeMap::new();
        let mut tags = BTreeMap::new();
        let mut parents: Vec<Print> = Vec::new();
        let mut ancestors: Vec<Print> = self.situation.all_ancestors(view).collect();
        if let Some(entity) = self.world.entity(name.print) {
            attributes.extend(official::record(&entity.attributes)?);
            if let Some(fields) = &entity.tags {
                tags.extend(official::record(fields)?);
                fields.iter().for_each(|(_, value)| follow(value, next));
            }
            parents.extend(entity.above.parents());
        }
        for overlay in self.overlaid {
            if Print::of(&overlay.name.kind, &overlay.name.id) != name.print {
                continue;
            }
            for (attribute, value) in &overlay.attributes {
                let value = View::given(value).and_then(|view| view.to_stored());
                if let Some(value) = value.ok().and_then(|value| official::official(&value)) {
                    attributes.insert(attribute.to_string(), value);
                }
            }
            parents.extend(overlay.parents.iter().map(|parent| Print::of(&parent.kind, &parent.id)));
        }
        attributes.values().for_each(|value| follow(&official::stored(value), next));
        ancestors.retain(|ancestor| !parents.contains(ancestor));
        let uid = |print: Print| match self.world.slot(print) {
            Some(slot) => slot.name.to_cedar(),
            None => self.named.get(&print)?.to_cedar(),
        };
        let uids = |prints: Vec<Print>| prints.into_iter().filter_map(uid).collect();
        let values = |values: BTreeMap<String, Value>| {
            values
                .into_iter()
                .map(|(name, value)| (name.into(), PartialValue::Value(value)))
                .collect::<Vec<_>>()
        };
        Some(Entity::new_with_attr_partial_value(
            name.to_cedar()?,
            values(attributes),
            uids(ancestors),
            uids(parents),
            values(tags),
        ))
    }
}

/// The entities that a condition can come by through a value.
fn follow(value: &Stored, next: &mut Vec<Name>) {
    match value {
        Stored::Entity(name) => next.push(name.clone()),
        Stored::Record(fields) => fields.iter().for_each(|(_, value)| follow(value, next)),
        _ => {}
    }
}

/// The context without what is unavailable: a value that came along with it must not decide.
fn context(
    record: RecordView<'_>,
    path: &mut Vec<String>,
    unknowns: &Unknowns,
) -> Result<BTreeMap<String, Value>, Fails> {
    let RecordView::Given(fields) = record else { return Err(Fails) };
    let mut kept = BTreeMap::new();
    for (name, value) in fields {
        path.push(name.to_string());
        match unknowns.standing(path) {
            Standing::Unavailable(_) => {}
            Standing::Partly if matches!(value, facts::Value::Record(_)) => {
                if let View::Record(inner) = View::given(value)? {
                    let inner = context(inner, path, unknowns)?;
                    kept.insert(name.to_string(), Value::record(inner, None));
                }
            }
            Standing::Partly | Standing::Known => {
                let value = View::given(value)?.to_stored()?;
                kept.insert(name.to_string(), official::official(&value).ok_or(Fails)?);
            }
        }
        path.pop();
    }
    Ok(kept)
}
