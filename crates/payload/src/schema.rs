//! JSON Schema: compiled when rules are loaded, and its faults in words that tell the sender what is expected. The words are
//! ours, as the library's repeat the value.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::error::PayloadRulesError;
use crate::fault::{FieldFault, MOST_FAULTS, MOST_SHOWN, shown};
use crate::json::Document;

/// A schema that documents are held against.
pub(crate) struct Schema {
    validator: Validator,
}

impl Schema {
    pub(crate) fn compile(schema: &Value) -> Result<Self, PayloadRulesError> {
        let options = jsonschema::options()
            .offline()
            // A misspelt format would check nothing, silently.
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            // Threat: a pattern that backtracks takes exponential time on a text chosen for it.
            .with_pattern_options(PatternOptions::regex().size_limit(LARGEST_PATTERN));
        let validator = options.build(schema).map_err(|fault| unusable(schema, &fault))?;
        Ok(Self { validator })
    }

    /// What is wrong with `document`: at most ten faults, by pointer; none if it is valid.
    pub(crate) fn faults(&self, document: &Document) -> Vec<FieldFault> {
        if self.validator.is_valid(&document.value) {
            return Vec::new();
        }
        // Threat: the library makes a list of every fault there is, some hundred bytes for each of a body's two-byte items.
        if document.values > MOST_DETAILED {
            let message = format!(
                "does not match the schema (of more than {MOST_DETAILED} values it is not said where)"
            );
            return vec![FieldFault::new("", message)];
        }
        let mut faults: Vec<_> = self.validator.iter_errors(&document.value).collect();
        // The library's order is that of hash tables here and there.
        faults.sort_by(|one, other| {
            let place = one.instance_path().as_str().cmp(other.instance_path().as_str());
            place.then_with(|| one.schema_path().as_str().cmp(other.schema_path().as_str()))
        });
        let told = faults.iter().take(MOST_FAULTS);
        let told: Vec<_> =
            told.map(|fault| FieldFault::new(fault.instance_path().as_str(), expected(fault))).collect();
        // It was found invalid: should no fault be found now, it still is.
        if told.is_empty() { vec![FieldFault::new("", "must match the schema")] } else { told }
    }
}

/// Values in a document up to which its faults are told one by one.
const MOST_DETAILED: usize = 10_000;

/// Largest compiled pattern, in bytes: one such as `^\w{1,100}$` takes some hundred KiB.
const LARGEST_PATTERN: usize = 4 * 1024 * 1024;

/// What is expected where a fault is. Of the value itself it says at most the names of unexpected members.
fn expected(fault: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    match fault.kind() {
        Kind::AdditionalItems { limit } => format!("must have at most {limit} items"),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            format!("must not have {}", names(unexpected))
        }
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => "must match one of the alternatives".to_owned(),
        Kind::OneOfMultipleValid { .. } => "must match only one of the alternatives".to_owned(),
        Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
            "could not be matched against its pattern".to_owned()
        }
        Kind::Constant { expected_value } => format!("must be {}", json(expected_value)),
        Kind::Contains => "must contain the items that the schema asks for".to_owned(),
        Kind::ContentEncoding { content_encoding } => {
            format!("must be encoded as {}", shown(content_encoding, MOST_SHOWN))
        }
        Kind::ContentMediaType { content_media_type } => {
            format!("must be of the media type {}", shown(content_media_type, MOST_SHOWN))
        }
        Kind::Custom { .. } | Kind::Referencing(_) => "must match the schema".to_owned(),
        Kind::Enum { options } => format!("must be one of {}", json(options)),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {}", json(limit)),
        Kind::ExclusiveMinimum { limit } => format!("must be greater than {}", json(limit)),
        // Where an object may have no member at all, the library blames the object.
        Kind::FalseSchema if fault.schema_path().as_str().ends_with("/additionalProperties") => {
            "must not have further members".to_owned()
        }
        Kind::FalseSchema => "must not be there".to_owned(),
        Kind::Format { format } => format!("must be of the format `{}`", shown(format, MOST_SHOWN)),
        Kind::FromUtf8 { .. } => "must be UTF-8 once decoded".to_owned(),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::Maximum { limit } => format!("must be at most {}", json(limit)),
        Kind::MaxLength { limit } => format!("must be at most {limit} characters long"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} members"),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::Minimum { limit } => format!("must be at least {}", json(limit)),
        Kind::MinLength { limit } => format!("must be at least {limit} characters long"),
        Kind::MinProperties { limit } => format!("must have at least {limit} members"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::Not { .. } => "must not be of this form".to_owned(),
        Kind::Pattern { pattern } => format!("must match `{}`", shown(pattern, MOST_SHOWN)),
        Kind::PropertyNames { error } => format!("has a member whose name {}", expected(error)),
        Kind::Required { property } => {
            format!("must have `{}`", shown(property.as_str().unwrap_or_default(), MOST_SHOWN))
        }
        Kind::Type { kind: TypeKind::Single(one) } => format!("must be of type {one}"),
        Kind::Type { kind: TypeKind::Multiple(some) } => {
            let some: Vec<_> = some.iter().map(|one| one.to_string()).collect();
            format!("must be of type {}", some.join(" or "))
        }
        Kind::UnevaluatedItems { .. } => "must not have further items".to_owned(),
        Kind::UniqueItems => "must not have an item twice".to_owned(),
    }
}

fn json(value: &Value) -> String {
    shown(&value.to_string(), MOST_SHOWN)
}

/// The first three of `unexpected`, each at most 20 characters: together no more than is repeated of anything.
fn names(unexpected: &[String]) -> String {
    let told: Vec<_> = unexpected.iter().take(3).map(|name| format!("`{}`", shown(name, 20))).collect();
    let further = unexpected.len().saturating_sub(told.len());
    let more = if further > 0 { format!(" and {further} more") } else { String::new() };
    format!("{}{more}", told.join(", "))
}

fn unusable(schema: &Value, fault: &ValidationError<'_>) -> PayloadRulesError {
    let (pointer, hint) = match fault.kind() {
        ValidationErrorKind::Referencing(_) => {
            let pointer = outward_reference(schema, schema, String::new()).unwrap_or_default();
            (pointer, "references stay within the schema (`#/$defs/name`), nothing is fetched")
        }
        ValidationErrorKind::Format { format } if format == "regex" => {
            (fault.instance_path().as_str().to_owned(), "look-around and back-references are not supported")
        }
        _ => (fault.instance_path().as_str().to_owned(), "see https://json-schema.org for its keywords"),
    };
    let detail = shown(&fault.to_string(), LONGEST_DETAIL);
    PayloadRulesError::Schema { pointer, detail, hint }
}

const LONGEST_DETAIL: usize = 256;

/// The first reference in `part` that leads out of `whole`, or to nowhere in it: the library does not say where it stands.
fn outward_reference(whole: &Value, part: &Value, pointer: String) -> Option<String> {
    match part {
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            match (name.as_str(), member.as_str()) {
                ("$ref" | "$dynamicRef", Some(target)) => (!leads_within(whole, target)).then_some(pointer),
                ("$schema", Some(target)) => (!target.contains("://json-schema.org/")).then_some(pointer),
                _ => outward_reference(whole, member, pointer),
            }
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| outward_reference(whole, item, format!("{pointer}/{index}"))),
        _ => None,
    }
}

fn leads_within(whole: &Value, target: &str) -> bool {
    // What does not begin with a slash is the name of an anchor, which may be anywhere.
    target.strip_prefix('#').is_some_and(|inner| !inner.starts_with('/') || whole.pointer(inner).is_some())
}

#[cfg(test)]
mod tests;
