//! What the bodies of a route must be, as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PathText, SizeText};

/// What the bodies of a route must be. Checked before the upstream sees them; what does not fit is answered 413, 415 or
/// 422, never 403.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawPayload {
    /// Media types that are taken: `"application/json"`, `"image/*"`. Every one by default; with `schema` or `json`, JSON
    /// alone, and with `form`, forms alone.
    pub(crate) content_types: Vec<String>,
    /// Most bytes. 1 MiB by default where the body is read whole to be checked, as most servers of JSON have it; else what
    /// the app says.
    pub(crate) max_size: Option<SizeText>,
    /// Whether a POST, PUT or PATCH must have a body. By default where there is a schema or a required field.
    pub(crate) required: Option<bool>,
    /// JSON must be well-formed, without repeated names, and nested at most so deeply. Off by default.
    pub(crate) json: Option<RawJson>,
    /// A form must have these fields. Off by default.
    pub(crate) form: Option<RawForm>,
}

/// What JSON must be.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawJson {
    /// A file with the JSON Schema that it must fit. None by default: well-formed is enough.
    pub(crate) schema: Option<PathText>,
    /// Deepest nesting. Sixty-four levels are more than people write, and few enough for every parser behind us.
    #[schemars(range(min = 1, max = 120))]
    pub(crate) max_depth: u32,
}

impl Default for RawJson {
    fn default() -> Self {
        Self { schema: None, max_depth: 64 }
    }
}

/// What a form must be.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawForm {
    /// Its fields by name.
    pub(crate) field: BTreeMap<String, RawField>,
    /// Whether fields that are not named may be there. Off by default: what nobody described, nobody checks.
    pub(crate) further: bool,
}

/// One field of a form.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawField {
    /// What its text stands for.
    pub(crate) kind: RawFieldKind,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// Whether it may be there more than once.
    pub(crate) repeated: bool,
    /// Longest text, characters. 1024: a paragraph.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) max_length: u32,
    /// A regular expression that the whole text must match.
    pub(crate) pattern: Option<String>,
    /// The texts that are taken; any by default.
    pub(crate) one_of: Vec<String>,
}

impl Default for RawField {
    fn default() -> Self {
        Self {
            kind: RawFieldKind::default(),
            required: false,
            repeated: false,
            max_length: 1_024,
            pattern: None,
            one_of: Vec::new(),
        }
    }
}

/// What a field's text stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawFieldKind {
    /// Any text.
    #[default]
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true`, `false`, or `on`, which a ticked box sends.
    Boolean,
    /// An e-mail address, as browsers check it.
    Email,
}
