//! Which policies could apply: a tree over what scopes pin and what first clauses ask, so that a decision touches the
//! policies that may hold and not the set.
//!
//! Two kinds of branches. A *split* stands on principal, action or resource: a policy lies under the entity that its
//! scope pins, or in the rest. An *operand* stands on a value that many policies compare with constants of their own
//! (a thousand forbidden networks, a list of countries each): the value is evaluated once and looked up.
//!
//! INVARIANT: what [`Index::walk`] leaves out does not apply: its scope does not match, or its first clauses come to
//! `false` without an error. Where the operand fails, all its policies are visited as failing.

mod build;
mod operand;

use std::mem::{size_of, size_of_val};

use hashbrown::HashTable;

use crate::evaluate::{Evaluation, Outcome};
use crate::name::Print;
use crate::rule::{Dimension, Proven, Rule, Terms};
use crate::situation::{Situation, Subject};
pub(crate) use build::{Key, Keys, build};
pub(crate) use operand::Operand;

/// The index of a program's rules.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// In the order of the leaves; a rule that lies under several keys is there several times.
    rules: Vec<Rule>,
    splits: Vec<Split>,
    operands: Vec<Operands>,
    root: Branch,
}

/// A part of the tree.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Branch {
    #[default]
    Nothing,
    /// These rules, each to be looked at.
    Leaf {
        start: u32,
        count: u32,
    },
    Split(u32),
    Operands(u32),
}

/// Rules by the entity that their scope pins in one dimension.
#[derive(Debug)]
struct Split {
    dimension: Dimension,
    /// Under the entity they name by `==`.
    equal: HashTable<Keyed>,
    /// Under the entity they name by `in`, or each of several.
    within: HashTable<Keyed>,
    /// Under the type they name by `is` alone.
    kinds: Vec<(u32, Branch)>,
    rest: Branch,
}

#[derive(Debug, Clone, Copy)]
struct Keyed {
    print: Print,
    branch: Branch,
}

/// Rules by what their first clauses ask of a value.
#[derive(Debug)]
struct Operands {
    groups: Vec<Operand>,
    rest: Branch,
}

/// What is known of a rule's first clauses when it is visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// So many hold.
    Hold(usize),
    /// One of them fails.
    Fail,
}

/// Who is told of the rules on the way.
pub(crate) trait Visit {
    fn rule(&mut self, rule: &Rule, proven: Proven, known: Known);
}

impl Index {
    /// An index that leads to every rule.
    pub(crate) fn unplanted(rules: Vec<Rule>) -> Self {
        let count = u32::try_from(rules.len()).unwrap_or(u32::MAX);
        Self { rules, root: Branch::Leaf { start: 0, count }, ..Self::default() }
    }

    /// Visits every rule that may apply; some twice.
    pub(crate) fn walk(&self, terms: &Terms, evaluation: &Evaluation<'_>, visit: &mut impl Visit) {
        let walk = Walk { index: self, terms, situation: evaluation.situation, evaluation: Some(evaluation) };
        walk.branch(self.root, Proven::default(), visit);
    }

    /// Visits every rule whose scope may match, whatever its clauses come to; some twice.
    pub(crate) fn walk_scopes(&self, terms: &Terms, situation: &Situation<'_>, visit: &mut impl Visit) {
        let walk = Walk { index: self, terms, situation, evaluation: None };
        walk.branch(self.root, Proven::default(), visit);
    }

    /// Every rule; some twice.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn leaf(&self, start: u32, count: u32) -> &[Rule] {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let count = usize::try_from(count).unwrap_or(0);
        self.rules.get(start..start.saturating_add(count)).unwrap_or(&[])
    }

    pub(crate) fn bytes(&self) -> usize {
        let tables: usize = self
            .splits
            .iter()
            .map(|split| split.equal.allocation_size() + split.within.allocation_size() + size_of::<Split>())
            .sum();
        let operands: usize =
            self.operands.iter().flat_map(|operands| &operands.groups).map(Operand::bytes).sum();
        size_of_val(&*self.rules) + tables + operands
    }
}

