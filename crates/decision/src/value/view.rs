//! Values as a decision reads them: borrowed from the program, the world or the facts of the request, never copied. A
//! set or a record that a condition makes out of what it read lies in a list ([`Made`]) that lives as long.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use super::official;
use super::{Fields, Items, Network, Stored};
use crate::facts::{EntityName, Value};
use crate::name::{Name, Print};
use crate::world::World;
use crate::world::entity::Entity;

/// The evaluation of a condition failed. The reference evaluator is asked what to say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fails;

/// What conditions make while one request is decided.
pub(crate) type Made = elsa::FrozenVec<Box<Stored>>;

/// A value of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View<'v> {
    Bool(bool),
    Long(i64),
    Text(&'v str),
    Entity(EntityView<'v>),
    Network(Network),
    Decimal(i64),
    Datetime(i64),
    Duration(i64),
    Set(SetView<'v>),
    Record(RecordView<'v>),
}

/// A reference to an entity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntityView<'v> {
    pub(crate) print: Print,
    name: NameView<'v>,
}

#[derive(Debug, Clone, Copy)]
enum NameView<'v> {
    Stored(&'v Name),
    Given(&'v EntityName<'v>),
}

/// A set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SetView<'v> {
    /// Of the program or the world, or made by a condition.
    Stored(&'v Items),
    /// Of the request: in any order, with duplicates.
    Given(&'v [Value<'v>]),
}

/// A record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RecordView<'v> {
    Stored(&'v Fields),
    Given(&'v [(Cow<'v, str>, Value<'v>)]),
}

impl<'v> EntityView<'v> {
    #[inline]
    pub(crate) fn of(name: &'v Name) -> Self {
        Self { print: name.print, name: NameView::Stored(name) }
    }

    #[inline]
    pub(crate) fn given(name: &'v EntityName<'v>) -> Self {
        Self { print: Print::of(&name.kind, &name.id), name: NameView::Given(name) }
    }

    /// What the world knows of it.
    #[inline]
    pub(crate) fn find(self, world: &'v World) -> Option<&'v Entity> {
        world.entity(self.print)
    }

    /// Its type.
    pub(crate) fn kind(&self) -> &'v str {
        match self.name {
            NameView::Stored(name) => name.kind(),
            NameView::Given(name) => &name.kind,
        }
    }

    pub(crate) fn to_name(self) -> Name {
        match self.name {
            NameView::Stored(name) => name.clone(),
            NameView::Given(name) => Name::new(name.kind.as_ref().into(), &name.id),
        }
    }
}

impl<'v> View<'v> {
    #[inline]
    pub(crate) fn stored(value: &'v Stored) -> Result<Self, Fails> {
        Ok(match value {
            Stored::Bool(value) => Self::Bool(*value),
            Stored::Long(value) => Self::Long(*value),
            Stored::Text(value) => Self::Text(value),
            Stored::Entity(name) => Self::Entity(EntityView::of(name)),
            Stored::Network(value) => Self::Network(*value),
            Stored::Decimal(value) => Self::Decimal(*value),
            Stored::Datetime(value) => Self::Datetime(*value),
            Stored::Duration(value) => Self::Duration(*value),
            Stored::Set(items) => Self::Set(SetView::Stored(items)),
            Stored::Record(fields) => Self::Record(RecordView::Stored(fields)),
            Stored::Residual => return Err(Fails),
        })
    }

    /// A fact. What is malformed fails; whoever hands the facts over has looked for that before.
    #[inline]
    pub(crate) fn given(value: &'v Value<'v>) -> Result<Self, Fails> {
        Ok(match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Long(value) => Self::Long(*value),
            Value::String(value) => Self::Text(value),
            Value::Entity(name) => Self::Entity(EntityView::given(name)),
            Value::Address(address) => Self::Network(Network::single(*address)),
            Value::Decimal(text) => {
                match official::call("decimal", &[Stored::Text(Arc::from(text.as_ref()))]) {
                    Some(Stored::Decimal(value)) => Self::Decimal(value),
                    _ => return Err(Fails),
                }
            }
            Value::Datetime(value) => Self::Datetime(*value),
            Value::Duration(value) => Self::Duration(*value),
            Value::Set(items) => Self::Set(SetView::Given(items)),
            Value::Record(fields) => Self::Record(RecordView::Given(fields)),
        })
    }

    /// The Bool that it has to be.
    #[inline]
    pub(crate) fn as_bool(self) -> Result<bool, Fails> {
        match self {
            Self::Bool(value) => Ok(value),
            _ => Err(Fails),
        }
    }

    /// A copy that outlives the request.
    pub(crate) fn to_stored(self) -> Result<Stored, Fails> {
        Ok(match self {
            Self::Bool(value) => Stored::Bool(value),
            Self::Long(value) => Stored::Long(value),
            Self::Text(value) => Stored::Text(Arc::from(value)),
            Self::Entity(entity) => Stored::Entity(entity.to_name()),
            Self::Network(value) => Stored::Network(value),
            Self::Decimal(value) => Stored::Decimal(value),
            Self::Datetime(value) => Stored::Datetime(value),
            Self::Duration(value) => Stored::Duration(value),
            Self::Set(set) => Stored::Set(set.to_items()?),
            Self::Record(record) => Stored::Record(record.to_fields()?),
        })
    }

    /// Cedar's `==`: total, and false between types.
    pub(crate) fn same(&self, other: &Self) -> Result<bool, Fails> {
        Ok(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Long(a), Self::Long(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Entity(a), Self::Entity(b)) => a.print == b.print,
            (Self::Network(a), Self::Network(b)) => a == b,
            (Self::Decimal(a), Self::Decimal(b))
            | (Self::Datetime(a), Self::Datetime(b))
            | (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Set(SetView::Stored(a)), Self::Set(SetView::Stored(b))) => a == b,
            (Self::Set(a), Self::Set(b)) => a.to_items()? == b.to_items()?,
            (Self::Record(RecordView::Stored(a)), Self::Record(RecordView::Stored(b))) => a == b,
            (Self::Record(a), Self::Record(b)) => a.to_fields()? == b.to_fields()?,
            _ => false,
        })
    }

    /// Where this value stands to a stored one, in the order of [`Stored`].
    fn order(&self, other: &Stored) -> Result<Ordering, Fails> {
        Ok(match (self, other) {
            (Self::Bool(a), Stored::Bool(b)) => a.cmp(b),
            (Self::Long(a), Stored::Long(b)) => a.cmp(b),
            (Self::Text(a), Stored::Text(b)) => (**a).cmp(&**b),
            (Self::Entity(a), Stored::Entity(b)) => a.print.cmp(&b.print),
            (Self::Network(a), Stored::Network(b)) => a.cmp(b),
            (Self::Decimal(a), Stored::Decimal(b))
            | (Self::Datetime(a), Stored::Datetime(b))
            | (Self::Duration(a), Stored::Duration(b)) => a.cmp(b),
            (Self::Set(a), Stored::Set(b)) => a.to_items()?.cmp(b),
            (Self::Record(a), Stored::Record(b)) => a.to_fields()?.cmp(b),
            _ => self.rank().cmp(&rank(other)),
        })
    }

    /// The place of the type in the order of [`Stored`].
    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Long(_) => 1,
            Self::Text(_) => 2,
            Self::Entity(_) => 3,
            Self::Network(_) => 4,
            Self::Decimal(_) => 5,
            Self::Datetime(_) => 6,
            Self::Duration(_) => 7,
            Self::Set(_) => 8,
            Self::Record(_) => 9,
        }
    }

    /// Searches a sorted list for this value.
    pub(crate) fn search<T>(&self, sorted: &[T], of: impl Fn(&T) -> &Stored) -> Result<Option<usize>, Fails> {
        // Texts are what most sets hold.
        if let Self::Text(text) = self {
            let found = sorted.binary_search_by(|item| match of(item) {
                Stored::Text(known) => known.as_bytes().cmp(text.as_bytes()),
                other => rank(other).cmp(&self.rank()),
            });
            return Ok(found.ok());
        }
        let mut failed = false;
        let found = sorted.binary_search_by(|item| match self.order(of(item)) {
            Ok(order) => order.reverse(),
            Err(Fails) => {
                failed = true;
                Ordering::Equal
            }
        });
        if failed { Err(Fails) } else { Ok(found.ok()) }
    }
}

