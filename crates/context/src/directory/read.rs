//! Directory files as written: one pass over each TOML tree, which keeps the place of every name.
//!
//! Each value is read as what it must be or becomes a finding; whether names refer to something is asked by `link`.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::{At, Findings, Place, nearest, shown};
use super::{Device, Directory, Membership, Person};

/// A directory of a hundred thousand people has about 20 MiB.
const MAX_FILE: usize = 64 << 20;
/// Users, services, groups, roles and devices together.
const MAX_ENTRIES: usize = 1_000_000;
/// Groups or roles of one entry.
const MAX_MEMBERSHIPS: usize = 1_000;
/// Attributes of one user or service, and texts in one attribute.
const MAX_ATTRIBUTES: usize = 64;
/// Bytes of an identifier or a name.
const MAX_NAME: usize = 256;
/// Bytes of an attribute's text.
const MAX_TEXT: usize = 4_096;

/// What was read, with places. The first entry of a name counts; further ones are findings.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) users: BTreeMap<String, Entry<Person>>,
    pub(super) services: BTreeMap<String, Entry<Person>>,
    pub(super) groups: BTreeMap<String, Entry<Membership>>,
    pub(super) roles: BTreeMap<String, Entry<Membership>>,
    pub(super) devices: BTreeMap<String, Entry<Device>>,
    /// Some file could not be parsed: what it declares is unknown, so references prove nothing.
    pub(super) incomplete: bool,
}

/// One entry, and where it and the names it refers to stand.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) value: T,
    pub(super) place: Place,
    pub(super) groups: Vec<At<String>>,
    pub(super) roles: Vec<At<String>>,
    pub(super) owner: Option<At<String>>,
}

impl Entries {
    pub(super) fn into_directory(self) -> Directory {
        fn plain<T>(entries: BTreeMap<String, Entry<T>>) -> BTreeMap<String, T> {
            entries.into_iter().map(|(id, entry)| (id, entry.value)).collect()
        }
        Directory {
            users: plain(self.users),
            services: plain(self.services),
            groups: plain(self.groups),
            roles: plain(self.roles),
            devices: plain(self.devices),
        }
    }

    fn len(&self) -> usize {
        self.users.len() + self.services.len() + self.groups.len() + self.roles.len() + self.devices.len()
    }
}

/// Reads all files; whatever is wrong with them becomes findings.
pub(super) fn read(files: &[(String, String)], findings: &mut Findings) -> Entries {
    let mut entries = Entries::default();
    for (file, (_, text)) in files.iter().enumerate() {
        if text.len() > MAX_FILE {
            let message = format!("a directory file may have at most {} MiB", MAX_FILE >> 20);
            findings.add(
                "bound",
                &Place::new(file, 0..0),
                message,
                "this file",
                "split it into several".to_owned(),
            );
            entries.incomplete = true;
            continue;
        }
        let (root, faults) = DeTable::parse_recoverable(text);
        for fault in &faults {
            let place = Place::new(file, fault.span().unwrap_or(0..0));
            let message = fault.message().trim().replace('\n', ", ");
            findings.add(
                "syntax",
                &place,
                message,
                "here",
                "this is not TOML: correct the syntax".to_owned(),
            );
        }
        if faults.is_empty() {
            Reader { file, findings, entries: &mut entries }.root(root.get_ref());
        } else {
            entries.incomplete = true;
        }
    }
    entries
}

type Table<'i> = DeTable<'i>;
type Value<'i> = Spanned<DeValue<'i>>;

struct Reader<'a> {
    file: usize,
    findings: &'a mut Findings,
    entries: &'a mut Entries,
}

const KINDS: [&str; 5] = ["user", "service", "group", "role", "device"];
const PERSON: [&str; 5] = ["id", "groups", "roles", "tier", "attributes"];
const GROUP: [&str; 3] = ["id", "groups", "roles"];
const ROLE: [&str; 2] = ["id", "roles"];
const DEVICE: [&str; 8] =
    ["id", "owner", "managed", "compliant", "encrypted", "os", "os_version", "last_seen"];

