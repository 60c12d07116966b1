//! One entity as a world keeps it.

use std::mem::{size_of, size_of_val};
use std::sync::Arc;

use cedar_policy_core::ast;

use super::part::Draft;
use crate::name::{Kinds, Name, Print};
use crate::value::official::stored_partial;
use crate::value::{Fields, Shapes, Stored};

/// A name that the world knows: of an entity that is there, or of one that others are said to be in.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) name: Arc<Name>,
    /// How many entities have it as a direct parent. A slot without entity and children is dropped.
    pub(crate) children: u32,
    pub(crate) entity: Option<Entity>,
}

/// An entity: what it has, and what it is in.
#[derive(Debug, Clone)]
pub(crate) struct Entity {
    pub(crate) attributes: Fields,
    pub(crate) tags: Option<Box<Fields>>,
    /// Sorted by print.
    pub(crate) parents: Box<[Arc<Name>]>,
    /// Every entity it is in, directly or not; sorted, without itself.
    pub(crate) ancestors: Box<[Print]>,
}

impl Entity {
    #[inline]
    pub(crate) fn is_in(&self, ancestor: Print) -> bool {
        self.ancestors.binary_search(&ancestor).is_ok()
    }

    pub(crate) fn is_child_of(&self, parent: Print) -> bool {
        self.parents.binary_search_by(|known| known.print.cmp(&parent)).is_ok()
    }
}

/// What entities of one world share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) kinds: Kinds,
    shapes: Shapes,
}

/// An entity of the official crate, with the ancestors it has there.
pub(crate) fn made(entity: &ast::Entity, names: &mut Draft, shared: &mut Shared) -> (Arc<Name>, Entity) {
    let fields = |fields: &mut dyn Iterator<Item = (&str, &ast::PartialValue)>, shapes: &mut Shapes| {
        Fields::new(fields.map(|(name, value)| (name.into(), stored_partial(value)))).sharing(shapes)
    };
    let Shared { kinds, shapes } = shared;
    let attributes = fields(&mut entity.attrs().map(|(name, value)| (name.as_str(), value)), shapes);
    let tags = fields(&mut entity.tags().map(|(name, value)| (name.as_str(), value)), shapes);
    let made = Entity {
        attributes,
        tags: (tags.len() > 0).then(|| Box::new(tags)),
        parents: sorted(entity.parents().map(|parent| names.name(parent, kinds))),
        // Names of entities that are in the world, or that others are in, are there once.
        ancestors: sorted(entity.ancestors().map(|ancestor| names.name(ancestor, kinds).print)),
    };
    (names.name(entity.uid(), kinds), made)
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Box<[T]> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items.dedup();
    items.into_boxed_slice()
}

/// The bytes that a slot and what it points to occupy; names that are shared are left out.
pub(crate) fn bytes(slot: &Slot) -> usize {
    let entity = slot.entity.as_ref().map_or(0, |entity| {
        let tags = entity.tags.as_ref().map_or(0, |tags| size_of::<Fields>() + values(tags));
        values(&entity.attributes) + tags + size_of_val(&*entity.parents) + size_of_val(&*entity.ancestors)
    });
    size_of::<Slot>() + size_of::<Name>() + slot.name.id.len() + entity
}

fn values(fields: &Fields) -> usize {
    fields.iter().map(|(_, value)| size_of::<Stored>() + value_bytes(value)).sum()
}

fn value_bytes(value: &Stored) -> usize {
    match value {
        Stored::Text(text) => text.len(),
        Stored::Entity(name) => size_of::<Name>() + name.id.len(),
        Stored::Set(items) => {
            items.as_slice().iter().map(|item| size_of::<Stored>() + value_bytes(item)).sum()
        }
        Stored::Record(fields) => values(fields),
        _ => 0,
    }
}
