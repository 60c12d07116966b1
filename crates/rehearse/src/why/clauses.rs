//! Clauses as they are told: where they are written, what they say, what they came to, and the values they saw.

use portcullis_decision::explain::{CameTo, Explained, ExplainedClause, Part, Read};
use portcullis_policy::{Origin, Policies};
use serde_json::{Value as Json, json};

use crate::Question;
use crate::question::{FactPath, shown};

/// The clauses of a policy that have to do with its part in the decision, a line each.
pub(super) fn lines(explained: &Explained, policies: &Policies, question: &Question) -> Vec<String> {
    let told = |clause: &&ExplainedClause| match explained.part {
        Part::Determining => true,
        Part::Erring => clause.came_to == CameTo::Fault,
        Part::Near => clause.came_to != CameTo::Holds,
    };
    let clauses: Vec<&ExplainedClause> = explained.clauses.iter().filter(told).collect();
    let mut lines: Vec<String> = Vec::new();
    for clause in clauses.iter().take(CLAUSES) {
        let number =
            line(explained, clause, policies).map(|line| format!("line {line}: ")).unwrap_or_default();
        lines.push(format!(
            "{number}{}{}",
            if clause.negated { "unless " } else { "" },
            one_line(&clause.text)
        ));
        lines.push(format!("  {}{}", came_to(clause), saw(&clause.reads, question)));
    }
    if clauses.len() > CLAUSES {
        lines.push(format!("and {} more", clauses.len() - CLAUSES));
    }
    if explained.clauses.is_empty() && explained.part == Part::Determining {
        lines.push("it has no conditions: its scope is all it asks for".to_owned());
    }
    lines
}

/// The same for programs.
pub(super) fn json(explained: &Explained, policies: &Policies, question: &Question) -> Json {
    let clauses: Vec<Json> = explained
        .clauses
        .iter()
        .map(|clause| {
            let reads: Vec<Json> = clause.reads.iter().map(|read| {
                json!({ "fact": read.path, "value": value(read, question), "unavailable": read.unavailable })
            }).collect();
            json!({
                "text": clause.text,
                "unless": clause.negated,
                "line": line(explained, clause, policies),
                "column": clause.place.map(|place| place.column),
                "came_to": match clause.came_to {
                    CameTo::Holds => "holds",
                    CameTo::DoesNotHold => "does_not_hold",
                    CameTo::Fault => "fault",
                    CameTo::Open => "open",
                },
                "reads": reads,
            })
        })
        .collect();
    json!({
        "policy": explained.policy,
        "effect": if explained.forbid { "forbid" } else { "permit" },
        "part": match explained.part {
            Part::Determining => "determining",
            Part::Erring => "erring",
            Part::Near => "near",
        },
        "written_at": super::written_at(policies, &explained.policy),
        "clauses": clauses,
        "fault": explained.fault,
    })
}

/// The line of a clause in its file. A guard's Cedar stands in no file.
fn line(explained: &Explained, clause: &ExplainedClause, policies: &Policies) -> Option<usize> {
    let Some(Origin::Written { line, .. }) = policies.origins.get(&explained.policy) else { return None };
    let (policy, clause) = (explained.place?, clause.place?);
    Some(line + clause.line.saturating_sub(policy.line))
}

fn came_to(clause: &ExplainedClause) -> &'static str {
    match (clause.came_to, clause.negated) {
        (CameTo::Holds, false) => "holds",
        (CameTo::Holds, true) => "is not so, and so it holds",
        (CameTo::DoesNotHold, false) => "does not hold",
        (CameTo::DoesNotHold, true) => "is so, and so it does not hold",
        (CameTo::Fault, _) => "could not be evaluated",
        (CameTo::Open, _) => "depends on what nobody knows",
    }
}

/// `: context.geo.country is "DE"`
fn saw(reads: &[Read], question: &Question) -> String {
    let seen: Vec<String> = reads
        .iter()
        .filter(|read| read.path != "action" && read.path != "resource")
        .map(|read| match (value(read, question), read.unavailable) {
            (_, true) => format!("{} is unknown", read.path),
            (Some(value), false) => format!("{} is {value}", read.path),
            (None, false) => format!("{} is absent", read.path),
        })
        .collect();
    if seen.is_empty() { String::new() } else { format!(": {}", seen.join(", ")) }
}

/// The value in the words of records where it is one of the question's, else as Cedar writes it.
fn value(read: &Read, question: &Question) -> Option<String> {
    if read.path == "principal" {
        let groups: Vec<_> = question.parents.iter().map(|(kind, id)| format!("{kind}::{id:?}")).collect();
        let own = format!("{}::{:?}", question.principal.0, question.principal.1);
        return Some(if groups.is_empty() {
            format!("{own}, in nothing")
        } else {
            format!("{own}, in {}", groups.join(", "))
        });
    }
    let known = read.path.parse::<FactPath>().ok().and_then(|path| question.get(&path).map(shown));
    known.or_else(|| read.value.clone())
}

/// A clause on one line, cut.
fn one_line(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match joined.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", joined.get(..at).unwrap_or_default()),
        None => joined,
    }
}

const CLAUSES: usize = 8;
const LONGEST: usize = 160;
