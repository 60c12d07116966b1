//! What to do with each fact of a line, known by its path: found once, and remembered, since the lines of a log have the
//! same paths in the same order.
//!
//! INVARIANT: at most [`MOST_SLOTS`] paths are remembered; a log with more is only slower.

use std::collections::HashMap;

use portcullis_decision::program::Reads;

use crate::question::FactPath;
use crate::question::recorded::{LEFT_OUT, required};
use crate::question::values::{Kind, kind_of};

/// Paths that are remembered. Records of one gate have some dozens.
const MOST_SLOTS: usize = 4096;

/// What is known of paths.
#[derive(Debug)]
pub(super) struct Plan {
    slots: Vec<Slot>,
    by_path: HashMap<Box<str>, usize>,
    /// Facts that the candidate reads, by path.
    required: Vec<Required>,
    reads: Reads,
    /// Whether the candidate may read attributes that nobody can list.
    pub(super) reads_any_attribute: bool,
}

/// One path.
#[derive(Debug)]
pub(super) struct Slot {
    path: Box<str>,
    pub(super) place: Place,
    pub(super) kind: Kind,
    /// Whether the candidate reads it; what it does not read cannot change its answer, and is passed over.
    pub(super) is_read: bool,
    /// The facts of [`Plan::required`] that a record with this path says something of.
    pub(super) tells: Vec<usize>,
    /// The slot that followed it last time.
    next: usize,
}

/// Where a fact belongs.
#[derive(Debug)]
pub(super) enum Place {
    /// What was to be done.
    Action,
    /// To what.
    Resource,
    /// What the principal is in.
    Parents,
    /// An attribute of the principal, and what lies below it.
    Principal(FactPath),
    /// A member of the context.
    Context(FactPath),
    /// The count of facts that were left out.
    LeftOut,
    /// Nowhere: no fact of ours.
    Nowhere,
}

/// A fact that the candidate reads.
#[derive(Debug)]
pub(super) struct Required {
    pub(super) text: String,
    pub(super) path: FactPath,
}

impl Plan {
    /// For policies that read this.
    pub(super) fn new(reads: &Reads) -> Self {
        let mut required: Vec<Required> =
            required(reads).into_iter().map(|path| Required { text: path.to_string(), path }).collect();
        required.sort_by(|a, b| a.text.cmp(&b.text));
        Self {
            slots: Vec::new(),
            by_path: HashMap::new(),
            required,
            reads: reads.clone(),
            reads_any_attribute: reads.principal.is_whole() || reads.apart.is_whole(),
        }
    }

    /// Forgets paths when there are too many; indexes that were given are void then. Between lines only.
    pub(super) fn tidy(&mut self) {
        if self.slots.len() >= MOST_SLOTS {
            self.slots.clear();
            self.by_path.clear();
        }
    }

    /// The slot of a path. `before`: that of the path before it in the line.
    pub(super) fn slot(&mut self, path: &str, before: Option<usize>) -> usize {
        let guess = before.and_then(|before| self.slots.get(before)).map_or(0, |before| before.next);
        if self.slots.get(guess).is_some_and(|slot| &*slot.path == path) {
            return guess;
        }
        let at = match self.by_path.get(path) {
            Some(at) => *at,
            None => self.add(path),
        };
        if let Some(before) = before.and_then(|before| self.slots.get_mut(before)) {
            before.next = at;
        }
        at
    }

    pub(super) fn get(&self, at: usize) -> Option<&Slot> {
        self.slots.get(at)
    }

    pub(super) fn required(&self) -> &[Required] {
        &self.required
    }

    fn add(&mut self, path: &str) -> usize {
        let at = self.slots.len();
        let place = match path {
            "action" => Place::Action,
            "resource" => Place::Resource,
            "principal.in" | "principal.in (directory)" => Place::Parents,
            LEFT_OUT => Place::LeftOut,
            _ => match path.parse::<FactPath>() {
                Ok(path) if path.is_of_principal() => Place::Principal(path),
                Ok(path) => Place::Context(path),
                Err(_) => Place::Nowhere,
            },
        };
        let is_read = match &place {
            Place::Principal(path) => path.below().first().is_some_and(|name| self.reads_attribute(name)),
            Place::Context(path) => {
                let mut names = path.below().iter();
                names.try_fold(&self.reads.context, |named, name| named.member(name)).is_some()
            }
            _ => true,
        };
        let slot = Slot {
            path: path.into(),
            place,
            kind: kind_of(path),
            is_read,
            tells: self.told_by(path),
            next: at.saturating_add(1),
        };
        self.slots.push(slot);
        self.by_path.insert(path.into(), at);
        at
    }

    fn reads_attribute(&self, name: &str) -> bool {
        self.reads.principal.member(name).is_some() || self.reads.elsewhere.member(name).is_some()
    }

    /// The required facts that `path` is, lies in, or lies above.
    fn told_by(&self, path: &str) -> Vec<usize> {
        let is_in = |inner: &str, outer: &str| {
            inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
        };
        let required = self.required.iter().enumerate();
        required
            .filter(|(_, required)| is_in(path, &required.text) || is_in(&required.text, path))
            .map(|(at, _)| at)
            .collect()
    }
}
