//! What a scenario expects, beside what came of it.

use std::collections::BTreeSet;
use std::path::Path;

use portcullis_record::read;

use super::ask::{Answer, Told, Way};
use super::case::{Case, Expect};
use super::origin::Origin;

/// Whether the scenario's request is let through to the origin.
pub(super) fn allows(case: &Case) -> bool {
    case.expect.record.get("decision").and_then(serde_json::Value::as_str) == Some("allow")
        && !case.expect.record.contains_key("reason")
}

/// What the caller got. `connection` is between the caller and whoever holds the connection.
pub(super) fn answer(expect: &Expect, answer: &Answer, way: Way) -> Vec<String> {
    let mut faults = Vec::new();
    if answer.status != expect.status {
        faults.push(format!("status {} instead of {}: {}", answer.status, expect.status, answer.body));
    }
    if let Some(code) = &expect.code
        && answer.code().as_deref() != Some(code)
    {
        faults.push(format!("reason is not `{code}`: {}", answer.body));
    }
    if let Some(part) = &expect.challenge {
        let mut challenges = answer.headers.iter().filter(|(name, _)| name == "www-authenticate");
        if !challenges.any(|(_, challenge)| challenge.contains(part.as_str())) {
            faults.push(format!("no challenge has `{part}`: {:?}", answer.header("www-authenticate")));
        }
    }
    for (name, value) in &expect.headers {
        if answer.header(name) != Some(value) && (way == Way::Proxy || name != "connection") {
            faults.push(format!("`{name}` is {:?} instead of `{value}`", answer.header(name)));
        }
    }
    for name in &expect.absent {
        if let Some(value) = answer.header(name) {
            faults.push(format!("`{name}: {value}` should not be there"));
        }
    }
    if let Some(body) = &expect.body
        && &answer.body != body
    {
        faults.push(format!("the body is {:?} instead of {body:?}", answer.body));
    }
    for part in &expect.body_contains {
        if !answer.body.contains(part.as_str()) {
            faults.push(format!("the body has no {part:?}: {}", answer.body));
        }
    }
    faults
}

/// What reached the origin, which nothing does unless it was allowed.
pub(super) fn origin(case: &Case, origin: &Origin, faults: &mut Vec<String>) {
    let seen = origin.seen.lock().unwrap();
    if !allows(case) && seen.len() > case.before() {
        faults.push(format!("refused, and yet the origin saw `{}`", seen[0].0));
    }
    let Some(expect) = &case.expect.origin_saw else { return };
    let Some((target, headers)) = seen.first() else {
        faults.push("the origin saw nothing".to_owned());
        return;
    };
    if target != &expect.target {
        faults.push(format!("the origin saw `{target}` instead of `{}`", expect.target));
    }
    for (name, value) in &expect.headers {
        let there: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("")).collect();
        if there != [value] {
            faults.push(format!("the origin saw `{name}` as {there:?} instead of `{value}`"));
        }
    }
    for name in &expect.absent {
        if headers.contains_key(name) {
            faults.push(format!("the origin saw `{name}`"));
        }
    }
}

