//! The name of a fact.

use std::fmt;
use std::str::FromStr;

/// `principal.tier` or `context.geo.country`: of whom or what, and the names below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactPath {
    principal: bool,
    below: Vec<String>,
}

impl FactPath {
    /// An attribute of the principal.
    #[must_use]
    pub fn principal(name: &str) -> Self {
        Self { principal: true, below: vec![name.to_owned()] }
    }

    /// A member of the context.
    #[must_use]
    pub fn context(below: &[&str]) -> Self {
        Self { principal: false, below: below.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// The steps as the engine names them; `None` if it is neither of principal nor of context, or all of either.
    #[must_use]
    pub fn of_steps(steps: &[String]) -> Option<Self> {
        let (root, below) = steps.split_first()?;
        let principal = match root.as_str() {
            "principal" => true,
            "context" => false,
            _ => return None,
        };
        (!below.is_empty()).then(|| Self { principal, below: below.to_vec() })
    }

    /// Whether it is an attribute of the principal.
    #[must_use]
    pub fn is_of_principal(&self) -> bool {
        self.principal
    }

    /// The names below principal or context; at least one.
    #[must_use]
    pub fn below(&self) -> &[String] {
        &self.below
    }

    /// Whether it is this member of the context, or lies in it.
    #[must_use]
    pub fn is_in(&self, path: &[&str]) -> bool {
        !self.principal && self.below.len() >= path.len() && self.below.iter().zip(path).all(|(a, b)| a == b)
    }

    /// Whether it is `other`, or lies in it.
    #[must_use]
    pub fn lies_in(&self, other: &Self) -> bool {
        self.principal == other.principal && self.below.starts_with(&other.below)
    }

    /// What lies in it under a name.
    #[must_use]
    pub(crate) fn member(&self, name: &str) -> Self {
        let mut member = self.clone();
        member.below.push(name.to_owned());
        member
    }
}

/// Not the name of a fact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no fact; write `principal.tier` or `context.geo.country`")]
pub struct NoFact(String);

impl FromStr for FactPath {
    type Err = NoFact;

    fn from_str(text: &str) -> Result<Self, NoFact> {
        let steps: Vec<String> = text.split('.').map(str::to_owned).collect();
        let path = Self::of_steps(&steps).filter(|path| path.below.iter().all(|name| !name.is_empty()));
        path.ok_or_else(|| NoFact(text.to_owned()))
    }
}

impl fmt::Display for FactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.principal { "principal" } else { "context" })?;
        self.below.iter().try_for_each(|name| write!(f, ".{name}"))
    }
}
