//! A small world and short ways to ask it; shared by the tests of this crate.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{Context, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression};
use portcullis_decision::{
    Decision, EntityName, EntityOverlay, Facts, Permit, PolicyFault, Program, Ticket, Value, Verdict, World,
};

pub(crate) fn program(text: &str) -> Program {
    Program::compile(&policies(text)).expect("compiles")
}

/// Parses policies; `@id` names them.
pub(crate) fn policies(text: &str) -> PolicySet {
    let parsed = PolicySet::from_str(text).unwrap_or_else(|fault| panic!("{fault:?}\n{text}"));
    let renamed = parsed.policies().map(|policy| match policy.annotation("id") {
        Some(id) => policy.new_id(cedar_policy::PolicyId::new(id)),
        None => policy.clone(),
    });
    let mut set = PolicySet::from_policies(renamed).expect("distinct ids");
    for template in parsed.templates() {
        set.add_template(template.clone()).expect("distinct ids");
    }
    set
}

pub(crate) fn uid(text: &str) -> EntityUid {
    EntityUid::from_str(text).expect("a name")
}

pub(crate) fn entity(name: &str, attributes: &[(&str, &str)], parents: &[&str]) -> Entity {
    let attributes: HashMap<String, RestrictedExpression> = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), RestrictedExpression::from_str(value).expect("a value")))
        .collect();
    Entity::new(uid(name), attributes, parents.iter().map(|name| uid(name)).collect::<HashSet<_>>())
        .expect("an entity")
}

/// alice in staff, staff in everyone; doc owned by alice in folder; action view in read.
pub(crate) fn entities() -> Entities {
    Entities::from_entities(
        [
            entity("Group::\"everyone\"", &[], &[]),
            entity("Group::\"staff\"", &[], &["Group::\"everyone\""]),
            entity(
                "User::\"alice\"",
                &[("tier", "\"gold\""), ("level", "5"), ("friend", "User::\"bob\"")],
                &["Group::\"staff\""],
            ),
            entity("User::\"bob\"", &[("tier", "\"free\"")], &[]),
            entity("Folder::\"top\"", &[], &[]),
            entity(
                "Doc::\"plan\"",
                &[("owner", "User::\"alice\""), ("public", "false")],
                &["Folder::\"top\""],
            ),
            entity("Action::\"read\"", &[], &[]),
            entity("Action::\"view\"", &[], &["Action::\"read\""]),
        ],
        None,
    )
    .expect("entities")
}

pub(crate) fn world(program: &Program) -> World {
    World::new(program, &entities())
}

/// `User::"alice"` views `Doc::"plan"`, with nothing known besides.
pub(crate) fn facts<'a>() -> Facts<'a> {
    Facts {
        principal: EntityName::new("User", "alice"),
        action: EntityName::new("Action", "view"),
        resource: EntityName::new("Doc", "plan"),
        context: Vec::new(),
        overlay: Vec::new(),
        unavailable: Vec::new(),
        unavailable_principal: Vec::new(),
        ticket: Some(Ticket(7)),
    }
}

pub(crate) fn text(value: &str) -> Value<'_> {
    Value::String(value.into())
}

