//! The form of the configuration, checked against the schema that the raw types generate: known keys, types, choices,
//! ranges, and what is required. Every fault is found in one pass, and what is faulty is left out of the result, so
//! that everything else can still be read and checked.

use serde_json::Value as Schema;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::finding::{nearest, quoted, suggest};
use super::source::{Source, below, element};

/// Longest text of a value, bytes. Longer ones are pasted by accident.
const LONGEST_TEXT: usize = 4096;
/// Most elements of an array or entries of a table.
const MOST_ELEMENTS: usize = 10_000;

/// Reads TOML in the form of a schema; `None` where it is no TOML.
pub(crate) fn read(source: &mut Source, text: &str, schema: &Schema) -> Option<Table> {
    let (document, faults) = DeTable::parse_recoverable(text);
    for fault in &faults {
        let span = fault.span().unwrap_or(0..0);
        source.error_at(
            span,
            "portcullis::config::syntax",
            format!("not TOML: {}", one_line(fault.message())),
            "",
        );
    }
    if !faults.is_empty() {
        return None;
    }
    source.place("", document.span(), document.span());
    Some(Reader { source, root: schema }.table(document.get_ref(), schema, ""))
}

struct Reader<'a> {
    source: &'a mut Source,
    root: &'a Schema,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, schema: &Schema, path: &str) -> Table {
        let known = schema.get("properties").and_then(Schema::as_object);
        let further = schema.get("additionalProperties").filter(|further| further.is_object());
        let mut read = Table::new();
        let mut seen = Vec::new();
        for (key, value) in in_order(table) {
            let name: &str = key.get_ref();
            let at = below(path, name);
            self.source.place(&at, key.span(), value.span());
            seen.push(name);
            match known.and_then(|known| known.get(name)).or(further) {
                Some(schema) => {
                    if let Some(value) = self.value(value, schema, &at) {
                        read.insert(name.to_owned(), value);
                    }
                }
                None => self.unknown_key(name, known, path, &at),
            }
        }
        if read.len() > MOST_ELEMENTS {
            self.too_many(path, read.len());
            return Table::new();
        }
        self.missing(schema, &seen, path);
        read
    }

    fn unknown_key(
        &mut self,
        name: &str,
        known: Option<&serde_json::Map<String, Schema>>,
        path: &str,
        at: &str,
    ) {
        let known: Vec<&str> =
            known.map(|known| known.keys().map(String::as_str).collect()).unwrap_or_default();
        let message = format!("unknown key {} {}", quoted(name), within(path));
        let help = suggest(name, known.iter().copied());
        self.source.key_error(at, "portcullis::config::unknown_key", message, help);
    }

    fn missing(&mut self, schema: &Schema, seen: &[&str], path: &str) {
        let required =
            schema.get("required").and_then(Schema::as_array).map(Vec::as_slice).unwrap_or_default();
        let missing: Vec<&str> =
            required.iter().filter_map(Schema::as_str).filter(|name| !seen.contains(name)).collect();
        for name in missing {
            // A misspelt key is one mistake, and it has been named.
            if nearest(name, seen.iter().copied().filter(|seen| !known_key(schema, seen))).is_some() {
                continue;
            }
            let help = schema
                .pointer(&format!("/properties/{name}/description"))
                .and_then(Schema::as_str)
                .map(one_line)
                .unwrap_or_default();
            let at = below(path, name);
            let message = format!("`{name}` is missing {}", within(path));
            self.source.error(&at, "portcullis::config::missing_key", message, help);
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, schema: &Schema, path: &str) -> Option<Value> {
        let schema = resolve(self.root, schema);
        let wanted = kind(schema);
        match (value.get_ref(), wanted) {
            (DeValue::Table(table), "object") => Some(Value::Table(self.table(table, schema, path))),
            (DeValue::Array(array), "array") => {
                if array.len() > MOST_ELEMENTS {
                    self.too_many(path, array.len());
                    return None;
                }
                let of = schema.get("items").unwrap_or(&Schema::Null);
                let mut read = Vec::with_capacity(array.len());
                for (index, value) in array.iter().enumerate() {
                    let at = element(path, index);
                    self.source.place(&at, value.span(), value.span());
                    // INVARIANT: elements keep their index, by which later checks find their place. A faulty one is
                    // replaced by an empty one; its own finding is already made.
                    let value = self.value(value, of, &at).unwrap_or_else(|| empty(resolve(self.root, of)));
                    read.push(value);
                }
                Some(Value::Array(read))
            }
            (DeValue::String(text), "string") => self.text(text, schema, path),
            (DeValue::Integer(number), "integer") => {
                let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
                self.integer(number, schema, path)
            }
            // `1` is a number, too. Whether it is one that makes sense is looked at where its meaning is known.
            (DeValue::Float(number), "number") => number.as_str().parse().ok().map(Value::Float),
            (DeValue::Integer(number), "number") => {
                let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
                number
                    .and_then(|number| i32::try_from(number).ok())
                    .map(|number| Value::Float(f64::from(number)))
            }
            (DeValue::Boolean(value), "boolean") => Some(Value::Boolean(*value)),
            (value, wanted) => {
                self.wrong_type(value, wanted, path);
                None
            }
        }
    }

    fn text(&mut self, text: &str, schema: &Schema, path: &str) -> Option<Value> {
        if text.len() > LONGEST_TEXT {
            let message =
                format!("`{path}` is {} bytes long; at most {LONGEST_TEXT} are accepted", text.len());
            self.source.error(path, "portcullis::config::too_long", message, "is this the right value?");
            return None;
        }
        let choices = choices(schema);
        if !choices.is_empty() && !choices.contains(&text) {
            let message = format!("{} is no value of `{path}`", quoted(text));
            let help = match nearest(text, choices.iter().copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("write {}", one_of(&choices)),
            };
            self.source.error(path, "portcullis::config::unknown_value", message, help);
            return None;
        }
        Some(Value::String(text.to_owned()))
    }

    fn integer(&mut self, number: Option<i64>, schema: &Schema, path: &str) -> Option<Value> {
        let bound = |name: &str| schema.get(name).and_then(Schema::as_i64);
        let (least, most) = (bound("minimum").unwrap_or(0), bound("maximum").unwrap_or(i64::from(u32::MAX)));
        match number {
            Some(number) if (least..=most).contains(&number) => Some(Value::Integer(number)),
            _ => {
                let message = format!("`{path}` is out of range");
                let help = format!("write a number from {least} to {most}");
                self.source.error(path, "portcullis::config::out_of_range", message, help);
                None
            }
        }
    }

    fn wrong_type(&mut self, value: &DeValue<'_>, wanted: &str, path: &str) {
        let message = format!("`{path}` is {}, not {}", article(value.type_str()), article(wanted));
        let help = match (wanted, value) {
            (
                "string",
                DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_),
            ) => "write it in quotes",
            ("array", _) => "write it in brackets: `[…]`",
            ("boolean", _) => "write `true` or `false`, without quotes",
            ("integer" | "number", DeValue::String(_)) => "write the number without quotes",
            ("object", _) => "write a table: `{ key = … }`",
            _ => "",
        };
        self.source.error(path, "portcullis::config::wrong_type", message, help);
    }

    fn too_many(&mut self, path: &str, count: usize) {
        let message = format!("`{path}` has {count} entries; at most {MOST_ELEMENTS} are accepted");
        self.source.error(
            path,
            "portcullis::config::too_long",
            message,
            "lists of this size belong in the directory",
        );
    }
}

