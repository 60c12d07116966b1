//! Why rules cannot be taken up. Told to their author when they are loaded, never to a caller.

use crate::settings::DEEPEST;

/// What is wrong with a route's payload settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadRulesError {
    /// A content type is none.
    #[error(
        "`{given}` is not a media type; write `type/subtype` without parameters, `type/*`, `type/*+suffix` or `*/*`"
    )]
    ContentType {
        /// As written.
        given: String,
    },
    /// There are rules for bodies that the content types leave out.
    #[error("the rules for {kind} would never be used; add `{example}` to the content types, or remove them")]
    NeverRead {
        /// `JSON` or `forms`.
        kind: &'static str,
        /// A type that would be read.
        example: &'static str,
    },
    /// A route with rules for forms accepts a kind of form that is not read.
    #[error(
        "`multipart/form-data` cannot be checked by rules for forms; accept it on a route of its own, by type and size"
    )]
    Multipart,
    /// The depth is out of range.
    #[error("a depth of `{given}` is out of range; use 1 to {DEEPEST}")]
    Depth {
        /// As written.
        given: usize,
    },
    /// The schema cannot be used.
    #[error("the schema is wrong at `{pointer}`: {detail}; {hint}")]
    Schema {
        /// Where, as a JSON pointer (RFC 6901); empty for the whole.
        pointer: String,
        /// What is wrong.
        detail: String,
        /// What to do.
        hint: &'static str,
    },
    /// A field's pattern cannot be read.
    #[error(
        "the pattern of field `{field}` cannot be used: {detail}; look-around and back-references are not supported"
    )]
    Pattern {
        /// The field's name.
        field: String,
        /// What is wrong.
        detail: String,
    },
    /// One of a field's allowed values is not allowed by the rest of its rules.
    #[error("field `{field}` could never be `{option}`: it {reason}; change one of them")]
    Option {
        /// The field's name.
        field: String,
        /// The value.
        option: String,
        /// What the value violates.
        reason: String,
    },
}
