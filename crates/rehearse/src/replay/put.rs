//! The facts of a recorded decision, borrowed from its line, to be put to a candidate.
//!
//! INVARIANT: what the record does not say is unavailable, never guessed. The facts are those of
//! [`crate::Question::recorded`] of the same record.

use std::borrow::Cow;

use portcullis_decision::{EntityName, EntityOverlay, Facts, Value};
use portcullis_record::redact;

use super::line::{Json, Recorded, Text};
use super::plan::{Place, Plan};
use crate::question::empty_context;
use crate::question::own::{Own, OwnMembers};
use crate::question::recorded::entity;
use crate::question::values::{self, Kind};

/// A record as a question.
#[derive(Debug)]
pub(super) struct Put<'q> {
    pub(super) facts: Facts<'q>,
    /// Facts that were unavailable when it was decided, by name: of these the answer is known to be that nobody can say.
    pub(super) broken_then: Vec<&'q str>,
}

/// Why a record cannot be put to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswerable {
    /// It does not say what was to be done, or to what.
    Incomplete,
    /// The candidate may read any attribute of the principal, and not all are recorded.
    AnyAttribute,
}

/// Space that is used again from line to line.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    facts: Vec<usize>,
    missing: Vec<usize>,
    told: Vec<bool>,
}

type Fields<'q> = Vec<(Cow<'q, str>, Value<'q>)>;

impl Scratch {
    /// Finds what to do with each fact of a line.
    pub(super) fn prepare(
        &mut self,
        facts: &[(Text<'_>, Json<'_>)],
        recorded: &Recorded<'_>,
        plan: &mut Plan,
    ) {
        plan.tidy();
        slots(&mut self.facts, facts.iter().map(|(path, _)| path), plan);
        slots(&mut self.missing, recorded.missing.0.iter().map(|(path, _)| path), plan);
        self.told.clear();
        self.told.resize(plan.required().len(), false);
    }
}

fn slots<'t>(into: &mut Vec<usize>, paths: impl Iterator<Item = &'t Text<'t>>, plan: &mut Plan) {
    into.clear();
    let mut before = None;
    for path in paths {
        let slot = plan.slot(path.as_str(), before);
        into.push(slot);
        before = Some(slot);
    }
}

/// Puts a prepared record. `resource` is what the candidate calls what was asked for; `None`: as recorded.
pub(super) fn put<'q>(
    recorded: &'q Recorded<'_>,
    facts: Vec<(Text<'q>, Json<'q>)>,
    plan: &'q Plan,
    scratch: &mut Scratch,
) -> Result<Put<'q>, Unanswerable> {
    let mut making = Making::new(plan);
    let slots = std::mem::take(&mut scratch.facts);
    let mut left_out = false;
    for ((_, value), slot) in facts.into_iter().zip(&slots) {
        left_out |= making.fact(*slot, value, &mut scratch.told);
    }
    scratch.facts = slots;
    for ((path, why), slot) in recorded.missing.0.iter().zip(&scratch.missing) {
        making.gap(*slot, path.as_str(), why.as_str(), &mut scratch.told);
    }
    if left_out || !recorded.complete {
        if plan.reads_any_attribute {
            return Err(Unanswerable::AnyAttribute);
        }
        making.not_recorded(&own(recorded), &scratch.told);
    }
    let principal = principal(recorded);
    let (action, resource) = (making.action, making.resource);
    Ok(Put {
        broken_then: making.broken_then,
        facts: Facts {
            overlay: vec![EntityOverlay {
                name: principal.clone(),
                attributes: making.attributes,
                parents: making.parents,
            }],
            principal,
            action: EntityName::new("Action", action.ok_or(Unanswerable::Incomplete)?),
            resource: resource.ok_or(Unanswerable::Incomplete)?,
            context: making.context,
            unavailable: making.unavailable,
            unavailable_principal: making.unavailable_principal,
            ticket: None,
        },
    })
}

/// Who asked.
pub(super) fn principal<'q>(recorded: &'q Recorded<'_>) -> EntityName<'q> {
    match &recorded.principal {
        Some(who) => EntityName::new(who.kind.as_str(), who.id.as_str()),
        None => EntityName::new("Anonymous", "caller"),
    }
}

fn own<'q>(recorded: &'q Recorded<'_>) -> OwnMembers<'q> {
    let request = &recorded.request;
    OwnMembers {
        method: request.method.as_str(),
        scheme: request.scheme.as_str(),
        host: request.host.as_str(),
        path: request.path.as_str(),
        client: request.client.as_str(),
        time: recorded.time.as_str(),
        identified: recorded
            .principal
            .as_ref()
            .map(|who| (who.method.as_str(), who.issuer.as_ref().map(Text::as_str))),
    }
}

/// Facts in the making.
struct Making<'q> {
    plan: &'q Plan,
    action: Option<Cow<'q, str>>,
    resource: Option<EntityName<'q>>,
    attributes: Fields<'q>,
    parents: Vec<EntityName<'q>>,
    context: Fields<'q>,
    unavailable: Vec<Vec<Cow<'q, str>>>,
    unavailable_principal: Vec<Cow<'q, str>>,
    broken_then: Vec<&'q str>,
}

impl<'q> Making<'q> {
    fn new(plan: &'q Plan) -> Self {
        Self {
            plan,
            action: None,
            resource: None,
            attributes: Vec::new(),
            parents: Vec::new(),
            context: empty_context(),
            unavailable: Vec::new(),
            unavailable_principal: Vec::new(),
            broken_then: Vec::new(),
        }
    }

