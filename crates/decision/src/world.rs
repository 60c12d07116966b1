//! The entities that stand still between requests: users, groups, roles, apps, routes.
//!
//! A world is a snapshot: a change makes a new one and leaves the old as it was, so that a request sees one world from
//! start to end. What a single request adds (token claims, say) never enters it: see [`crate::EntityOverlay`].
//!
//! Entities lie in parts, chosen by their print; a change copies the parts it touches and shares the others. A world
//! knows nothing of programs, so a change of policies leaves it as it is.

mod change;
mod closure;
pub(crate) mod entity;
mod part;

use std::fmt;

use cedar_policy::{Entities, EntityUid};
use cedar_policy_core::ast;

use crate::Program;
use crate::name::Print;
use entity::{Entity, Shared, Slot};
use part::Parts;

/// An immutable snapshot of entities, with the ancestors of each closed. Cheap to clone.
#[derive(Clone)]
pub struct World {
    parts: Parts,
    entities: usize,
}

/// One change to a [`World`].
#[derive(Debug, Clone)]
pub enum Change {
    /// Adds an entity, or replaces the one of the same name. Its direct parents count; further ancestors are found.
    Upsert(Box<cedar_policy::Entity>),
    /// Takes an entity out, and with it the membership of every entity that was directly in it. One that is not there
    /// is no fault.
    Remove(EntityUid),
}

/// Why a change makes no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// Some entity would be in itself.
    #[error("`{entity}` would be its own ancestor; take it out of one of the groups it is in")]
    Cycle {
        /// One of the entities of the cycle, as Cedar writes it: `Group::"staff"`.
        entity: String,
    },
}

impl World {
    /// Takes a snapshot of `entities`. It holds exactly these: the action groups of a schema are among them only if
    /// they were put there (`Entities::from_entities` with a schema does).
    ///
    /// A world may be used with any program and outlives a change of policies; the program is named because programs
    /// and worlds come in pairs.
    #[must_use]
    pub fn new(_program: &Program, entities: &Entities) -> Self {
        let mut shared = Shared::default();
        let mut parts = part::Draft::for_entities(entities.len());
        for entity in entities.iter() {
            let entity: &ast::Entity = entity.as_ref();
            // The official store has closed the ancestors already.
            let (print, made) = entity::made(entity, &mut parts, &mut shared);
            for parent in made.above.parents() {
                if let Some(slot) = parts.known(*parent) {
                    slot.children += 1;
                }
            }
            if let Some(slot) = parts.known(print) {
                slot.entity = Some(made);
            }
        }
        Self { parts: parts.finish(), entities: entities.len() }
    }

    /// The world after `changes`, applied in order. This one stays as it is.
    ///
    /// Costs a copy of the list of parts and of each part that is touched; one look at every entity besides if
    /// something changes that others are in.
    ///
    /// # Errors
    /// [`WorldError`] if some entity would be its own ancestor.
    pub fn with(&self, changes: impl IntoIterator<Item = Change>) -> Result<Self, WorldError> {
        change::apply(self, changes)
    }

    /// How many entities it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entities
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entities == 0
    }

    /// What is known by a name.
    #[inline]
    pub(crate) fn slot(&self, print: Print) -> Option<&Slot> {
        self.parts.get(part::part(print, self.parts.len()))?.slot(print)
    }

    /// The entity, if it is there.
    #[inline]
    pub(crate) fn entity(&self, print: Print) -> Option<&Entity> {
        self.slot(print)?.entity.as_ref()
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.parts.iter().flat_map(|part| part.slots())
    }

    /// The bytes it occupies, by its own count of what it allocated.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes()).sum::<usize>()
            + self.slots().map(entity::bytes).sum::<usize>()
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("entities", &self.entities).finish_non_exhaustive()
    }
}
