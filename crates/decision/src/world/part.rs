//! A world in parts, each a table by print: a change copies the parts it touches, not the world.

use std::mem::size_of;
use std::sync::Arc;

use cedar_policy_core::ast::EntityUID;
use hashbrown::HashTable;

use super::entity::Slot;
use crate::name::{Kinds, Name, Print};

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
    #[inline]
    pub(crate) fn slot(&self, print: Print) -> Option<&Slot> {
        self.table.find(print.hash(), |slot| slot.name.print == print).map(Arc::as_ref)
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.table.iter().map(Arc::as_ref)
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.table.allocation_size()
    }
}

/// The part in which a print lies.
#[inline]
pub(crate) fn part(print: Print, parts: usize) -> usize {
    usize::try_from(print.part()).unwrap_or(0) & parts.wrapping_sub(1)
}

/// Parts that are being changed. Each is copied when it is first changed, as is each slot.
#[derive(Debug)]
pub(crate) struct Draft {
    parts: Vec<Arc<Part>>,
    /// Stands in for a part that is not there. There is none such: their number is a power of two, and every print is
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

    /// The print of a name, which has a slot afterwards.
    pub(crate) fn print(&mut self, uid: &EntityUID, kinds: &mut Kinds) -> Print {
        let kind = kinds.of(uid.entity_type());
        let id: &str = uid.eid().as_ref();
        let print = Print::of(&kind, id);
        if self.get(print).is_none() {
            let slot = Slot { name: Name::new(kind, id), children: 0, entity: None };
            self.table(print).insert_unique(print.hash(), Arc::new(slot), hash);
        }
        print
    }

    /// The slot of this name, to be changed.
    pub(crate) fn known(&mut self, print: Print) -> Option<&mut Slot> {
        self.table(print).find_mut(print.hash(), |slot| slot.name.print == print).map(Arc::make_mut)
    }

    pub(crate) fn get(&self, print: Print) -> Option<&Slot> {
        self.parts.get(part(print, self.parts.len()))?.slot(print)
    }

    /// Drops a slot that stands for nothing any more.
    pub(crate) fn tidy(&mut self, print: Print) {
        let found = self.table(print).find_entry(print.hash(), |slot| {
            slot.name.print == print && slot.children == 0 && slot.entity.is_none()
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
            wider.table(slot.name.print).insert_unique(hash(slot), Arc::clone(slot), hash);
        }
        wider.parts.into()
    }

    fn table(&mut self, print: Print) -> &mut HashTable<Arc<Slot>> {
        let at = part(print, self.parts.len());
        &mut Arc::make_mut(self.parts.get_mut(at).unwrap_or(&mut self.nowhere)).table
    }
}

fn hash(slot: &Arc<Slot>) -> u64 {
    slot.name.print.hash()
}
