//! The smallest change: which facts would have to be otherwise for a refused request to go on.
//!
//! Found by search: the engine proposes what single policies ask for, each proposal is decided again, and where it meets
//! the next obstacle the search goes on from there. INVARIANT: what is offered was decided to be allowed, and so was none
//! of its parts.

mod apply;
mod owner;
mod words;

use std::collections::BTreeSet;

use portcullis_context::Directory;
use portcullis_decision::explain::{Edit, To};

use crate::question::FactPath;
use crate::{Question, Rulebook};
pub use owner::Owner;

/// A change that turns the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What would have to be otherwise, all of it.
    pub steps: Vec<Step>,
    /// Who could do it: whoever comes last of those that its steps need.
    pub owner: Owner,
    /// The permit that would let the request in.
    pub permits: Vec<String>,
}

/// One fact that would have to be otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// `principal.tier`; `principal` for what the caller would have to be in.
    pub fact: String,
    /// What it is, for people; `None`: it is not there.
    pub from: Option<String>,
    /// What it would have to be, for people: "one of US, CA".
    pub to: String,
    /// Who could change it.
    pub owner: Owner,
    edit: Edit,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Search {
    /// Changes, those of whoever is asked first before others.
    pub changes: Vec<Change>,
    /// How often it was decided.
    pub decided: usize,
}

/// Changes that are offered. Who reads them has a minute.
const OFFERED: usize = 4;

/// Decisions that one search may take, some microseconds each.
const DECISIONS: usize = 1_500;

/// Obstacles behind each other that are looked behind.
const ROUNDS: usize = 4;

/// Facts that one change may touch. Who needs more needs another policy.
const STEPS: usize = 4;

/// What one round hands to the next at most.
const WIDTH: usize = 48;

/// Looks for the smallest changes that would have a refused request go on. None where it goes on already, or where facts
/// are unknown: then nobody can say.
#[must_use]
pub fn smallest(rulebook: &Rulebook<'_>, question: &Question) -> Search {
    let mut search = Searching { rulebook, question, decided: 0, found: Vec::new() };
    if rulebook.answer(question).decision == "deny" {
        search.run();
    }
    search.finish()
}

impl Change {
    /// The question with this change made, or with the steps that `chosen` picks of it; `None` if they cannot be made.
    #[must_use]
    pub fn made(
        &self,
        question: &Question,
        directory: &Directory,
        chosen: impl Fn(usize) -> bool,
    ) -> Option<Question> {
        let mut question = question.clone();
        let mut steps = self.steps.iter().enumerate().filter(|(at, _)| chosen(*at));
        steps.all(|(_, step)| apply::apply(&mut question, &step.edit, directory)).then_some(question)
    }
}

struct Searching<'a> {
    rulebook: &'a Rulebook<'a>,
    question: &'a Question,
    decided: usize,
    found: Vec<Vec<Edit>>,
}

impl Searching<'_> {
    fn run(&mut self) {
        let mut open: Vec<Vec<Edit>> = vec![Vec::new()];
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for _ in 0..ROUNDS {
            let mut next = Vec::new();
            for edits in &open {
                let Some(question) = self.with(edits) else { continue };
                let facts = question.facts();
                for proposal in self.rulebook.program.proposals(self.rulebook.world, &facts) {
                    let Some(edits) = merged(edits, &proposal.way) else { continue };
                    if edits.len() > STEPS || !seen.insert(key(&edits)) || self.decided >= DECISIONS {
                        continue;
                    }
                    match self.allows(&edits) {
                        Some(true) => self.keep(&edits),
                        Some(false) => next.push(edits),
                        None => {}
                    }
                }
            }
            if self.found.len() >= OFFERED || next.is_empty() {
                break;
            }
            next.sort_by_key(Vec::len);
            next.truncate(WIDTH);
            open = next;
        }
    }

    /// Keeps the smallest part of a change that turns the answer, unless it is known.
    fn keep(&mut self, edits: &[Edit]) {
        let smallest = self.smallest_part(edits);
        if !self.found.contains(&smallest) {
            self.found.push(smallest);
        }
    }

    /// Parts are tried by size, so the first that turns the answer has none inside that does.
    fn smallest_part(&mut self, edits: &[Edit]) -> Vec<Edit> {
        let count = edits.len().min(STEPS);
        let mut parts: Vec<u32> = (1..(1_u32 << count) - 1).collect();
        parts.sort_by_key(|part| (part.count_ones(), *part));
        for part in parts {
            let chosen: Vec<Edit> = edits
                .iter()
                .enumerate()
                .filter(|(at, _)| part & (1 << at) != 0)
                .map(|(_, edit)| edit.clone())
                .collect();
            if self.allows(&chosen) == Some(true) {
                return chosen;
            }
        }
        edits.to_vec()
    }

    /// Whether the request would go on with these changes; `None` if they cannot be made.
    fn allows(&mut self, edits: &[Edit]) -> Option<bool> {
        let question = self.with(edits)?;
        self.decided += 1;
        Some(self.rulebook.allows(&question))
    }

    fn with(&self, edits: &[Edit]) -> Option<Question> {
        let mut question = self.question.clone();
        edits
            .iter()
            .all(|edit| apply::apply(&mut question, edit, self.rulebook.directory))
            .then_some(question)
    }

    fn finish(mut self) -> Search {
        let found = std::mem::take(&mut self.found);
        // One that has another one inside is not the smallest.
        let has_smaller = |edits: &Vec<Edit>| {
            found
                .iter()
                .any(|other| other.len() < edits.len() && other.iter().all(|edit| edits.contains(edit)))
        };
        let minimal: Vec<Vec<Edit>> = found.iter().filter(|edits| !has_smaller(edits)).cloned().collect();
        // To withhold a fact is no way in where another value of it is.
        let is_known_otherwise = |edits: &Vec<Edit>| {
            edits.iter().any(|edit| {
                edit.to == To::Absent
                    && found.iter().flatten().any(|other| other.fact == edit.fact && other.to != To::Absent)
            })
        };
        let minimal: Vec<Vec<Edit>> =
            minimal.into_iter().filter(|edits| !is_known_otherwise(edits)).collect();
        let mut changes: Vec<Change> = minimal.into_iter().filter_map(|edits| self.change(edits)).collect();
        changes.sort_by(|a, b| {
            let order = |change: &Change| (change.steps.len(), change.owner);
            order(a).cmp(&order(b)).then_with(|| key_of(a).cmp(&key_of(b)))
        });
        changes.dedup_by(|a, b| a.steps == b.steps);
        changes.truncate(OFFERED);
        changes.sort_by_key(|change| (change.owner, change.steps.len()));
        Search { changes, decided: self.decided }
    }

    /// A change in words, with those of its alternatives that turn the answer too.
    fn change(&mut self, edits: Vec<Edit>) -> Option<Change> {
        let edits = self.with_true_alternatives(edits);
        let question = self.with(&edits)?;
        let answer = self.rulebook.answer(&question);
        self.decided += 1;
        if !answer.is_allowed() {
            return None;
        }
        let steps: Vec<Step> = edits.into_iter().map(|edit| words::step(self.question, edit)).collect();
        let owner = steps.iter().map(|step| step.owner).max()?;
        Some(Change { steps, owner, permits: answer.policies })
    }

    /// "One of US, CA" is only said of those that were tried.
    fn with_true_alternatives(&mut self, mut edits: Vec<Edit>) -> Vec<Edit> {
        for at in 0..edits.len() {
            let Some(edit) = edits.get(at).cloned() else { break };
            let Some(each) = alternatives(&edit.to) else { continue };
            let mut kept = Vec::new();
            for (place, to) in each.iter().enumerate().take(ALTERNATIVES) {
                let mut with = edits.clone();
                if let Some(slot) = with.get_mut(at) {
                    slot.to = to.clone();
                }
                if self.allows(&with) == Some(true) {
                    kept.push(place);
                }
            }
            if let Some(slot) = edits.get_mut(at) {
                slot.to = chosen(&edit.to, &kept);
            }
        }
        edits
    }
}

