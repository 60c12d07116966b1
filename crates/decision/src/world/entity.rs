//! One entity as a world keeps it.

use std::mem::{size_of, size_of_val};

use cedar_policy_core::ast;

use super::part::Draft;
use crate::name::{Kinds, Name, Print};
use crate::value::official::stored_partial;
use crate::value::{Fields, Shapes, Stored};

/// A name that the world knows: of an entity that is there, or of one that others are said to be in.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) name: Name,
    /// How many entities have it as a direct parent. A slot without entity and children is dropped.
    pub(crate) children: u32,
    pub(crate) entity: Option<Entity>,
}

/// An entity: what it has, and what it is in.
#[derive(Debug, Clone)]
pub(crate) struct Entity {
    pub(crate) attributes: Fields,
    pub(crate) tags: Option<Box<Fields>>,
    pub(crate) above: Above,
}

/// Every entity that one is in, directly or not, without itself. Its parents come first; both they and the others are
/// sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Above {
    prints: Box<[Print]>,
    parents: u32,
}

impl Above {
    /// Parents and all ancestors, in any order; ancestors may lack parents and name them again.
    pub(crate) fn new(
        parents: impl IntoIterator<Item = Print>,
        ancestors: impl IntoIterator<Item = Print>,
    ) -> Self {
        let mut prints = sorted(parents);
        let parents = prints.len();
        let further = sorted(ancestors);
        let direct = prints.clone();
        prints.extend(further.into_iter().filter(|print| direct.binary_search(print).is_err()));
        Self { prints: prints.into_boxed_slice(), parents: u32::try_from(parents).unwrap_or(u32::MAX) }
    }

    fn split(&self) -> (&[Print], &[Print]) {
        let parents = usize::try_from(self.parents).unwrap_or(usize::MAX);
        self.prints.split_at_checked(parents).unwrap_or((&self.prints, &[]))
    }

    pub(crate) fn parents(&self) -> &[Print] {
        self.split().0
    }

    /// All of them; in no order.
    #[inline]
    pub(crate) fn all(&self) -> &[Print] {
        &self.prints
    }

    #[inline]
    pub(crate) fn contains(&self, ancestor: Print) -> bool {
        if self.prints.len() <= FEW {
            return self.prints.contains(&ancestor);
        }
        let (parents, others) = self.split();
        holds(others, ancestor) || holds(parents, ancestor)
    }

    pub(crate) fn has_parent(&self, parent: Print) -> bool {
        self.parents().binary_search(&parent).is_ok()
    }
}

/// So few prints are faster looked at one by one.
const FEW: usize = 8;

/// Whether sorted prints hold this one.
#[inline]
fn holds(sorted: &[Print], print: Print) -> bool {
    if sorted.len() <= FEW {
        return sorted.contains(&print);
    }
    // By the first word alone, which two prints hardly ever share: one comparison a step, and no branch.
    let first = sorted.partition_point(|known| known.hash() < print.hash());
    let same = sorted.get(first..).unwrap_or(&[]).iter().take_while(|known| known.hash() == print.hash());
    same.into_iter().any(|known| *known == print)
}

/// What entities of one world share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) kinds: Kinds,
    shapes: Shapes,
}

/// An entity of the official crate, with the ancestors it has there. All names in it have slots afterwards.
pub(crate) fn made(entity: &ast::Entity, names: &mut Draft, shared: &mut Shared) -> (Print, Entity) {
    let fields = |fields: &mut dyn Iterator<Item = (&str, &ast::PartialValue)>, shapes: &mut Shapes| {
        Fields::new(fields.map(|(name, value)| (name.into(), stored_partial(value)))).sharing(shapes)
    };
    let Shared { kinds, shapes } = shared;
    let attributes = fields(&mut entity.attrs().map(|(name, value)| (name.as_str(), value)), shapes);
    let tags = fields(&mut entity.tags().map(|(name, value)| (name.as_str(), value)), shapes);
    let parents: Vec<Print> = entity.parents().map(|parent| names.print(parent, kinds)).collect();
    let ancestors: Vec<Print> = entity.ancestors().map(|ancestor| names.print(ancestor, kinds)).collect();
    let made = Entity {
        attributes,
        tags: (tags.len() > 0).then(|| Box::new(tags)),
        above: Above::new(parents, ancestors),
    };
    (names.print(entity.uid(), kinds), made)
}

fn sorted(prints: impl IntoIterator<Item = Print>) -> Vec<Print> {
    let mut prints: Vec<Print> = prints.into_iter().collect();
    prints.sort_unstable();
    prints.dedup();
    prints
}

/// The bytes that a slot and what it points to occupy; names that are shared are left out.
pub(crate) fn bytes(slot: &Slot) -> usize {
    let entity = slot.entity.as_ref().map_or(0, |entity| {
        let tags = entity.tags.as_ref().map_or(0, |tags| size_of::<Fields>() + values(tags));
        values(&entity.attributes) + tags + size_of_val(entity.above.all())
    });
    size_of::<Slot>() + slot.name.bytes() + entity
}

fn values(fields: &Fields) -> usize {
    fields.iter().map(|(_, value)| size_of::<Stored>() + value_bytes(value)).sum()
}

fn value_bytes(value: &Stored) -> usize {
    match value {
        Stored::Text(text) => text.len(),
        Stored::Entity(name) => name.bytes(),
        Stored::Set(items) => {
            items.as_slice().iter().map(|item| size_of::<Stored>() + value_bytes(item)).sum()
        }
        Stored::Record(fields) => values(fields),
        _ => 0,
    }
}
