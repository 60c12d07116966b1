//! Merging the extension into the shipped schema, in Cedar's JSON form of both.

use std::ops::Range;

use serde_json::{Map, Value, map::Entry};

use super::headers;
use crate::finding::{Findings, Place};

const CONFLICT: &str = "portcullis::schema::conflict";

/// The shipped schema with everything that the extension adds; conflicts become findings.
pub(super) fn merge(
    mut shipped: Value,
    added: Value,
    text: &str,
    file: Option<usize>,
    findings: &mut Findings,
) -> Value {
    let mut merging = Merging { text, file, findings };
    let Value::Object(added) = added else { return shipped };
    let Value::Object(namespaces) = &mut shipped else { return shipped };
    for (name, namespace) in added {
        match namespaces.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(namespace);
            }
            Entry::Occupied(mut occupied) => merging.namespace(occupied.get_mut(), namespace),
        }
    }
    shipped
}

struct Merging<'a> {
    text: &'a str,
    file: Option<usize>,
    findings: &'a mut Findings,
}

impl Merging<'_> {
    fn namespace(&mut self, shipped: &mut Value, added: Value) {
        let (Value::Object(shipped), Value::Object(added)) = (shipped, added) else { return };
        for (section, declarations) in added {
            let Value::Object(declarations) = declarations else { continue };
            let Value::Object(known) =
                shipped.entry(section.as_str()).or_insert_with(|| Value::Object(Map::new()))
            else {
                continue;
            };
            for (name, declaration) in declarations {
                match known.entry(name.as_str()) {
                    Entry::Vacant(vacant) => {
                        vacant.insert(declaration);
                    }
                    Entry::Occupied(mut occupied) => {
                        self.again(&section, &name, occupied.get_mut(), declaration);
                    }
                }
            }
        }
    }

    /// Something that ships is declared again.
    fn again(&mut self, section: &str, name: &str, shipped: &mut Value, added: Value) {
        if *shipped == added {
            return;
        }
        match section {
            "entityTypes" => self.entity(name, shipped, added),
            "commonTypes" if name == headers::TYPE => self.headers(shipped, &added),
            "actions" => self.conflict(
                "action",
                name,
                format!("action `{name}` ships and cannot be declared differently"),
                "actions are HTTP methods; declare an action of another name",
            ),
            _ => self.conflict(
                "type",
                name,
                format!("type `{name}` ships and cannot be declared differently"),
                "the gate fills in the context by the shipped types; declare a type of another name",
            ),
        }
    }

    fn entity(&mut self, name: &str, shipped: &mut Value, added: Value) {
        if shipped.get("enum").is_some() || added.get("enum").is_some() {
            return self.conflict(
                "entity",
                name,
                format!("entity `{name}` ships and its members cannot be declared differently"),
                "declare an entity of another name",
            );
        }
        let Value::Object(shipped) = shipped else { return };
        if let Some(Value::Array(parents)) = added.get("memberOfTypes") {
            let known = shipped.entry("memberOfTypes").or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(known) = known {
                known.extend(
                    parents.iter().filter(|parent| !known.contains(parent)).cloned().collect::<Vec<_>>(),
                );
            }
        }
        match (shipped.get("tags"), added.get("tags")) {
            (None, Some(tags)) => {
                shipped.insert("tags".to_owned(), tags.clone());
            }
            (Some(known), Some(tags)) if known != tags => self.conflict(
                "entity",
                name,
                format!("the tags of entity `{name}` ship with another type"),
                "leave `tags` out to keep them as they are",
            ),
            _ => {}
        }
        let Some(shape) = added.get("shape") else { return };
        let Some(Value::Object(attributes)) = shape.get("attributes") else {
            return self.conflict(
                "entity",
                name,
                format!("what is added to entity `{name}` must be written out as a record"),
                format!("write the attributes here: `entity {name} {{ department?: String }};`"),
            );
        };
        let known =
            shipped.entry("shape").or_insert_with(|| serde_json::json!({"type": "Record", "attributes": {}}));
        let Some(Value::Object(known)) = known.get_mut("attributes") else { return };
        for (attribute, declared) in attributes {
            self.attribute(name, attribute, known, declared);
        }
    }

    /// Headers that policies read. `shipped` has none of its own.
    fn headers(&mut self, shipped: &mut Value, added: &Value) {
        let Some(declared) = added.get("attributes").and_then(Value::as_object) else {
            return self.conflict(
                "type",
                headers::TYPE,
                format!("`{}` must be written out as a record", headers::TYPE),
                format!("write the headers here: `type {} = {{ \"x-tenant\"?: String }};`", headers::TYPE),
            );
        };
        for (name, declaration) in declared {
            if let Err((message, help)) = headers::check(name, declaration) {
                let place = Place { file: self.file, span: quoted(self.text, name) };
                self.findings.error("portcullis::schema::header", &place, message, help);
            }
        }
        if let Some(known) = shipped.get_mut("attributes").and_then(Value::as_object_mut) {
            known.extend(declared.clone());
        }
    }

    fn attribute(&mut self, entity: &str, attribute: &str, known: &mut Map<String, Value>, declared: &Value) {
        match known.get(attribute) {
            Some(shipped) if shipped == declared => {}
            Some(_) => self.conflict(
                "entity",
                entity,
                format!("attribute `{attribute}` of entity `{entity}` ships with another type"),
                "use another name for yours",
            ),
            // Shipped entities come from tokens and directories, which may not have it: a policy that relied on it
            // would err.
            None if declared.get("required") != Some(&Value::Bool(false)) => self.conflict(
                "entity",
                entity,
                format!(
                    "attribute `{attribute}` is added to the shipped entity `{entity}` and must be optional"
                ),
                format!("write `{attribute}?: …` and test with `has` before reading it"),
            ),
            None => {
                known.insert(attribute.to_owned(), declared.clone());
            }
        }
    }

    fn conflict(&mut self, keyword: &str, name: &str, message: impl Into<String>, help: impl Into<String>) {
        let place = Place { file: self.file, span: declaration(self.text, keyword, name) };
        self.findings.error(CONFLICT, &place, message, help);
    }
}

/// Where an attribute that needs quotes is declared, or one that does not and was written without.
fn quoted(text: &str, name: &str) -> Range<usize> {
    let written = [format!("\"{name}\""), name.to_owned()];
    let found =
        written.iter().find_map(|written| text.find(written.as_str()).map(|at| at..at + written.len()));
    found.unwrap_or(0..0)
}

/// Where `name` is declared. The JSON form has no positions, so the text is searched: the keyword at the start of a
/// statement, with the name as a word of its own before the statement ends.
fn declaration(text: &str, keyword: &str, name: &str) -> Range<usize> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let words = |word: &'_ str, from: usize, until: usize| {
        let text = text.get(from..until).unwrap_or("");
        let found = text.match_indices(word).find(|(at, _)| {
            !text.get(..*at).unwrap_or("").ends_with(is_word)
                && !text.get(at + word.len()..).unwrap_or("").starts_with(is_word)
        });
        found.map(|(at, _)| from + at)
    };
    let mut from = 0;
    while let Some(at) = words(keyword, from, text.len()) {
        let rest = text.get(at..).unwrap_or("");
        let end = at + rest.find([';', '{', '=']).unwrap_or(rest.len());
        if let Some(found) = words(name, at + keyword.len(), end) {
            return found..found + name.len();
        }
        from = at + keyword.len();
    }
    0..0
}
