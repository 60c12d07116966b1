//! Facts from JSON and back into words. What a record holds as text may be an address or an instant: the schema that ships
//! says where.

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::Timestamp;
use portcullis_decision::Value;

/// Members of the context that are instants.
const INSTANTS: [&str; 3] = ["context.device.last_seen", "context.auth.time", "context.time.now"];

/// The one that is an address.
const ADDRESS: &str = "context.network.ip";

/// What a fact's text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An address.
    Address,
    /// An instant.
    Instant,
    /// What it looks like.
    Plain,
}

/// What the text of the fact of this name stands for.
pub(crate) fn kind_of(path: &str) -> Kind {
    match path {
        ADDRESS => Kind::Address,
        _ if INSTANTS.contains(&path) => Kind::Instant,
        _ => Kind::Plain,
    }
}

/// The address or instant of a text; a text that is neither stands for itself.
pub(crate) fn read<'t>(kind: Kind, text: Cow<'t, str>) -> Option<Value<'t>> {
    match kind {
        Kind::Address => text.parse::<IpAddr>().ok().map(Value::Address),
        Kind::Instant => {
            text.parse::<Timestamp>().ok().map(|instant| Value::Datetime(instant.as_millisecond()))
        }
        Kind::Plain => Some(Value::String(text)),
    }
}

/// A fact's value from JSON; `None` if it has none of its type.
#[must_use]
pub fn typed(path: &str, value: &serde_json::Value) -> Option<Value<'static>> {
    match (kind_of(path), value) {
        (kind, serde_json::Value::String(text)) => read(kind, Cow::Owned(text.clone())),
        (Kind::Plain, value) => plain(value),
        (Kind::Address | Kind::Instant, _) => None,
    }
}

fn plain(value: &serde_json::Value) -> Option<Value<'static>> {
    Some(match value {
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(value) => Value::Long(value.as_i64()?),
        serde_json::Value::String(text) => Value::String(text.clone().into()),
        serde_json::Value::Array(items) => Value::Set(items.iter().map(plain).collect::<Option<_>>()?),
        serde_json::Value::Object(members) => Value::Record(
            members
                .iter()
                .map(|(name, value)| Some((Cow::Owned(name.clone()), plain(value)?)))
                .collect::<Option<_>>()?,
        ),
        serde_json::Value::Null => return None,
    })
}

/// A value for people.
pub(crate) fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Long(value) => value.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::Set(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Record(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Entity(name) => format!("{}::{:?}", name.kind, name.id),
        Value::Address(address) => address.to_string(),
        Value::Decimal(text) => text.to_string(),
        Value::Datetime(ms) => Timestamp::from_millisecond(*ms)
            .map_or_else(|_| format!("{ms} ms"), |instant| instant.to_string()),
        Value::Duration(ms) => span(*ms),
    }
}

/// A span of time in the largest unit that leaves a whole number above one.
pub(crate) fn span(ms: i64) -> String {
    for (unit, name) in [(86_400_000, "days"), (3_600_000, "hours"), (60_000, "minutes"), (1_000, "seconds")]
    {
        if ms.saturating_abs() >= 2 * unit {
            return format!("{} {name}", ms / unit);
        }
    }
    format!("{ms} ms")
}

/// Sets what lies at a path below a field of a record; the field is made if it is not there.
pub(super) fn set_field(
    fields: &mut Vec<(Cow<'static, str>, Value<'static>)>,
    name: &str,
    below: &[String],
    value: Value<'static>,
) {
    if let Some((_, at)) = fields.iter_mut().find(|(known, _)| known == name) {
        return set(at, below, value);
    }
    let mut made = Value::Record(Vec::new());
    set(&mut made, below, value);
    fields.push((Cow::Owned(name.to_owned()), made));
}

/// Sets what lies at a path below a value.
pub(super) fn set(at: &mut Value<'static>, path: &[String], value: Value<'static>) {
    let Some((first, rest)) = path.split_first() else {
        *at = value;
        return;
    };
    if !matches!(at, Value::Record(_)) {
        *at = Value::Record(Vec::new());
    }
    if let Value::Record(fields) = at {
        set_field(fields, first, rest, value);
    }
}
