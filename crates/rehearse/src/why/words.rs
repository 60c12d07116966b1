//! An explanation as it is told beside its record.

use jiff::Timestamp;
use portcullis_policy::Policies;
use portcullis_record::why::Beside;
use portcullis_record::{Entry, Remembered};
use serde_json::{Value as Json, json};

use super::{Now, Then, Why, clauses, places};
use crate::Answer;

pub(super) fn beside(why: &Why, remembered: &Remembered, today: &Policies, now: Timestamp) -> Beside {
    let policies = why.policies(today);
    let mut beside = Beside { places: places(remembered, policies), ..Beside::default() };
    for explained in &why.explanation.policies {
        let lines = clauses::lines(explained, policies, &why.question);
        beside.clauses.insert(explained.policy.clone(), lines);
    }
    if let Some(line) = changed(why, remembered) {
        beside.parts.push(("Policies".to_owned(), vec![line]));
    }
    if let Some(lines) = smallest(why) {
        beside.parts.push(("Smallest change".to_owned(), lines));
    }
    if let Some(then_and_now) = &why.now {
        beside.parts.push(("Asked again now".to_owned(), again(why, then_and_now, remembered, now)));
    }
    beside.members = members(why, policies);
    beside
}

/// That the policies of now are others than those that decided, and what they come to; `None` where they are the same.
fn changed(why: &Why, remembered: &Remembered) -> Option<String> {
    let snapshot: String = remembered.entry.snapshot.chars().take(12).collect();
    match &why.then {
        Then::Same | Then::Kept { changed: false, .. } => None,
        Then::Kept { by_now, .. } => {
            let come_to = match by_now {
                Some(answer) if answer.refusal == why.answer.refusal => "come to the same".to_owned(),
                Some(answer) => format!("the request would be {}", outcome(answer)),
                None => "ask for what the record does not tell".to_owned(),
            };
            let verb = if by_now.as_ref().is_some_and(|answer| answer.refusal != why.answer.refusal) {
                "by those of now"
            } else {
                "those of now"
            };
            Some(format!(
                "they have changed since: clauses and changes are told of those that decided (snapshot {snapshot}); on the facts of then, {verb} {come_to}"
            ))
        }
        Then::Lost(fault) => {
            let agrees =
                if why.agrees(remembered) { "they come to the same" } else { "they come to something else" };
            Some(format!(
                "they are not those of then (snapshot {snapshot}): clauses and changes are told of those of now; on the facts of then {agrees}. {fault}"
            ))
        }
    }
}

/// What would turn the answer; `None` where there is nothing to turn.
fn smallest(why: &Why) -> Option<Vec<String>> {
    match why.answer.decision {
        "deny" if why.search.changes.is_empty() && !why.question.unknown.is_empty() => Some(vec![format!(
            "none of reasonable size was found that holds whatever {} may be, which nobody knows",
            why.question.unknown.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        )]),
        "deny" if why.search.changes.is_empty() => Some(vec![
            "none of reasonable size was found: only whoever writes the policies can change this".to_owned(),
        ]),
        "deny" => Some(
            why.search
                .changes
                .iter()
                .map(|change| {
                    let steps: Vec<_> = change.steps.iter().map(ToString::to_string).collect();
                    format!("{}: {}", change.owner.title(), steps.join(" and "))
                })
                .collect(),
        ),
        "undecided" => Some(vec![format!(
            "first of all nobody knows {}: once these are known, it is decided",
            why.answer.undecided.join(", ")
        )]),
        _ => None,
    }
}

fn again(why: &Why, then_and_now: &Now, remembered: &Remembered, now: Timestamp) -> Vec<String> {
    let entry = &remembered.entry;
    let was = entry.verdict.as_ref().map(|verdict| verdict.decision.as_str());
    let same = was == Some(then_and_now.answer.decision);
    let (before, still) = if same { (String::new(), "still ") } else { (was_then(entry), "") };
    let mut lines = vec![format!("{before}at {now:.0} it would {still}be {}", outcome(&then_and_now.answer))];
    lines.extend(then_and_now.differences.iter().map(ToString::to_string));
    match &why.then {
        Then::Kept { changed: true, .. } if !same => lines.push("the policies have changed since".to_owned()),
        Then::Lost(_) | Then::Kept { changed: true, .. } => {}
        Then::Same | Then::Kept { changed: false, .. } => {
            if then_and_now.differences.is_empty() && same {
                lines.push("nothing that the policies ask for has changed since".to_owned());
            }
        }
    }
    lines
}

/// `it was refused with 403 region_restricted at 2026-03-03T12:00:00Z; `
fn was_then(entry: &Entry) -> String {
    let time = &entry.time;
    match (entry.status, &entry.reason) {
        (None, _) => format!("it was allowed at {time}; "),
        (Some(status), Some(reason)) => format!("it was refused with {status} {reason} at {time}; "),
        (Some(status), None) => format!("it was answered {status} at {time}; "),
    }
}

/// `refused with 403 region_restricted`
fn outcome(answer: &Answer) -> String {
    match (&answer.refusal, answer.decision) {
        (None, _) => "allowed".to_owned(),
        (Some(refusal), "undecided") => {
            format!("answered {}: nobody knows {}", refusal.status().as_u16(), answer.undecided.join(", "))
        }
        (Some(refusal), _) => format!("refused with {} {}", refusal.status().as_u16(), refusal.code()),
    }
}

fn members(why: &Why, policies: &Policies) -> serde_json::Map<String, Json> {
    let explained = why.explanation.policies.iter();
    let changes: Vec<Json> = why
        .search
        .changes
        .iter()
        .map(|change| {
            let steps: Vec<Json> = change
                .steps
                .iter()
                .map(|step| json!({ "fact": step.fact, "from": step.from, "to": step.to, "owner": step.owner }))
                .collect();
            json!({ "owner": change.owner, "steps": steps, "permits": change.permits })
        })
        .collect();
    let unknown: serde_json::Map<String, Json> =
        why.question.unknown.iter().map(|(path, why)| (path.to_string(), why.clone().into())).collect();
    let now = why.now.as_ref().map(|now| {
        let differences: Vec<Json> = now
            .differences
            .iter()
            .map(|difference| json!({ "fact": difference.fact, "then": difference.then, "now": difference.now }))
            .collect();
        json!({ "answer": answer(&now.answer), "differences": differences })
    });
    let mut members = serde_json::Map::new();
    let (same, explained_by) = match &why.then {
        Then::Same => (true, "then"),
        Then::Kept { changed, .. } => (!changed, "then"),
        Then::Lost(_) => (false, "now"),
    };
    members.insert("same_policies".to_owned(), same.into());
    members.insert("explained_by_policies_of".to_owned(), explained_by.into());
    if let Then::Kept { by_now, .. } = &why.then {
        members.insert("by_policies_of_now".to_owned(), by_now.as_ref().map(answer).into());
    }
    members.insert(
        "explanation".to_owned(),
        explained.map(|explained| clauses::json(explained, policies, &why.question)).collect(),
    );
    members.insert("changes".to_owned(), changes.into());
    members.insert("unknown".to_owned(), unknown.into());
    members.insert("now".to_owned(), now.into());
    members
}

fn answer(answer: &Answer) -> Json {
    json!({
        "decision": answer.decision,
        "status": answer.status(),
        "reason": answer.reason(),
        "policies": answer.policies,
        "undecided": answer.undecided,
    })
}
