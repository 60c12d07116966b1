//! Tells a remembered decision: to people as plain text, to programs as JSON. Both say what was decided, by which
//! policy or for want of which, on which facts, what was missing and what followed, and what is known beside it. Nothing is decided anew here.
//!
//! INVARIANT: no control character of a record reaches a terminal.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use portcullis_request::Reference;
use serde_json::{Value, json};

use crate::entry::{Entry, Outcome, PrincipalEntry, Stage, VerdictEntry};
use crate::read::Remembered;
use crate::search::show::clean;

/// What whoever has the policies knows beside the record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beside {
    /// Where policies are written, by their ids: `policies/shop.cedar:12`.
    pub places: BTreeMap<String, String>,
    /// What stands below a policy: its clauses, and what they came to.
    pub clauses: BTreeMap<String, Vec<String>>,
    /// Further parts, each with its heading, in their order.
    pub parts: Vec<(String, Vec<String>)>,
    /// The same for programs: members to add.
    pub members: serde_json::Map<String, Value>,
}

/// The decision for people, in plain text with a line feed at its end.
#[must_use]
pub fn tell(remembered: &Remembered, beside: &Beside) -> String {
    let mut text = String::new();
    let teller = Teller { remembered, beside };
    // Writing into a text cannot fail.
    match teller.tell(&mut text) {
        Ok(()) => text,
        Err(fmt::Error) => "the record cannot be told\n".to_owned(),
    }
}

/// The decision for programs: `{reference, uuid, decided, summary, policies, nearest, errors, record, outcome}`.
#[must_use]
pub fn to_json(remembered: &Remembered, beside: &Beside) -> Value {
    let written_at = |policy: &String| beside.places.get(policy);
    let entry = &remembered.entry;
    let verdict = entry.verdict.as_ref();
    let policies = verdict.map(|verdict| {
        let with_place = |id: &String| json!({"policy": id, "written_at": written_at(id)});
        verdict.policies.iter().map(with_place).collect::<Vec<_>>()
    });
    let nearest = verdict.map(|verdict| {
        let miss = |(id, failed, clauses): &(String, usize, usize)| {
            json!({"policy": id, "written_at": written_at(id), "failed": failed, "clauses": clauses})
        };
        verdict.nearest.iter().map(miss).collect::<Vec<_>>()
    });
    let errors = verdict.map(|verdict| {
        let error = |(id, message): &(String, String)| {
            json!({"policy": id, "written_at": written_at(id), "error": message})
        };
        verdict.errors.iter().map(error).collect::<Vec<_>>()
    });
    let mut whole = json!({
        "reference": shown(&entry.reference),
        "uuid": entry.reference,
        "decided": decided(entry),
        "summary": summary(entry),
        "policies": policies.unwrap_or_default(),
        "nearest": nearest.unwrap_or_default(),
        "errors": errors.unwrap_or_default(),
        "undecided": verdict.map(|verdict| verdict.undecided.as_slice()).unwrap_or_default(),
        "record": entry,
        "outcome": remembered.outcome,
    });
    if let Some(members) = whole.as_object_mut() {
        members.extend(beside.members.clone());
    }
    whole
}

struct Teller<'a> {
    remembered: &'a Remembered,
    beside: &'a Beside,
}

impl Teller<'_> {
    fn tell(&self, text: &mut String) -> fmt::Result {
        let entry = &self.remembered.entry;
        writeln!(text, "Decision {}", clean(&shown(&entry.reference)))?;
        writeln!(text, "{}\n", clean(&summary(entry)))?;
        self.request(text)?;
        if let Some(verdict) = &entry.verdict {
            self.verdict(text, verdict)?;
        }
        facts(text, entry)?;
        for (heading, lines) in &self.beside.parts {
            writeln!(text, "\n{}", clean(heading))?;
            lines.iter().try_for_each(|line| writeln!(text, "  {}", clean(line)))?;
        }
        outcome(text, self.remembered.outcome.as_ref())?;
        writeln!(text, "\nDecided on snapshot {} in {}.", clean(&entry.snapshot), duration(entry.decided_us))
    }

    fn request(&self, text: &mut String) -> fmt::Result {
        let entry = &self.remembered.entry;
        let request = &entry.request;
        let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let asked =
            format!("{} {}://{}{}{query}", request.method, request.scheme, request.host, request.path);
        row(text, "asked", &asked)?;
        row(text, "when", &entry.time)?;
        let from = match &request.peer {
            Some(peer) => format!("{}, through {peer}", request.client),
            None => request.client.clone(),
        };
        row(text, "from", &from)?;
        row(text, "caller", &caller(entry.principal.as_ref(), entry.absence.as_deref()))?;
        if let Some(app) = &entry.app {
            let route = entry.route.as_ref().map(|route| format!(", route {route}")).unwrap_or_default();
            row(text, "app", &format!("{app}{route}"))?;
        }
        if let Some(agent) = &request.user_agent {
            row(text, "user agent", agent)?;
        }
        if let Some(detail) = &entry.detail {
            row(text, "detail", detail)?;
        }
        Ok(())
    }

    fn verdict(&self, text: &mut String, verdict: &VerdictEntry) -> fmt::Result {
        match verdict.decision.as_str() {
            "allow" => writeln!(text, "\nAllowed by")?,
            "undecided" => {
                writeln!(text, "\nNobody could decide: these facts were unavailable and could change it")?
            }
            _ if verdict.policies.is_empty() => {
                writeln!(text, "\nNo permit held, and without one nothing passes. Nearest to it came")?;
            }
            _ => writeln!(text, "\nForbidden by")?,
        }
        for fact in &verdict.undecided {
            writeln!(text, "  {}", clean(fact))?;
        }
        for policy in &verdict.policies {
            writeln!(text, "  {}", self.policy(policy))?;
            self.clauses(text, policy)?;
        }
        if verdict.policies.is_empty() && verdict.undecided.is_empty() && verdict.nearest.is_empty() {
            writeln!(text, "  none: no permit is about this caller, action and resource at all")?;
        }
        for (policy, failed, clauses) in &verdict.nearest {
            let conditions = if *clauses == 1 { "condition" } else { "conditions" };
            writeln!(text, "  {}: {failed} of its {clauses} {conditions} did not hold", self.policy(policy))?;
            self.clauses(text, policy)?;
        }
        if !verdict.errors.is_empty() {
            writeln!(text, "\nPolicies that could not be evaluated")?;
        }
        for (policy, error) in &verdict.errors {
            writeln!(text, "  {}: {}", self.policy(policy), clean(error))?;
        }
        Ok(())
    }

    fn clauses(&self, text: &mut String, policy: &str) -> fmt::Result {
        let lines = self.beside.clauses.get(policy).into_iter().flatten();
        lines.into_iter().try_for_each(|line| writeln!(text, "    {}", clean(line)))
    }

    fn policy(&self, id: &str) -> String {
        match self.beside.places.get(id) {
            Some(place) => format!("{} ({})", clean(id), clean(place)),
            None => clean(id),
        }
    }
}

