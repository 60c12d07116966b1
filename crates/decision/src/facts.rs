//! The facts of one request, as the gate hands them over: borrowed, typed, and never a copy of the store.

use std::borrow::Cow;

use crate::permit::Ticket;

/// The name of an entity: its type (`User`) and identifier (`alice`), neither quoted nor escaped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntityName<'a> {
    /// The Cedar entity type, with its namespace if it has one: `User`, `Shop::Order`.
    pub kind: Cow<'a, str>,
    /// The identifier, any string.
    pub id: Cow<'a, str>,
}

impl<'a> EntityName<'a> {
    /// Names an entity.
    pub fn new(kind: impl Into<Cow<'a, str>>, id: impl Into<Cow<'a, str>>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    /// The same name, borrowed from nobody.
    #[must_use]
    pub fn into_owned(self) -> EntityName<'static> {
        EntityName { kind: owned(self.kind), id: owned(self.id) }
    }
}

/// A typed Cedar value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `Bool`
    Bool(bool),
    /// `Long`
    Long(i64),
    /// `String`
    String(Cow<'a, str>),
    /// `Set<…>`; order and duplicates carry no meaning
    Set(Vec<Value<'a>>),
    /// A record; a repeated name is an error of the caller
    Record(Vec<(Cow<'a, str>, Value<'a>)>),
    /// A reference to an entity
    Entity(EntityName<'a>),
    /// `ipaddr`: a single address
    Address(std::net::IpAddr),
    /// `decimal`, as written: `"12.34"`
    Decimal(Cow<'a, str>),
    /// `datetime`: milliseconds since the Unix epoch
    Datetime(i64),
    /// `duration`: milliseconds
    Duration(i64),
}

impl Value<'_> {
    /// The same value, borrowed from nobody.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Bool(value) => Value::Bool(value),
            Self::Long(value) => Value::Long(value),
            Self::String(text) => Value::String(owned(text)),
            Self::Set(items) => Value::Set(items.into_iter().map(Value::into_owned).collect()),
            Self::Record(fields) => Value::Record(
                fields.into_iter().map(|(name, value)| (owned(name), value.into_owned())).collect(),
            ),
            Self::Entity(name) => Value::Entity(name.into_owned()),
            Self::Address(address) => Value::Address(address),
            Self::Decimal(text) => Value::Decimal(owned(text)),
            Self::Datetime(instant) => Value::Datetime(instant),
            Self::Duration(span) => Value::Duration(span),
        }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

/// What this request adds to one entity of the [`World`](crate::World), without touching it: token claims on the
/// principal, groups that only the token names.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityOverlay<'a> {
    /// Which entity; it may be unknown to the world.
    pub name: EntityName<'a>,
    /// Attributes that are added, or replace those of the same name.
    pub attributes: Vec<(Cow<'a, str>, Value<'a>)>,
    /// Parents in addition to those the world knows.
    pub parents: Vec<EntityName<'a>>,
}

/// Everything known about one request when it is decided.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Who asks.
    pub principal: EntityName<'a>,
    /// What they want to do.
    pub action: EntityName<'a>,
    /// To what.
    pub resource: EntityName<'a>,
    /// Cedar's `context`, a record.
    pub context: Vec<(Cow<'a, str>, Value<'a>)>,
    /// What this request adds to entities.
    pub overlay: Vec<EntityOverlay<'a>>,
    /// Facts whose source does not work, as paths below `context` (`["geo"]`, `["device", "compliant"]`).
    /// They are neither present nor absent: see [`Verdict::undecided`](crate::Verdict::undecided). A path must not
    /// be present in `context` too.
    pub unavailable: Vec<Vec<Cow<'a, str>>>,
    /// Attributes of the principal whose source does not work (`tier`), in the same sense.
    pub unavailable_principal: Vec<Cow<'a, str>>,
    /// The request a permit would be bound to. `None` for replay, tests and shadow evaluation, whose verdicts
    /// can then never yield one.
    pub ticket: Option<Ticket>,
}
