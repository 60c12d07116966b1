//! What is given beside who asks for what: facts, and facts that are absent or unavailable.
//!
//! INVARIANT: whatever is in here is declared by the schema, and has the type that it declares.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use portcullis_context::{Device, TimeZone};
use portcullis_decision::Value;
use serde_json::Value as Json;

use super::{Caller, Setting, memberships};
use crate::Question;
use crate::question::FactPath;
use crate::vocabulary::{Undeclared, Vocabulary};

/// What is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// Whether what the directory says of the principal counts.
    pub directory: bool,
    /// Groups in addition to the directory's.
    pub groups: BTreeSet<String>,
    /// Roles in addition to the directory's.
    pub roles: BTreeSet<String>,
    /// When it is.
    pub at: Option<Timestamp>,
    /// The device that the credential names.
    pub device: Option<String>,
    facts: BTreeMap<FactPath, Value<'static>>,
    absent: BTreeSet<FactPath>,
    unavailable: BTreeSet<FactPath>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            directory: true,
            groups: BTreeSet::new(),
            roles: BTreeSet::new(),
            at: None,
            device: None,
            facts: BTreeMap::new(),
            absent: BTreeSet::new(),
            unavailable: BTreeSet::new(),
        }
    }
}

/// What cannot be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadGiven {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl From<Undeclared> for BadGiven {
    fn from(undeclared: Undeclared) -> Self {
        let name = undeclared.fact.rsplit('.').next().unwrap_or_default();
        let known: Vec<&str> = undeclared.known.iter().map(String::as_str).collect();
        let help = match crate::words::suggest(name, &known) {
            help if known.is_empty() => format!("{help} below it"),
            help => help,
        };
        Self { message: format!("the schema declares no `{}`", crate::words::shown(&undeclared.fact)), help }
    }
}

impl Given {
    /// Whether anything is said of a fact, or of what it lies in.
    pub(crate) fn says(&self, path: &FactPath) -> bool {
        self.facts.contains_key(path)
            || self.absent.iter().chain(&self.unavailable).any(|of| path.lies_in(of))
    }

    /// Gives a fact; it replaces what was said of it before.
    pub(crate) fn fact(
        &mut self,
        vocabulary: &Vocabulary<'_>,
        path: &FactPath,
        json: &Json,
    ) -> Result<(), BadGiven> {
        self.put(path, vocabulary.find(path)?.value(json))
    }

    /// Gives a fact as somebody typed it.
    pub(crate) fn typed(
        &mut self,
        vocabulary: &Vocabulary<'_>,
        path: &FactPath,
        text: &str,
    ) -> Result<(), BadGiven> {
        self.put(path, vocabulary.find(path)?.typed(text))
    }

    fn put(&mut self, path: &FactPath, value: Result<Value<'static>, String>) -> Result<(), BadGiven> {
        let value = value.map_err(|wanted| BadGiven {
            message: format!("`{path}` has another type"),
            help: format!("it is {wanted}"),
        })?;
        self.absent.retain(|absent| absent != path);
        self.unavailable.retain(|unavailable| unavailable != path);
        if let Some(whole) = self.unavailable.iter().find(|unavailable| path.lies_in(unavailable)) {
            return Err(BadGiven {
                message: format!("`{path}` lies in `{whole}`, which is unavailable"),
                help: "name what is unavailable member by member".to_owned(),
            });
        }
        self.absent.retain(|absent| !path.lies_in(absent));
        self.facts.insert(path.clone(), value);
        Ok(())
    }

    /// Says that a fact is absent: its source works, and knows nothing.
    pub(crate) fn absent(&mut self, vocabulary: &Vocabulary<'_>, path: &FactPath) -> Result<(), BadGiven> {
        let declared = vocabulary.find(path)?;
        if declared.required && vocabulary.members(declared).is_none() {
            return Err(BadGiven {
                message: format!("`{path}` is never absent"),
                help: "the schema says that every request has it; give it a value".to_owned(),
            });
        }
        self.forget(path);
        self.absent.insert(path.clone());
        Ok(())
    }

    /// Says that a fact is unavailable: its source does not work.
    pub(crate) fn unavailable(
        &mut self,
        vocabulary: &Vocabulary<'_>,
        path: &FactPath,
    ) -> Result<(), BadGiven> {
        vocabulary.find(path)?;
        if path.is_of_principal() && path.below().len() > 1 {
            return Err(BadGiven {
                message: format!("`{path}` is part of an attribute"),
                help: "attributes are unavailable as a whole".to_owned(),
            });
        }
        self.forget(path);
        self.unavailable.insert(path.clone());
        Ok(())
    }

    fn forget(&mut self, path: &FactPath) {
        self.facts.retain(|known, _| !known.lies_in(path));
        self.absent.retain(|known| !known.lies_in(path));
        self.unavailable.retain(|known| !known.lies_in(path));
    }

