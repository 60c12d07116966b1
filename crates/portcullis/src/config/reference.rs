//! What is generated from the raw types: the JSON Schema that editors complete and check with, and the reference page.
//! A test fails when the files in the book are not what is generated.

use serde_json::Value as Schema;

use super::raw::RawConfig;
use super::structure::{choices, kind, resolve};

/// The JSON Schema of a configuration file.
pub(crate) fn schema() -> Schema {
    schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<RawConfig>()
        .to_value()
}

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
    page.push_str(description(&root));
    page.push('\n');
    Writer { root: &root, page: &mut page }.tables(&root, "", "");
    page
}

struct Writer<'a> {
    root: &'a Schema,
    page: &'a mut String,
}

impl Writer<'_> {
    /// Writes one table's keys, then the tables below it.
    fn tables(&mut self, schema: &Schema, path: &str, header: &str) {
        let properties = schema.get("properties").and_then(Schema::as_object);
        let mut later = Vec::new();
        let mut rows = String::new();
        for (key, property) in properties.into_iter().flatten() {
            let target = resolve(self.root, property);
            let item = target.get("items").map(|items| resolve(self.root, items));
            let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match (target.get("properties"), item.filter(|item| item.get("properties").is_some())) {
                (Some(_), _) => later.push((at.clone(), format!("[{at}]"), property, target)),
                (None, Some(item)) => later.push((at.clone(), format!("[[{at}]]"), property, item)),
                (None, None) => rows.push_str(&self.row(schema, key, property, target)),
            }
        }
        if !rows.is_empty() {
            if !header.is_empty() {
                self.page.push('\n');
            }
            self.page.push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
            self.page.push_str(&rows);
        }
        for (path, header, property, target) in later {
            self.page.push_str(&format!("\n## `{header}`\n\n{}\n", description(property)));
            let further = description(target);
            if further != description(property) && !further.is_empty() {
                self.page.push_str(&format!("\n{further}\n"));
            }
            self.tables(target, &path, &header);
        }
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
            "array" => of("items")
                .map_or_else(|| "list".to_owned(), |items| format!("list of {}s", self.kind_of(items))),
            "object" => of("additionalProperties")
                .filter(|further| further.is_object())
                .map_or_else(|| "table".to_owned(), |further| format!("table of {}s", self.kind_of(further))),
            kind => kind.to_owned(),
        }
    }
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
