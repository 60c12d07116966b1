//! Makes cases. Most of what is made is well typed, so that policies hold and fail for reasons worth comparing; the rest
//! goes wrong in every way the language allows.
//!
//! INVARIANT: the official crate takes every case (policies parse, memberships have no cycle, values are values), and no
//! expression is so deep that its evaluator gives up.

mod entities;
mod guards;
mod literals;
mod policies;
mod requests;
mod terms;

use crate::case::Case;
use crate::generate::literals::Pools;
use crate::source::Source;
use crate::term::Term;
use crate::value::Name;
use crate::vocabulary::{ATTRIBUTES, Kind};

/// How much is made at most.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Requests of each case.
    pub requests: usize,
    /// Policies that are written one by one.
    pub policies: usize,
    /// Policies that differ in a constant only.
    pub guards: usize,
    /// Sets and records that are huge have this many items.
    pub huge: usize,
}

impl Extent {
    /// For the long run and the tests.
    pub const FULL: Self = Self { requests: 100, policies: 60, guards: 400, huge: 1_000 };
    /// For the fuzzer, whose bytes are few and whose time is better spent on many small cases.
    pub const SMALL: Self = Self { requests: 4, policies: 5, guards: 12, huge: 40 };
}

/// Makes a case.
#[must_use]
pub fn case(source: &mut Source<'_>, extent: Extent) -> Case {
    let mut maker = Maker::new(source, extent);
    let mut case = Case::default();
    maker.entities(&mut case);
    maker.policies(&mut case);
    maker.overlay(&mut case);
    maker.requests(&mut case);
    case
}

/// What is known of the case in the making.
struct Maker<'s, 'b> {
    source: &'s mut Source<'b>,
    extent: Extent,
    pools: Pools,
    /// The attributes that this world uses; few, so that policies and entities meet.
    attributes: Vec<(&'static str, Kind)>,
    /// Entities that are in the store, or are spoken of as if they were.
    principals: Vec<Name>,
    above_principals: Vec<Name>,
    resources: Vec<Name>,
    above_resources: Vec<Name>,
    actions: Vec<Name>,
    /// How many in a hundred choices of a kind go wrong: of expressions, and of values.
    wild_terms: usize,
    wild_values: usize,
    /// How many in a hundred attributes are left out.
    absent: usize,
    /// Expressions that were made before, to be repeated.
    repeated: Vec<(Kind, Term)>,
}

impl<'s, 'b> Maker<'s, 'b> {
    fn new(source: &'s mut Source<'b>, extent: Extent) -> Self {
        let pools = Pools::new(source);
        let mut attributes = ATTRIBUTES.to_vec();
        source.shuffle(&mut attributes);
        attributes.truncate(source.between(4, 14));
        let wild_terms = [0, 2, 6, 25].get(source.weighted(&[4, 3, 2, 1])).copied().unwrap_or_default();
        let wild_values = [0, 3, 20].get(source.weighted(&[5, 3, 1])).copied().unwrap_or_default();
        let absent = [5, 0, 20, 50].get(source.weighted(&[4, 2, 3, 1])).copied().unwrap_or_default();
        Self {
            source,
            extent,
            pools,
            attributes,
            principals: Vec::new(),
            above_principals: Vec::new(),
            resources: Vec::new(),
            above_resources: Vec::new(),
            actions: Vec::new(),
            wild_terms,
            wild_values,
            absent,
            repeated: Vec::new(),
        }
    }

    /// The name of any entity, now and then of one that is nowhere.
    fn any_name(&mut self) -> Name {
        let list = match self.source.weighted(&[4, 3, 4, 3, 2, 1]) {
            0 => &self.principals,
            1 => &self.above_principals,
            2 => &self.resources,
            3 => &self.above_resources,
            4 => &self.actions,
            _ => return self.stranger(),
        };
        match self.source.pick(list) {
            Some(name) => name.clone(),
            None => self.stranger(),
        }
    }

    /// The name of an entity that no store has, but for accidents.
    fn stranger(&mut self) -> Name {
        let kinds = [crate::vocabulary::TYPES, crate::vocabulary::STRANGE_TYPES].concat();
        let kind = self.source.word(&kinds);
        Name::new(kind, self.source.word(&["nobody", "", "alice", "😀"]))
    }

    fn picked(&mut self, list: fn(&Self) -> &Vec<Name>) -> Name {
        let at = self.source.below(list(self).len());
        match list(self).get(at) {
            Some(name) => name.clone(),
            None => self.stranger(),
        }
    }
}