/// Every request left exactly one record and one outcome; the first pair is the scenario's own. Gives its record.
pub(super) fn record(case: &Case, log: &Path, way: Way, faults: &mut Vec<String>) -> serde_json::Value {
    let mut decisions = Vec::new();
    let mut outcomes = Vec::new();
    for line in read::records(log) {
        match line {
            Ok(read::Line::Decision(entry)) => decisions.push(serde_json::to_value(entry).unwrap()),
            Ok(read::Line::Outcome(outcome)) => outcomes.push(serde_json::to_value(outcome).unwrap()),
            Ok(other) => faults.push(format!("an unexpected line in the log: {other:?}")),
            Err(fault) => faults.push(format!("the log cannot be read: {fault}")),
        }
    }
    let before = case.before();
    let requests = before + 1 + usize::from(case.expect.same_as.is_some());
    if decisions.len() != requests || outcomes.len() != requests {
        faults.push(format!(
            "{} records and {} outcomes of {requests} requests",
            decisions.len(),
            outcomes.len()
        ));
        return serde_json::Value::Null;
    }
    decisions.drain(..before);
    for (name, expected) in &case.expect.record {
        let there = match name.as_str() {
            "decision" | "policies" => decisions[0]["verdict"][name].clone(),
            _ => decisions[0][name].clone(),
        };
        // Empty lists are left out of records.
        let there =
            if there.is_null() && expected == &serde_json::json!([]) { expected.clone() } else { there };
        if &there != expected {
            faults.push(format!("the record's {name} is {there} instead of {expected}"));
        }
    }
    let outcome = outcomes.iter().find(|outcome| outcome["reference"] == decisions[0]["reference"]);
    // What became of a request that went on is known to whoever forwarded it.
    let known = way == Way::Proxy || !allows(case);
    for (name, expected) in case.expect.outcome.iter().filter(|_| known) {
        let there = outcome.map(|outcome| outcome[name].clone()).unwrap_or_default();
        if &there != expected {
            faults.push(format!("the outcome's {name} is {there} instead of {expected}"));
        }
    }
    if let Some(secret) = secrets(case).into_iter().find(|secret| decisions[0].to_string().contains(secret)) {
        faults.push(format!("the record holds a credential: {secret}"));
    }
    decisions.swap_remove(0)
}

/// In what two doors differ about the same request, beside what differs by nature.
pub(super) fn doors(case: &Case, proxy: &Told, asked: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    if !allows(case) {
        let said = |told: &Told| {
            let challenges: Vec<_> = told.answer.challenges().into_iter().map(str::to_owned).collect();
            (told.answer.status, told.answer.code(), challenges)
        };
        if said(proxy) != said(asked) {
            faults.push(format!("says {:?}, and the proxy {:?}", said(asked), said(proxy)));
        }
    }
    let (left, right) = (lasting(&proxy.record), lasting(&asked.record));
    let names: BTreeSet<_> = left.keys().chain(right.keys()).collect();
    for name in names.into_iter().filter(|name| left.get(*name) != right.get(*name)) {
        faults.push(format!(
            "records {name} as {:?}, and the proxy as {:?}",
            right.get(name),
            left.get(name)
        ));
    }
    faults
}

/// The members of a record without what differs from one request to the next, and from one key to the next.
fn lasting(record: &serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    let mut members = record.as_object().cloned().unwrap_or_default();
    for name in ["reference", "time", "door", "decided_us", "snapshot"] {
        members.remove(name);
    }
    let mut within = |name: &str, lasts: &dyn Fn(&str) -> bool| {
        if let Some(serde_json::Value::Object(inner)) = members.get_mut(name) {
            inner.retain(|path, _| lasts(path));
        }
    };
    // A proxy that asks is always there.
    within("request", &|path| path != "peer");
    within("principal", &|path| path != "key");
    within("facts", &|path| !path.starts_with("context.time") && path != "context.auth.time");
    if let Some(serde_json::Value::String(absence)) = members.get_mut("absence") {
        // What follows the code has times and keys in it.
        absence.truncate(absence.find(':').unwrap_or(absence.len()));
    }
    if members.get("stage") == Some(&"admit".into()) {
        // The proxy sees the bytes themselves and has other words for what is wrong with them.
        members.remove("detail");
    }
    members
}

/// Parts of credentials that no record may hold.
fn secrets(case: &Case) -> Vec<&'static str> {
    let has_token = case.request.as_ref().is_some_and(|request| request.token.is_some());
    if has_token { vec!["eyJ"] } else { Vec::new() }
}

/// Every code that was expected is among the findings.
pub(super) fn findings(expected: &[String], found: &[miette::Report]) -> Vec<String> {
    let codes: Vec<_> =
        found.iter().filter_map(|finding| finding.code().map(|code| code.to_string())).collect();
    expected
        .iter()
        .filter(|code| !codes.contains(code))
        .map(|code| format!("`{code}` was not found, only {codes:?}:\n{}", crate::report::plain(found)))
        .collect()
}
