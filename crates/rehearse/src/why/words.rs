//! An explanation as it is told beside its record.

use jiff::Timestamp;
use portcullis_policy::Policies;
use portcullis_record::Remembered;
use portcullis_record::why::Beside;
use serde_json::{Value as Json, json};

use super::{Now, Why, clauses, places};
use crate::Answer;

pub(super) fn beside(why: &Why, remembered: &Remembered, policies: &Policies, now: Timestamp) -> Beside {
    let mut beside = Beside { places: places(remembered, policies), ..Beside::default() };
    for explained in &why.explanation.policies {
        let lines = clauses::lines(explained, policies, &why.question);
        beside.clauses.insert(explained.policy.clone(), lines);
    }
    if !why.same_policies {
        beside.parts.push(("Policies".to_owned(), vec![changed(why, remembered)]));
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

fn changed(why: &Why, remembered: &Remembered) -> String {
    let agrees = if why.agrees(remembered) { "they come to the same" } else { "they come to something else" };
    format!(
        "they are not those of then (snapshot {}): clauses and changes are told of those of now; on the facts of then {agrees}",
        remembered.entry.snapshot.chars().take(12).collect::<String>()
    )
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
    let was = remembered.entry.verdict.as_ref().map(|verdict| verdict.decision.as_str());
    let still = if was == Some(then_and_now.answer.decision) { "still " } else { "" };
    let mut lines = vec![format!("at {now:.0} it would {still}be {}", outcome(&then_and_now.answer))];
    lines.extend(then_and_now.differences.iter().map(ToString::to_string));
    if then_and_now.differences.is_empty() && why.same_policies && !still.is_empty() {
        lines.push("nothing that the policies ask for has changed since".to_owned());
    }
    lines
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
    members.insert("same_policies".to_owned(), why.same_policies.into());
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
