//! Keeps secrets out of records: by the names of query parameters, headers and facts, and by the looks of a value.
//!
//! INVARIANT: a value whose name is sensitive is replaced whole, however the name is spelled or encoded. Everything
//! that comes out is bounded.

pub(crate) mod mask;
mod names;
mod paths;
pub(crate) mod pseudonym;
mod query;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::Value;

use names::Names;
use paths::Paths;
pub(crate) use paths::{Known, Standing};

use crate::facts::{Gathering, OF_OTHERS};

/// What stands in the place of a secret.
pub const REDACTED: &str = "REDACTED";

/// What is redacted beside the built-in names, and what is not although its name looks sensitive. Names are compared
/// folded: case, `-`, `_`, `.`, brackets and percent-encoding make no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedactionRules {
    /// Further query parameters whose values are secret: each whose name is, or has in it, one of these.
    pub query: Vec<String>,
    /// Further secret headers, by whole name.
    pub headers: Vec<String>,
    /// Further secret claims, by whole name: any part of a fact's path may be one (`email` covers `principal.email`).
    pub claims: Vec<String>,
    /// Further secret facts, by path: `context.geo.city`; `context.geo` covers all below it.
    pub facts: Vec<String>,
    /// Query parameters to be kept although a built-in name is in theirs: `country_code` has `code`. By whole name.
    pub keep: Vec<String>,
}

/// Why rules make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedactionError {
    /// Nothing is left of the name when it is folded, so it would cover everything or nothing.
    #[error("`{0}` is no name to redact: it has no letter or digit")]
    Nameless(String),
    /// Longer than any name that could be met.
    #[error("the name to redact that begins with `{0}` is longer than 256 bytes")]
    TooLong(String),
    /// More rules than a request can be compared with in passing.
    #[error("{0} names are redacted; at most 1000 can be, so redact what they have in common")]
    TooMany(usize),
}

/// Checked rules, ready to be applied.
#[derive(Debug, Clone)]
pub struct Redaction {
    names: Names,
    paths: Paths,
}

impl Default for Redaction {
    /// The built-in names alone.
    fn default() -> Self {
        Self { names: Names::built_in(), paths: Paths::default() }
    }
}

impl Redaction {
    /// Checks rules. The built-in names always hold beside them.
    pub fn new(rules: RedactionRules) -> Result<Self, RedactionError> {
        Ok(Self { names: Names::new(rules)?, paths: Paths::default() })
    }

    /// A query as it may be recorded: as it was sent, but for secret values. At most some 2 KiB.
    #[must_use]
    pub fn query(&self, query: &str) -> String {
        query::redact(&self.names, query)
    }

    /// A header's value as it may be recorded. At most some 1 KiB.
    #[must_use]
    pub fn header(&self, name: &str, value: &str) -> String {
        if self.names.header(name) {
            return REDACTED.to_owned();
        }
        cut(&mask::credentials(value), LONGEST_VALUE).into_owned()
    }

    /// Begins to gather the facts of one decision.
    #[must_use]
    pub fn gather(&self) -> Gathering<'_> {
        Gathering::new(self, self.paths.known())
    }

    /// What the name of a fact says.
    pub(crate) fn standing(&self, known: &Known, name: &str) -> Standing {
        self.paths.of(known, name, || Standing {
            is_secret: self.names.fact(name),
            is_masked: matches!(mask::credentials(name), Cow::Owned(_)),
        })
    }

    /// A fact's text as it may be recorded.
    pub(crate) fn text(text: &str) -> Cow<'_, str> {
        match mask::credentials(text) {
            Cow::Borrowed(text) => cut(text, LONGEST_VALUE),
            Cow::Owned(masked) => Cow::Owned(cut(&masked, LONGEST_VALUE).into_owned()),
        }
    }

    /// A fact's value as it may be recorded.
    pub(crate) fn value(&self, value: Value) -> Value {
        self.within(value, DEEPEST)
    }

    fn within(&self, value: Value, depth: usize) -> Value {
        match value {
            Value::String(text) => match Self::text(&text) {
                Cow::Borrowed(_) => Value::String(text),
                Cow::Owned(changed) => Value::String(changed),
            },
            Value::Array(_) | Value::Object(_) if depth == 0 => Value::from("…"),
            Value::Array(items) => {
                items.into_iter().take(MOST_ITEMS).map(|item| self.within(item, depth - 1)).collect()
            }
            Value::Object(members) => {
                let members = members.into_iter().take(MOST_ITEMS);
                let redacted = members.map(|(name, value)| match self.names.fact(&name) {
                    true => (name, Value::from(REDACTED)),
                    false => (name, self.within(value, depth - 1)),
                });
                redacted.collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }
}

/// Whether a recorded value is not the one that was decided on: replaced, cut, or given a pseudonym.
#[must_use]
pub fn is_altered(value: &Value) -> bool {
    match value {
        Value::String(text) => is_altered_text(text),
        Value::Array(items) => items.len() >= MOST_ITEMS || items.iter().any(is_altered),
        Value::Object(members) => members.len() >= MOST_ITEMS || members.values().any(is_altered),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The same of a text.
#[must_use]
pub fn is_altered_text(text: &str) -> bool {
    text.ends_with('…') || text.contains(REDACTED) || pseudonym::is_one(text)
}

/// The most items of a list or members of a record that are kept: one that has as many may have had more.
pub const MOST_ITEMS: usize = 64;

/// The beginning of a text, of at most so many bytes, with `…` behind it where it was cut.
pub(crate) fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest {
        return Cow::Borrowed(text);
    }
    let end = (0..=longest).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default()))
}

/// What a value counts towards the bound of a record.
pub(crate) fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len().saturating_add(2),
        Value::Array(items) => items.iter().map(size).sum::<usize>().saturating_add(items.len()),
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len().saturating_add(size(value))).sum::<usize>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => OF_OTHERS,
    }
}

const LONGEST_VALUE: usize = 1024;
const DEEPEST: usize = 4;
