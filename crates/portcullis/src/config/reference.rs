//! What is generated from the raw types: the JSON Schema that editors complete and check with, and the reference page.
//! A test fails when the files in the book are not what is generated.

use std::collections::BTreeMap;

use serde_json::Value as Schema;

use super::schema::schema;
use super::structure::{choices, kind, resolve};

/// The JSON Schema as it stands in the book.
pub(crate) fn schema_json() -> String {
    format!("{:#}\n", schema())
}

/// The reference page as it stands in the book.
pub(crate) fn reference_markdown() -> String {
    let root = schema();
    let mut page = String::from(
        "# Configuration reference\n\nGenerated from the types that read the file; \
         [`portcullis.schema.json`](portcullis.schema.json) is the same for editors.\n\n",
    );
    page.push_str(&one_line(description(&root)));
    page.push_str("\n\n");
    let named = root.get("$defs").and_then(Schema::as_object).into_iter().flatten();
    for (_, schema) in named {
        if let Some(title) = schema.get("title").and_then(Schema::as_str) {
            page.push_str(&format!("- *{title}*: {}\n", one_line(description(schema))));
        }
    }
    Writer { root: &root, page: &mut page, told: BTreeMap::new() }.tables(&root, "");
    page
}

struct Writer<'a> {
    root: &'a Schema,
    page: &'a mut String,
    /// Tables whose keys were told, by reference: where.
    told: BTreeMap<String, String>,
}

impl Writer<'_> {
    /// Writes one table's keys, then the tables below it.
    fn tables(&mut self, schema: &Schema, path: &str) {
        let properties = schema.get("properties").and_then(Schema::as_object);
        let mut later = Vec::new();
        let mut rows = String::new();
        for (key, property) in properties.into_iter().flatten() {
            let target = resolve(self.root, property);
            let items = target.get("items");
            let item =
                items.map(|items| resolve(self.root, items)).filter(|item| item.get("properties").is_some());
            let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match (target.get("properties"), item) {
                (Some(_), _) => later.push((format!("[{at}]"), at, key, property, property)),
                (None, Some(_)) => {
                    later.push((format!("[[{at}]]"), at, key, property, items.unwrap_or(property)))
                }
                (None, None) => rows.push_str(&self.row(schema, key, property, target)),
            }
        }
        if !rows.is_empty() {
            self.page.push_str("\n| key | type | default | meaning |\n|---|---|---|---|\n");
            self.page.push_str(&rows);
        }
        for (header, path, key, property, of) in later {
            let needed = if required(schema, key) { " Required." } else { "" };
            let said = one_line(description(property));
            self.page.push_str(&format!("\n## `{header}`\n\n{said}{needed}\n"));
            self.below(&header, &path, of, &said);
        }
    }

    fn below(&mut self, header: &str, path: &str, of: &Schema, said: &str) {
        let name = reference(of).unwrap_or(path).to_owned();
        if let Some(where_told) = self.told.get(&name) {
            self.page.push_str(&format!("\nThe same keys as in `{where_told}`.\n"));
            return;
        }
        self.told.insert(name, header.to_owned());
        let target = resolve(self.root, of);
        // A type of one sentence says what the key that holds it says.
        let further = one_line(description(target));
        if further.contains(". ") && further != said {
            self.page.push_str(&format!("\n{further}\n"));
        }
        self.tables(target, path);
    }

    fn row(&self, table: &Schema, key: &str, property: &Schema, target: &Schema) -> String {
        let default = match property.get("default") {
            Some(Schema::Null) | None if required(table, key) => "required".to_owned(),
            Some(Schema::Null) | None => "none".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        let mut meaning = one_line(description(property));
        let described = target.get("oneOf").and_then(Schema::as_array);
        for choice in described.into_iter().flatten() {
            let value = choice.get("const").and_then(Schema::as_str).unwrap_or_default();
            meaning.push_str(&format!("<br>`\"{value}\"`: {}", one_line(description(choice))));
        }
        let kind = self.kind_of(target);
        format!("| `{key}` | {kind} | {default} | {} |\n", meaning.replace('|', "\\|"))
    }

    fn kind_of(&self, target: &Schema) -> String {
        if let Some(title) = target.get("title").and_then(Schema::as_str) {
            return title.to_owned();
        }
        if !choices(target).is_empty() {
            return "choice".to_owned();
        }
        let of = |name: &str| target.get(name).map(|schema| resolve(self.root, schema));
        match kind(target) {
            "array" => of("items").map_or_else(
                || "list".to_owned(),
                |items| format!("list of {}", plural(&self.kind_of(items))),
            ),
            "object" => of("additionalProperties").filter(|further| further.is_object()).map_or_else(
                || "table".to_owned(),
                |further| format!("table of {}", plural(&self.kind_of(further))),
            ),
            kind => kind.to_owned(),
        }
    }
}

fn plural(kind: &str) -> String {
    match kind.strip_prefix("list ") {
        Some(of) => format!("lists {of}"),
        None => format!("{kind}s"),
    }
}

/// The definition that a property refers to.
fn reference(schema: &Schema) -> Option<&str> {
    let any = schema.get("anyOf").and_then(Schema::as_array).into_iter().flatten();
    std::iter::once(schema).chain(any).find_map(|schema| schema.get("$ref").and_then(Schema::as_str))
}

fn required(table: &Schema, key: &str) -> bool {
    let list = table.get("required").and_then(Schema::as_array);
    list.is_some_and(|list| list.iter().any(|name| name.as_str() == Some(key)))
}

fn description(schema: &Schema) -> &str {
    schema.get("description").and_then(Schema::as_str).unwrap_or_default()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