impl Reader<'_> {
    fn root(&mut self, root: &Table<'_>) {
        for (key, value) in root {
            let kind: &str = key.get_ref();
            if !KINDS.contains(&kind) {
                let place = Place::new(self.file, key.span());
                let known = KINDS.map(|kind| format!("`[[{kind}]]`")).join(", ");
                let help = match nearest(kind, KINDS) {
                    Some(near) => format!("did you mean `[[{near}]]`?"),
                    None => format!("a directory file holds {known}"),
                };
                let message = format!("unknown kind of entry `{}`", shown(kind));
                self.findings.add("unknown_key", &place, message, "unknown", help);
                continue;
            }
            let Some(tables) = value.get_ref().as_array() else {
                let help = format!("every entry begins with `[[{kind}]]` on a line of its own");
                self.wrong_type(value, kind, "a list of tables", &help);
                continue;
            };
            for table in tables.iter() {
                self.entry(kind, table);
            }
        }
    }

    fn entry(&mut self, kind: &str, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type(value, kind, "a table", &format!("begin the entry with `[[{kind}]]`"));
        };
        let place = Place::new(self.file, value.span());
        if self.entries.len() == MAX_ENTRIES {
            let message = format!("a directory may have at most {MAX_ENTRIES} entries");
            let help = "keep people who need no attributes in the identity provider's tokens".to_owned();
            return self.findings.add("bound", &place, message, "one too many", help);
        }
        match kind {
            "user" | "service" => self.person(kind, table, place),
            "group" => self.membership(kind, &GROUP, table, place),
            "role" => self.membership(kind, &ROLE, table, place),
            _ => self.device(table, place),
        }
    }

    fn person(&mut self, kind: &str, table: &Table<'_>, place: Place) {
        self.known_keys(kind, table, &PERSON);
        let groups = self.names(table, "groups");
        let roles = self.names(table, "roles");
        let tier = self.name(table, "tier").map(|tier| tier.value);
        let attributes = table.get("attributes").map(|value| self.attributes(value)).unwrap_or_default();
        let Some(id) = self.id(kind, table, &place) else { return };
        let value = Person { groups: set(&groups), roles: set(&roles), tier, attributes };
        let entry = Entry { value, place: id.place, groups, roles, owner: None };
        let into = if kind == "user" { &mut self.entries.users } else { &mut self.entries.services };
        insert(into, kind, id.value, entry, self.findings);
    }

    fn membership(&mut self, kind: &str, keys: &[&str], table: &Table<'_>, place: Place) {
        self.known_keys(kind, table, keys);
        let groups = if kind == "group" { self.names(table, "groups") } else { Vec::new() };
        let roles = self.names(table, "roles");
        let Some(id) = self.id(kind, table, &place) else { return };
        let value = Membership { groups: set(&groups), roles: set(&roles) };
        let entry = Entry { value, place: id.place, groups, roles, owner: None };
        let into = if kind == "group" { &mut self.entries.groups } else { &mut self.entries.roles };
        insert(into, kind, id.value, entry, self.findings);
    }

    fn device(&mut self, table: &Table<'_>, place: Place) {
        self.known_keys("device", table, &DEVICE);
        let owner = self.name(table, "owner");
        let mut device = Device {
            id: String::new(),
            owner: owner.as_ref().map(|owner| owner.value.clone()),
            managed: self.boolean(table, "managed"),
            compliant: self.boolean(table, "compliant"),
            encrypted: self.boolean(table, "encrypted"),
            os: self.name(table, "os").map(|os| os.value),
            os_version: self.name(table, "os_version").map(|version| version.value),
            last_seen_ms: table.get("last_seen").and_then(|value| self.instant(value)),
        };
        let Some(id) = self.id("device", table, &place) else { return };
        device.id.clone_from(&id.value);
        let entry = Entry { value: device, place: id.place, groups: Vec::new(), roles: Vec::new(), owner };
        insert(&mut self.entries.devices, "device", id.value, entry, self.findings);
    }

    fn known_keys(&mut self, kind: &str, table: &Table<'_>, known: &[&str]) {
        for (key, _) in table {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.contains(&"attributes") => {
                    format!(
                        "what your own schema declares goes into `attributes = {{ {} = … }}`",
                        shown(name)
                    )
                }
                None => format!("a {kind} has {}", known.join(", ")),
            };
            let message = format!("unknown key `{}` in a {kind}", shown(name));
            self.findings.add("unknown_key", &Place::new(self.file, key.span()), message, "unknown", help);
        }
    }

    fn id(&mut self, kind: &str, table: &Table<'_>, place: &Place) -> Option<At<String>> {
        if !table.contains_key("id") {
            let message = format!("a {kind} without `id`");
            let help = "write `id = \"…\"`: the name that tokens and policies use".to_owned();
            self.findings.add("missing_id", place, message, "no `id` in here", help);
        }
        self.name(table, "id")
    }

    fn name(&mut self, table: &Table<'_>, key: &str) -> Option<At<String>> {
        table.get(key).and_then(|value| self.name_in(value, key))
    }

    fn name_in(&mut self, value: &Value<'_>, key: &str) -> Option<At<String>> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(value, key, "text", "put it in quotes");
            return None;
        };
        let place = Place::new(self.file, value.span());
        if text.is_empty() || text.len() > MAX_NAME || text.chars().any(char::is_control) {
            let message = format!("`{key}` must have 1 to {MAX_NAME} bytes and no control characters");
            self.findings.add("name", &place, message, "cannot be used", "choose another name".to_owned());
            return None;
        }
        Some(At { value: text.to_owned(), place })
    }

    fn names(&mut self, table: &Table<'_>, key: &str) -> Vec<At<String>> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let Some(values) = value.get_ref().as_array() else {
            self.wrong_type(value, key, "a list of names", &format!("write `{key} = [\"…\"]`"));
            return Vec::new();
        };
        if values.len() > MAX_MEMBERSHIPS {
            let message = format!("`{key}` may have at most {MAX_MEMBERSHIPS} names");
            let help = "put groups into groups".to_owned();
            self.findings.add("bound", &Place::new(self.file, value.span()), message, "too many", help);
            return Vec::new();
        }
        values.iter().filter_map(|value| self.name_in(value, key)).collect()
    }

    fn boolean(&mut self, table: &Table<'_>, key: &str) -> Option<bool> {
        let value = table.get(key)?;
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            let help = format!("write `{key} = true` or `{key} = false`, or leave it out if nobody knows");
            self.wrong_type(value, key, "true or false", &help);
        }
        boolean
    }

    /// An instant in RFC 3339, quoted or not. Without an offset it would be one of a day's worth of instants.
    fn instant(&mut self, value: &Value<'_>) -> Option<i64> {
        let written = match value.get_ref() {
            DeValue::Datetime(datetime) => Some(*datetime),
            DeValue::String(text) => text.parse::<toml::value::Datetime>().ok(),
            _ => None,
        };
        let instant = written
            .filter(|datetime| {
                datetime.date.is_some() && datetime.time.is_some() && datetime.offset.is_some()
            })
            .and_then(|datetime| datetime.to_string().parse::<jiff::Timestamp>().ok());
        if instant.is_none() {
            let message = "`last_seen` is not an instant in RFC 3339".to_owned();
            let help = "write date, time and offset: `last_seen = 2026-03-01T09:30:00Z`".to_owned();
            self.findings.add(
                "last_seen",
                &Place::new(self.file, value.span()),
                message,
                "not an instant",
                help,
            );
        }
        instant.map(jiff::Timestamp::as_millisecond)
    }

    fn attributes(&mut self, value: &Value<'_>) -> BTreeMap<String, serde_json::Value> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(
                value,
                "attributes",
                "a table",
                "write `attributes = { department = \"sales\" }`",
            );
            return BTreeMap::new();
        };
        if table.len() > MAX_ATTRIBUTES {
            let message = format!("`attributes` may have at most {MAX_ATTRIBUTES}");
            let help = "leave out what no policy reads".to_owned();
            self.findings.add("bound", &Place::new(self.file, value.span()), message, "too many", help);
            return BTreeMap::new();
        }
        let mut attributes = BTreeMap::new();
        for (key, value) in table {
            let name: &str = key.get_ref();
            let place = Place::new(self.file, key.span());
            if name == "tier" {
                let help = "write `tier = …` beside `id`, outside of `attributes`".to_owned();
                self.findings.add("attribute", &place, "`tier` has its own key".to_owned(), "not here", help);
            } else if name.is_empty() || name.len() > MAX_NAME {
                let message = format!("the name of an attribute has 1 to {MAX_NAME} bytes");
                self.findings.add("bound", &place, message, "this one", "give it another name".to_owned());
            } else if let Some(json) = self.attribute(name, value) {
                attributes.insert(name.to_owned(), json);
            }
        }
        attributes
    }

    /// What Cedar has a type for: text, whole numbers, booleans, lists of text.
    fn attribute(&mut self, name: &str, value: &Value<'_>) -> Option<serde_json::Value> {
        let json = match value.get_ref() {
            DeValue::String(text) if text.len() <= MAX_TEXT => Some(text.as_ref().into()),
            DeValue::Boolean(boolean) => Some((*boolean).into()),
            DeValue::Integer(integer) => {
                i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(Into::into)
            }
            DeValue::Array(values) if values.len() <= MAX_ATTRIBUTES => {
                let text = |value: &Value<'_>| {
                    let text = value.get_ref().as_str().filter(|text| text.len() <= MAX_TEXT);
                    text.map(serde_json::Value::from)
                };
                values.iter().map(text).collect::<Option<Vec<_>>>().map(serde_json::Value::Array)
            }
            _ => None,
        };
        if json.is_none() {
            let help = format!(
                "use text of at most {MAX_TEXT} bytes, a whole number of 64 bits, true, false, or a list of at most \
                 {MAX_ATTRIBUTES} texts; write dates and fractions as text"
            );
            self.wrong_type(value, name, "something a policy can read", &help);
        }
        json
    }

    fn wrong_type(&mut self, value: &Value<'_>, key: &str, wanted: &str, help: &str) {
        let found = value.get_ref().type_str();
        let message = format!("`{}` must be {wanted}", shown(key));
        let place = Place::new(self.file, value.span());
        self.findings.add("type", &place, message, &format!("this is {found}"), help.to_owned());
    }
}

fn insert<T>(
    into: &mut BTreeMap<String, Entry<T>>,
    kind: &str,
    id: String,
    entry: Entry<T>,
    findings: &mut Findings,
) {
    if let Some(first) = into.get(&id) {
        let message = format!("{kind} `{}` is declared twice", shown(&id));
        let help = format!("it is first declared at {}: keep one of the two", findings.line(&first.place));
        findings.add("duplicate", &entry.place, message, "again", help);
    } else {
        into.insert(id, entry);
    }
}

fn set(names: &[At<String>]) -> std::collections::BTreeSet<String> {
    names.iter().map(|name| name.value.clone()).collect()
}
