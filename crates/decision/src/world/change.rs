//! Changes to a world: what is written of an entity changes in its own part; what it is in changes for all that are in
//! it.

use cedar_policy_core::ast;

use super::closure::{Moved, close};
use super::entity::{self, Above, Shared};
use super::part::Draft;
use super::{Change, World, WorldError};
use crate::name::{Name, Print};

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
            Change::Remove(uid) => changing.remove(Name::of(uid.as_ref()).print),
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
        let (print, mut made) = entity::made(given, &mut self.draft, &mut self.shared);
        let before = self.draft.get(print).and_then(|slot| slot.entity.as_ref());
        if before.is_none() {
            self.entities += 1;
        }
        let parents = before.map(|entity| entity.above.parents().to_vec()).unwrap_or_default();
        match before {
            Some(before) if before.above.parents() == made.above.parents() => {
                made.above = before.above.clone();
            }
            _ => {
                self.moved.insert(print);
            }
        }
        for parent in made.above.parents() {
            if parents.binary_search(parent).is_err()
                && let Some(slot) = self.draft.known(*parent)
            {
                slot.children += 1;
            }
        }
        let now = made.above.parents().to_vec();
        if let Some(slot) = self.draft.known(print) {
            slot.entity = Some(made);
        }
        for parent in parents {
            if now.binary_search(&parent).is_err() {
                self.leave(parent);
            }
        }
        // What it was in elsewhere, through others, is found again here; its name need not stay.
        for ancestor in given.indirect_ancestors() {
            self.draft.tidy(Name::sharing(ancestor, &mut self.shared.kinds).print);
        }
    }

    fn remove(&mut self, print: Print) {
        let Some(slot) = self.draft.known(print) else { return };
        let children = slot.children;
        let Some(removed) = slot.entity.take() else { return };
        self.entities = self.entities.saturating_sub(1);
        self.moved.remove(&print);
        for parent in removed.above.parents() {
            self.leave(*parent);
        }
        if children > 0 {
            self.orphan(print);
        }
        self.draft.tidy(print);
    }

    /// One entity less is directly in `parent`.
    fn leave(&mut self, parent: Print) {
        if let Some(slot) = self.draft.known(parent) {
            slot.children = slot.children.saturating_sub(1);
        }
        self.draft.tidy(parent);
    }

    /// Nothing is in `parent` any more.
    fn orphan(&mut self, parent: Print) {
        let children: Vec<Print> = self
            .draft
            .slots()
            .filter(|slot| slot.entity.as_ref().is_some_and(|entity| entity.above.has_parent(parent)))
            .map(|slot| slot.name.print)
            .collect();
        for child in children {
            if let Some(entity) = self.draft.known(child).and_then(|slot| slot.entity.as_mut()) {
                let others: Vec<Print> =
                    entity.above.parents().iter().copied().filter(|other| *other != parent).collect();
                // Ancestors stay as they were until they are found again: they say who is below.
                entity.above = Above::new(others, entity.above.all().iter().copied());
                self.moved.insert(child);
            }
        }
        if let Some(slot) = self.draft.known(parent) {
            slot.children = 0;
        }
    }
}
