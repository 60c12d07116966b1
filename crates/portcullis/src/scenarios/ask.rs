//! Asks the gate what a scenario asks, over a real connection, and compares.

use std::path::Path;

use portcullis_record::read;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::case::{Case, Expect, Request};
use super::origin::Origin;
use super::world;
use crate::load::Parts;
use crate::serve::{self, Running};

/// One answer as it came over the wire.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str())
    }

    /// Without what differs from answer to answer by nature.
    fn timeless(&self) -> (u16, Vec<&(String, String)>, &str) {
        (self.status, self.headers.iter().filter(|(name, _)| name != "date").collect(), &self.body)
    }
}

/// Starts the gate, asks, and says what differs.
pub(super) async fn ask(case: &Case, parts: Parts, origin: &Origin, folder: &Path) -> Vec<String> {
    let request = case.request.as_ref().expect("a scenario without findings has a request");
    let key = request.api_key.as_ref().map(|key| world::api_key(folder, key));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = serve::start(parts, listener, None).await.unwrap();
    let head = head(request, &request.line, key.as_deref());
    let answer = exchange(&running, &head).await;
    let mut faults = compare(&case.expect, &answer);
    if let Some(other) = &case.expect.same_as {
        let other = exchange(&running, &self::head(request, other, key.as_deref())).await;
        if other.timeless() != answer.timeless() {
            faults.push(format!("differs from `{:?}`: {:?}", other.timeless(), answer.timeless()));
        }
    }
    compare_origin(case, origin, &mut faults);
    let log = running.log_folder.clone();
    running.stop().await;
    compare_record(case, &log, &mut faults);
    faults
}

fn head(request: &Request, line: &str, key: Option<&str>) -> String {
    let mut head = format!("{line} HTTP/1.1\r\nHost: {}\r\n", request.host.as_deref().unwrap_or("shop.test"));
    let mut add = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
    if let Some(claims) = &request.token {
        add("Authorization", &format!("Bearer {}", world::token(claims)));
    }
    if let Some(key) = key {
        add("X-API-Key", key);
    }
    if let Some(from) = &request.from {
        add("X-Forwarded-For", from);
    }
    for header in &request.headers {
        let (name, value) = header.split_once(": ").unwrap();
        add(name, value);
    }
    head.push_str("\r\n");
    head
}

async fn exchange(running: &Running, head: &str) -> Answer {
    let mut stream = TcpStream::connect(running.listen).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The gate closes when we do: half-closing after a whole request asks for the answer and then the end.
    stream.shutdown().await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer { status: status.unwrap_or(0), headers, body: body.to_owned() }
}

fn compare(expect: &Expect, answer: &Answer) -> Vec<String> {
    let mut faults = Vec::new();
    if answer.status != expect.status {
        faults.push(format!("status {} instead of {}: {}", answer.status, expect.status, answer.body));
    }
    if let Some(code) = &expect.code {
        let said = serde_json::from_str::<serde_json::Value>(&answer.body).unwrap_or_default();
        if said.get("error").and_then(serde_json::Value::as_str) != Some(code) {
            faults.push(format!("reason is not `{code}`: {}", answer.body));
        }
    }
    if let Some(part) = &expect.challenge {
        let mut challenges = answer.headers.iter().filter(|(name, _)| name == "www-authenticate");
        if !challenges.any(|(_, challenge)| challenge.contains(part.as_str())) {
            faults.push(format!("no challenge has `{part}`: {:?}", answer.header("www-authenticate")));
        }
    }
    for (name, value) in &expect.headers {
        if answer.header(name) != Some(value) {
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

fn compare_origin(case: &Case, origin: &Origin, faults: &mut Vec<String>) {
    let seen = origin.seen.lock().unwrap();
    let allowed = case.expect.record.get("decision").and_then(serde_json::Value::as_str) == Some("allow")
        && !case.expect.record.contains_key("reason");
    if !allowed && !seen.is_empty() {
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

/// Every request left exactly one record and one outcome; the first pair is the scenario's own.
fn compare_record(case: &Case, log: &Path, faults: &mut Vec<String>) {
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
    let requests = 1 + usize::from(case.expect.same_as.is_some());
    if decisions.len() != requests || outcomes.len() != requests {
        faults.push(format!(
            "{} records and {} outcomes of {requests} requests",
            decisions.len(),
            outcomes.len()
        ));
        return;
    }
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
    for (name, expected) in &case.expect.outcome {
        let there = outcome.map(|outcome| outcome[name].clone()).unwrap_or_default();
        if &there != expected {
            faults.push(format!("the outcome's {name} is {there} instead of {expected}"));
        }
    }
    if let Some(secret) = secrets(case).into_iter().find(|secret| decisions[0].to_string().contains(secret)) {
        faults.push(format!("the record holds a credential: {secret}"));
    }
}

/// Parts of credentials that no record may hold.
fn secrets(case: &Case) -> Vec<&'static str> {
    let has_token = case.request.as_ref().is_some_and(|request| request.token.is_some());
    if has_token { vec!["eyJ"] } else { Vec::new() }
}

/// Every code that was expected is among the findings.
pub(super) fn compare_findings(expected: &[String], findings: &[miette::Report]) -> Vec<String> {
    let codes: Vec<_> =
        findings.iter().filter_map(|finding| finding.code().map(|code| code.to_string())).collect();
    expected
        .iter()
        .filter(|code| !codes.contains(code))
        .map(|code| format!("`{code}` was not found, only {codes:?}:\n{}", crate::report::plain(findings)))
        .collect()
}
