//! A request as plain facts, and a whole workload written in Cedar. Each adaptor makes its engine's own request of a
//! question; nobody's types are favoured.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;

use cedar_policy::{Entity, EntityId, EntityUid, RestrictedExpression};

/// The name of an entity: its type and identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// `User`
    pub kind: &'static str,
    /// `u17`
    pub id: String,
}

/// A value of the context.
#[derive(Debug, Clone)]
pub enum Plain {
    /// Yes or no.
    Bool(bool),
    /// A number.
    Long(i64),
    /// A string.
    Text(String),
    /// An address, parsed, as a gate has it.
    Address(IpAddr),
    /// Named values.
    Record(Vec<(&'static str, Plain)>),
}

/// One request and the decision that is right.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who asks.
    pub principal: Name,
    /// To do what.
    pub action: Name,
    /// With what.
    pub resource: Name,
    /// Under which circumstances.
    pub context: Vec<(&'static str, Plain)>,
    /// What the direct reference says.
    pub allow: bool,
}

/// A workload in Cedar.
pub struct Written {
    /// The policies' text.
    pub policies: String,
    /// Makes who and what there is, with direct parents; only when asked, so that memory is counted where it belongs.
    pub entities: Box<dyn Fn() -> Vec<Entity>>,
    /// What is asked, in this order, over and over.
    pub questions: Vec<Question>,
}

impl fmt::Debug for Written {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Written").field("policies", &self.policies.len()).finish_non_exhaustive()
    }
}

impl Name {
    /// Names an entity.
    pub fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }

    /// In Cedar.
    pub fn to_cedar(&self) -> EntityUid {
        uid(self.kind, &self.id)
    }
}

impl Plain {
    /// A string.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// In Cedar.
    pub fn to_cedar(&self) -> RestrictedExpression {
        match self {
            Self::Bool(value) => RestrictedExpression::new_bool(*value),
            Self::Long(value) => RestrictedExpression::new_long(*value),
            Self::Text(value) => RestrictedExpression::new_string(value.clone()),
            Self::Address(value) => RestrictedExpression::new_ip(value.to_string()),
            Self::Record(fields) => RestrictedExpression::new_record(
                fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_cedar())),
            )
            .unwrap(),
        }
    }
}

/// Names an entity in Cedar.
pub fn uid(kind: &str, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.parse().unwrap(), EntityId::new(id))
}

/// An entity with attributes and direct parents.
pub fn entity<const ATTRIBUTES: usize>(
    name: EntityUid,
    attributes: [(&str, RestrictedExpression); ATTRIBUTES],
    parents: impl IntoIterator<Item = EntityUid>,
) -> Entity {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entity::new(name, attributes, parents.into_iter().collect::<HashSet<_>>()).unwrap()
}

/// `"US","CA"`
pub fn quoted(strings: &[&str]) -> String {
    strings.iter().map(|string| format!("\"{string}\"")).collect::<Vec<_>>().join(",")
}
