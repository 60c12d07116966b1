//! Worlds that came about by changes: they must be the worlds that would have been built at once. What a list of changes
//! comes to is said by the official store.
//!
//! INVARIANT: changed parents are ancestors that the entity had at first, and what is new stands directly below a root;
//! so no order of changes makes a cycle, but for the one that is meant to.

use std::collections::HashSet;

use cedar_policy::{Entities, EntityUid};
use portcullis_decision::{Change, Program, World};

use crate::answer::official;
use crate::case::Entity;
use crate::check::{Check, Fault, Told, equal, same, told};
use crate::official::entity;
use crate::source::Source;
use crate::value::{Fields, Name, Value};

impl Check<'_> {
    pub(super) fn changed_worlds(
        &self,
        program: &Program,
        before: &World,
        source: &mut Source<'_>,
    ) -> Result<(), Fault> {
        let all = crate::case::merged(&self.subject.entities, &self.subject.overlay);
        let (mut world, mut store) = (before.clone(), self.whole.clone());
        for _ in 0..source.between(1, 3) {
            let changes = changes(&all, &self.whole, source).map_err(Fault::Refused)?;
            store = applied(store, &changes).map_err(Fault::Refused)?;
            world = world.with(changes.iter().cloned()).map_err(|fault| Fault::Differs {
                way: "changed world",
                request: 0,
                expected: "a world".to_owned(),
                found: fault.to_string(),
            })?;
            equal("entities of a changed world", 0, &store.len(), &world.len())?;
        }
        let rebuilt = World::new(program, &store);
        for (place, unchanged) in self.sample() {
            let Some(request) = self.requests.get(place) else { continue };
            let expected = official(request, &self.subject.set, &store);
            let ask =
                |world: &World| -> Told { (self.engine.distort)(told(&program.decide(world, request))) };
            same("changed world", place, &expected, &ask(&world))?;
            same("rebuilt world", place, &expected, &ask(&rebuilt))?;
            same("world before its change", place, unchanged, &ask(before))?;
        }
        self.cycle(&world, &store, source)
    }

    /// An entity that is put below one of its own descendants.
    fn cycle(&self, world: &World, store: &Entities, source: &mut Source<'_>) -> Result<(), Fault> {
        let mut below: Vec<(EntityUid, EntityUid)> = store
            .iter()
            .flat_map(|entity| {
                let above = store.ancestors(&entity.uid()).into_iter().flatten();
                above
                    .filter(|above| store.get(above).is_some())
                    .map(|above| (above.clone(), entity.uid()))
                    .collect::<Vec<_>>()
            })
            .collect();
        below.sort();
        let Some((above, below)) = source.pick(&below).cloned() else { return Ok(()) };
        let turned = cedar_policy::Entity::new_no_attrs(above, HashSet::from([below]));
        let refused = world.with([Change::Upsert(Box::new(turned))]).is_err();
        equal("cycle is refused", 0, &true, &refused)
    }
}

/// A few changes to these entities.
fn changes(all: &[Entity], whole: &Entities, source: &mut Source<'_>) -> Result<Vec<Change>, String> {
    let mut changes = Vec::new();
    for _ in 0..source.between(1, 6) {
        let Some(chosen) = source.pick(all) else { continue };
        let change = match source.weighted(&[5, 2, 2, 1]) {
            0 => Change::Upsert(Box::new(entity(&changed(chosen, whole, source)?)?)),
            1 => Change::Remove(chosen.name.official()?),
            2 => match only_spoken_of(all, source) {
                Some(new) => Change::Upsert(Box::new(entity(&new)?)),
                None => continue,
            },
            // As it was: after a removal this brings it back.
            _ => Change::Upsert(Box::new(entity(chosen)?)),
        };
        changes.push(change);
    }
    Ok(changes)
}

fn changed(chosen: &Entity, whole: &Entities, source: &mut Source<'_>) -> Result<Entity, String> {
    let mut changed = chosen.clone();
    let name = chosen.name.official()?;
    let mut above: Vec<Name> = whole
        .ancestors(&name)
        .into_iter()
        .flatten()
        .map(|above| Name::new(above.type_name().to_string(), above.id().unescaped().to_owned()))
        .collect();
    above.sort();
    if source.chance(70) {
        changed.parents.retain(|_| source.chance(50));
        changed.parents.extend(source.pick(&above).cloned());
    }
    for fields in [&mut changed.attributes, &mut changed.tags] {
        mix(fields, source);
    }
    Ok(changed)
}

/// Leaves some fields out, and lets some change their values with each other.
fn mix(fields: &mut Fields, source: &mut Source<'_>) {
    fields.retain(|_| !source.chance(20));
    let values: Vec<Value> = fields.iter().map(|(_, value)| value.clone()).collect();
    for (_, value) in fields {
        if source.chance(20) {
            *value = source.pick(&values).cloned().unwrap_or(Value::Long(1));
        }
    }
}

/// An entity that so far is only the parent of others, now in the store and below a root.
fn only_spoken_of(all: &[Entity], source: &mut Source<'_>) -> Option<Entity> {
    let known: HashSet<&Name> = all.iter().map(|entity| &entity.name).collect();
    let missing: Vec<&Name> =
        all.iter().flat_map(|entity| &entity.parents).filter(|name| !known.contains(name)).collect();
    let roots: Vec<&Entity> = all.iter().filter(|entity| entity.parents.is_empty()).collect();
    let name = (*source.pick(&missing)?).clone();
    let parents = source.pick(&roots).map(|root| root.name.clone()).into_iter().collect();
    let attributes = source.pick(all).map(|other| other.attributes.clone()).unwrap_or_default();
    Some(Entity { name, attributes, tags: Vec::new(), parents })
}

fn applied(mut store: Entities, changes: &[Change]) -> Result<Entities, String> {
    for change in changes {
        store = match change {
            Change::Upsert(entity) => store.upsert_entities([entity.as_ref().clone()], None),
            Change::Remove(name) => store.remove_entities([name.clone()]),
        }
        .map_err(|fault| fault.to_string())?;
    }
    Ok(store)
}
