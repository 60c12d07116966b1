//! A recorded decision as a test: the request as it was, pinned to the answer as it was.
//!
//! INVARIANT: what the record does not hold in clear is not made up; it stands in the text as a line to fill in.

use portcullis_decision::Value;
use portcullis_record::{Entry, redact};

use crate::Question;
use crate::question::NoQuestion;
use crate::setting::Caller;

/// Why a record makes no test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoTest {
    /// It is no question to policies.
    #[error(transparent)]
    NoQuestion(#[from] NoQuestion),
    /// It does not say what was decided.
    #[error("the record does not say what was decided")]
    Undecided,
}

/// The text of a test file with one test that asks again what was asked then, and expects what was answered.
///
/// # Errors
/// [`NoTest`] if the policies were never asked.
pub fn recorded(entry: &Entry, question: &Question) -> Result<String, NoTest> {
    let verdict = entry.verdict.as_ref().ok_or(NoTest::Undecided)?;
    let caller = match question.principal.0.as_str() {
        "User" => Caller::User(question.principal.1.clone()),
        "Service" => Caller::Service(question.principal.1.clone()),
        _ => Caller::Anonymous,
    };
    let mut text = Text(String::new());
    text.line(format_args!("# What was decided under {} at {}.", entry.reference, entry.time));
    text.line(format_args!("# The directory of today does not count: the record says what it said then."));
    text.line(format_args!("[[test]]"));
    let route = &question.resource.1;
    text.key("name", &format!("{caller} {} {route}, recorded {}", entry.request.method, entry.reference));
    if redact::is_altered(&question.principal.1.as_str().into()) {
        text.line(format_args!(
            "# The record does not name the principal in clear: write who it is, if it matters."
        ));
    }
    text.key("principal", &format!("{}::{:?}", question.principal.0, question.principal.1));
    text.key("action", &entry.request.method);
    text.key("resource", route);
    text.line(format_args!("directory = false"));
    for (key, kind) in [("groups", "Group"), ("roles", "Role")] {
        let names: Vec<&str> =
            question.parents.iter().filter(|(of, _)| of == kind).map(|(_, name)| name.as_str()).collect();
        if !names.is_empty() {
            text.line(format_args!("{key} = {}", toml::Value::from(names)));
        }
    }
    facts(entry, question, &mut text);
    text.line(format_args!(""));
    text.line(format_args!("[test.expect]"));
    text.key("decision", &verdict.decision);
    if verdict.decision != "allow" {
        if let Some(status) = entry.status {
            text.line(format_args!("status = {status}"));
        }
        if let Some(reason) = &entry.reason {
            text.key("reason", reason);
        }
    }
    text.line(format_args!("policies = {}", toml::Value::from(verdict.policies.clone())));
    if let Some((nearest, ..)) = verdict.nearest.first() {
        text.key("nearest", nearest);
    }
    Ok(text.0)
}

fn facts(entry: &Entry, question: &Question, text: &mut Text) {
    let unavailable =
        |why: &str| entry.missing.values().any(|said| said.strip_prefix("unavailable: ") == Some(why));
    let paths = question.unknown.iter().filter(|(_, why)| unavailable(why));
    let broken: Vec<String> = paths.map(|(path, _)| path.to_string()).collect();
    if !broken.is_empty() {
        text.line(format_args!("unavailable = {}", toml::Value::from(broken)));
    }
    text.line(format_args!(""));
    text.line(format_args!("[test.facts]"));
    let mut flat = Vec::new();
    for (name, value) in &question.attributes {
        flatten(format!("principal.{name}"), value, &mut flat);
    }
    for (name, value) in &question.context {
        flatten(format!("context.{name}"), value, &mut flat);
    }
    flat.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (path, value) in flat {
        text.line(format_args!("{} = {value}", toml::Value::from(path)));
    }
    for (path, why) in question.unknown.iter().filter(|(_, why)| !unavailable(why)) {
        text.line(format_args!("# {} = …   # {why}", toml::Value::from(path.to_string())));
    }
}

/// Members of records by their paths, as far as TOML has a form for them.
fn flatten(path: String, value: &Value<'_>, into: &mut Vec<(String, toml::Value)>) {
    match value {
        Value::Record(fields) => {
            for (name, value) in fields {
                flatten(format!("{path}.{name}"), value, into);
            }
        }
        value => into.extend(plain(value).map(|value| (path, value))),
    }
}

fn plain(value: &Value<'_>) -> Option<toml::Value> {
    Some(match value {
        Value::Bool(value) => (*value).into(),
        Value::Long(value) => (*value).into(),
        Value::String(text) | Value::Decimal(text) => text.to_string().into(),
        Value::Set(items) => toml::Value::Array(items.iter().map(plain).collect::<Option<_>>()?),
        Value::Duration(ms) => format!("{ms}ms").into(),
        value @ (Value::Entity(_) | Value::Address(_) | Value::Datetime(_)) => {
            crate::question::shown(value).into()
        }
        Value::Record(_) => return None,
    })
}

/// A text that grows line by line.
struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.0.push_str(&line.to_string());
        self.0.push('\n');
    }

    fn key(&mut self, key: &str, value: &str) {
        self.line(format_args!("{key} = {}", toml::Value::from(value)));
    }
}
