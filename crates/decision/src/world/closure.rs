//! The ancestors of entities, closed again after a change.
//!
//! INVARIANT: afterwards, each entity's ancestors are its parents and their ancestors, and no entity is its own.

use std::collections::{HashMap, HashSet};

use super::WorldError;
use super::entity::Above;
use super::part::Draft;
use crate::name::Print;

/// Entities whose ancestors are to be found again.
pub(super) type Moved = HashSet<Print>;

/// Finds the ancestors of the `moved` entities, and of all that are in one of them.
pub(super) fn close(draft: &mut Draft, mut moved: Moved) -> Result<(), WorldError> {
    let with_descendants = moved.iter().any(|print| draft.get(*print).is_some_and(|slot| slot.children > 0));
    if with_descendants {
        // Stale ancestors are enough to find whom it concerns: who was in one of them before, or is by its own change.
        let below: Vec<Print> = draft
            .slots()
            .filter(|slot| {
                slot.entity
                    .as_ref()
                    .is_some_and(|entity| entity.above.all().iter().any(|above| moved.contains(above)))
            })
            .map(|slot| slot.name.print)
            .collect();
        moved.extend(below);
    }
    let mut found: HashMap<Print, Progress> = HashMap::with_capacity(moved.len());
    for print in &moved {
        climb(draft, &moved, *print, &mut found)?;
    }
    for (print, progress) in found {
        if let Progress::Closed(above) = progress
            && let Some(entity) = draft.known(print).and_then(|slot| slot.entity.as_mut())
        {
            entity.above = above;
        }
    }
    Ok(())
}

enum Progress {
    /// Its parents are being looked at: to meet it again is a cycle.
    Open,
    Closed(Above),
}

/// Closes one entity after those it is in; with a stack of its own, since hierarchies may be deeper than a thread's.
fn climb(
    draft: &Draft,
    moved: &Moved,
    start: Print,
    found: &mut HashMap<Print, Progress>,
) -> Result<(), WorldError> {
    let mut path: Vec<(Print, usize)> = vec![(start, 0)];
    while let Some((print, at)) = path.pop() {
        if at == 0 {
            match found.get(&print) {
                Some(Progress::Closed(_)) => continue,
                Some(Progress::Open) => return Err(cycle(draft, print)),
                None => {
                    found.insert(print, Progress::Open);
                }
            }
        }
        let entity = draft.get(print).and_then(|slot| slot.entity.as_ref());
        let parents = entity.map_or(&[][..], |entity| entity.above.parents());
        let next = parents.iter().enumerate().skip(at).find(|(_, parent)| moved.contains(parent));
        if let Some((index, parent)) = next {
            path.push((print, index + 1));
            match found.get(parent) {
                Some(Progress::Closed(_)) => {}
                Some(Progress::Open) => return Err(cycle(draft, *parent)),
                None => path.push((*parent, 0)),
            }
            continue;
        }
        let mut ancestors: HashSet<Print> = HashSet::new();
        for parent in parents {
            ancestors.insert(*parent);
            match found.get(parent) {
                Some(Progress::Closed(further)) => ancestors.extend(further.all()),
                _ => {
                    if let Some(entity) = draft.get(*parent).and_then(|slot| slot.entity.as_ref()) {
                        ancestors.extend(entity.above.all());
                    }
                }
            }
        }
        if ancestors.contains(&print) {
            return Err(cycle(draft, print));
        }
        found.insert(print, Progress::Closed(Above::new(parents.iter().copied(), ancestors)));
    }
    Ok(())
}

fn cycle(draft: &Draft, print: Print) -> WorldError {
    WorldError::Cycle { entity: draft.get(print).map_or_else(String::new, |slot| format!("{:?}", slot.name)) }
}
