//! A question to the policies that no connection asks: the facts of a request, held on their own, to be looked at and
//! changed.

pub(crate) mod own;
mod path;
pub(crate) mod recorded;
pub(crate) mod values;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use portcullis_decision::{EntityName, EntityOverlay, Facts, Value};

pub use path::FactPath;
pub use recorded::NoQuestion;
pub(crate) use recorded::entity;
pub use values::typed;
pub(crate) use values::{shown, span};

/// Everything that one decision is made on.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Who asks: type and identifier.
    pub principal: (String, String),
    /// The action's identifier: `GET`.
    pub action: String,
    /// To what: type and identifier.
    pub resource: (String, String),
    /// The principal's attributes.
    pub attributes: BTreeMap<String, Value<'static>>,
    /// What the principal is in directly: types and identifiers.
    pub parents: BTreeSet<(String, String)>,
    /// Cedar's context.
    pub context: Vec<(Cow<'static, str>, Value<'static>)>,
    /// Facts that nobody knows, with the reason for each: a source that does not work, or a record that does not say.
    pub unknown: BTreeMap<FactPath, String>,
    /// Facts that are not there, with the reason for each.
    pub absent: BTreeMap<String, String>,
}

/// The records that every context has, with nothing in them.
pub(crate) fn empty_context<'q>() -> Vec<(Cow<'q, str>, Value<'q>)> {
    let record = |name| (Cow::Borrowed(name), Value::Record(Vec::new()));
    let mut context: Vec<_> = ["geo", "network", "device", "auth", "time"].map(record).into();
    context.push((Cow::Borrowed("request"), Value::Record(vec![record("headers")])));
    context
}

impl Question {
    /// A question about which nothing else is known yet.
    #[must_use]
    pub fn new(principal: (String, String), action: &str, resource: (String, String)) -> Self {
        Self {
            principal,
            action: action.to_owned(),
            resource,
            attributes: BTreeMap::new(),
            parents: BTreeSet::new(),
            context: empty_context(),
            unknown: BTreeMap::new(),
            absent: BTreeMap::new(),
        }
    }

    /// The facts to decide on. They carry no ticket.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        let name = |(kind, id): &'_ (String, String)| EntityName::new(kind.clone(), id.clone());
        let attributes =
            self.attributes.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), value.clone()));
        let (attribute_paths, context_paths): (Vec<_>, Vec<_>) =
            self.unknown.keys().partition(|path| path.is_of_principal());
        Facts {
            principal: name(&self.principal),
            action: EntityName::new("Action", self.action.as_str()),
            resource: name(&self.resource),
            context: self.context.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            overlay: vec![EntityOverlay {
                name: name(&self.principal),
                attributes: attributes.collect(),
                parents: self.parents.iter().map(name).collect(),
            }],
            unavailable: context_paths
                .into_iter()
                .map(|path| path.below().iter().map(|name| Cow::Borrowed(name.as_str())).collect())
                .collect(),
            unavailable_principal: attribute_paths
                .into_iter()
                .filter_map(|path| path.below().first().map(|name| Cow::Borrowed(name.as_str())))
                .collect(),
            ticket: None,
        }
    }

    /// The value of a fact.
    #[must_use]
    pub fn get(&self, path: &FactPath) -> Option<&Value<'static>> {
        let (first, rest) = path.below().split_first()?;
        let mut at = if path.is_of_principal() {
            self.attributes.get(first)?
        } else {
            &self.context.iter().find(|(name, _)| name == first)?.1
        };
        for name in rest {
            let Value::Record(fields) = at else { return None };
            at = &fields.iter().find(|(known, _)| known == name)?.1;
        }
        Some(at)
    }

    /// Sets a fact; it is known from then on. Records on the way are made; what is there and no record is replaced by one.
    pub fn set(&mut self, path: &FactPath, value: Value<'static>) {
        self.known(path);
        let Some((first, rest)) = path.below().split_first() else { return };
        if path.is_of_principal() {
            match rest {
                [] => drop(self.attributes.insert(first.clone(), value)),
                rest => {
                    let at = self.attributes.entry(first.clone()).or_insert(Value::Record(Vec::new()));
                    values::set(at, rest, value);
                }
            }
            return;
        }
        values::set_field(&mut self.context, first, rest, value);
    }

    /// Takes a fact away; it is known to be absent from then on.
    pub fn remove(&mut self, path: &FactPath) {
        self.known(path);
        let Some((last, before)) = path.below().split_last() else { return };
        if path.is_of_principal() && before.is_empty() {
            self.attributes.remove(last);
            return;
        }
        let Some((first, rest)) = before.split_first() else {
            self.context.retain(|(name, _)| name != last);
            return;
        };
        let mut at = if path.is_of_principal() {
            self.attributes.get_mut(first)
        } else {
            self.context.iter_mut().find(|(name, _)| name == first).map(|(_, value)| value)
        };
        for name in rest {
            at = match at {
                Some(Value::Record(fields)) => {
                    fields.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value)
                }
                _ => None,
            };
        }
        if let Some(Value::Record(fields)) = at {
            fields.retain(|(name, _)| name != last);
        }
    }

    fn known(&mut self, path: &FactPath) {
        self.unknown.remove(path);
        self.absent.remove(&path.to_string());
    }
}

#[cfg(test)]
mod tests;
