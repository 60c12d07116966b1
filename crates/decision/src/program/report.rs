//! What became of the policies: how a decision finds them, which it has to look at each time, and which the reference
//! evaluator decides.

use std::collections::BTreeMap;
use std::fmt;

use super::Program;
use crate::index::Key;
use crate::rule::Dimension;

/// What compiling a policy set came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many policies there are.
    pub policies: usize,
    /// How many are found by what: `resource`, `principal`, `action` for an entity that the scope names, `type of
    /// resource` …, `value` for a constant that the first clause compares with.
    pub found_by: BTreeMap<String, usize>,
    /// Ids of those that no index serves: each decision that could reach them looks at them.
    pub unindexed: Vec<String>,
    /// Those that the reference evaluator decides.
    pub handed: Vec<Handed>,
    /// How many different operations the conditions consist of.
    pub nodes: usize,
    /// The memory that the program occupies, by its own count.
    pub bytes: usize,
}

/// A policy that the reference evaluator decides, because the compiler does not take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// Its id.
    pub policy: String,
    /// Why.
    pub why: &'static str,
}

impl Report {
    pub(super) fn of(program: &Program) -> Self {
        let mut report = Self {
            policies: program.sources.len(),
            nodes: program.graph.len(),
            bytes: program.sources.bytes()
                + program.graph.bytes()
                + program.terms.bytes()
                + program.index.bytes(),
            ..Self::default()
        };
        for (policy, key) in program.keys.iter() {
            if key == Key::None {
                report.unindexed.push(program.sources.id(policy).to_owned());
            } else {
                *report.found_by.entry(key.to_string()).or_default() += 1;
            }
        }
        let handed = program.handed.iter().map(|(policy, unsupported)| Handed {
            policy: program.sources.id(*policy).to_owned(),
            why: unsupported.why(),
        });
        report.handed = handed.collect();
        report
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} policies, {} operations, {} bytes", self.policies, self.nodes, self.bytes)?;
        for (key, count) in &self.found_by {
            writeln!(f, "{count} found by {key}")?;
        }
        writeln!(f, "{} looked at each time", self.unindexed.len())?;
        for handed in &self.handed {
            writeln!(f, "`{}` is decided by the reference evaluator: {}", handed.policy, handed.why)?;
        }
        Ok(())
    }
}

/// A policy in every form it takes here: scope, clauses, operations, how it is found.
pub(super) fn show(program: &Program, policy: u32) -> Option<String> {
    let rule = program.index.rules().iter().find(|rule| rule.policy == policy)?;
    let id = program.sources.id(policy);
    let mut out = format!("{} `{id}`\n", if rule.forbid { "forbid" } else { "permit" });
    for dimension in [Dimension::Principal, Dimension::Action, Dimension::Resource] {
        let test = program.terms.show(rule.test(dimension));
        out.push_str(&format!("scope: {} {test}\n", dimension.name()));
    }
    let nodes = program.terms.nodes(rule);
    let clauses: Vec<String> = nodes.iter().map(|node| format!("n{}", node.0)).collect();
    out.push_str(&format!(
        "clauses, in order: {}\n",
        if clauses.is_empty() { "none".to_owned() } else { clauses.join(", ") }
    ));
    if rule.reference {
        out.push_str("decided by the reference evaluator\n");
    }
    program.graph.show(&nodes, &mut out).ok()?;
    let found = program.keys.get(policy).map_or_else(|| "nothing".to_owned(), |key| key.to_string());
    out.push_str(&format!("found by: {found}\n"));
    Some(out)
}