/// Alternatives that are tried and told.
const ALTERNATIVES: usize = 8;

/// What may be one of several, each on its own.
fn alternatives(to: &To) -> Option<Vec<To>> {
    match to {
        To::OneOf(values) if values.len() > 1 => {
            Some(values.iter().map(|value| To::OneOf(vec![value.clone()])).collect())
        }
        To::With(values) if values.len() > 1 => {
            Some(values.iter().map(|value| To::With(vec![value.clone()])).collect())
        }
        To::MemberOf(names) if names.len() > 1 => {
            Some(names.iter().map(|name| To::MemberOf(vec![name.clone()])).collect())
        }
        _ => None,
    }
}

/// The same with only the alternatives at these places.
fn chosen(to: &To, places: &[usize]) -> To {
    fn pick<T: Clone>(from: &[T], places: &[usize]) -> Vec<T> {
        places.iter().filter_map(|place| from.get(*place).cloned()).collect()
    }
    match to {
        To::OneOf(values) => To::OneOf(pick(values, places)),
        To::With(values) => To::With(pick(values, places)),
        To::MemberOf(names) => To::MemberOf(pick(names, places)),
        other => other.clone(),
    }
}

/// Both together. What a later step says of a fact replaces what an earlier one says, where it is one value.
fn merged(edits: &[Edit], more: &[Edit]) -> Option<Vec<Edit>> {
    let mut all = edits.to_vec();
    for edit in more {
        if all.contains(edit) {
            continue;
        }
        let replaces = |known: &Edit| {
            known.fact == edit.fact
                && matches!(known.to, To::NoneOf(_) | To::Present | To::AtLeast(_) | To::AtMost(_))
                && matches!(edit.to, To::OneOf(_) | To::AtLeast(_) | To::AtMost(_))
        };
        all.retain(|known| !replaces(known));
        match all.iter_mut().find(|known| known.fact == edit.fact) {
            Some(Edit { to: To::OneOf(values), .. }) => match &edit.to {
                To::OneOf(others) => values.retain(|value| others.contains(value)),
                To::NoneOf(others) => values.retain(|value| !others.contains(value)),
                To::Present => {}
                _ => return None,
            },
            Some(Edit { to: To::Absent, .. }) => return None,
            Some(_) if edit.to == To::Absent => return None,
            _ => all.push(edit.clone()),
        }
        if all.iter().any(|edit| edit.to == To::OneOf(Vec::new())) {
            return None;
        }
    }
    Some(all)
}

fn key(edits: &[Edit]) -> String {
    let mut parts: Vec<String> = edits.iter().map(|edit| format!("{edit:?}")).collect();
    parts.sort();
    parts.concat()
}

fn key_of(change: &Change) -> Vec<(&str, &str)> {
    change.steps.iter().map(|step| (step.fact.as_str(), step.to.as_str())).collect()
}

/// The fact that an edit is about; `None` for membership.
fn path(edit: &Edit) -> Option<FactPath> {
    FactPath::of_steps(&edit.fact)
}

#[cfg(test)]
mod tests;
