//! Values of attributes, tags and contexts, as data of our own: the same value is told to the official crate, to the
//! engine's facts, and to a reader.

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::str::FromStr;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, RestrictedExpression};
use portcullis_decision::{EntityName, Value as Fact};

/// The name of an entity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Its type: `User`, `App::Route`.
    pub kind: String,
    /// Its identifier, any string.
    pub id: String,
}

/// Attributes, tags, or the fields of a record: names and values, each name once.
pub type Fields = Vec<(String, Value)>;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `Bool`
    Bool(bool),
    /// `Long`
    Long(i64),
    /// `String`
    Text(String),
    /// A reference to an entity
    Entity(Name),
    /// A set
    Set(Vec<Value>),
    /// A record
    Record(Fields),
    /// `ipaddr`, an address or a range, as written
    Ip(String),
    /// `decimal`, as written
    Decimal(String),
    /// `datetime`: milliseconds since the Unix epoch
    Datetime(i64),
    /// `duration`: milliseconds
    Duration(i64),
}

impl Name {
    /// Names an entity.
    #[must_use]
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    /// As the official crate has it.
    ///
    /// # Errors
    /// In words, if the type is none.
    pub fn official(&self) -> Result<EntityUid, String> {
        let kind = EntityTypeName::from_str(&self.kind).map_err(|fault| format!("{self}: {fault}"))?;
        Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(&self.id)))
    }

    /// As the engine's facts have it.
    #[must_use]
    pub fn fact(&self) -> EntityName<'_> {
        EntityName::new(self.kind.as_str(), self.id.as_str())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}::{}", self.kind, Quoted(&self.id))
    }
}

impl Value {
    /// As the official crate has it.
    ///
    /// # Errors
    /// In words, if it is no value of Cedar.
    pub fn official(&self) -> Result<RestrictedExpression, String> {
        Ok(match self {
            Self::Bool(value) => RestrictedExpression::new_bool(*value),
            Self::Long(value) => RestrictedExpression::new_long(*value),
            Self::Text(value) => RestrictedExpression::new_string(value.clone()),
            Self::Entity(name) => RestrictedExpression::new_entity_uid(name.official()?),
            Self::Set(items) => RestrictedExpression::new_set(
                items.iter().map(Self::official).collect::<Result<Vec<_>, _>>()?,
            ),
            Self::Record(fields) => RestrictedExpression::new_record(official_fields(fields)?)
                .map_err(|fault| fault.to_string())?,
            Self::Ip(text) => RestrictedExpression::new_ip(text),
            Self::Decimal(text) => RestrictedExpression::new_decimal(text),
            Self::Duration(value) => RestrictedExpression::new_duration(format!("{value}ms")),
            // The crate has no constructor for it that takes a number.
            Self::Datetime(_) => {
                RestrictedExpression::from_str(&self.to_string()).map_err(|fault| fault.to_string())?
            }
        })
    }

    /// As the engine's facts have it. `None` for a range of addresses, which no fact of a request is.
    #[must_use]
    pub fn fact(&self) -> Option<Fact<'_>> {
        Some(match self {
            Self::Bool(value) => Fact::Bool(*value),
            Self::Long(value) => Fact::Long(*value),
            Self::Text(value) => Fact::String(value.into()),
            Self::Entity(name) => Fact::Entity(name.fact()),
            Self::Set(items) => Fact::Set(items.iter().map(Self::fact).collect::<Option<_>>()?),
            Self::Record(fields) => Fact::Record(facts(fields)?),
            Self::Ip(text) => Fact::Address(single(text)?),
            Self::Decimal(text) => Fact::Decimal(text.into()),
            Self::Datetime(value) => Fact::Datetime(*value),
            Self::Duration(value) => Fact::Duration(*value),
        })
    }
}

/// The address that is all of a range.
fn single(text: &str) -> Option<IpAddr> {
    let (address, width) = text.split_once('/').unwrap_or((text, ""));
    match (IpAddr::from_str(address).ok()?, width) {
        (address, "") | (address @ IpAddr::V4(_), "32") | (address @ IpAddr::V6(_), "128") => Some(address),
        _ => None,
    }
}

/// Fields as the official crate has them.
///
/// # Errors
/// In words, if one is no value of Cedar.
pub fn official_fields(fields: &Fields) -> Result<Vec<(String, RestrictedExpression)>, String> {
    fields.iter().map(|(name, value)| Ok((name.clone(), value.official()?))).collect()
}

/// Fields as the engine's facts have them; `None` if one cannot be a fact.
#[must_use]
pub fn facts(fields: &Fields) -> Option<Vec<(std::borrow::Cow<'_, str>, Fact<'_>)>> {
    fields.iter().map(|(name, value)| Some((name.into(), value.fact()?))).collect()
}

/// As an expression of a policy.
impl fmt::Display for Value {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(to, "{value}"),
            Self::Long(value) if *value < 0 => write!(to, "({value})"),
            Self::Long(value) => write!(to, "{value}"),
            Self::Text(value) => write!(to, "{}", Quoted(value)),
            Self::Entity(name) => write!(to, "{name}"),
            Self::Set(items) => {
                to.write_char('[')?;
                listed(to, items, |to, item| write!(to, "{item}"))?;
                to.write_char(']')
            }
            Self::Record(fields) => {
                to.write_char('{')?;
                listed(to, fields, |to, (name, value)| write!(to, "{}: {value}", Quoted(name)))?;
                to.write_char('}')
            }
            Self::Ip(text) => write!(to, "ip({})", Quoted(text)),
            Self::Decimal(text) => write!(to, "decimal({})", Quoted(text)),
            Self::Datetime(value) => {
                write!(to, "datetime(\"1970-01-01\").offset(duration(\"{value}ms\"))")
            }
            Self::Duration(value) => write!(to, "duration(\"{value}ms\")"),
        }
    }
}

/// A string literal of Cedar.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(to, "\\{character}")?,
                control if control.is_control() => write!(to, "\\u{{{:x}}}", u32::from(control))?,
                plain => to.write_char(plain)?,
            }
        }
        to.write_char('"')
    }
}

/// Writes items with commas between.
pub(crate) fn listed<T>(
    to: &mut fmt::Formatter<'_>,
    items: &[T],
    each: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            to.write_str(", ")?;
        }
        each(to, item)?;
    }
    Ok(())
}
