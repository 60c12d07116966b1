//! The ancestors of entities, closed again after a change.
//!
//! INVARIANT: afterwards, each entity's ancestors are its parents and their ancestors, and no entity is its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::WorldError;
use super::part::Draft;
use crate::name::{Name, Print};

/// Entities whose ancestors are to be found again.
pub(super) type Moved = HashMap<Print, Arc<Name>>;

/// Finds the ancestors of the `moved` entities, and of all that are in one of them.
pub(super) fn close(draft: &mut Draft, mut moved: Moved) -> Result<(), WorldError> {
    let with_descendants = moved.values().any(|name| draft.get(name).is_some_and(|slot| slot.children > 0));
    if with_descendants {
        // Stale ancestors are enough to find whom it concerns: who was in one of them before, or is by its own change.
        let below: Vec<Arc<Name>> = draft
            .slots()
            .filter(|slot| {
                slot.entity.as_ref().is_some_and(|entity| {
                    entity.ancestors.iter().any(|ancestor| moved.contains_key(ancestor))
                })
            })
            .map(|slot| Arc::clone(&slot.name))
            .collect();
        moved.extend(below.into_iter().map(|name| (name.print, name)));
    }
    let mut found: HashMap<Print, Progress> = HashMap::with_capacity(moved.len());
    for name in moved.values() {
        climb(draft, &moved, name, &mut found)?;
    }
    for (print, progress) in found {
        if let (Progress::Closed(ancestors), Some(name)) = (progress, moved.get(&print))
            && let Some(entity) = draft.known(name).and_then(|slot| slot.entity.as_mut())
        {
            entity.ancestors = ancestors;
        }
    }
    Ok(())
}

enum Progress {
    /// Its parents are being looked at: to meet it again is a cycle.
    Open,
    Closed(Box<[Print]>),
}

/// Closes one entity after those it is in; with a stack of its own, since hierarchies may be deeper than a thread's.
fn climb(
    draft: &Draft,
    moved: &Moved,
    start: &Arc<Name>,
    found: &mut HashMap<Print, Progress>,
) -> Result<(), WorldError> {
    let mut path: Vec<(&Arc<Name>, usize)> = vec![(start, 0)];
    while let Some((name, at)) = path.pop() {
        if at == 0 {
            match found.get(&name.print) {
                Some(Progress::Closed(_)) => continue,
                Some(Progress::Open) => return Err(cycle(name)),
                None => {
                    found.insert(name.print, Progress::Open);
                }
            }
        }
        let parents =
            draft.get(name).and_then(|slot| slot.entity.as_ref()).map_or(&[][..], |entity| &entity.parents);
        let next = parents.iter().enumerate().skip(at).find(|(_, parent)| moved.contains_key(&parent.print));
        if let Some((index, parent)) = next {
            path.push((name, index + 1));
            match found.get(&parent.print) {
                Some(Progress::Closed(_)) => {}
                Some(Progress::Open) => return Err(cycle(parent)),
                None => path.push((parent, 0)),
            }
            continue;
        }
        let mut ancestors = HashSet::new();
        for parent in parents {
            ancestors.insert(parent.print);
            match found.get(&parent.print) {
                Some(Progress::Closed(further)) => ancestors.extend(further),
                _ => {
                    if let Some(entity) = draft.get(parent).and_then(|slot| slot.entity.as_ref()) {
                        ancestors.extend(&entity.ancestors);
                    }
                }
            }
        }
        if ancestors.contains(&name.print) {
            return Err(cycle(name));
        }
        let mut ancestors: Box<[Print]> = ancestors.into_iter().collect();
        ancestors.sort_unstable();
        found.insert(name.print, Progress::Closed(ancestors));
    }
    Ok(())
}

fn cycle(name: &Name) -> WorldError {
    WorldError::Cycle { entity: format!("{name:?}") }
}