fn facts(text: &mut String, entry: &Entry) -> fmt::Result {
    if !entry.facts.is_empty() {
        writeln!(text, "\nFacts")?;
    }
    let widest = entry.facts.keys().chain(entry.missing.keys()).map(|path| path.chars().count()).max();
    let width = widest.unwrap_or(0).min(WIDEST_PATH);
    for (path, value) in &entry.facts {
        writeln!(text, "  {:width$}  {}", clean(path), clean(&value.to_string()))?;
    }
    if !entry.missing.is_empty() {
        writeln!(text, "\nFacts that were missing")?;
    }
    for (path, why) in &entry.missing {
        writeln!(text, "  {:width$}  {}", clean(path), clean(why))?;
    }
    Ok(())
}

fn outcome(text: &mut String, outcome: Option<&Outcome>) -> fmt::Result {
    writeln!(text, "\nWhat followed")?;
    let Some(outcome) = outcome else {
        return writeln!(
            text,
            "  nothing is recorded: it is not over yet, or its outcome never reached the log"
        );
    };
    let status = outcome.status;
    let took = duration(outcome.total_us);
    writeln!(text, "  the caller got {status} and {} bytes, {took} after asking", outcome.bytes)?;
    if let Some(status) = outcome.origin_status {
        writeln!(text, "  the origin had answered {status}")?;
    }
    if let Some(fault) = &outcome.fault {
        writeln!(text, "  fault: {}", clean(fault))?;
    }
    Ok(())
}

/// `allowed`, `refused`, `undecided` or `answered` (by ourselves: a preflight, a page of ours).
fn decided(entry: &Entry) -> &'static str {
    let verdict = entry.verdict.as_ref().map(|verdict| verdict.decision.as_str());
    match (entry.status, entry.reason.is_some(), verdict) {
        (None, ..) => "allowed",
        (Some(_), _, Some("undecided")) => "undecided",
        (Some(_), true, _) => "refused",
        (Some(status), false, _) if status >= 400 => "refused",
        (Some(_), false, _) => "answered",
    }
}

/// One sentence: what was decided, and at which stage.
fn summary(entry: &Entry) -> String {
    let Some(status) = entry.status else {
        return "Allowed: it went on to the origin.".to_owned();
    };
    let reason = entry.reason.as_ref().map(|reason| format!(" {reason}")).unwrap_or_default();
    if decided(entry) == "answered" {
        return format!("Answered {status} by the gate itself.");
    }
    let because = match (&entry.verdict, entry.stage) {
        (Some(verdict), _) if verdict.decision == "undecided" => "nobody could decide",
        (Some(verdict), _) if verdict.decision == "allow" && !verdict.errors.is_empty() => {
            "the policies allowed it, but one that could have forbidden it failed"
        }
        (Some(verdict), _) if verdict.policies.is_empty() => "no permit held",
        (Some(_), _) => "a policy forbade it",
        (None, Stage::Admit) => "it was not one unambiguous request",
        (None, Stage::Route) => "no app or route is configured for it",
        (None, Stage::Identify) => "the caller could not be identified",
        (None, Stage::Decide | Stage::Unknown) => "it could not be decided",
    };
    format!("Refused with {status}{reason}: {because}.")
}

fn caller(principal: Option<&PrincipalEntry>, absence: Option<&str>) -> String {
    match (principal, absence) {
        (Some(principal), _) => {
            let issuer = principal.issuer.as_ref().map(|issuer| format!(" of {issuer}")).unwrap_or_default();
            let key = principal.key.as_ref().map(|key| format!(" (key {key})")).unwrap_or_default();
            format!("{} {}, by {}{issuer}{key}", principal.kind, principal.id, principal.method)
        }
        (None, Some("no_credential")) => "unknown: no credential was sent".to_owned(),
        (None, Some(absence)) => format!("unknown: {absence}"),
        (None, None) => "unknown: nobody had asked yet".to_owned(),
    }
}

fn row(text: &mut String, name: &str, value: &str) -> fmt::Result {
    writeln!(text, "  {name:10}  {}", clean(value))
}

/// The reference as people have it; as recorded, if it is none.
fn shown(uuid: &str) -> String {
    uuid.parse::<Reference>().map_or_else(|_| uuid.to_owned(), |reference| reference.to_string())
}

fn duration(us: u64) -> String {
    match us {
        0..1000 => format!("{us} µs"),
        1000..1_000_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// Facts with longer paths stand out of line.
const WIDEST_PATH: usize = 40;
