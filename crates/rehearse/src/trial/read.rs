//! Test files as they are written: one pass over each TOML tree, which keeps the place of every name. What the names mean
//! is asked by `combine`.

mod layer;

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::{At, Findings, Place};
use super::{Came, Expect, Policies};
use crate::words::{shown, suggest};
pub(super) use layer::Layer;

/// A test has about 500 bytes; split files long before this.
const MAX_FILE: usize = 8 << 20;
/// Tests, and fixtures, of all files together.
const MAX_ENTRIES: usize = 100_000;
/// Names in one list.
const MAX_LIST: usize = 256;
/// Bytes of a name or a text.
const MAX_TEXT: usize = 4_096;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// By name and file.
    pub(super) fixtures: BTreeMap<String, Vec<Fixture>>,
    pub(super) tests: Vec<Test>,
}

/// Facts with a name.
#[derive(Debug)]
pub(super) struct Fixture {
    pub(super) place: Place,
    pub(super) layer: Layer,
}

/// One test.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) name: At<String>,
    /// Fixtures, the later ones over the earlier.
    pub(super) given: Vec<At<String>>,
    /// What the test itself says, over all fixtures.
    pub(super) layer: Layer,
    pub(super) expect: Expect,
}

type Table<'i> = DeTable<'i>;
type Value<'i> = Spanned<DeValue<'i>>;

/// Reads all files; whatever is wrong with them becomes findings.
pub(super) fn read(files: &[(String, String)], findings: &mut Findings) -> Files {
    let mut read = Files::default();
    for (file, (_, text)) in files.iter().enumerate() {
        let mut reader = Reader { file, findings, read: &mut read };
        if text.len() > MAX_FILE {
            let message = format!("a file of policy tests may have at most {} MiB", MAX_FILE >> 20);
            reader.finding("bound", 0..0, message, "this file", "split it into several".to_owned());
            continue;
        }
        let (root, faults) = DeTable::parse_recoverable(text);
        for fault in &faults {
            let message = fault.message().trim().replace('\n', ", ");
            let help = "this is not TOML: correct the syntax".to_owned();
            reader.finding("syntax", fault.span().unwrap_or(0..0), message, "here", help);
        }
        if faults.is_empty() {
            reader.root(root.get_ref());
        }
    }
    read
}

struct Reader<'a> {
    file: usize,
    findings: &'a mut Findings,
    read: &'a mut Files,
}

const ROOT: [&str; 2] = ["fixture", "test"];
const LAYER: [&str; 13] = [
    "principal",
    "action",
    "resource",
    "groups",
    "roles",
    "tier",
    "attributes",
    "device",
    "at",
    "directory",
    "facts",
    "absent",
    "unavailable",
];
const TEST: [&str; 3] = ["name", "given", "expect"];
const EXPECT: [&str; 5] = ["decision", "status", "reason", "policies", "nearest"];

