//! Many files as one: their policies in one set under names of their own, their entities in one world where they do not
//! contradict each other. The corpus has one policy in most files; together they are what an index is made for.

use std::collections::BTreeMap;
use std::fmt::Display;

use cedar_policy::{PolicyId, PolicySet};
use portcullis_worlds::case::{Entity, Request};
use portcullis_worlds::census::Census;
use portcullis_worlds::check::{self, Engine, Fault, Subject};
use portcullis_worlds::official::gather;
use portcullis_worlds::value::Name;

use crate::file::File;

/// How many groups may still be filled: a file that contradicts one of them may fit another.
const OPEN: usize = 100;

#[derive(Default)]
struct Group<'f> {
    files: Vec<&'f File>,
    entities: BTreeMap<&'f Name, &'f Entity>,
}

/// Checks all files in groups of at most `most`; what was compared, and in how many groups.
pub(crate) fn merged(
    files: &[File],
    most: usize,
    fail: &mut dyn FnMut(&str, &dyn Display),
) -> (Census, usize) {
    let (mut census, mut done) = (Census::default(), 0_usize);
    let mut open: Vec<Group<'_>> = Vec::new();
    let mut close = |group: &Group<'_>| {
        done = done.saturating_add(1);
        check(&group.files, &mut census, fail);
    };
    for file in files {
        let place = open.iter().position(|group| group.takes(file)).unwrap_or(open.len());
        if place == open.len() {
            open.push(Group::default());
        }
        let full = open.get_mut(place).is_some_and(|group| {
            group.add(file);
            group.files.len() >= most
        });
        if full {
            close(&open.swap_remove(place));
        } else if open.len() > OPEN {
            close(&open.remove(0));
        }
    }
    open.iter().for_each(close);
    (census, done)
}

impl<'f> Group<'f> {
    fn takes(&self, file: &File) -> bool {
        file.subject
            .entities
            .iter()
            .all(|entity| self.entities.get(&entity.name).is_none_or(|known| same(known, entity)))
    }

    fn add(&mut self, file: &'f File) {
        self.files.push(file);
        self.entities.extend(file.subject.entities.iter().map(|entity| (&entity.name, entity)));
    }
}

fn same(one: &Entity, other: &Entity) -> bool {
    let sorted = |entity: &Entity| {
        let mut entity = entity.clone();
        entity.parents.sort();
        entity.attributes.sort_by(|(one, _), (other, _)| one.cmp(other));
        entity.tags.sort_by(|(one, _), (other, _)| one.cmp(other));
        entity
    };
    sorted(one) == sorted(other)
}

fn check(files: &[&File], census: &mut Census, fail: &mut dyn FnMut(&str, &dyn Display)) {
    let name = files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(" ");
    let subject = match subject(files) {
        Ok(subject) => subject,
        Err(fault) => return fail(&name, &fault),
    };
    match check::subject(&subject, 1, Engine::OURS) {
        Ok(counted) => census.add(&counted),
        // Memberships that make a cycle only together, say: then in two halves.
        Err(Fault::Refused(_)) if files.len() > 1 => {
            let (one, other) = files.split_at(files.len() / 2);
            check(one, census, fail);
            check(other, census, fail);
        }
        Err(fault) => fail(&name, &fault),
    }
}

fn subject(files: &[&File]) -> Result<Subject, String> {
    let mut set = PolicySet::new();
    let mut entities: BTreeMap<&Name, &Entity> = BTreeMap::new();
    let mut requests: Vec<Request> = Vec::new();
    for file in files {
        let own = &file.subject.set;
        let rename = |id: &PolicyId| PolicyId::new(format!("{} {id}", file.name));
        gather(&mut set, own.templates(), own.policies(), rename)?;
        entities.extend(file.subject.entities.iter().map(|entity| (&entity.name, entity)));
        requests.extend(file.subject.requests.iter().cloned());
    }
    Ok(Subject { set, entities: entities.into_values().cloned().collect(), overlay: Vec::new(), requests })
}