struct Walk<'w> {
    index: &'w Index,
    terms: &'w Terms,
    situation: &'w Situation<'w>,
    /// `None`: operands are passed by, everything below them is visited.
    evaluation: Option<&'w Evaluation<'w>>,
}

impl<'w> Walk<'w> {
    fn branch(&self, branch: Branch, proven: Proven, visit: &mut impl Visit) {
        match branch {
            Branch::Nothing => {}
            Branch::Leaf { start, count } => {
                for rule in self.index.leaf(start, count) {
                    visit.rule(rule, proven, Known::Hold(0));
                }
            }
            Branch::Split(split) => {
                if let Some(split) = usize::try_from(split).ok().and_then(|at| self.index.splits.get(at)) {
                    self.split(split, proven, visit);
                }
            }
            Branch::Operands(operands) => {
                if let Some(operands) =
                    usize::try_from(operands).ok().and_then(|at| self.index.operands.get(at))
                {
                    for group in &operands.groups {
                        self.operand(group, proven, visit);
                    }
                    self.branch(operands.rest, proven, visit);
                }
            }
        }
    }

    fn split(&self, split: &Split, proven: Proven, visit: &mut impl Visit) {
        let subject = match split.dimension {
            Dimension::Principal => &self.situation.principal,
            Dimension::Action => &self.situation.action,
            Dimension::Resource => &self.situation.resource,
        };
        let below = proven.with(split.dimension);
        if !split.equal.is_empty() {
            self.branch(find(&split.equal, subject.view.print), below, visit);
        }
        if !split.within.is_empty() {
            self.within(split, subject, below, visit);
        }
        for (kind, branch) in &split.kinds {
            if self.terms.kind(*kind) == subject.view.kind() {
                self.branch(*branch, proven, visit);
            }
        }
        self.branch(split.rest, proven, visit);
    }

    /// Looks up what the subject is in, or, if that is more than there are keys, asks of each key.
    fn within(&self, split: &Split, subject: &Subject<'w>, proven: Proven, visit: &mut impl Visit) {
        if self.situation.count_ancestors(subject) <= split.within.len().saturating_mul(2) {
            self.branch(find(&split.within, subject.view.print), proven, visit);
            for ancestor in self.situation.ancestors(subject) {
                self.branch(find(&split.within, ancestor), proven, visit);
            }
        } else {
            for keyed in &split.within {
                if self.situation.is_subject_in(subject, keyed.print) {
                    self.branch(keyed.branch, proven, visit);
                }
            }
        }
    }

    fn operand(&self, group: &Operand, proven: Proven, visit: &mut impl Visit) {
        let members = |known, visit: &mut _| {
            for rule in self.index.leaf(group.members.0, group.members.1) {
                Visit::rule(visit, rule, proven, known);
            }
        };
        let Some(evaluation) = self.evaluation else { return members(Known::Hold(0), visit) };
        let mut known = 1;
        if let Some(guard) = group.guard {
            known = 2;
            match evaluation.clause(guard) {
                Outcome::Yes => {}
                Outcome::No => return,
                Outcome::Fails => return members(Known::Fail, visit),
            }
        }
        let Ok(value) = evaluation.value(group.node) else { return members(Known::Fail, visit) };
        let found = group.find(&value, |start, count| {
            for rule in self.index.leaf(start, count) {
                visit.rule(rule, proven, Known::Hold(known));
            }
        });
        if found.is_err() {
            members(Known::Fail, visit);
        }
    }
}

fn find(table: &HashTable<Keyed>, print: Print) -> Branch {
    table.find(print.hash(), |keyed| keyed.print == print).map_or(Branch::Nothing, |keyed| keyed.branch)
}