impl Reader<'_> {
    fn root(&mut self, root: &Table<'_>) {
        self.known_keys("a file of policy tests", root, &ROOT);
        if let Some(value) = root.get("fixture") {
            match value.get_ref().as_table() {
                Some(fixtures) => fixtures.iter().for_each(|(name, value)| self.fixture(name, value)),
                None => self.wrong_type(
                    value,
                    "fixture",
                    "a table of fixtures",
                    "begin one with `[fixture.NAME]`",
                ),
            }
        }
        if let Some(value) = root.get("test") {
            match value.get_ref().as_array() {
                Some(tests) => tests.iter().for_each(|value| self.test(value)),
                None => self.wrong_type(value, "test", "a list of tests", "begin each with `[[test]]`"),
            }
        }
    }

    fn fixture(&mut self, name: &Spanned<std::borrow::Cow<'_, str>>, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type(
                value,
                name.get_ref(),
                "a table",
                "begin a fixture with `[fixture.NAME]`",
            );
        };
        if self.read.fixtures.len() >= MAX_ENTRIES {
            return self.bound(name.span(), format!("at most {MAX_ENTRIES} fixtures are read"));
        }
        self.known_keys("a fixture", table, &LAYER);
        let layer = self.layer(table);
        let fixture = Fixture { place: Place::new(self.file, name.span()), layer };
        self.read.fixtures.entry(name.get_ref().to_string()).or_default().push(fixture);
    }

    fn test(&mut self, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type(value, "test", "a table", "begin a test with `[[test]]`");
        };
        if self.read.tests.len() >= MAX_ENTRIES {
            return self.bound(value.span(), format!("at most {MAX_ENTRIES} tests are read"));
        }
        let before = self.findings.count();
        self.known_keys("a test", table, &[&TEST[..], &LAYER[..]].concat());
        if !table.contains_key("name") {
            let help = "write `name = \"…\"`: what the test is called when it fails".to_owned();
            self.finding(
                "missing",
                value.span(),
                "a test without `name`".to_owned(),
                "no `name` in here",
                help,
            );
        }
        let name = self.text(table, "name");
        let given = self.names(table, "given");
        let layer = self.layer(table);
        let expect = self.expect(table, value);
        // One in which something is wrong would only fail for that.
        if let (Some(name), true) = (name, before == self.findings.count()) {
            self.read.tests.push(Test { name, given, layer, expect });
        }
    }

    fn expect(&mut self, test: &Table<'_>, whole: &Value<'_>) -> Expect {
        let Some(value) = test.get("expect") else {
            let help = "write `expect = { decision = \"allow\" }`, or `[test.expect]` below it".to_owned();
            self.finding(
                "missing",
                whole.span(),
                "a test that expects nothing".to_owned(),
                "no `expect`",
                help,
            );
            return Expect::default();
        };
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(value, "expect", "a table", "write `expect = { decision = \"allow\" }`");
            return Expect::default();
        };
        self.known_keys("`expect`", table, &EXPECT);
        let decision = self.text(table, "decision").and_then(|decision| self.decision(&decision));
        let status = table.get("status").and_then(|value| self.status(value));
        let reason = self.text(table, "reason").map(|reason| reason.value);
        let policies = table.get("policies").and_then(|value| self.policies(value));
        let nearest = self.text(table, "nearest").map(|nearest| nearest.value);
        let expect = Expect { decision, status, reason, policies, nearest };
        if table.is_empty() {
            let help = format!("say at least one of {}", EXPECT.join(", "));
            self.finding("missing", value.span(), "a test that expects nothing".to_owned(), "empty", help);
        } else if decision == Some(Came::Allow) && (expect.status.is_some() || expect.reason.is_some()) {
            let message = "what is allowed has neither status nor reason of ours".to_owned();
            let help = "it goes on to the origin, which answers; remove `status` and `reason`".to_owned();
            self.finding("expect", value.span(), message, "cannot be met", help);
        }
        expect
    }

    fn decision(&mut self, decision: &At<String>) -> Option<Came> {
        let came = Came::ALL.into_iter().find(|came| came.word() == decision.value);
        if came.is_none() {
            let known = Came::ALL.map(Came::word);
            let message = format!("`{}` is no decision", shown(&decision.value));
            self.finding(
                "expect",
                decision.place.span(),
                message,
                "unknown",
                suggest(&decision.value, &known),
            );
        }
        came
    }

    fn status(&mut self, value: &Value<'_>) -> Option<u16> {
        let number = value.get_ref().as_integer();
        let status = number.and_then(|number| u16::from_str_radix(number.as_str(), number.radix()).ok());
        let status = status.filter(|status| (400..600).contains(status));
        if status.is_none() {
            self.wrong_type(value, "status", "the status of a refusal", "write `status = 403`");
        }
        status
    }

    fn policies(&mut self, value: &Value<'_>) -> Option<Policies> {
        let list = match value.get_ref() {
            DeValue::Array(_) => Policies::Exactly(plain(self.names_in(value, "policies"))),
            DeValue::Table(table) => {
                self.known_keys("`policies`", table, &["contains"]);
                Policies::Contains(plain(self.names(table, "contains")))
            }
            _ => {
                let help = "write `policies = [\"id\"]`, or `policies = { contains = [\"id\"] }`";
                self.wrong_type(value, "policies", "a list of ids", help);
                return None;
            }
        };
        Some(match list {
            Policies::Exactly(mut ids) => {
                ids.sort();
                Policies::Exactly(ids)
            }
            contains @ Policies::Contains(_) => contains,
        })
    }

    fn known_keys(&mut self, of: &str, table: &Table<'_>, known: &[&str]) {
        for (key, _) in table {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let is_fact = name == "context" || name.starts_with("context.");
                let help = if is_fact && known.contains(&"facts") {
                    format!("facts have a table of their own: `facts = {{ \"{name}\" = … }}`")
                } else {
                    suggest(name, known)
                };
                let message = format!("unknown key `{}` in {of}", shown(name));
                self.finding("unknown_key", key.span(), message, "unknown", help);
            }
        }
    }

    fn text(&mut self, table: &Table<'_>, key: &str) -> Option<At<String>> {
        table.get(key).and_then(|value| self.text_in(value, key))
    }

    fn text_in(&mut self, value: &Value<'_>, key: &str) -> Option<At<String>> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(value, key, "text", "put it in quotes");
            return None;
        };
        if text.is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) {
            let message = format!("`{key}` must have 1 to {MAX_TEXT} bytes and no control characters");
            self.finding("text", value.span(), message, "cannot be used", "write another".to_owned());
            return None;
        }
        Some(At { value: text.to_owned(), place: Place::new(self.file, value.span()) })
    }

    fn names(&mut self, table: &Table<'_>, key: &str) -> Vec<At<String>> {
        table.get(key).map(|value| self.names_in(value, key)).unwrap_or_default()
    }

    fn names_in(&mut self, value: &Value<'_>, key: &str) -> Vec<At<String>> {
        let Some(values) = value.get_ref().as_array() else {
            self.wrong_type(value, key, "a list of names", &format!("write `{key} = [\"…\"]`"));
            return Vec::new();
        };
        if values.len() > MAX_LIST {
            self.bound(value.span(), format!("`{key}` may have at most {MAX_LIST} names"));
            return Vec::new();
        }
        values.iter().filter_map(|value| self.text_in(value, key)).collect()
    }

    fn wrong_type(&mut self, value: &Value<'_>, key: &str, wanted: &str, help: &str) {
        let found = value.get_ref().type_str();
        let message = format!("`{}` must be {wanted}", shown(key));
        self.finding("type", value.span(), message, &format!("this is {found}"), help.to_owned());
    }

    fn bound(&mut self, span: std::ops::Range<usize>, message: String) {
        self.finding("bound", span, message, "too much", "leave something out".to_owned());
    }

    fn finding(
        &mut self,
        code: &str,
        span: std::ops::Range<usize>,
        message: String,
        label: &str,
        help: String,
    ) {
        self.findings.add(code, &Place::new(self.file, span), message, label, help);
    }
}

fn plain(names: Vec<At<String>>) -> Vec<String> {
    names.into_iter().map(|name| name.value).collect()
}
