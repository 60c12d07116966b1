//! Which facts there are, and of which type each is: as the schema declares them, the user's extension included.
//!
//! A name that is misspelt would make a fact that no policy reads, and a test that proves nothing. INVARIANT: a value that
//! comes out of here has the type that the schema declares.

use std::borrow::Cow;
use std::net::IpAddr;
use std::str::FromStr;

use cedar_policy::Schema;
use cedar_policy_core::ast::{EntityType, EntityUID};
use cedar_policy_core::validator::ValidatorSchema;
use cedar_policy_core::validator::types::{Attributes, Type};
use jiff::Timestamp;
use portcullis_decision::{EntityName, Value};
use serde_json::Value as Json;

use crate::question::{FactPath, entity};

/// Facts of one kind of principal and one action.
#[derive(Clone, Copy)]
pub(crate) struct Vocabulary<'a> {
    principal: Option<&'a Attributes>,
    context: Option<&'a Attributes>,
}

/// A fact that the schema declares.
#[derive(Clone, Copy)]
pub(crate) struct Declared<'a> {
    kind: &'a Type,
    /// Whether it is always there.
    pub(crate) required: bool,
}

/// A name that the schema does not declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undeclared {
    /// The fact, up to the name that is unknown.
    pub(crate) fact: String,
    /// What there is beside it.
    pub(crate) known: Vec<String>,
}

/// What a value should have been, for people: "a whole number".
pub(crate) type Wanted = String;

impl<'a> Vocabulary<'a> {
    /// Facts of requests by this type of principal for this action.
    pub(crate) fn new(schema: &'a Schema, principal: &str, action: &str) -> Self {
        let schema: &ValidatorSchema = schema.as_ref();
        let kind = EntityType::from_str(principal).ok();
        let uid = EntityUID::with_eid_and_type("Action", action).ok();
        let context = uid.and_then(|uid| match schema.context_type(&uid) {
            Some(Type::Record { attrs, .. }) => Some(attrs),
            _ => None,
        });
        let principal = kind.and_then(|kind| schema.get_entity_type(&kind)).map(|kind| kind.attributes());
        Self { principal, context }
    }

    /// What the schema says of a fact.
    pub(crate) fn find(&self, path: &FactPath) -> Result<Declared<'a>, Undeclared> {
        let (mut at, root) =
            if path.is_of_principal() { (self.principal, "principal") } else { (self.context, "context") };
        let mut walked = root.to_owned();
        let mut found = None;
        for name in path.below() {
            walked = format!("{walked}.{name}");
            let attribute = at.and_then(|attributes| attributes.get_attr(name));
            let Some(attribute) = attribute else {
                let known = at
                    .map(|attributes| attributes.keys().map(ToString::to_string).collect())
                    .unwrap_or_default();
                return Err(Undeclared { fact: walked, known });
            };
            at = members(&attribute.attr_type);
            found = Some(Declared { kind: &attribute.attr_type, required: attribute.is_required() });
        }
        found.ok_or_else(|| Undeclared { fact: walked, known: Vec::new() })
    }

    /// The facts below a fact that are always there, whatever else is absent; none if it has nothing below.
    pub(crate) fn members(&self, declared: Declared<'a>) -> Option<Vec<(&'a str, Declared<'a>)>> {
        let attributes = members(declared.kind)?;
        let each = attributes.iter().map(|(name, attribute)| {
            (name.as_str(), Declared { kind: &attribute.attr_type, required: attribute.is_required() })
        });
        Some(each.collect())
    }

    /// The names of the principal's attributes.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &'a str> {
        self.principal.into_iter().flat_map(|attributes| attributes.keys().map(|name| name.as_str()))
    }

    /// The names of the records of the context.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &'a str> {
        self.context.into_iter().flat_map(|attributes| attributes.keys().map(|name| name.as_str()))
    }
}

fn members(kind: &Type) -> Option<&Attributes> {
    match kind {
        Type::Record { attrs, .. } => Some(attrs),
        _ => None,
    }
}

