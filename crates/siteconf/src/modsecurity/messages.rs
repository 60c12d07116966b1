//! ModSecurity's messages: `[id "942100"] [msg "…"] [severity "CRITICAL"]`, as versions 2 and 3 write them alike.

use std::path::Path;

use crate::hop::{Hop, canonical, decoded};
use crate::logs;
use crate::report::Place;

/// One message about one rule.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: u32,
    pub(crate) denied: bool,
    pub(crate) said: String,
    pub(crate) data: String,
    pub(crate) severity: String,
    /// The file and line of the rule.
    pub(crate) rule: Option<(String, String)>,
    pub(crate) variable: Option<String>,
    pub(crate) uri: String,
    pub(crate) transaction: String,
    /// What the score was compared with.
    pub(crate) threshold: Option<u32>,
    pub(crate) text: String,
    pub(crate) place: Place,
}

impl Message {
    /// From a line that has a rule's number.
    pub(crate) fn read(text: &str, place: Place) -> Option<Message> {
        let id = tag(text, "id")?.parse().ok()?;
        let denied =
            text.contains("Access denied with code 403") || text.contains("Access denied with redirection");
        Some(Message {
            id,
            denied,
            said: tag(text, "msg").unwrap_or_default(),
            data: tag(text, "data").unwrap_or_default(),
            severity: tag(text, "severity").unwrap_or_default(),
            rule: tag(text, "file").zip(tag(text, "line")),
            variable: variable(text),
            uri: tag(text, "uri").unwrap_or_default(),
            transaction: tag(text, "unique_id").unwrap_or_default(),
            threshold: threshold(text),
            text: logs::quote(text),
            place,
        })
    }

    /// What its severity adds to the score, by the Core Rule Set's defaults.
    pub(crate) fn score(&self) -> u32 {
        match self.severity.to_ascii_uppercase().as_str() {
            "CRITICAL" | "2" => 5,
            "ERROR" | "3" => 4,
            "WARNING" | "4" => 3,
            "NOTICE" | "5" => 2,
            _ => 0,
        }
    }

    pub(crate) fn about(&self) -> String {
        match (self.said.as_str(), self.data.as_str()) {
            ("", "") => "it gives no message".to_owned(),
            (said, "") => said.to_owned(),
            ("", data) => data.to_owned(),
            (said, data) => format!("{said} ({data})"),
        }
    }

    pub(crate) fn written(&self) -> String {
        self.rule.as_ref().map_or_else(String::new, |(file, line)| format!(" at {file}:{line}"))
    }
}

/// The messages of the last transaction in an error log that refused this request.
pub(crate) fn in_error_log(log: &Path, lines: &[String], hop: &Hop) -> Option<Vec<Message>> {
    let mut found: Vec<Message> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if !line.contains("ModSecurity:") {
            continue;
        }
        let Some(message) = Message::read(line, super::place(log, at)) else { continue };
        let same = message.uri.is_empty() || canonical(&decoded(&message.uri)) == hop.path();
        // nginx names the request itself, with its query.
        let whole = super::super::nginx::words::between(line, "request: \"", "\"").is_none_or(|request| {
            logs::fit(hop, logs::request_line(request).0, logs::request_line(request).1)
                >= Some(logs::Fit::MethodAndPath)
        });
        if same && whole {
            found.push(message);
        }
    }
    let transaction = found.iter().rev().find(|message| message.denied)?.transaction.clone();
    found.retain(|message| message.transaction == transaction);
    Some(found)
}

/// `[name "value"]`; a quote within the value is escaped.
fn tag(text: &str, name: &str) -> Option<String> {
    let rest = text.split_once(&format!("[{name} \""))?.1;
    let mut value = String::new();
    let mut letters = rest.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => value.push(letters.next()?),
            '"' => break,
            other => value.push(other),
        }
    }
    Some(value)
}

/// `… against variable `ARGS:page' …` and `… at ARGS:page.`
fn variable(text: &str) -> Option<String> {
    let after = text
        .split_once("found within ")
        .or_else(|| text.split_once("against variable `"))
        .or_else(|| text.split_once(" at "));
    let (_, rest) = after?;
    let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "_:-".contains(*c)).collect();
    let name = name.trim_end_matches(':');
    let known = ["ARGS", "REQUEST_", "XML", "FILES", "JSON"].iter().any(|start| name.starts_with(start));
    known.then(|| name.to_owned())
}

/// `Operator GE matched 5 at TX:…` and `` `Ge' with parameter `5' ``.
fn threshold(text: &str) -> Option<u32> {
    let rest =
        text.split_once("Operator GE matched ").or_else(|| text.split_once("`Ge' with parameter `"))?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