    /// Makes it part of a question.
    pub(super) fn apply(
        &self,
        setting: &Setting<'_>,
        vocabulary: &Vocabulary<'_>,
        caller: &Caller,
        question: &mut Question,
    ) {
        question.parents.extend(memberships(&self.groups, &self.roles));
        if let Some(at) = self.at {
            moment(setting.time_zone, at.as_millisecond(), question);
        }
        let device = self.device.as_ref().and_then(|id| setting.rulebook.directory.devices.get(id));
        if let Some(device) = device.filter(|device| lends_to(device, caller, setting)) {
            posture(device, question);
        }
        if let Some(Value::Datetime(now)) = self.facts.get(&FactPath::context(&["time", "now"])) {
            moment(setting.time_zone, *now, question);
        }
        for (path, value) in &self.facts {
            question.set(path, value.clone());
        }
        setting.zones_of_address(question);
        for path in &self.absent {
            take_away(vocabulary, path, question);
        }
        for path in &self.unavailable {
            question.remove(path);
            question.unknown.insert(path.clone(), "given as unavailable".to_owned());
        }
    }
}

impl Setting<'_> {
    /// Fills in the facts that every request has and nobody gave: see the chapter on policy tests for what they are.
    pub(crate) fn fill(&self, question: &mut Question) {
        let of_caller = question.principal.0 != "Anonymous";
        let text = |text: &'static str| Value::String(text.into());
        let defaults = [
            (["network", "ip"], Value::Address([203, 0, 113, 1].into())),
            (["auth", "method"], text(if of_caller { "jwt" } else { "none" })),
            (["auth", "scopes"], Value::Set(Vec::new())),
            (["auth", "amr"], Value::Set(Vec::new())),
        ];
        for (below, value) in defaults {
            self.fill_one(&FactPath::context(&below), value, question);
        }
        self.zones_of_address(question);
        self.fill_one(&FactPath::context(&["network", "zones"]), Value::Set(Vec::new()), question);
        let mut clock = question.clone();
        let now = match question.get(&FactPath::context(&["time", "now"])) {
            Some(Value::Datetime(now)) => *now,
            _ => DEFAULT_NOW,
        };
        moment(self.time_zone, now, &mut clock);
        for name in ["now", "minute", "weekday"] {
            let path = FactPath::context(&["time", name]);
            if let Some(value) = clock.get(&path) {
                self.fill_one(&path, value.clone(), question);
            }
        }
    }

    fn fill_one(&self, path: &FactPath, value: Value<'static>, question: &mut Question) {
        let is_said = question.get(path).is_some() || question.unknown.keys().any(|of| path.lies_in(of));
        if !is_said {
            question.set(path, value);
        }
    }

    /// The zones of an address that is known, unless they are known too.
    fn zones_of_address(&self, question: &mut Question) {
        let zones = FactPath::context(&["network", "zones"]);
        if let Some(Value::Address(ip)) = question.get(&FactPath::context(&["network", "ip"]))
            && question.get(&zones).is_none()
        {
            let names = self.zones.of(*ip).into_iter().map(|name| Value::String(name.to_owned().into()));
            let names = Value::Set(names.collect());
            question.set(&zones, names);
        }
    }
}

/// Monday, 5 January 2026, noon in UTC. A test that depends on the day on which it runs is no test.
const DEFAULT_NOW: i64 = 1_767_614_400_000;

/// Takes away what is absent. A record that is always there stays, with what is always there in it.
fn take_away(vocabulary: &Vocabulary<'_>, path: &FactPath, question: &mut Question) {
    let Ok(declared) = vocabulary.find(path) else { return };
    match vocabulary.members(declared).filter(|_| declared.required) {
        None => question.remove(path),
        Some(members) => {
            for (name, _) in members.into_iter().filter(|(_, member)| !member.required) {
                question.remove(&path.member(name));
            }
        }
    }
}

/// A device lends its posture only to its owner.
fn lends_to(device: &Device, caller: &Caller, setting: &Setting<'_>) -> bool {
    let Some(owner) = &device.owner else { return true };
    caller.name().1 == *owner && caller.person(setting.rulebook.directory).is_some()
}

fn posture(device: &Device, question: &mut Question) {
    let text = |text: &String| Value::String(text.clone().into());
    let facts = [
        ("id", Some(text(&device.id))),
        ("managed", device.managed.map(Value::Bool)),
        ("compliant", device.compliant.map(Value::Bool)),
        ("encrypted", device.encrypted.map(Value::Bool)),
        ("os", device.os.as_ref().map(text)),
        ("os_version", device.os_version.as_ref().map(text)),
        ("last_seen", device.last_seen_ms.map(Value::Datetime)),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            question.set(&FactPath::context(&["device", name]), value);
        }
    }
}

/// An instant, and what it is called on the configured clock.
fn moment(zone: &TimeZone, now: i64, question: &mut Question) {
    let instant = match u64::try_from(now) {
        Ok(after) => SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(after)),
        Err(_) => SystemTime::UNIX_EPOCH.checked_sub(Duration::from_millis(now.unsigned_abs())),
    };
    let moment = zone.moment(instant.unwrap_or(SystemTime::UNIX_EPOCH));
    for (name, value) in [
        ("now", Value::Datetime(now)),
        ("minute", Value::Long(i64::from(moment.minute))),
        ("weekday", Value::Long(i64::from(moment.weekday))),
    ] {
        question.set(&FactPath::context(&["time", name]), value);
    }
}