impl Declared<'_> {
    /// A value of its type.
    pub(crate) fn value(self, json: &Json) -> Result<Value<'static>, Wanted> {
        value(self.kind, json)
    }

    /// A value of its type from what somebody typed: lists are parted by commas.
    pub(crate) fn typed(self, text: &str) -> Result<Value<'static>, Wanted> {
        let json = |kind: &Type, text: &str| match kind {
            Type::Bool(_) | Type::Long => text.parse().unwrap_or_else(|_| Json::from(text)),
            _ => Json::from(text),
        };
        let written = match self.kind {
            Type::Set { element_type: Some(of) } => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Json::Array(items.map(|item| json(of, item)).collect())
            }
            kind => json(kind, text),
        };
        self.value(&written)
    }
}

/// A value of one type; records are told by their members' paths.
fn value(kind: &Type, json: &Json) -> Result<Value<'static>, Wanted> {
    let made = match (kind, json) {
        (Type::Bool(_), Json::Bool(value)) => Some(Value::Bool(*value)),
        (Type::Long, Json::Number(number)) => number.as_i64().map(Value::Long),
        (Type::String, Json::String(text)) => Some(Value::String(text.clone().into())),
        (Type::Set { element_type: Some(of) }, Json::Array(items)) => {
            Some(Value::Set(items.iter().map(|item| value(of, item)).collect::<Result<_, _>>()?))
        }
        (Type::Record { attrs, .. }, Json::Object(members)) => record(attrs, members)?,
        (Type::Entity(_), Json::String(text)) => {
            entity(text).map(|(kind, id)| Value::Entity(EntityName::new(kind, id)))
        }
        (Type::ExtensionType { name }, json) => extension(&name.to_string(), json),
        _ => None,
    };
    made.ok_or_else(|| wanted(kind))
}

fn record(
    attributes: &Attributes,
    members: &serde_json::Map<String, Json>,
) -> Result<Option<Value<'static>>, Wanted> {
    let mut fields = Vec::with_capacity(members.len());
    for (name, json) in members {
        let Some(attribute) = attributes.get_attr(name) else {
            return Err(format!("a record, which has no `{name}`"));
        };
        let made = value(&attribute.attr_type, json).map_err(|wanted| format!("{wanted}, in `{name}`"))?;
        fields.push((Cow::Owned(name.clone()), made));
    }
    match attributes.iter().find(|(name, about)| about.is_required() && !members.contains_key(name.as_str()))
    {
        Some((name, _)) => Err(format!("a record with `{name}`")),
        None => Ok(Some(Value::Record(fields))),
    }
}

fn extension(name: &str, json: &Json) -> Option<Value<'static>> {
    match (name, json) {
        ("ipaddr", Json::String(text)) => text.parse::<IpAddr>().ok().map(Value::Address),
        ("datetime", Json::String(text)) => {
            text.parse::<Timestamp>().ok().map(|instant| Value::Datetime(instant.as_millisecond()))
        }
        ("decimal", Json::String(text)) => is_decimal(text).then(|| Value::Decimal(text.clone().into())),
        ("duration", Json::String(text)) => duration(text).map(Value::Duration),
        _ => None,
    }
}

/// As Cedar writes decimals: digits, a point, one to four digits.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    unsigned
        .split_once('.')
        .is_some_and(|(whole, rest)| digits(whole) && whole.len() <= 15 && digits(rest) && rest.len() <= 4)
}

/// One number and a unit: `90m`.
fn duration(text: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 5] =
        [("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let (number, unit) = UNITS.iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, *ms)))?;
    number.parse::<i64>().ok()?.checked_mul(unit)
}

fn wanted(kind: &Type) -> Wanted {
    match kind {
        Type::Bool(_) => "true or false".to_owned(),
        Type::Long => "a whole number".to_owned(),
        Type::String => "text".to_owned(),
        Type::Set { element_type: Some(of) } => format!("a list; each of it {}", wanted(of)),
        Type::Record { .. } => "a record".to_owned(),
        Type::Entity(_) => "an entity: `Group::\"staff\"`".to_owned(),
        Type::ExtensionType { name } => match name.to_string().as_str() {
            "ipaddr" => "an address: `192.0.2.7`".to_owned(),
            "datetime" => "an instant in RFC 3339: `2026-03-03T12:00:00Z`".to_owned(),
            "decimal" => "a decimal in quotes: `\"12.34\"`".to_owned(),
            "duration" => "a duration: `90m`".to_owned(),
            other => format!("{other}, which cannot be written here"),
        },
        _ => "a value of another type".to_owned(),
    }
}
