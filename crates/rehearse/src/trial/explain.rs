//! Why a test came out as it did, in few lines: the policies that decided or came near, clause by clause, with the values
//! that they saw.

use portcullis_decision::explain::{CameTo, Explained, ExplainedClause, Part, Read};
use portcullis_policy::Policies;

use super::{Case, Put};
use crate::setting::Setting;
use crate::words::shown;

/// Policies that are told. A test that fails for more reasons is looked into by hand.
const POLICIES: usize = 6;
/// Clauses that are told of each.
const CLAUSES: usize = 12;

/// The explanation, each line on its own.
#[must_use]
pub fn explained(setting: &Setting<'_>, case: &Case) -> Vec<String> {
    let question = match &case.put {
        Put::Asked { question, .. } => question,
        Put::Stopped(stopped) => return vec![format!("no policy was asked: {}", stopped.why)],
    };
    if let Put::Asked { target, .. } = &case.put
        && question.principal.0 == "Anonymous"
        && !target.public
    {
        return vec![format!("`{}` is not public, so no policy was asked", target.entity)];
    }
    let world = setting.world(question);
    let facts = question.facts();
    let policies = setting.rulebook.program.explain(&world, &facts).policies;
    let mut lines: Vec<String> = Vec::new();
    if policies.is_empty() {
        lines.push("no policy applies to this principal, action and resource".to_owned());
    }
    for policy in policies.iter().take(POLICIES) {
        told(policy, setting.rulebook.policies, &mut lines);
    }
    if policies.len() > POLICIES {
        lines.push(format!("and {} more policies", policies.len() - POLICIES));
    }
    lines
}

fn told(policy: &Explained, policies: &Policies, lines: &mut Vec<String>) {
    let effect = if policy.forbid { "forbid" } else { "permit" };
    let part = match policy.part {
        Part::Determining => "decided",
        Part::Erring => "could not be evaluated",
        Part::Near => "came near",
    };
    lines.push(format!("{effect} `{}` {part}, {}", policy.policy, written_at(policies, &policy.policy)));
    lines.extend(policy.fault.iter().map(|fault| format!("  {}", shown(fault))));
    lines.extend(policy.clauses.iter().take(CLAUSES).map(clause));
    if policy.clauses.len() > CLAUSES {
        lines.push(format!("  and {} more clauses", policy.clauses.len() - CLAUSES));
    }
}

fn clause(clause: &ExplainedClause) -> String {
    let came_to = match clause.came_to {
        CameTo::Holds => "holds",
        CameTo::DoesNotHold => "does not hold",
        CameTo::Fault => "fails",
        CameTo::Open => "nobody can say",
    };
    let text = one_line(&clause.text);
    let text = if clause.negated { format!("not ({text})") } else { text };
    let reads: Vec<String> = clause.reads.iter().map(read).collect();
    let saw = if reads.is_empty() { String::new() } else { format!("   [{}]", reads.join(", ")) };
    format!("  {came_to}: {text}{saw}")
}

fn read(read: &Read) -> String {
    match (&read.value, read.unavailable) {
        (Some(value), _) => format!("{} = {}", read.path, shown(value)),
        (None, true) => format!("{} is unavailable", read.path),
        (None, false) => format!("{} is absent", read.path),
    }
}

/// A clause without its line breaks.
pub(super) fn one_line(text: &str) -> String {
    shown(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Where a policy is written: `policies/shop.cedar:12`.
pub(super) fn written_at(policies: &Policies, policy: &str) -> String {
    crate::why::written_at(policies, policy).unwrap_or_else(|| "written nowhere".to_owned())
}