pub(crate) fn record<'a>(fields: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> Value<'a> {
    Value::Record(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// The same facts as the official crate wants them: a request, and the entities with the overlay merged in.
pub(crate) fn official(facts: &Facts<'_>, entities: &Entities) -> (Request, Entities) {
    let name = |name: &EntityName<'_>| {
        EntityUid::from_type_name_and_id(
            cedar_policy::EntityTypeName::from_str(&name.kind).expect("a type"),
            cedar_policy::EntityId::new(&name.id),
        )
    };
    let context = Context::from_pairs(
        facts.context.iter().map(|(name, value)| (name.to_string(), expression(value))).collect::<Vec<_>>(),
    )
    .expect("a context");
    let mut entities = entities.clone();
    for EntityOverlay { name: overlaid, attributes, parents } in &facts.overlay {
        let overlaid = name(overlaid);
        let (mut known, mut above): (HashMap<_, _>, HashSet<_>) = match entities.get(&overlaid) {
            Some(entity) => {
                let (_, attributes, _) = entity.clone().into_inner();
                let core: &cedar_policy_core::ast::Entity = entity.as_ref();
                (attributes, core.parents().cloned().map(EntityUid::from).collect())
            }
            None => (HashMap::new(), HashSet::new()),
        };
        known.extend(attributes.iter().map(|(name, value)| (name.to_string(), expression(value))));
        above.extend(parents.iter().map(name));
        let merged = Entity::new(overlaid, known, above).expect("an entity");
        entities = entities.upsert_entities([merged], None).expect("no cycle");
    }
    let request =
        Request::new(name(&facts.principal), name(&facts.action), name(&facts.resource), context, None)
            .expect("no schema, no fault");
    (request, entities)
}

pub(crate) fn expression(value: &Value<'_>) -> RestrictedExpression {
    match value {
        Value::Bool(value) => RestrictedExpression::new_bool(*value),
        Value::Long(value) => RestrictedExpression::new_long(*value),
        Value::String(value) => RestrictedExpression::new_string(value.to_string()),
        Value::Set(items) => RestrictedExpression::new_set(items.iter().map(expression)),
        Value::Record(fields) => RestrictedExpression::new_record(
            fields.iter().map(|(name, value)| (name.to_string(), expression(value))),
        )
        .expect("distinct names"),
        Value::Entity(name) => RestrictedExpression::new_entity_uid(EntityUid::from_type_name_and_id(
            cedar_policy::EntityTypeName::from_str(&name.kind).expect("a type"),
            cedar_policy::EntityId::new(&name.id),
        )),
        Value::Address(value) => RestrictedExpression::new_ip(value.to_string()),
        Value::Decimal(value) => RestrictedExpression::new_decimal(value.as_ref()),
        Value::Duration(value) => RestrictedExpression::new_duration(format!("{value}ms")),
        Value::Datetime(value) => RestrictedExpression::from_str(&format!(
            "datetime(\"1970-01-01\").offset(duration(\"{value}ms\"))"
        ))
        .expect("a datetime"),
    }
}

/// A verdict that outlives what it was decided on.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) decision: Decision,
    pub(crate) reasons: Vec<String>,
    pub(crate) errors: Vec<PolicyFault>,
    /// Policy, failed clauses, all clauses.
    pub(crate) nearest: Vec<(String, usize, usize)>,
    pub(crate) undecided: Vec<String>,
    pub(crate) permit: Option<Permit>,
    /// The permit that an erring forbid does not keep back.
    pub(crate) dangerous_permit: Option<Permit>,
    pub(crate) forbid_erred: bool,
}

pub(crate) fn told(verdict: &Verdict<'_>) -> Told {
    Told {
        decision: verdict.decision(),
        reasons: verdict.reasons().map(str::to_owned).collect(),
        errors: verdict.errors().to_vec(),
        nearest: verdict
            .nearest()
            .iter()
            .map(|miss| (miss.policy.to_owned(), miss.failed, miss.clauses))
            .collect(),
        undecided: verdict.undecided().to_vec(),
        permit: verdict.permit(),
        dangerous_permit: verdict.dangerous_permit_despite_erring_forbid(),
        forbid_erred: verdict.forbid_erred(),
    }
}

impl Told {
    pub(crate) fn decision(&self) -> Decision {
        self.decision
    }

    pub(crate) fn reasons(&self) -> &[String] {
        &self.reasons
    }

    pub(crate) fn errors(&self) -> &[PolicyFault] {
        &self.errors
    }

    pub(crate) fn undecided(&self) -> &[String] {
        &self.undecided
    }

    pub(crate) fn permit(self) -> Option<Permit> {
        self.permit
    }
}

pub(crate) fn ask(program: &Program, world: &World, facts: &Facts<'_>) -> Told {
    told(&program.decide_facts(world, facts))
}
