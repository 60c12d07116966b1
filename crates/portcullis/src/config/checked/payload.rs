//! What the bodies of a route must be, checked as far as it can be without reading its schema.

use std::path::PathBuf;

use super::Checker;
use crate::config::finding::quoted;
use crate::config::raw::{RawForm, RawPayload};
use crate::config::source::{below, element};

/// What the bodies of a route must be.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    /// Its place in the configuration.
    pub(crate) place: String,
    /// Media types that are taken; empty: every one that fits the rest.
    pub(crate) content_types: Vec<String>,
    /// Most bytes; `None`: the default of what is checked.
    pub(crate) max_size: Option<u64>,
    /// Whether a body must be there; `None`: where something is promised of it.
    pub(crate) required: Option<bool>,
    /// What JSON must be.
    pub(crate) json: Option<Json>,
    /// What a form must be.
    pub(crate) form: Option<RawForm>,
}

/// What JSON must be.
#[derive(Debug, Clone)]
pub(crate) struct Json {
    /// The file of its schema.
    pub(crate) schema: Option<PathBuf>,
    /// Deepest nesting.
    pub(crate) max_depth: usize,
}

impl Checker<'_> {
    pub(super) fn payload(&mut self, path: &str, raw: &RawPayload) -> Option<Payload> {
        for (index, text) in raw.content_types.iter().enumerate() {
            let token = |part: &str| {
                !part.is_empty()
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+*".contains(&byte))
            };
            if !text.split_once('/').is_some_and(|(kind, of)| token(kind) && token(of)) {
                let message = format!("{} is no media type", quoted(text));
                let help = "write type and subtype alone: `application/json`, `image/*`";
                let at = element(&below(path, "content_types"), index);
                self.source.error(&at, "portcullis::config::bad_media_type", message, help);
            }
        }
        if raw.json.is_some() && raw.form.is_some() {
            let message = "a body is JSON or a form, not both".to_owned();
            let help = "make two routes of it, told apart by path or method";
            self.source.error(&below(path, "form"), "portcullis::config::conflict", message, help);
        }
        let max_size = match &raw.max_size {
            Some(size) => Some(self.size(&below(path, "max_size"), &size.0, 0, 1 << 40)?),
            None => None,
        };
        let json = match &raw.json {
            Some(json) => {
                let schema = match &json.schema {
                    Some(file) => Some(self.existing_file(&below(path, "json.schema"), file)?),
                    None => None,
                };
                Some(Json { schema, max_depth: usize::try_from(json.max_depth).unwrap_or(64) })
            }
            None => None,
        };
        Some(Payload {
            place: path.to_owned(),
            content_types: raw.content_types.clone(),
            max_size,
            required: raw.required,
            json,
            form: raw.form.clone(),
        })
    }
}
