//! A decision as far as it is looked at in passing: no more is parsed of a line than what filters, groups and tables
//! need, and what can be borrowed from it is.

use std::borrow::Cow;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A text of a line, borrowed where it has no escapes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A decision, looked at in passing.
#[derive(Debug, Deserialize)]
pub struct Glance<'a> {
    /// Its identifier.
    #[serde(borrow)]
    pub reference: Text<'a>,
    /// When it was made.
    #[serde(borrow)]
    pub time: Text<'a>,
    /// The way in.
    #[serde(borrow, default)]
    pub door: Text<'a>,
    /// What was asked.
    #[serde(borrow)]
    pub request: GlanceRequest<'a>,
    /// The app.
    #[serde(borrow, default)]
    pub app: Option<Text<'a>>,
    /// The route.
    #[serde(borrow, default)]
    pub route: Option<Text<'a>>,
    /// Who asked.
    #[serde(borrow, default)]
    pub principal: Option<GlancePrincipal<'a>>,
    /// Why nobody knows who asked.
    #[serde(borrow, default)]
    pub absence: Option<Text<'a>>,
    /// The facts, unparsed.
    #[serde(borrow, default)]
    pub facts: Option<&'a RawValue>,
    /// What the policies said.
    #[serde(borrow, default)]
    pub verdict: Option<GlanceVerdict<'a>>,
    /// The public reason.
    #[serde(borrow, default)]
    pub reason: Option<Text<'a>>,
    /// The status that was sent.
    #[serde(default)]
    pub status: Option<u16>,
    /// How long it took to decide, microseconds.
    #[serde(default)]
    pub decided_us: u64,
}

/// What was asked.
#[derive(Debug, Deserialize)]
pub struct GlanceRequest<'a> {
    /// As sent.
    #[serde(borrow)]
    pub method: Text<'a>,
    /// `http` or `https`.
    #[serde(borrow, default)]
    pub scheme: Text<'a>,
    /// The host.
    #[serde(borrow)]
    pub host: Text<'a>,
    /// The path.
    #[serde(borrow)]
    pub path: Text<'a>,
    /// The caller's address.
    #[serde(borrow)]
    pub client: Text<'a>,
    /// The program it used.
    #[serde(borrow, default)]
    pub user_agent: Option<Text<'a>>,
}

/// Who asked.
#[derive(Debug, Deserialize)]
pub struct GlancePrincipal<'a> {
    /// `User` or `Service`.
    #[serde(borrow)]
    pub kind: Text<'a>,
    /// Its identifier.
    #[serde(borrow)]
    pub id: Text<'a>,
}

/// What the policies said.
#[derive(Debug, Deserialize)]
pub struct GlanceVerdict<'a> {
    /// `allow`, `deny` or `undecided`.
    #[serde(borrow)]
    pub decision: Text<'a>,
    /// The policies that determined it.
    #[serde(borrow, default)]
    pub policies: Vec<Text<'a>>,
}

impl<'a> Glance<'a> {
    /// Looks at a line; `None` if it is no decision, or a broken one.
    #[must_use]
    pub fn of(line: &'a str) -> Option<Self> {
        if !line.as_bytes().starts_with(DECISION) {
            return None;
        }
        serde_json::from_str(line).ok()
    }

    /// Whether it let the request in, or answered it with no refusal.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        let denied = self.verdict.as_ref().is_some_and(|verdict| &*verdict.decision != "allow");
        !denied && self.reason.is_none() && self.status.is_none_or(|status| status < 400)
    }

    /// A fact by its path: a text as it is, anything else as JSON.
    #[must_use]
    pub fn fact(&self, path: &str) -> Option<String> {
        let facts = self.facts?.get();
        let value = serde_json::Deserializer::from_str(facts).deserialize_map(One { path }).ok()??.get();
        Some(serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned()))
    }
}

/// Takes one member of an object, and passes over the others.
struct One<'p> {
    path: &'p str,
}

impl<'de> Visitor<'de> for One<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("facts by their paths")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = members.next_key::<Text<'de>>()? {
            if found.is_none() && &*name == self.path {
                found = Some(members.next_value::<&'de RawValue>()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Text<'_> {}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// How a decision's line begins.
pub(super) const DECISION: &[u8] = b"{\"kind\":\"decision\"";
