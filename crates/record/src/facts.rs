//! The facts of a decision on their way into its record: redacted, bounded and written as JSON while they are gathered. A
//! record is written for every request and read for few, so no value is made of them in between.
//!
//! INVARIANT: what is gathered has passed redaction, and is at most 256 facts of some 1 KiB each, 32 KiB in all. Names stand
//! in order and once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::json;
use crate::redact::{Known, Redaction, Standing, size};

/// The value of one fact.
#[derive(Debug, Clone)]
pub enum Fact<'a> {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(Cow<'a, str>),
    /// Whatever else there is: lists and records.
    Other(Value),
}

impl<'a> From<&'a Value> for Fact<'a> {
    fn from(value: &'a Value) -> Self {
        match (value, value.as_i64()) {
            (Value::Bool(value), _) => Self::Bool(*value),
            (Value::String(text), _) => Self::Text(Cow::Borrowed(text)),
            (_, Some(number)) => Self::Number(number),
            (other, None) => Self::Other(other.clone()),
        }
    }
}

/// Facts that are being gathered.
pub struct Gathering<'r> {
    redaction: &'r Redaction,
    known: Known,
    /// The names, and the values as JSON, one behind the other.
    names: String,
    values: Vec<u8>,
    parts: Vec<Part>,
}

/// One fact within them.
#[derive(Clone)]
struct Part {
    name: Range<usize>,
    value: Range<usize>,
    /// What it counts towards the bound.
    size: usize,
}

/// The facts of one decision, gathered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// An object as JSON, or nothing at all.
    json: Vec<u8>,
    count: usize,
}

impl<'r> Gathering<'r> {
    pub(crate) fn new(redaction: &'r Redaction, known: Known) -> Self {
        let (names, values) = (String::with_capacity(USUAL_NAMES), Vec::with_capacity(USUAL_VALUES));
        Self { redaction, known, names, values, parts: Vec::with_capacity(USUAL_FACTS) }
    }

    /// Adds a fact. Of two by one name the later stays.
    pub fn put(&mut self, name: &str, value: Fact<'_>) {
        let Standing { is_secret, is_masked } = self.redaction.standing(&self.known, name);
        let value = if is_secret { Fact::Text(Cow::Borrowed(crate::redact::REDACTED)) } else { value };
        let from = self.names.len();
        match is_masked {
            true => self.names.push_str(&crate::redact::mask::credentials(name)),
            false => self.names.push_str(name),
        }
        let name = from..self.names.len();
        let from = self.values.len();
        let (written, size) = self.write(value);
        if written.is_err() {
            // Nothing that is put here fails to be written; half a value must not break the line.
            self.values.truncate(from);
            self.values.extend_from_slice(b"null");
        }
        let size = size.saturating_add(name.len());
        self.parts.push(Part { name, value: from..self.values.len(), size });
    }

    /// Whether there is a fact of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.parts.iter().any(|part| self.name(part) == name)
    }

    /// All of them. How many were left out stands under `…`.
    #[must_use]
    pub fn done(mut self) -> Gathered {
        let mut parts = std::mem::take(&mut self.parts);
        parts.sort_by(|one, other| self.name(one).cmp(self.name(other)));
        let mut json = Vec::with_capacity(self.names.len() + self.values.len() + 4 * parts.len() + 2);
        let (mut room, mut count, mut omitted) = (MOST_BYTES, 0_usize, 0_u64);
        for (at, part) in parts.iter().enumerate() {
            let name = self.name(part);
            if parts.get(at + 1).is_some_and(|next| self.name(next) == name) {
                continue;
            }
            if part.size > room || count >= MOST_FACTS {
                omitted += 1;
                continue;
            }
            room -= part.size;
            count += 1;
            let value = self.values.get(part.value.clone()).unwrap_or_default();
            member(name, value, &mut json);
        }
        if omitted > 0 {
            count += 1;
            member("…", omitted.to_string().as_bytes(), &mut json);
        }
        if count > 0 {
            json.push(b'}');
        }
        Gathered { json, count }
    }

    fn name(&self, part: &Part) -> &str {
        self.names.get(part.name.clone()).unwrap_or_default()
    }

    /// Writes a value, and says how large it counts.
    fn write(&mut self, value: Fact<'_>) -> (serde_json::Result<()>, usize) {
        match value {
            Fact::Bool(value) => (json::append(&value, &mut self.values), OF_OTHERS),
            Fact::Number(value) => (json::append(&value, &mut self.values), OF_OTHERS),
            Fact::Text(text) => {
                let text = Redaction::text(&text);
                (json::append(&text, &mut self.values), text.len().saturating_add(2))
            }
            Fact::Other(value) => {
                let value = self.redaction.value(value);
                (json::append(&value, &mut self.values), size(&value))
            }
        }
    }
}

/// Adds a member to an object, which is begun with its first.
fn member(name: &str, value: &[u8], to: &mut Vec<u8>) {
    to.push(if to.is_empty() { b'{' } else { b',' });
    let from = to.len();
    if json::append(name, to).is_err() {
        to.truncate(from);
        to.extend_from_slice(b"\"\"");
    }
    to.push(b':');
    to.extend_from_slice(value);
}

