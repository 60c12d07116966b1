//! A world in parts, each a table by print: a change copies the parts it touches, not the world.

use std::mem::size_of;
use std::sync::Arc;

use cedar_policy_core::ast::EntityUID;
use hashbrown::HashTable;

use super::entity::Slot;
use crate::name::{Kinds, Name, place};

/// All parts of a world; their number is a power of two.
pub(crate) type Parts = Arc<[Arc<Part>]>;

/// How many slots a part is meant to hold. A change copies as many pointers, twice or thrice; a look-up goes through
/// one list of parts, of which a million entities make four thousand.
const SLOTS: usize = 256;

/// One part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    table: HashTable<Arc<Slot>>,
}

impl Part {
    /// The slot of a name, by its letters.
    #[inline]
    pub(crate) fn find(&self, place: u64, kind: &str, id: &str) -> Option<&Slot> {
        self.table.find(place, |slot| slot.name.is(kind, id)).map(Arc::as_ref)
    }

    /// The slot of a name, by its print.
    #[inline]
    pub(crate) fn slot(&self, name: &Name) -> Option<&Slot> {
        self.table.find(name.place, |slot| slot.name.print == name.print).map(Arc::as_ref)
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.table.iter().map(Arc::as_ref)
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.table.allocation_size()
    }
}

/// The part in which a place lies. Tables go by the lowest and the highest bits, parts by those between.
#[inline]
pub(crate) fn part(place: u64, parts: usize) -> usize {
    usize::try_from((place >> 24) & 0xffff_ffff).unwrap_or(0) & parts.wrapping_sub(1)
}

/// Parts that are being changed. Each is copied when it is first changed, as is each slot.
#[derive(Debug)]
pub(crate) struct Draft {
    parts: Vec<Arc<Part>>,
    /// Stands in for a part that is not there. There is none such: their number is a power of two, and every place is
    /// taken modulo it.
    nowhere: Arc<Part>,
}

impl Draft {
    pub(crate) fn for_entities(count: usize) -> Self {
        let parts = (count / SLOTS).next_power_of_two();
        Self { parts: (0..parts).map(|_| Arc::default()).collect(), nowhere: Arc::default() }
    }

    pub(crate) fn of(parts: &Parts) -> Self {
        Self { parts: parts.to_vec(), nowhere: Arc::default() }
    }

    /// The name, shared with the slot it has or gets.
    pub(crate) fn name(&mut self, uid: &EntityUID, kinds: &mut Kinds) -> Arc<Name> {
        let kind = kinds.of(uid.entity_type());
        let id: &str = uid.eid().as_ref();
        let place = place(&kind, id);
        let known =
            self.parts.get(part(place, self.parts.len())).and_then(|part| part.find(place, &kind, id));
        match known {
            Some(slot) => Arc::clone(&slot.name),
            None => {
                let name = Arc::new(Name::new(kind, id));
                self.slot(Arc::clone(&name));
                name
            }
        }
    }

    /// The slot of this name, made if there is none.
    pub(crate) fn slot(&mut self, name: Arc<Name>) -> &mut Slot {
        let table = self.table(name.place);
        let entry = table.entry(name.place, |slot| slot.name.print == name.print, |slot| slot.name.place);
        let slot = entry.or_insert_with(|| Arc::new(Slot { name, children: 0, entity: None }));
        Arc::make_mut(slot.into_mut())
    }

    /// The slot of this name, to be changed.
    pub(crate) fn known(&mut self, name: &Name) -> Option<&mut Slot> {
        let table = self.table(name.place);
        table.find_mut(name.place, |slot| slot.name.print == name.print).map(Arc::make_mut)
    }

    pub(crate) fn get(&self, name: &Name) -> Option<&Slot> {
        self.parts.get(part(name.place, self.parts.len()))?.slot(name)
    }

    /// Drops a slot that stands for nothing any more.
    pub(crate) fn tidy(&mut self, name: &Name) {
        let table = self.table(name.place);
        let found = table.find_entry(name.place, |slot| {
            slot.name.print == name.print && slot.children == 0 && slot.entity.is_none()
        });
        if let Ok(found) = found {
            found.remove();
        }
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.parts.iter().flat_map(|part| part.slots())
    }

    /// The parts, more of them if they have become too large.
    pub(crate) fn finish(self) -> Parts {
        let slots: usize = self.parts.iter().map(|part| part.table.len()).sum();
        if slots <= self.parts.len() * SLOTS * 4 {
            return self.parts.into();
        }
        let mut wider = Self::for_entities(slots);
        for slot in self.parts.iter().flat_map(|part| part.table.iter()) {
            let place = slot.name.place;
            wider.table(place).insert_unique(place, Arc::clone(slot), |slot| slot.name.place);
        }
        wider.parts.into()
    }

    fn table(&mut self, place: u64) -> &mut HashTable<Arc<Slot>> {
        let at = part(place, self.parts.len());
        &mut Arc::make_mut(self.parts.get_mut(at).unwrap_or(&mut self.nowhere)).table
    }
}
