//! Many files as one: their policies in one set under names of their own, their entities in one world. The corpus has one
//! policy in most files; together they are what an index is made for.
//!
//! Where files contradict each other about an entity the first is believed: the official authorizer decides over the same
//! world, and policies that meet entities they were not written for are all the better.

use std::collections::BTreeMap;
use std::fmt::Display;

use cedar_policy::{PolicyId, PolicySet};
use portcullis_worlds::case::{Entity, Request};
use portcullis_worlds::census::Census;
use portcullis_worlds::check::{self, Engine, Fault, Subject};
use portcullis_worlds::official::gather;
use portcullis_worlds::value::Name;

use crate::file::File;

/// Checks all files in groups of so many.
pub(crate) fn merged(files: &[File], size: usize, fail: &mut dyn FnMut(&str, &dyn Display)) -> Census {
    let mut census = Census::default();
    for group in files.chunks(size) {
        check(group, &mut census, fail);
    }
    census
}

fn check(files: &[File], census: &mut Census, fail: &mut dyn FnMut(&str, &dyn Display)) {
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

fn subject(files: &[File]) -> Result<Subject, String> {
    let mut set = PolicySet::new();
    let mut entities: BTreeMap<&Name, &Entity> = BTreeMap::new();
    let mut requests: Vec<Request> = Vec::new();
    for file in files {
        let own = &file.subject.set;
        let rename = |id: &PolicyId| PolicyId::new(format!("{} {id}", file.name));
        gather(&mut set, own.templates(), own.policies(), rename)?;
        for entity in &file.subject.entities {
            entities.entry(&entity.name).or_insert(entity);
        }
        requests.extend(file.subject.requests.iter().cloned());
    }
    Ok(Subject { set, entities: entities.into_values().cloned().collect(), overlay: Vec::new(), requests })
}
