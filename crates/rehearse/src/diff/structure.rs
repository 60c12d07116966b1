//! Policies by their ids: added, removed, changed in which clauses, renamed, moved.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Policy, PolicyId, PolicySet};
use portcullis_decision::Program;
use portcullis_decision::explain::Written;
use portcullis_policy::{Origin, Policies};
use serde::Serialize;

/// How two sets of policies differ as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Structure {
    /// Only the new set has them.
    pub added: Vec<String>,
    /// Only the old set has them.
    pub removed: Vec<String>,
    /// Both have them, and they say something else.
    pub changed: Vec<Changed>,
    /// They say the same under another id: the old one, the new one.
    pub renamed: Vec<(String, String)>,
    /// They say the same in another file: id, old file, new file.
    pub moved: Vec<(String, String, String)>,
    /// How many are the same.
    pub unchanged: usize,
}

/// A policy that says something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// What is no longer there, and what is new.
    pub lines: Vec<Line>,
}

/// A part of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Only the old one has it.
    Removed(String),
    /// Only the new one has it.
    Added(String),
}

impl Structure {
    /// Whether anything that policies say differs. Where they stand, and what they are called, is no difference.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Compares two sets. Each comes with the program that was made of it.
#[must_use]
pub fn structure(old: (&Policies, &Program), new: (&Policies, &Program)) -> Structure {
    let (before, after) = (parts(old), parts(new));
    let mut structure = Structure::default();
    for (id, was) in &before {
        let Some(is) = after.get(id) else {
            structure.removed.push(id.clone());
            continue;
        };
        if was != is {
            structure.changed.push(Changed { id: id.clone(), lines: lines(was, is) });
            continue;
        }
        structure.unchanged += 1;
        if let (Some(from), Some(to)) = (file(old.0, id), file(new.0, id))
            && from != to
        {
            structure.moved.push((id.clone(), from.to_owned(), to.to_owned()));
        }
    }
    structure.added = after.keys().filter(|id| !before.contains_key(*id)).cloned().collect();
    renamed(&mut structure, &before, &after);
    structure
}

/// What a policy says.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    /// Effect and scope as Cedar writes them.
    head: String,
    annotations: BTreeMap<String, String>,
    clauses: Vec<Written>,
}

fn parts((policies, program): (&Policies, &Program)) -> BTreeMap<String, Parts> {
    let part = |id: &String| Some((id.clone(), Parts::of(id, &policies.set, program)?));
    policies.origins.keys().filter_map(part).collect()
}

impl Parts {
    fn of(id: &str, set: &PolicySet, program: &Program) -> Option<Self> {
        let policy = set.policy(&PolicyId::new(id))?;
        // An id is what policies are compared by, not what they say.
        let annotations = policy.annotations().filter(|(name, _)| *name != "id");
        Some(Self {
            head: head(policy),
            annotations: annotations.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            clauses: program.written_clauses(id),
        })
    }

    /// Line by line, each as it would be written.
    fn lines(&self) -> Vec<String> {
        let annotations = self.annotations.iter().map(|(name, value)| format!("@{name}({value:?})"));
        let clauses = self.clauses.iter().map(|clause| {
            let word = if clause.negated { "unless" } else { "when" };
            format!("{word} {{ {} }}", one_line(&clause.text))
        });
        annotations.chain([self.head.clone()]).chain(clauses).collect()
    }
}

/// Effect and scope: what Cedar prints before the first condition.
fn head(policy: &Policy) -> String {
    let mut bare = policy.to_json().unwrap_or_default();
    if let Some(members) = bare.as_object_mut() {
        members.insert("conditions".to_owned(), serde_json::json!([]));
        members.remove("annotations");
    }
    // Where Cedar cannot print it, its own form of data says the same.
    Policy::from_json(None, bare.clone())
        .map_or_else(|_| bare.to_string(), |policy| one_line(&policy.to_string()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn lines(was: &Parts, is: &Parts) -> Vec<Line> {
    let (was, is) = (was.lines(), is.lines());
    let (before, after): (BTreeSet<&String>, BTreeSet<&String>) = (was.iter().collect(), is.iter().collect());
    let removed = was.iter().filter(|line| !after.contains(line)).cloned().map(Line::Removed);
    let added = is.iter().filter(|line| !before.contains(line)).cloned().map(Line::Added);
    removed.chain(added).collect()
}

fn file<'p>(policies: &'p Policies, id: &str) -> Option<&'p str> {
    match policies.origins.get(id)? {
        Origin::Written { file, .. } | Origin::Guard { file, .. } => Some(file),
    }
}

/// What was removed under one id and added under another, and says the same.
fn renamed(structure: &mut Structure, before: &BTreeMap<String, Parts>, after: &BTreeMap<String, Parts>) {
    let mut added: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for id in structure.added.drain(..) {
        let said = after.get(&id).map(Parts::lines).unwrap_or_default();
        added.entry(said).or_default().push(id);
    }
    let mut removed = Vec::new();
    for id in structure.removed.drain(..) {
        let said = before.get(&id).map(Parts::lines).unwrap_or_default();
        match added.get_mut(&said).and_then(Vec::pop) {
            Some(now) => structure.renamed.push((id, now)),
            None => removed.push(id),
        }
    }
    structure.removed = removed;
    structure.added = added.into_values().flatten().collect();
    structure.added.sort();
}
