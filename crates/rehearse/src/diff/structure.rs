//! Policies by their ids: added, removed, changed in which clauses, renamed, moved.

use std::collections::BTreeMap;

use cedar_policy::{Policy, PolicyId, PolicySet};
use portcullis_decision::Program;
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
            structure.changed.push(Changed { id: id.clone(), lines: lines(id, (was, old.1), (is, new.1)) });
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

/// What a policy says, however it is laid out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Parts {
    /// Effect and scope as Cedar writes them.
    head: String,
    annotations: BTreeMap<String, String>,
    /// The conditions in Cedar's own form of data.
    conditions: String,
}

fn parts((policies, _): (&Policies, &Program)) -> BTreeMap<String, Parts> {
    let part = |id: &String| Some((id.clone(), Parts::of(id, &policies.set)?));
    policies.origins.keys().filter_map(part).collect()
}

impl Parts {
    fn of(id: &str, set: &PolicySet) -> Option<Self> {
        let policy = set.policy(&PolicyId::new(id))?;
        let data = policy.to_json().unwrap_or_default();
        // An id is what policies are compared by, not what they say.
        let annotations = policy.annotations().filter(|(name, _)| *name != "id");
        Some(Self {
            conditions: data.get("conditions").map(ToString::to_string).unwrap_or_default(),
            head: head(data),
            annotations: annotations.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        })
    }

    /// Line by line, each as it is written.
    fn lines(&self, id: &str, program: &Program) -> Vec<String> {
        let annotations = self.annotations.iter().map(|(name, value)| format!("@{name}({value:?})"));
        let clauses = program.written_clauses(id);
        let clauses = clauses.iter().map(|clause| {
            let word = if clause.negated { "unless" } else { "when" };
            format!("{word} {{ {} }}", one_line(&clause.text))
        });
        annotations.chain([self.head.clone()]).chain(clauses).collect()
    }
}

/// Effect and scope: what Cedar prints of a policy without conditions.
fn head(mut bare: serde_json::Value) -> String {
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

fn lines(id: &str, (was, old): (&Parts, &Program), (is, new): (&Parts, &Program)) -> Vec<Line> {
    let (before, after) = (was.lines(id, old), is.lines(id, new));
    let without = |lines: &[String], others: &[String]| -> Vec<String> {
        lines.iter().filter(|line| !others.contains(line)).cloned().collect()
    };
    let removed = without(&before, &after).into_iter().map(Line::Removed);
    let lines: Vec<Line> = removed.chain(without(&after, &before).into_iter().map(Line::Added)).collect();
    if lines.is_empty() {
        // What only the official evaluator decides has no clauses here, and an order of clauses is no clause.
        return vec![Line::Removed(was.conditions.clone()), Line::Added(is.conditions.clone())];
    }
    lines
}

fn file<'p>(policies: &'p Policies, id: &str) -> Option<&'p str> {
    match policies.origins.get(id)? {
        Origin::Written { file, .. } | Origin::Guard { file, .. } => Some(file),
    }
}

/// What was removed under one id and added under another, and says the same.
fn renamed(structure: &mut Structure, before: &BTreeMap<String, Parts>, after: &BTreeMap<String, Parts>) {
    let mut added: BTreeMap<Option<&Parts>, Vec<String>> = BTreeMap::new();
    for id in structure.added.drain(..) {
        added.entry(after.get(&id)).or_default().push(id);
    }
    let mut removed = Vec::new();
    for id in structure.removed.drain(..) {
        match added.get_mut(&before.get(&id)).and_then(Vec::pop) {
            Some(now) => structure.renamed.push((id, now)),
            None => removed.push(id),
        }
    }
    structure.removed = removed;
    structure.added = added.into_values().flatten().collect();
    structure.added.sort();
}
