//! What a replay came to: counts, and groups of differences with examples.
//!
//! INVARIANT: bounded however long the log is, and the same whatever order the workers came in, unless there are more groups
//! than are kept apart.

use std::collections::{BTreeMap, HashMap};

use portcullis_request::Reference;
use serde::Serialize;

use super::standing::Kind;

/// What a replay came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Decisions in the log, of the time that was asked for.
    pub decisions: u64,
    /// Those that were decided again.
    pub replayed: u64,
    /// Of them, those that come to the same.
    pub same: u64,
    /// Those that ended before the policies were asked, by stage: nothing that policies say concerns them.
    pub before_policies: BTreeMap<&'static str, u64>,
    /// Of those replayed, requests whose route was found anew: the candidate has none of the recorded name, or another one.
    pub rerouted: u64,
    /// Of them, requests that the candidate has no route for.
    pub unrouted: u64,
    /// Lines that could not be read.
    pub broken: u64,
    /// Lines in a format that a later version knows.
    pub newer: u64,
    /// The differences, by kind.
    pub changes: BTreeMap<Kind, Changes>,
    /// Facts that were asked for and not recorded, with how many decisions they leave open.
    pub not_recorded: BTreeMap<String, u64>,
}

/// Differences of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// How many there are.
    pub count: u64,
    /// By what decided: policies of the candidate; where it has no permit, the recorded ones that no longer hold.
    pub by_policy: Groups,
    /// By host and the first segments of the path.
    pub by_path: Groups,
    /// By what the principal was in.
    pub by_group: Groups,
    /// By what was said, and would be.
    pub by_answer: Groups,
}

/// Differences that have something in common, by its name.
pub type Groups = BTreeMap<String, Group>;

/// Differences that have something in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    /// How many there are.
    pub count: u64,
    /// References of the oldest of them.
    pub examples: Vec<String>,
}

/// One difference.
pub(super) struct Difference<'d> {
    pub(super) kind: Kind,
    pub(super) reference: &'d str,
    pub(super) policies: &'d [String],
    pub(super) path: String,
    pub(super) groups: &'d [String],
    pub(super) answer: String,
}

/// Groups of one sort that are kept apart.
const MOST_GROUPS: usize = 1000;

/// What stands for those that are not.
const OTHERS: &str = "(others)";

/// Counts while decisions are made, one for each worker.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) report: Report,
    changes: HashMap<Kind, Counting>,
    pub(super) examples: usize,
}

#[derive(Debug, Default)]
struct Counting {
    count: u64,
    sorts: [HashMap<String, Group>; 4],
}

impl Tally {
    pub(super) fn new(examples: usize) -> Self {
        Self { examples, ..Self::default() }
    }

    pub(super) fn add(&mut self, difference: &Difference<'_>) {
        let counting = self.changes.entry(difference.kind).or_default();
        counting.count += 1;
        let Difference { reference, policies, path, groups, answer, .. } = difference;
        let [by_policy, by_path, by_group, by_answer] = &mut counting.sorts;
        for (sort, names) in [
            (by_policy, *policies),
            (by_path, std::slice::from_ref(path)),
            (by_group, *groups),
            (by_answer, std::slice::from_ref(answer)),
        ] {
            for name in names {
                count(sort, name, reference, self.examples);
            }
        }
    }

    pub(super) fn not_recorded(&mut self, fact: &str) {
        let counts = &mut self.report.not_recorded;
        let name = if counts.len() < MOST_GROUPS || counts.contains_key(fact) { fact } else { OTHERS };
        *counts.entry(name.to_owned()).or_default() += 1;
    }

    /// Takes in what another worker counted.
    pub(super) fn merge(&mut self, other: Self) {
        let (own, report) = (&mut self.report, other.report);
        own.decisions += report.decisions;
        own.replayed += report.replayed;
        own.same += report.same;
        own.rerouted += report.rerouted;
        own.unrouted += report.unrouted;
        own.broken += report.broken;
        own.newer += report.newer;
        for (stage, count) in report.before_policies {
            *own.before_policies.entry(stage).or_default() += count;
        }
        for (fact, count) in report.not_recorded {
            *own.not_recorded.entry(fact).or_default() += count;
        }
        for (kind, counted) in other.changes {
            let own = self.changes.entry(kind).or_default();
            own.count += counted.count;
            for (own, sort) in own.sorts.iter_mut().zip(counted.sorts) {
                for (name, group) in sort {
                    let own = own.entry(name).or_default();
                    own.count += group.count;
                    group.examples.iter().for_each(|example| keep(&mut own.examples, example, self.examples));
                }
            }
        }
    }

    pub(super) fn finish(self) -> Report {
        let mut report = self.report;
        for (kind, Counting { count, sorts }) in self.changes {
            let [by_policy, by_path, by_group, by_answer] =
                sorts.map(|sort| sort.into_iter().map(|(name, group)| (name, group.shown())).collect());
            report.changes.insert(kind, Changes { count, by_policy, by_path, by_group, by_answer });
        }
        report
    }
}

impl Group {
    /// With references as people are shown them.
    fn shown(mut self) -> Self {
        for example in &mut self.examples {
            if let Ok(reference) = example.parse::<Reference>() {
                *example = reference.to_string();
            }
        }
        self
    }
}

impl Report {
    /// How many differences of a kind there are.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        self.changes.get(&kind).map_or(0, |changes| changes.count)
    }
}

fn count(sort: &mut HashMap<String, Group>, name: &str, reference: &str, examples: usize) {
    if !sort.contains_key(name) {
        let name = if sort.len() < MOST_GROUPS { name } else { OTHERS };
        sort.entry(name.to_owned()).or_default();
    }
    let group = if sort.contains_key(name) { sort.get_mut(name) } else { sort.get_mut(OTHERS) };
    if let Some(group) = group {
        group.count += 1;
        keep(&mut group.examples, reference, examples);
    }
}

/// Keeps the oldest: references are in the order of time.
fn keep(examples: &mut Vec<String>, reference: &str, most: usize) {
    if examples.len() >= most && examples.last().is_none_or(|last| reference >= last.as_str()) {
        return;
    }
    let at = examples.partition_point(|known| known.as_str() < reference);
    examples.insert(at, reference.to_owned());
    examples.truncate(most);
}