/// Facts as an entry holds them: as they are read, or as they were gathered.
pub trait FactSet: Default + Clone + Serialize {
    /// How many there are.
    fn count(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Shows each by its name to somebody who may give it another value.
    fn change(&mut self, change: &mut dyn FnMut(&str, &mut Value));
}

impl FactSet for BTreeMap<String, Value> {
    fn count(&self) -> usize {
        self.len()
    }

    fn change(&mut self, change: &mut dyn FnMut(&str, &mut Value)) {
        self.iter_mut().for_each(|(name, value)| change(name, value));
    }
}

impl FactSet for Gathered {
    fn count(&self) -> usize {
        self.count
    }

    fn change(&mut self, change: &mut dyn FnMut(&str, &mut Value)) {
        if self.is_empty() {
            return;
        }
        let mut json = Vec::with_capacity(self.json.len());
        let changed = serde_json::from_slice::<BTreeMap<String, Value>>(&self.json).and_then(|mut facts| {
            facts.change(change);
            json::append(&facts, &mut json)
        });
        match changed {
            Ok(()) => self.json = json,
            // What cannot be changed is not kept: it is changed to hide something.
            Err(_) => *self = Self::default(),
        }
    }
}

/// By the writer of lines, which takes bytes for JSON; nothing else can write this.
impl Serialize for Gathered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.json)
    }
}

const MOST_FACTS: usize = 256;
const MOST_BYTES: usize = 32 * 1024;

/// What a value without a length of its own counts.
pub(crate) const OF_OTHERS: usize = 24;

/// Most requests have fewer, and fit without asking for memory again.
const USUAL_FACTS: usize = 32;
const USUAL_NAMES: usize = 768;
const USUAL_VALUES: usize = 768;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::entry::Entry;
    use crate::line;
    use crate::redact::pseudonym::{HashedField, Pseudonyms};
    use crate::testing::{entry, reference_in};

    fn gathered(facts: &BTreeMap<String, Value>) -> Gathered {
        let redaction = Redaction::default();
        let mut gathering = redaction.gather();
        for (name, value) in facts {
            assert!(!gathering.has(name));
            gathering.put(name, value.into());
            assert!(gathering.has(name));
        }
        gathering.done()
    }

    /// The same record with its facts gathered.
    fn with_gathered(read: &Entry) -> Entry<Gathered> {
        let Entry { reference, time, door, stage, request, app, route, principal, .. } = read.clone();
        let Entry { absence, facts, missing, complete, verdict, reason, status, detail, .. } = read.clone();
        let (facts, snapshot, decided_us) = (gathered(&facts), read.snapshot.clone(), read.decided_us);
        Entry {
            reference,
            time,
            door,
            stage,
            request,
            app,
            route,
            principal,
            absence,
            facts,
            missing,
            complete,
            verdict,
            reason,
            status,
            detail,
            snapshot,
            decided_us,
        }
    }

    fn record() -> Entry {
        let mut record = entry(reference_in(0));
        record.facts.extend([
            ("principal.tier".to_owned(), json!("go\"ld\n")),
            ("principal.level".to_owned(), json!(-7)),
            ("principal.in".to_owned(), json!(["Group::\"a\"", "User::\"alice\""])),
            ("context.device.managed".to_owned(), json!(true)),
            ("context.network.ip".to_owned(), json!("192.0.2.1")),
            ("principal.né\"e".to_owned(), json!({"a": [1.5, u64::MAX, null]})),
        ]);
        record
    }

    #[test]
    fn a_line_is_the_same_whether_its_facts_were_gathered_or_not() {
        let mut record = record();
        assert_eq!(line::decision(&with_gathered(&record)).unwrap(), line::decision(&record).unwrap());
        record.facts.clear();
        assert_eq!(line::decision(&with_gathered(&record)).unwrap(), line::decision(&record).unwrap());
    }

    #[test]
    fn pseudonyms_reach_what_was_gathered() {
        let pseudonyms = Pseudonyms::new([7; 32]);
        let fields =
            ["principal", "client", "principal.tier"].map(|field| field.parse::<HashedField>().unwrap());
        let (mut read, mut written) = (record(), with_gathered(&record()));
        written.reference.clone_from(&read.reference);
        pseudonyms.apply(&fields, &mut read);
        pseudonyms.apply(&fields, &mut written);
        let line = line::decision(&written).unwrap();
        assert_eq!(line, line::decision(&read).unwrap());
        let text = String::from_utf8(line).unwrap();
        assert!(!text.contains("alice") && !text.contains("192.0.2.1") && !text.contains("ld"), "{text}");
    }

    #[test]
    fn of_two_facts_by_one_name_the_later_stays() {
        let redaction = Redaction::default();
        let mut gathering = redaction.gather();
        gathering.put("b", Fact::Number(1));
        gathering.put("a", Fact::Bool(true));
        gathering.put("b", Fact::Number(2));
        assert_eq!(gathering.done().json, b"{\"a\":true,\"b\":2}");
        assert!(redaction.gather().done().is_empty());
    }

    #[test]
    fn facts_that_cannot_be_changed_are_not_kept() {
        let mut broken = Gathered { json: b"{\"a\":".to_vec(), count: 1 };
        broken.change(&mut |_, _| {});
        assert_eq!(broken, Gathered::default());
    }
}
