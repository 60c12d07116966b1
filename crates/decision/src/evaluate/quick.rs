//! Comparisons of a fact with a constant, without interpretation.
//!
//! INVARIANT: what is answered here is what the graph's nodes come to; whatever is not plain is not answered.

use super::Evaluation;
use crate::facts::Value;
use crate::graph::{Asks, Quick, Source};
use crate::name::Print;
use crate::situation::Subject;
use crate::value::{Network, Stored};

/// A fact as comparisons read it.
enum Atom<'e> {
    Bool(bool),
    Long(i64),
    Text(&'e str),
    Network(Network),
    Entity(Print),
}

impl<'e> Evaluation<'e> {
    /// Whether a comparison holds; `None`: the graph has to be asked.
    #[inline]
    pub(super) fn quick(&self, quick: Quick) -> Option<bool> {
        let atom = match quick.fact {
            Source::Context(place) => {
                let value = self.bound?.get(place)?;
                if quick.asks == Asks::Present {
                    return Some(!quick.negated);
                }
                match value {
                    Value::Bool(value) => Atom::Bool(*value),
                    Value::Long(value) => Atom::Long(*value),
                    Value::String(text) => Atom::Text(text),
                    Value::Address(address) => Atom::Network(Network::single(*address)),
                    _ => return None,
                }
            }
            Source::Principal(path) => self.read(&self.situation.principal, path)?,
            Source::Resource(path) => self.read(&self.situation.resource, path)?,
        };
        Some(self.asks(quick.asks, &atom)? != quick.negated)
    }

    #[inline]
    fn asks(&self, asks: Asks, atom: &Atom<'e>) -> Option<bool> {
        let constant = |entry| self.graph.constant(entry);
        let long = |entry| match (atom, constant(entry)) {
            (Atom::Long(value), Stored::Long(constant)) => Some((*value, *constant)),
            _ => None,
        };
        Some(match asks {
            Asks::Holds => match atom {
                Atom::Bool(value) => *value,
                _ => return None,
            },
            Asks::OneOf(entry) => match (atom, constant(entry)) {
                (Atom::Text(text), Stored::Set(items)) => items.contains_text(text)?,
                _ => return None,
            },
            Asks::Equal(entry) => match (atom, constant(entry)) {
                (Atom::Text(text), Stored::Text(constant)) => **constant == **text,
                (Atom::Long(value), Stored::Long(constant)) => value == constant,
                (Atom::Bool(value), Stored::Bool(constant)) => value == constant,
                (Atom::Entity(print), Stored::Entity(constant)) => *print == constant.print,
                _ => return None,
            },
            Asks::Less(entry) => long(entry).map(|(value, constant)| value < constant)?,
            Asks::LessOrEqual(entry) => long(entry).map(|(value, constant)| value <= constant)?,
            Asks::Greater(entry) => long(entry).map(|(value, constant)| value > constant)?,
            Asks::GreaterOrEqual(entry) => long(entry).map(|(value, constant)| value >= constant)?,
            Asks::InRange(entry) => match (atom, constant(entry)) {
                (Atom::Network(network), Stored::Network(range)) => network.is_in(*range),
                _ => return None,
            },
            Asks::HasPrincipal => match atom {
                Atom::Entity(print) => self.situation.is_subject_in(&self.situation.principal, *print),
                _ => return None,
            },
            Asks::Present => return None,
        })
    }

    /// An attribute of a subject, or of what that is.
    #[inline]
    fn read(&self, subject: &Subject<'e>, path: crate::graph::Entry) -> Option<Atom<'e>> {
        Some(match self.situation.stored(subject, self.graph.path(path))? {
            Stored::Bool(value) => Atom::Bool(*value),
            Stored::Long(value) => Atom::Long(*value),
            Stored::Text(text) => Atom::Text(text),
            Stored::Network(network) => Atom::Network(*network),
            Stored::Entity(name) => Atom::Entity(name.print),
            _ => return None,
        })
    }
}
