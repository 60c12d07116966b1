//! Changes to a world: what is written of an entity changes in its own part; what it is in changes for all that are in
//! it.

use std::sync::Arc;

use cedar_policy_core::ast;

use super::closure::{Moved, close};
use super::entity::{self, Shared};
use super::part::Draft;
use super::{Change, World, WorldError};
use crate::name::Name;

/// The world after the changes.
pub(super) fn apply(world: &World, changes: impl IntoIterator<Item = Change>) -> Result<World, WorldError> {
    let mut changing = Changing {
        draft: Draft::of(&world.parts),
        entities: world.entities,
        moved: Moved::new(),
        shared: Shared::default(),
    };
    for change in changes {
        match change {
            Change::Upsert(given) => changing.upsert(AsRef::<ast::Entity>::as_ref(&*given)),
            Change::Remove(uid) => changing.remove(&Name::of(uid.as_ref())),
        }
    }
    close(&mut changing.draft, changing.moved)?;
    Ok(World { parts: changing.draft.finish(), entities: changing.entities })
}

struct Changing {
    draft: Draft,
    entities: usize,
    /// Entities whose parents changed; their ancestors are to be found again, and those of all that are in them.
    moved: Moved,
    shared: Shared,
}

impl Changing {
    fn upsert(&mut self, given: &ast::Entity) {
        let (name, mut made) = entity::made(given, &mut self.draft, &mut self.shared);
        let before = self.draft.get(&name).and_then(|slot| slot.entity.as_ref());
        if before.is_none() {
            self.entities += 1;
        }
        let parents = before.map(|entity| entity.parents.clone()).unwrap_or_default();
        match before {
            Some(before) if before.parents == made.parents => made.ancestors = before.ancestors.clone(),
            _ => {
                self.moved.insert(name.print, Arc::clone(&name));
            }
        }
        for parent in &made.parents {
            if parents.binary_search(parent).is_err() {
                self.draft.slot(Arc::clone(parent)).children += 1;
            }
        }
        let now = made.parents.clone();
        self.draft.slot(name).entity = Some(made);
        for parent in parents {
            if now.binary_search(&parent).is_err() {
                self.leave(&parent);
            }
        }
        // What it was in elsewhere, through others, is found again here; its name need not stay.
        for ancestor in given.indirect_ancestors() {
            self.draft.tidy(&Name::sharing(ancestor, &mut self.shared.kinds));
        }
    }

    fn remove(&mut self, name: &Name) {
        let Some(slot) = self.draft.known(name) else { return };
        let children = slot.children;
        let Some(removed) = slot.entity.take() else { return };
        self.entities = self.entities.saturating_sub(1);
        self.moved.remove(&name.print);
        for parent in removed.parents {
            self.leave(&parent);
        }
        if children > 0 {
            self.orphan(name);
        }
        self.draft.tidy(name);
    }

    /// One entity less is directly in `parent`.
    fn leave(&mut self, parent: &Name) {
        if let Some(slot) = self.draft.known(parent) {
            slot.children = slot.children.saturating_sub(1);
        }
        self.draft.tidy(parent);
    }

    /// Nothing is in `parent` any more.
    fn orphan(&mut self, parent: &Name) {
        let children: Vec<Arc<Name>> = self
            .draft
            .slots()
            .filter(|slot| slot.entity.as_ref().is_some_and(|entity| entity.is_child_of(parent.print)))
            .map(|slot| Arc::clone(&slot.name))
            .collect();
        for child in children {
            if let Some(entity) = self.draft.known(&child).and_then(|slot| slot.entity.as_mut()) {
                entity.parents =
                    entity.parents.iter().filter(|other| other.print != parent.print).cloned().collect();
                self.moved.insert(child.print, child);
            }
        }
        if let Some(slot) = self.draft.known(parent) {
            slot.children = 0;
        }
    }
}
