//! What a fixture or a test says of a request. Facts are told by path, in quotes (`"context.geo.country"`) or as tables.

use jiff::Timestamp;
use serde_json::Value as Json;
use toml::de::DeValue;

use super::super::finding::{At, Place};
use super::{Reader, Table, Value};
use crate::question::FactPath;
use crate::words::shown;

/// What is said, each with its place; what is not said is left to the layers below.
#[derive(Debug, Clone, Default)]
pub(in crate::trial) struct Layer {
    pub(in crate::trial) principal: Option<At<String>>,
    pub(in crate::trial) action: Option<At<String>>,
    pub(in crate::trial) resource: Option<At<String>>,
    pub(in crate::trial) groups: Vec<At<String>>,
    pub(in crate::trial) roles: Vec<At<String>>,
    pub(in crate::trial) device: Option<At<String>>,
    pub(in crate::trial) at: Option<At<Timestamp>>,
    pub(in crate::trial) directory: Option<bool>,
    pub(in crate::trial) facts: Vec<(At<FactPath>, Json)>,
    pub(in crate::trial) absent: Vec<At<FactPath>>,
    pub(in crate::trial) unavailable: Vec<At<FactPath>>,
}

/// Facts of one layer.
const MAX_FACTS: usize = 256;
/// Tables in each other.
const MAX_DEPTH: usize = 8;

impl Reader<'_> {
    pub(super) fn layer(&mut self, table: &Table<'_>) -> Layer {
        let mut layer = Layer {
            principal: self.text(table, "principal"),
            action: self.text(table, "action"),
            resource: self.text(table, "resource"),
            groups: self.names(table, "groups"),
            roles: self.names(table, "roles"),
            device: self.text(table, "device"),
            at: table.get("at").and_then(|value| self.instant(value)),
            directory: table.get("directory").and_then(|value| self.boolean(value, "directory")),
            facts: Vec::new(),
            absent: self.paths(table, "absent"),
            unavailable: self.paths(table, "unavailable"),
        };
        if let Some(tier) = self.text(table, "tier") {
            let path = At { value: FactPath::principal("tier"), place: tier.place };
            layer.facts.push((path, tier.value.into()));
        }
        if let Some(value) = table.get("attributes") {
            match value.get_ref().as_table() {
                Some(attributes) => self.facts("principal", attributes, 0, &mut layer.facts),
                None => self.wrong_type(value, "attributes", "a table", "write `attributes = { … }`"),
            }
        }
        if let Some(value) = table.get("facts") {
            match value.get_ref().as_table() {
                Some(facts) => self.facts("", facts, 0, &mut layer.facts),
                None => self.wrong_type(
                    value,
                    "facts",
                    "a table",
                    "write `facts = { \"context.geo.country\" = … }`",
                ),
            }
        }
        if layer.facts.len() > MAX_FACTS {
            let span = table.get("facts").map_or(0..0, |value| value.span());
            self.bound(span, format!("at most {MAX_FACTS} facts are given at once"));
        }
        self.said_twice(&layer);
        layer
    }

    /// Within one layer nothing is over anything else.
    fn said_twice(&mut self, layer: &Layer) {
        let given = layer.facts.iter().map(|(path, _)| path);
        let all: Vec<&At<FactPath>> = given.chain(&layer.absent).chain(&layer.unavailable).collect();
        for (at, path) in all.iter().enumerate() {
            if all.iter().take(at).any(|before| before.value == path.value) {
                let message = format!("`{}` is said twice", path.value);
                let help = "a fact is given, absent or unavailable, once".to_owned();
                self.finding("twice", path.place.span(), message, "again", help);
            }
        }
    }

    fn facts(&mut self, above: &str, table: &Table<'_>, depth: usize, into: &mut Vec<(At<FactPath>, Json)>) {
        for (key, value) in table {
            let name: &str = key.get_ref();
            let path = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
            match value.get_ref() {
                DeValue::Table(inner) if !inner.is_empty() && depth < MAX_DEPTH => {
                    self.facts(&path, inner, depth + 1, into);
                }
                _ => {
                    let Some(path) = self.path(&path, key.span()) else { continue };
                    if let Some(json) = self.json(&path.value, value, 0) {
                        into.push((path, json));
                    }
                }
            }
        }
    }

    fn paths(&mut self, table: &Table<'_>, key: &str) -> Vec<At<FactPath>> {
        let names = self.names(table, key);
        names.into_iter().filter_map(|name| self.path(&name.value, name.place.span())).collect()
    }

    fn path(&mut self, text: &str, span: std::ops::Range<usize>) -> Option<At<FactPath>> {
        match text.parse::<FactPath>() {
            Ok(path) => Some(At { value: path, place: Place::new(self.file, span) }),
            Err(_) => {
                let message = format!("`{}` names no fact", shown(text));
                let help = "write `principal.tier` or `context.geo.country`".to_owned();
                self.finding("fact", span, message, "unknown", help);
                None
            }
        }
    }

    /// What a fact may be written as; whether it is of the right type is asked of the schema later.
    fn json(&mut self, path: &FactPath, value: &Value<'_>, depth: usize) -> Option<Json> {
        let json = match value.get_ref() {
            DeValue::String(text) if text.len() <= super::MAX_TEXT => Some(text.as_ref().into()),
            DeValue::Boolean(boolean) => Some((*boolean).into()),
            DeValue::Integer(integer) => {
                i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(Into::into)
            }
            DeValue::Datetime(datetime) => Some(datetime.to_string().into()),
            DeValue::Array(items) if items.len() <= super::MAX_LIST && depth < MAX_DEPTH => {
                let items: Option<Vec<Json>> =
                    items.iter().map(|item| self.json(path, item, depth + 1)).collect();
                return items.map(Json::Array);
            }
            DeValue::Table(members) if depth < MAX_DEPTH => {
                let members: Option<serde_json::Map<_, _>> = members
                    .iter()
                    .map(|(name, member)| {
                        Some((name.get_ref().to_string(), self.json(path, member, depth + 1)?))
                    })
                    .collect();
                return members.map(Json::Object);
            }
            _ => None,
        };
        if json.is_none() {
            let help = "use text, whole numbers, true, false, instants and lists of them, within bounds";
            self.wrong_type(value, &path.to_string(), "something a policy can read", help);
        }
        json
    }

    fn boolean(&mut self, value: &Value<'_>, key: &str) -> Option<bool> {
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.wrong_type(value, key, "true or false", &format!("write `{key} = false`"));
        }
        boolean
    }

    /// An instant in RFC 3339, quoted or not. Without an offset it would be one of a day's worth of instants.
    fn instant(&mut self, value: &Value<'_>) -> Option<At<Timestamp>> {
        let text = match value.get_ref() {
            DeValue::Datetime(datetime) => datetime.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => String::new(),
        };
        let instant = text.parse::<Timestamp>().ok();
        if instant.is_none() {
            let help = "write date, time and offset: `at = 2026-03-03T12:00:00+01:00`";
            self.wrong_type(value, "at", "an instant in RFC 3339", help);
        }
        Some(At { value: instant?, place: Place::new(self.file, value.span()) })
    }
}