fn rank(value: &Stored) -> u8 {
    match value {
        Stored::Bool(_) => 0,
        Stored::Long(_) => 1,
        Stored::Text(_) => 2,
        Stored::Entity(_) => 3,
        Stored::Network(_) => 4,
        Stored::Decimal(_) => 5,
        Stored::Datetime(_) => 6,
        Stored::Duration(_) => 7,
        Stored::Set(_) => 8,
        Stored::Record(_) => 9,
        Stored::Residual => 10,
    }
}

/// Up to here a set of the request is searched as it stands; a larger one is sorted first where it is searched often,
/// so that no two long lists are compared element by element.
const UNSORTED: usize = 16;

impl<'v> SetView<'v> {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Stored(items) => items.as_slice().is_empty(),
            Self::Given(items) => items.is_empty(),
        }
    }

    pub(crate) fn contains(&self, value: &View<'_>) -> Result<bool, Fails> {
        match self {
            Self::Stored(items) => Ok(value.search(items.as_slice(), |item| item)?.is_some()),
            Self::Given(items) => {
                for item in *items {
                    if View::given(item)?.same(value)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// Whether some element (or, for `all`, each) of `other` is in this set.
    pub(crate) fn shares(&self, other: &SetView<'_>, all: bool) -> Result<bool, Fails> {
        if let Self::Given(items) = self
            && items.len() > UNSORTED
        {
            let sorted = self.to_items()?;
            return SetView::Stored(&sorted).shares(other, all);
        }
        match other {
            SetView::Stored(items) => self.shares_each(items.as_slice().iter().map(View::stored), all),
            SetView::Given(items) => self.shares_each(items.iter().map(View::given), all),
        }
    }

    fn shares_each<'o>(
        &self,
        others: impl Iterator<Item = Result<View<'o>, Fails>>,
        all: bool,
    ) -> Result<bool, Fails> {
        for other in others {
            if self.contains(&other?)? != all {
                return Ok(!all);
            }
        }
        Ok(all)
    }

    /// Goes through the elements until `each` is true of one, or fails.
    pub(crate) fn any(&self, mut each: impl FnMut(View<'_>) -> Result<bool, Fails>) -> Result<bool, Fails> {
        let mut through = |items: &mut dyn Iterator<Item = Result<View<'_>, Fails>>| {
            for item in items {
                if each(item?)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        match self {
            Self::Stored(items) => through(&mut items.as_slice().iter().map(View::stored)),
            Self::Given(items) => through(&mut items.iter().map(View::given)),
        }
    }

    fn to_items(self) -> Result<Arc<Items>, Fails> {
        match self {
            Self::Stored(items) => Ok(Arc::new((*items).clone())),
            Self::Given(items) => {
                let items = items.iter().map(|item| View::given(item)?.to_stored());
                Ok(Arc::new(items.collect::<Result<Items, Fails>>()?))
            }
        }
    }
}

impl<'v> RecordView<'v> {
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::Stored(fields) => fields.get(name).is_some(),
            Self::Given(fields) => fields.iter().any(|(known, _)| known == name),
        }
    }

    /// The field of this name; fails where there is none.
    pub(crate) fn get(&self, name: &str) -> Result<View<'v>, Fails> {
        match self {
            Self::Stored(fields) => View::stored(fields.get(name).ok_or(Fails)?),
            Self::Given(fields) => {
                let (_, value) = fields.iter().find(|(known, _)| known == name).ok_or(Fails)?;
                View::given(value)
            }
        }
    }

    fn to_fields(self) -> Result<Arc<Fields>, Fails> {
        match self {
            Self::Stored(fields) => Ok(Arc::new((*fields).clone())),
            Self::Given(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| Ok((Arc::from(name.as_ref()), View::given(value)?.to_stored()?)))
                    .collect::<Result<Vec<_>, Fails>>()?;
                Ok(Arc::new(Fields::new(fields)))
            }
        }
    }
}
