//! The question that a record remembers. INVARIANT: what the record does not say is unknown, never guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use cedar_policy::EntityUid;
use portcullis_decision::program::{Named, Reads};
use portcullis_record::{Entry, redact};
use serde_json::Value as Json;

use super::own::{Own, OwnMembers};
use super::{FactPath, Question, typed};

/// Why a record is no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoQuestion {
    /// It ended before the policies were asked.
    #[error("the policies were never asked: it ended at the stage `{0}`")]
    NeverAsked(String),
    /// It does not say what was asked.
    #[error("the record does not say {0}")]
    Incomplete(&'static str),
    /// It names the principal by a pseudonym, and the policies name people: nobody can say which of them it is.
    #[error("the record names the principal by a pseudonym, and some policies are about people by name")]
    Pseudonym,
}

impl Question {
    /// The question that `entry` records, to be put to policies that read `reads`.
    ///
    /// # Errors
    /// [`NoQuestion`] where the policies were never asked.
    pub fn recorded(entry: &Entry, reads: &Reads) -> Result<Self, NoQuestion> {
        if entry.verdict.is_none() {
            return Err(NoQuestion::NeverAsked(format!("{:?}", entry.stage).to_lowercase()));
        }
        let action = entry.facts.get("action").and_then(Json::as_str);
        let action = action.ok_or(NoQuestion::Incomplete("what was to be done"))?;
        let resource = entry.facts.get("resource").and_then(Json::as_str).and_then(entity);
        let resource = resource.ok_or(NoQuestion::Incomplete("to what"))?;
        let principal = entry.principal.as_ref().map_or_else(
            || ("Anonymous".to_owned(), "caller".to_owned()),
            |principal| (principal.kind.clone(), principal.id.clone()),
        );
        let mut question = Self::new(principal, action, resource);
        for (path, value) in &entry.facts {
            question.recorded_fact(path, value);
        }
        for (path, why) in &entry.missing {
            question.recorded_gap(path, why);
        }
        if !entry.complete || entry.facts.contains_key(LEFT_OUT) {
            question.not_recorded(entry, reads);
        }
        Ok(question)
    }

    fn recorded_fact(&mut self, path: &str, value: &Json) {
        match path {
            "action" | "resource" => {}
            "principal.in" | "principal.in (directory)" => {
                let names = value.as_array().into_iter().flatten().filter_map(Json::as_str);
                self.parents.extend(names.filter_map(entity));
            }
            _ => {
                let Ok(path) = path.parse::<FactPath>() else { return };
                match typed(&path.to_string(), value).filter(|_| !redact::is_altered(value)) {
                    Some(value) => self.set(&path, value),
                    None => {
                        drop(self.unknown.insert(path, "the record does not hold it in clear".to_owned()))
                    }
                }
            }
        }
    }

    fn recorded_gap(&mut self, path: &str, why: &str) {
        match (why.strip_prefix("unavailable: "), path.parse::<FactPath>()) {
            (Some(why), Ok(path)) => {
                self.remove(&path);
                self.unknown.insert(path, why.to_owned());
            }
            _ => {
                let why = why.strip_prefix("absent: ").unwrap_or(why);
                self.absent.insert(path.to_owned(), why.to_owned());
            }
        }
    }

    /// What these policies read and the record says nothing of.
    fn not_recorded(&mut self, entry: &Entry, reads: &Reads) {
        let own = OwnMembers::of(entry);
        for path in required(reads) {
            let text = path.to_string();
            if is_told(&text, entry) {
                continue;
            }
            match own.say(&text) {
                Own::Known(value) => self.set(&path, value.into_owned()),
                Own::Absent => {}
                Own::Silent => drop(self.unknown.insert(path, NOT_RECORDED.to_owned())),
            }
        }
    }
}

/// Facts that were left out of a record because there were too many stand under this name, as a count.
pub(crate) const LEFT_OUT: &str = "…";

/// Every fact that policies read, one by one. No fact that a record holds is an entity, so none leads to the principal:
/// its attributes are those read of itself, and of entities that policies name.
pub(crate) fn required(reads: &Reads) -> Vec<FactPath> {
    let attributes: BTreeSet<&str> = reads.principal.members().chain(reads.apart.members()).collect();
    let mut required: Vec<FactPath> = attributes.into_iter().map(FactPath::principal).collect();
    let mut open: Vec<(Vec<&str>, &Named)> = vec![(Vec::new(), &reads.context)];
    while let Some((below, named)) = open.pop() {
        if named.is_whole() {
            required.extend(leaves(&below));
        }
        let members = named.members().filter_map(|name| named.member(name).map(|named| (name, named)));
        open.extend(members.map(|(name, named)| ([below.as_slice(), &[name]].concat(), named)));
    }
    required
}

/// The facts that a member of the context is made of: who reads the whole of a record reads each of its members, and a record
/// of a decision that holds some of them need not hold all.
fn leaves(below: &[&str]) -> Vec<FactPath> {
    let leaves: Vec<_> = CONTEXT.iter().filter(|leaf| leaf.starts_with(below)).collect();
    if leaves.is_empty() {
        return vec![FactPath::context(below)];
    }
    leaves.into_iter().map(|leaf| FactPath::context(leaf)).collect()
}

/// Everything that a context has by the schema that ships.
const CONTEXT: [&[&str]; 25] = [
    &["geo", "country"],
    &["geo", "region"],
    &["geo", "asn"],
    &["network", "ip"],
    &["network", "zones"],
    &["device", "id"],
    &["device", "managed"],
    &["device", "compliant"],
    &["device", "encrypted"],
    &["device", "os"],
    &["device", "os_version"],
    &["device", "last_seen"],
    &["auth", "method"],
    &["auth", "issuer"],
    &["auth", "scopes"],
    &["auth", "amr"],
    &["auth", "acr"],
    &["auth", "time"],
    &["request", "method"],
    &["request", "scheme"],
    &["request", "host"],
    &["request", "path"],
    &["time", "now"],
    &["time", "minute"],
    &["time", "weekday"],
];

pub(crate) const NOT_RECORDED: &str = "the record does not say: the policies of that time did not ask for it";

/// Whether the record says anything of a fact: itself, what lies in it, or what it lies in.
fn is_told(path: &str, entry: &Entry) -> bool {
    fn below<T>(map: &BTreeMap<String, T>, path: &str) -> bool {
        let mut from = map.range(path.to_owned()..).map(|(known, _)| known.as_str());
        from.find(|known| {
            *known == path || known.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
        })
        .is_some()
    }
    let mut above = path;
    loop {
        if entry.missing.contains_key(above) || entry.facts.contains_key(above) {
            return true;
        }
        match above.rsplit_once('.') {
            Some((shorter, _)) => above = shorter,
            None => break,
        }
    }
    below(&entry.facts, path) || below(&entry.missing, path)
}

/// `Route::"shop/premium"` as type and identifier.
pub(crate) fn entity(text: &str) -> Option<(String, String)> {
    // Names without anything escaped, which most are, need no parser.
    if let Some((kind, id)) = text.split_once("::\"")
        && let Some(id) = id.strip_suffix('"')
        && !id.contains(['\\', '"'])
    {
        return Some((kind.to_owned(), id.to_owned()));
    }
    let uid = EntityUid::from_str(text).ok()?;
    Some((uid.type_name().to_string(), AsRef::<str>::as_ref(uid.id()).to_owned()))
}
