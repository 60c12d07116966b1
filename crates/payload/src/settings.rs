//! What a route says of its bodies, as configured and not yet checked: [`crate::PayloadRules::new`] does that. Each default
//! is named here with its reason.

use std::collections::BTreeMap;

use serde_json::Value;

/// Largest body that is read whole to be checked, unless configured: 1 MiB. It is held in memory, and read into a tree of up
/// to some thirty times its size; the bodies of most interfaces are a few KiB.
pub const DEFAULT_CHECKED_SIZE: u64 = 1024 * 1024;

/// Deepest nesting of JSON unless configured: 64. Documents that people design seldom pass 20; parsers that recurse fail
/// from some hundreds on.
pub const DEFAULT_DEPTH: usize = 64;

/// Deepest nesting that may be configured: the JSON library itself goes no deeper than 127.
pub const DEEPEST: usize = 120;

/// Longest value of a form field, in characters, unless configured: 1,024. Longer texts are meant to be long, and then the
/// author knows how long.
pub const DEFAULT_FIELD_LENGTH: usize = 1024;

/// Most fields of a form: 256. Servers limit them at about a thousand; forms that people fill in have a few dozen.
pub const MOST_FORM_FIELDS: usize = 256;

/// What the bodies of a route must be. The default asks nothing.
#[derive(Clone, Debug, Default)]
pub struct PayloadSettings {
    /// Media types that are accepted, without parameters: `application/json`, `application/*+json`, `image/*`, `*/*`. A
    /// body without a `Content-Type` is then refused, as its origin would have to guess.
    ///
    /// Empty: what `json` and `form` read (`application/json` and `application/*+json`; `application/x-www-form-urlencoded`),
    /// or anything where there is neither. A type named here that neither of them reads is let through unread: the author
    /// names it.
    pub content_types: Vec<String>,
    /// Most bytes of a body. `None`: [`DEFAULT_CHECKED_SIZE`] where bodies are checked; otherwise as the gate itself limits.
    pub max_size: Option<u64>,
    /// Whether a POST, PUT or PATCH must have a body. `None`: yes where a JSON schema or a required field is given, as its
    /// absence would leave the origin without what was promised. Of other methods none is asked (RFC 9110 §9.3 gives
    /// content no meaning in GET, HEAD and DELETE).
    pub required: Option<bool>,
    /// How JSON is checked. `None`: not at all.
    pub json: Option<JsonSettings>,
    /// How forms are checked. `None`: not at all. `multipart/form-data` is not read and is refused (415) on such a route:
    /// a part of it may be anything of any size, which is not held in memory.
    pub form: Option<FormSettings>,
}

/// How JSON is checked. It is always read strictly: UTF-8 without a mark, one value, no member name twice in an object, no
/// number beyond double precision's range.
#[derive(Clone, Debug)]
pub struct JsonSettings {
    /// Most arrays and objects within each other, 1 to [`DEEPEST`].
    pub max_depth: usize,
    /// The JSON Schema of the body (2020-12 unless `$schema` says otherwise; drafts 4 to 2019-09 too). `format` is checked.
    /// Nothing is fetched: a `$ref` leads to within the schema. Patterns are matched in linear time, so look-around and
    /// back-references are errors. Alternatives (`anyOf`, `oneOf`) that each recurse are tried at every level: their cost
    /// grows with the alternatives to the power of the depth, so a schema that has them needs a small `max_depth`.
    pub schema: Option<Value>,
}

impl Default for JsonSettings {
    fn default() -> Self {
        Self { max_depth: DEFAULT_DEPTH, schema: None }
    }
}

/// How forms are checked.
#[derive(Clone, Debug, Default)]
pub struct FormSettings {
    /// The fields by their exact names.
    pub fields: BTreeMap<String, FormField>,
    /// Whether fields not named are allowed. They are then let through unread.
    pub further: bool,
}

/// What one field of a form must be.
#[derive(Clone, Debug)]
pub struct FormField {
    /// Whether it must be there. It may still be empty, unless `pattern`, `one_of` or `kind` says otherwise.
    pub required: bool,
    /// Whether it may be there more than once. Not unless configured: of a repeated name some servers read the first, some
    /// the last, some join them.
    pub repeated: bool,
    /// Most characters of its value.
    pub max_length: usize,
    /// A pattern that the whole value must match, in the syntax of the `regex` crate (linear time; no look-around).
    pub pattern: Option<String>,
    /// The only values allowed. Empty: any.
    pub one_of: Vec<String>,
    /// How the value reads.
    pub kind: FormKind,
}

impl Default for FormField {
    fn default() -> Self {
        Self {
            required: false,
            repeated: false,
            max_length: DEFAULT_FIELD_LENGTH,
            pattern: None,
            one_of: Vec::new(),
            kind: FormKind::Text,
        }
    }
}

/// How the value of a form field reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormKind {
    /// Text without control characters other than tab and line ends: a NUL ends the text early in much of what reads it.
    #[default]
    Text,
    /// A whole number in decimal digits that fits 64 bits with sign.
    Integer,
    /// A finite number as JSON writes it (RFC 8259 §6): no `NaN`, no `+1`.
    Number,
    /// `true`, `false`, or `on`, which a ticked box sends.
    Boolean,
    /// An address as an HTML page takes it (`<input type=email>`), which is stricter than RFC 5322.
    Email,
}