    /// Takes a fact in; whether it says that others were left out.
    fn fact(&mut self, slot: usize, value: Json<'q>, told: &mut [bool]) -> bool {
        let Some(slot) = self.plan.get(slot) else { return false };
        tell(told, &slot.tells);
        if !slot.is_read {
            return false;
        }
        match (&slot.place, value) {
            (Place::LeftOut, _) => return true,
            (Place::Action, Json::Text(action)) => self.action = Some(action),
            (Place::Resource, Json::Text(name)) => self.resource = named(name),
            (Place::Parents, Json::List(names)) => {
                self.parents.extend(names.into_iter().filter_map(|name| match name {
                    Json::Text(name) => named(name),
                    _ => None,
                }));
            }
            (Place::Principal(path), value) => match typed(slot.kind, value) {
                Some(value) => set(&mut self.attributes, path.below(), value),
                None => self.unknown_attribute(path.below()),
            },
            (Place::Context(path), value) => match typed(slot.kind, value) {
                Some(value) => set(&mut self.context, path.below(), value),
                None => self.unknown_member(path.below()),
            },
            (Place::Action | Place::Resource | Place::Parents | Place::Nowhere, _) => {}
        }
        false
    }

    /// Takes in why a fact is not there.
    fn gap(&mut self, slot: usize, path: &'q str, why: &str, told: &mut [bool]) {
        let Some(slot) = self.plan.get(slot) else { return };
        tell(told, &slot.tells);
        if !slot.is_read || !why.starts_with("unavailable: ") {
            return;
        }
        match &slot.place {
            Place::Principal(name) => {
                remove(&mut self.attributes, name.below());
                self.unknown_attribute(name.below());
            }
            Place::Context(name) => {
                remove(&mut self.context, name.below());
                self.unknown_member(name.below());
            }
            _ => return,
        }
        self.broken_then.push(path);
    }

    /// What the candidate reads and the record says nothing of.
    fn not_recorded(&mut self, own: &OwnMembers<'q>, told: &[bool]) {
        let plan = self.plan;
        for (required, told) in plan.required().iter().zip(told) {
            if *told {
                continue;
            }
            let below = required.path.below();
            match (own.say(&required.text), required.path.is_of_principal()) {
                (Own::Known(value), false) => set(&mut self.context, below, value),
                (Own::Known(value), true) => set(&mut self.attributes, below, value),
                (Own::Absent, _) => {}
                (Own::Silent, false) => self.unknown_member(below),
                (Own::Silent, true) => self.unknown_attribute(below),
            }
        }
    }

    fn unknown_member(&mut self, below: &'q [String]) {
        self.unavailable.push(below.iter().map(|name| Cow::Borrowed(name.as_str())).collect());
    }

    fn unknown_attribute(&mut self, below: &'q [String]) {
        self.unavailable_principal.extend(below.first().map(|name| Cow::Borrowed(name.as_str())));
    }
}

fn tell(told: &mut [bool], tells: &[usize]) {
    for at in tells {
        if let Some(told) = told.get_mut(*at) {
            *told = true;
        }
    }
}

/// The value of a fact; `None` if it has none of its type, or is not the one that was decided on.
fn typed(kind: Kind, value: Json<'_>) -> Option<Value<'_>> {
    match value {
        Json::Text(text) if redact::is_altered_text(&text) => None,
        Json::Text(text) => values::read(kind, text),
        value if kind == Kind::Plain => plain(value),
        _ => None,
    }
}

fn plain(value: Json<'_>) -> Option<Value<'_>> {
    Some(match value {
        Json::Bool(value) => Value::Bool(value),
        Json::Long(value) => Value::Long(value),
        Json::Text(text) if redact::is_altered_text(&text) => return None,
        Json::Text(text) => Value::String(text),
        Json::List(items) if items.len() >= redact::MOST_ITEMS => return None,
        Json::List(items) => Value::Set(items.into_iter().map(plain).collect::<Option<_>>()?),
        Json::Record(members) if members.len() >= redact::MOST_ITEMS => return None,
        Json::Record(members) => Value::Record(
            members.into_iter().map(|(name, value)| Some((name, plain(value)?))).collect::<Option<_>>()?,
        ),
        Json::NoValue => return None,
    })
}

/// `Route::"shop/premium"` as a name.
fn named(text: Cow<'_, str>) -> Option<EntityName<'_>> {
    // Names without anything escaped, which most are, need no parser and no copy.
    if let Cow::Borrowed(text) = text
        && let Some((kind, id)) = text.split_once("::\"")
        && let Some(id) = id.strip_suffix('"')
        && !id.contains(['\\', '"'])
    {
        return Some(EntityName::new(kind, id));
    }
    entity(&text).map(|(kind, id)| EntityName::new(kind, id))
}

/// Sets what lies at a path; records on the way are made.
fn set<'q>(fields: &mut Fields<'q>, path: &'q [String], value: Value<'q>) {
    let Some((name, below)) = path.split_first() else { return };
    let at = match fields.iter().position(|(known, _)| known == name) {
        Some(at) => at,
        None => {
            fields.push((Cow::Borrowed(name.as_str()), Value::Record(Vec::new())));
            fields.len() - 1
        }
    };
    let Some((_, place)) = fields.get_mut(at) else { return };
    if below.is_empty() {
        *place = value;
        return;
    }
    if !matches!(place, Value::Record(_)) {
        *place = Value::Record(Vec::new());
    }
    if let Value::Record(fields) = place {
        set(fields, below, value);
    }
}

/// Takes away what lies at a path.
fn remove(fields: &mut Fields<'_>, path: &[String]) {
    match path {
        [] => {}
        [name] => fields.retain(|(known, _)| known != name),
        [name, below @ ..] => {
            if let Some((_, Value::Record(fields))) = fields.iter_mut().find(|(known, _)| known == name) {
                remove(fields, below);
            }
        }
    }
}
