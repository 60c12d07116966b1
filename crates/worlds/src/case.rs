//! A case: policies, entities, what requests add to entities, and requests. Plain data, so that it can be taken apart
//! when something is wrong with it.

use std::fmt::{self, Write as _};

use crate::term::Term;
use crate::value::{Fields, Name};

/// Policies, a world, and what is asked of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// The policies; those with a slot are templates.
    pub policies: Vec<Policy>,
    /// The links of templates.
    pub links: Vec<Link>,
    /// The entities that stand still between requests.
    pub entities: Vec<Entity>,
    /// What every request adds to them: attributes that replace those of the same name, and parents. No tags.
    pub overlay: Vec<Entity>,
    /// What is asked.
    pub requests: Vec<Request>,
}

/// A policy or a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its id, alone in the case.
    pub id: String,
    /// Whether it forbids.
    pub forbid: bool,
    /// Whom it is about.
    pub principal: Scope,
    /// What it is about.
    pub action: Actions,
    /// To what.
    pub resource: Scope,
    /// Under which conditions.
    pub conditions: Vec<Condition>,
}

/// `when` or `unless`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Whether it is an `unless`.
    pub unless: bool,
    /// What must hold, or must not.
    pub body: Term,
}

/// Which principals, or which resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Any.
    Any,
    /// This one.
    Equal(Reference),
    /// Those in this one.
    In(Reference),
    /// Those of this type.
    Is(String),
    /// Those of this type in this one.
    IsIn(String, Reference),
}

/// An entity, or the slot of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// This entity.
    Entity(Name),
    /// `?principal` or `?resource`.
    Slot,
}

/// Which actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actions {
    /// Any.
    Any,
    /// This one.
    Equal(Name),
    /// Those in this one.
    In(Name),
    /// Those in one of these.
    InSet(Vec<Name>),
}

/// A link of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its id, alone in the case.
    pub id: String,
    /// The template's id.
    pub template: String,
    /// What `?principal` stands for.
    pub principal: Option<Name>,
    /// What `?resource` stands for.
    pub resource: Option<Name>,
}

/// An entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Its name.
    pub name: Name,
    /// Its attributes.
    pub attributes: Fields,
    /// Its tags.
    pub tags: Fields,
    /// Its direct parents.
    pub parents: Vec<Name>,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub principal: Name,
    /// What for.
    pub action: Name,
    /// To what.
    pub resource: Name,
    /// Under which circumstances.
    pub context: Fields,
}

/// The entities with what requests add to them.
#[must_use]
pub fn merged(entities: &[Entity], overlay: &[Entity]) -> Vec<Entity> {
    let mut entities = entities.to_vec();
    for added in overlay {
        match entities.iter_mut().find(|entity| entity.name == added.name) {
            Some(entity) => {
                entity.attributes.retain(|(name, _)| !added.attributes.iter().any(|(new, _)| new == name));
                entity.attributes.extend(added.attributes.iter().cloned());
                entity.parents.extend(added.parents.iter().cloned());
            }
            None => entities.push(added.clone()),
        }
    }
    entities
}

impl Policy {
    /// Whether it is a template, by its slots.
    #[must_use]
    pub fn slots(&self) -> (bool, bool) {
        (self.principal.has_slot(), self.resource.has_slot())
    }
}

impl Scope {
    fn has_slot(&self) -> bool {
        matches!(
            self,
            Self::Equal(Reference::Slot) | Self::In(Reference::Slot) | Self::IsIn(_, Reference::Slot)
        )
    }

    fn write(&self, to: &mut fmt::Formatter<'_>, variable: &'static str) -> fmt::Result {
        to.write_str(variable)?;
        let (kind, operator, reference) = match self {
            Self::Any => return Ok(()),
            Self::Is(kind) => return write!(to, " is {kind}"),
            Self::Equal(reference) => (None, "==", reference),
            Self::In(reference) => (None, "in", reference),
            Self::IsIn(kind, reference) => (Some(kind), "in", reference),
        };
        if let Some(kind) = kind {
            write!(to, " is {kind}")?;
        }
        match reference {
            Reference::Entity(name) => write!(to, " {operator} {name}"),
            Reference::Slot => write!(to, " {operator} ?{variable}"),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(if self.forbid { "forbid(" } else { "permit(" })?;
        self.principal.write(to, "principal")?;
        to.write_str(", action")?;
        match &self.action {
            Actions::Any => {}
            Actions::Equal(name) => write!(to, " == {name}")?,
            Actions::In(name) => write!(to, " in {name}")?,
            Actions::InSet(names) => {
                to.write_str(" in [")?;
                crate::value::listed(to, names, |to, name| write!(to, "{name}"))?;
                to.write_char(']')?;
            }
        }
        to.write_str(", ")?;
        self.resource.write(to, "resource")?;
        to.write_char(')')?;
        for Condition { unless, body } in &self.conditions {
            write!(to, "\n  {} {{ {body} }}", if *unless { "unless" } else { "when" })?;
        }
        to.write_char(';')
    }
}
