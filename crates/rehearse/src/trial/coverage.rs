//! What the tests tried: policies that no test came to, and clauses that no test saw both hold and not hold.
//!
//! A clause is tried where its policy's scope matches and the clauses before it hold, as they are evaluated. One that was
//! never false in a test is one that could be deleted without a test noticing.

use std::collections::BTreeMap;

use portcullis_decision::explain::CameTo;
use portcullis_policy::Origin;

use super::explain::one_line;
use super::{Suite, explain};
use crate::setting::Setting;

/// What was tried, and what was not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Coverage {
    /// Policies that no test came to, by place.
    pub untried: Vec<Untried>,
    /// Clauses that no test saw come to one or the other, by place.
    pub one_sided: Vec<OneSided>,
    /// Each policy is to be come to, and each clause to hold and not to hold: how many of these were seen.
    pub seen: usize,
    /// And how many there are.
    pub of: usize,
}

/// A policy that no test came to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Untried {
    /// `policies/shop.cedar:12`
    pub written_at: String,
    /// Its id.
    pub policy: String,
}

/// A clause that was seen from one side only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OneSided {
    /// `policies/shop.cedar:14`
    pub written_at: String,
    /// Its policy.
    pub policy: String,
    /// As it is written, `not (…)` where it stands in an `unless`.
    pub clause: String,
    /// Whether some test saw it hold.
    pub held: bool,
    /// Whether some test saw it not hold.
    pub did_not_hold: bool,
}

impl Coverage {
    /// In percent, rounded down: 100 is all of it.
    #[must_use]
    pub fn percent(&self) -> usize {
        self.seen.saturating_mul(100).checked_div(self.of).unwrap_or(100)
    }
}

#[derive(Default)]
struct Seen {
    tried: bool,
    /// Of each clause: held, did not hold.
    clauses: Vec<(bool, bool)>,
}

/// What the tests of a suite try of all policies.
#[must_use]
pub fn coverage(setting: &Setting<'_>, suite: &Suite) -> Coverage {
    let program = setting.rulebook.program;
    let mut seen: BTreeMap<&str, Seen> = program
        .every_policy()
        .map(|(policy, clauses, _)| (policy, Seen { tried: false, clauses: vec![(false, false); clauses] }))
        .collect();
    for (target, question) in suite.cases.iter().filter_map(super::Case::question) {
        if question.principal.0 == "Anonymous" && !target.public && !target.hides {
            continue;
        }
        let world = setting.world(question);
        for tried in program.tried(&world, &question.facts()) {
            let Some(seen) = seen.get_mut(tried.policy) else { continue };
            seen.tried = true;
            for (clause, came_to) in seen.clauses.iter_mut().zip(&tried.clauses) {
                match came_to {
                    CameTo::Holds => clause.0 = true,
                    CameTo::DoesNotHold => clause.1 = true,
                    CameTo::Fault | CameTo::Open => {}
                }
            }
        }
    }
    let mut coverage = Coverage::default();
    for (policy, mut seen) in seen {
        if is_access(setting, policy) {
            seen.clauses.clear();
        }
        count(setting, policy, &seen, &mut coverage);
    }
    coverage.untried.sort_by(|a, b| by_place(&a.written_at, &b.written_at).then_with(|| a.cmp(b)));
    coverage
        .one_sided
        .sort_by(|a, b| by_place(&a.written_at, &b.written_at).then_with(|| a.policy.cmp(&b.policy)));
    coverage
}

/// What `access` of a route asks of strangers is answered by the gate before the policies are: no test can come to it.
fn is_access(setting: &Setting<'_>, policy: &str) -> bool {
    let origin = setting.rulebook.policies.origins.get(policy);
    matches!(origin, Some(Origin::Guard { key, .. }) if key == "access")
}

fn count(setting: &Setting<'_>, policy: &str, seen: &Seen, coverage: &mut Coverage) {
    coverage.of += 1 + 2 * seen.clauses.len();
    if !seen.tried {
        let written_at = explain::written_at(setting.rulebook.policies, policy);
        coverage.untried.push(Untried { written_at, policy: policy.to_owned() });
        return;
    }
    coverage.seen += 1;
    let sides = seen.clauses.iter().map(|(held, not)| usize::from(*held) + usize::from(*not));
    coverage.seen += sides.sum::<usize>();
    if seen.clauses.iter().all(|(held, not)| *held && *not) {
        return;
    }
    let written = setting.rulebook.program.written_clauses(policy);
    for (at, (held, did_not_hold)) in
        seen.clauses.iter().enumerate().filter(|(_, (held, not))| !(*held && *not))
    {
        let clause = written.get(at).map_or_else(String::new, |clause| {
            let text = one_line(&clause.text);
            if clause.negated { format!("not ({text})") } else { text }
        });
        let line = written.get(at).and_then(|clause| clause.place).map(|place| place.line);
        coverage.one_sided.push(OneSided {
            written_at: clause_at(setting, policy, line),
            policy: policy.to_owned(),
            clause,
            held: *held,
            did_not_hold: *did_not_hold,
        });
    }
}

/// A guard's clauses stand in no file: the guard does.
fn clause_at(setting: &Setting<'_>, policy: &str, line: Option<usize>) -> String {
    match (setting.rulebook.policies.origins.get(policy), line) {
        (Some(Origin::Written { file, .. }), Some(line)) => format!("{file}:{line}"),
        _ => explain::written_at(setting.rulebook.policies, policy),
    }
}

/// Lines as numbers: 9 before 10.
fn by_place(one: &str, other: &str) -> std::cmp::Ordering {
    fn parts(place: &str) -> (&str, usize) {
        let (file, rest) = place.split_once(':').unwrap_or((place, ""));
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        (file, rest.get(..digits).and_then(|line| line.parse().ok()).unwrap_or(0))
    }
    parts(one).cmp(&parts(other))
}
