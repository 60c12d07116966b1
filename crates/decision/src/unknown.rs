//! Which facts are unavailable: neither present nor absent. This file only names them; what follows from them for a
//! policy is `careful`'s business.

use crate::name::Print;

/// The unavailable facts of one request, each with the name it has in a verdict.
#[derive(Debug, Default)]
pub(crate) struct Unknowns {
    /// Paths below `context`.
    context: Vec<Vec<String>>,
    /// Attributes of entities, and their labels.
    attributes: Vec<(Print, String, String)>,
}

/// What is known of the context at a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing<'u> {
    /// It, or something it lies in, is unavailable; this is its name.
    Unavailable(&'u [String]),
    /// Something below it is unavailable.
    Partly,
    /// Nothing about it is unavailable.
    Known,
}

impl Unknowns {
    pub(crate) fn is_empty(&self) -> bool {
        self.context.is_empty() && self.attributes.is_empty()
    }

    pub(crate) fn add_context(&mut self, path: Vec<String>) {
        if !self.context.contains(&path) {
            self.context.push(path);
        }
    }

    /// Adds an attribute of the entity that people call `entity`: `principal`, or its name.
    pub(crate) fn add_attribute(&mut self, print: Print, entity: &str, attribute: &str) {
        if self.attribute(print, attribute).is_none() {
            self.attributes.push((print, attribute.to_owned(), format!("{entity}.{attribute}")));
        }
    }

    /// The label of an unavailable attribute.
    pub(crate) fn attribute(&self, entity: Print, attribute: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, name, _)| *known == entity && name == attribute)
            .map(|(_, _, label)| label.as_str())
    }

    pub(crate) fn context_paths(&self) -> impl Iterator<Item = &Vec<String>> {
        self.context.iter()
    }

    pub(crate) fn standing(&self, path: &[String]) -> Standing<'_> {
        if let Some(unavailable) = self.context.iter().find(|known| path.starts_with(known)) {
            Standing::Unavailable(unavailable)
        } else if self.context.iter().any(|known| known.starts_with(path)) {
            Standing::Partly
        } else {
            Standing::Known
        }
    }

    /// The labels of everything that is unavailable.
    pub(crate) fn labels(&self) -> impl Iterator<Item = String> {
        self.context
            .iter()
            .map(|path| label(path))
            .chain(self.attributes.iter().map(|(_, _, label)| label.clone()))
    }
}

/// `context.device.compliant`
pub(crate) fn label(path: &[String]) -> String {
    let mut label = "context".to_owned();
    for name in path {
        label.push('.');
        label.push_str(name);
    }
    label
}
