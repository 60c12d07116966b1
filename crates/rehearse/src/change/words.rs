//! Changes in words.

use portcullis_decision::explain::{Edit, To};
use portcullis_decision::{EntityName, Value};

use super::{Owner, Step};
use crate::Question;
use crate::question::{shown, span};

/// One step in words.
pub(super) fn step(question: &Question, edit: Edit) -> Step {
    let path = super::path(&edit);
    let from = path.as_ref().and_then(|path| question.get(path));
    let to = target(&edit);
    Step {
        fact: edit.to_string(),
        from: from.map(|value| with_age(value, question)),
        to,
        owner: Owner::of(path.as_ref()),
        edit,
    }
}

impl std::fmt::Display for Step {
    /// `principal.tier: "premium" (is "free")`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.edit.to, &self.from) {
            (To::MemberOf(_) | To::NotMemberOf(_), _) => write!(f, "{}: {}", self.fact, self.to),
            (_, Some(from)) => write!(f, "{}: {} (is {from})", self.fact, self.to),
            (_, None) => write!(f, "{}: {} (is absent)", self.fact, self.to),
        }
    }
}

fn target(edit: &Edit) -> String {
    if let (Some("minute"), To::AtLeast(Value::Long(minute)) | To::AtMost(Value::Long(minute))) =
        (edit.fact.last().map(String::as_str), &edit.to)
    {
        let side = if matches!(edit.to, To::AtLeast(_)) { "at least" } else { "at most" };
        return format!("{side} {minute}, which is {:02}:{:02}", minute / 60, minute % 60);
    }
    match &edit.to {
        To::OneOf(values) => one_of(values),
        To::NoneOf(values) => format!("anything but {}", listed(values, "or")),
        To::Present => "present".to_owned(),
        To::Absent => "absent".to_owned(),
        To::AtLeast(value @ Value::Datetime(_)) => format!("{} or later", shown(value)),
        To::AtMost(value @ Value::Datetime(_)) => format!("{} or earlier", shown(value)),
        To::AtLeast(value) => format!("at least {}", shown(value)),
        To::AtMost(value) => format!("at most {}", shown(value)),
        To::With(values) => format!("with {} in it", one_of(values)),
        To::Without(value) => format!("without {}", shown(value)),
        To::Empty => "empty".to_owned(),
        To::Like(pattern) => format!("of the form {pattern:?}"),
        To::InRange(range) => format!("in {}", plain_range(range)),
        To::OutOfRange(range) => format!("outside of {}", plain_range(range)),
        To::MemberOf(names) => match names.as_slice() {
            [one] => format!("in {}", name(one)),
            names => format!("in one of {}", names.iter().map(name).collect::<Vec<_>>().join(", ")),
        },
        To::NotMemberOf(names) => {
            format!("not in {}", names.iter().map(name).collect::<Vec<_>>().join(" or "))
        }
    }
}

fn one_of(values: &[Value<'_>]) -> String {
    match values {
        [one] => shown(one),
        values => format!("one of {}", listed(values, "or")),
    }
}

/// `"US", "CA" or "MX"`
fn listed(values: &[Value<'_>], last: &str) -> String {
    let words: Vec<String> = values.iter().map(shown).collect();
    match words.split_last() {
        Some((end, [])) => end.clone(),
        Some((end, before)) => format!("{} {last} {end}", before.join(", ")),
        None => String::new(),
    }
}

fn name(name: &EntityName<'_>) -> String {
    format!("{}::{:?}", name.kind, name.id)
}

/// An instant with how long before the request it was.
fn with_age(value: &Value<'_>, question: &Question) -> String {
    let now = crate::question::FactPath::context(&["time", "now"]);
    match (value, question.get(&now)) {
        (Value::Datetime(at), Some(Value::Datetime(now))) if now > at => {
            format!("{}, {} before", shown(value), span(now.saturating_sub(*at)))
        }
        _ => shown(value),
    }
}

fn plain_range(range: &str) -> &str {
    range.trim_start_matches("ip(\"").trim_end_matches("\")")
}