fn in_order<'a, 'i>(
    table: &'a DeTable<'i>,
) -> Vec<(&'a Spanned<toml::de::DeString<'i>>, &'a Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn known_key(schema: &Schema, key: &str) -> bool {
    schema.get("properties").and_then(Schema::as_object).is_some_and(|known| known.contains_key(key))
}

/// The schema itself, behind references and beside `null`.
pub(crate) fn resolve<'a>(root: &'a Schema, schema: &'a Schema) -> &'a Schema {
    let mut schema = schema;
    // References in a generated schema are not nested deeper than its types.
    for _ in 0..16 {
        if let Some(target) = schema.get("$ref").and_then(Schema::as_str) {
            schema =
                target.strip_prefix('#').and_then(|target| root.pointer(target)).unwrap_or(&Schema::Null);
        } else if let Some(any) = schema.get("anyOf").and_then(Schema::as_array) {
            let real = any.iter().find(|one| one.get("type").and_then(Schema::as_str) != Some("null"));
            schema = real.unwrap_or(&Schema::Null);
        } else {
            break;
        }
    }
    schema
}

/// The JSON type that a resolved schema asks for.
pub(crate) fn kind(schema: &Schema) -> &str {
    match schema.get("type") {
        Some(Schema::String(kind)) => kind,
        Some(Schema::Array(kinds)) => {
            kinds.iter().filter_map(Schema::as_str).find(|kind| *kind != "null").unwrap_or("string")
        }
        _ => "string",
    }
}

/// The values a resolved schema allows; empty if any.
pub(crate) fn choices(schema: &Schema) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Schema::as_array).map(Vec::as_slice).unwrap_or_default();
    let described = schema.get("oneOf").and_then(Schema::as_array).map(Vec::as_slice).unwrap_or_default();
    let described = described.iter().filter_map(|one| one.get("const"));
    listed.iter().chain(described).filter_map(Schema::as_str).collect()
}

fn empty(schema: &Schema) -> Value {
    match kind(schema) {
        "object" => Value::Table(Table::new()),
        "array" => Value::Array(Vec::new()),
        "integer" => Value::Integer(0),
        "number" => Value::Float(0.0),
        "boolean" => Value::Boolean(false),
        _ => Value::String(String::new()),
    }
}

fn within(path: &str) -> String {
    if path.is_empty() { "at the top of the file".to_owned() } else { format!("in `{path}`") }
}

fn article(kind: &str) -> String {
    match kind {
        "object" | "table" => "a table".to_owned(),
        "array" | "integer" => format!("an {kind}"),
        kind => format!("a {kind}"),
    }
}

fn one_of(choices: &[&str]) -> String {
    let quoted: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
    quoted.join(" or ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
