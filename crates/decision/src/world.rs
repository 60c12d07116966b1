//! The entities that stand still between requests: users, groups, roles, apps, routes.
//!
//! A world is a snapshot: a change makes a new one and leaves the old as it was, so that a request sees one world from
//! start to end. What a single request adds (token claims, say) never enters it: see [`crate::EntityOverlay`].

use std::sync::Arc;

use cedar_policy::{Entities, Entity, EntityUid};

use crate::Program;

/// An immutable snapshot of entities, with the ancestors of each closed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) entities: Arc<Entities>,
}

/// One change to a [`World`].
#[derive(Debug, Clone)]
pub enum Change {
    /// Adds an entity, or replaces the one of the same name. The entity's parents are its direct ones.
    Upsert(Box<Entity>),
    /// Takes an entity out, and with it the membership of every entity that was directly in it. One that is not there
    /// is no fault.
    Remove(EntityUid),
}

/// Why a set of entities is no world.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// Cedar refused the entities: a cycle, a duplicate, a value of the wrong type.
    #[error("the entities are not consistent: {0}")]
    Entities(#[from] Box<cedar_policy::entities_errors::EntitiesError>),
}

impl World {
    /// Takes a snapshot of `entities`. It holds exactly these: the action groups of a schema are among them only if
    /// they were put there (`Entities::from_entities` with a schema does).
    ///
    /// A world outlives a change of policies and may be used with any program; the program it is made for is named
    /// because a compiled one shares its vocabulary with its worlds.
    #[must_use]
    pub fn new(_program: &Program, entities: &Entities) -> Self {
        Self { entities: Arc::new(entities.clone()) }
    }

    /// The world after `changes`, applied in order. This one stays as it is.
    ///
    /// Costs a copy of the table of entities (not of the entities) and one look at each of them per upsert or removal.
    ///
    /// # Errors
    /// [`WorldError`] if the result is not consistent, a membership cycle for example.
    pub fn with(&self, changes: impl IntoIterator<Item = Change>) -> Result<Self, WorldError> {
        let mut entities = Entities::clone(&self.entities);
        let mut changes = changes.into_iter().peekable();
        while let Some(change) = changes.next() {
            entities = match change {
                Change::Upsert(entity) => {
                    let mut together = vec![*entity];
                    while let Some(Change::Upsert(entity)) =
                        changes.next_if(|next| matches!(next, Change::Upsert(_)))
                    {
                        together.push(*entity);
                    }
                    entities.upsert_entities(together, None)
                }
                Change::Remove(name) => {
                    let mut together = vec![name];
                    while let Some(Change::Remove(name)) =
                        changes.next_if(|next| matches!(next, Change::Remove(_)))
                    {
                        together.push(name);
                    }
                    entities.remove_entities(together)
                }
            }
            .map_err(Box::new)?;
        }
        Ok(Self { entities: Arc::new(entities) })
    }

    /// How many entities it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }
}
