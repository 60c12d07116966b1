//! Cedar's own validator, strict, its findings placed and where needed put in our words.

use std::collections::{BTreeMap, HashSet};
use std::mem::discriminant;

use cedar_policy::{PolicySet, Schema, ValidationError, ValidationMode, ValidationWarning, Validator};
use miette::{Diagnostic, Severity};

use super::Entry;
use crate::finding::{Findings, Sources, Words};

pub(super) fn validate(
    set: &PolicySet,
    schema: &Schema,
    entries: &[Entry],
    sources: &Sources,
    findings: &mut Findings,
) {
    let entries: BTreeMap<&str, &Entry> = entries.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    let result = Validator::new(schema.clone()).validate(set, ValidationMode::Strict);
    // The validator looks at each policy once per kind of request, and may say much the same each time: of one kind of
    // finding at one spot, the first is enough.
    let mut said = HashSet::new();
    for fault in result.validation_errors() {
        let Some(entry) = entries.get(AsRef::<str>::as_ref(fault.policy_id())) else { continue };
        if !said.insert((entry.id.as_str(), offset(fault), Err(discriminant(fault)))) {
            continue;
        }
        match fault {
            ValidationError::UnsafeOptionalAttributeAccess(_) => optional(fault, entry, sources, findings),
            _ => adopt(Severity::Error, "portcullis::policy::validate", fault, entry, findings),
        }
    }
    for warning in result.validation_warnings() {
        let Some(entry) = entries.get(AsRef::<str>::as_ref(warning.policy_id())) else { continue };
        let never = matches!(
            warning,
            ValidationWarning::ImpossiblePolicy(_) | ValidationWarning::InvalidActionApplication(_)
        );
        let kind = if never { None } else { Some(discriminant(warning)) };
        if !said.insert((entry.id.as_str(), if never { 0 } else { offset(warning) }, Ok(kind))) {
            continue;
        }
        match warning {
            _ if never => {
                findings.warning(
                    "portcullis::policy::never_applies",
                    &entry.place,
                    format!("policy `{}` can never apply: no request the schema knows meets it", entry.id),
                    "compare its principal, action and resource with the schema; an attribute or type that is never there makes a condition false",
                );
            }
            _ => adopt(Severity::Warning, "portcullis::policy::suspicious_text", warning, entry, findings),
        }
    }
}

fn offset(fault: &dyn Diagnostic) -> usize {
    fault.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset())
}

fn adopt<D: Diagnostic>(severity: Severity, code: &str, fault: &D, entry: &Entry, findings: &mut Findings) {
    if entry.is_written() {
        findings.adopt(severity, code, &entry.place, fault, None);
    } else {
        findings.adopt(severity, code, &entry.place, &Words(fault), None);
    }
}

/// Where the attribute is absent the policy would err, and a forbid that errs lets nothing pass but answers 503.
fn optional(fault: &ValidationError, entry: &Entry, sources: &Sources, findings: &mut Findings) {
    let span = fault
        .labels()
        .and_then(|mut labels| labels.next())
        .map(|label| label.offset()..label.offset().saturating_add(label.len()));
    let place = match (&span, entry.is_written()) {
        (Some(span), true) => crate::finding::Place { file: entry.place.file, span: span.clone() },
        _ => entry.place.clone(),
    };
    let read =
        place.file.and_then(|file| sources.text(file).get(place.span.clone())).filter(|_| entry.is_written());
    let (message, help) = match read.and_then(|read| read.rsplit_once('.').map(|(of, name)| (read, of, name)))
    {
        Some((read, of, name)) => (
            format!("`{read}` is optional and is read without `has`"),
            format!("write `{of} has {name} && …` before it: where it is absent the policy errs"),
        ),
        None => (
            "an optional attribute is read without `has`".to_owned(),
            "test for it with `has` before reading it: where it is absent the policy errs".to_owned(),
        ),
    };
    findings.error("portcullis::policy::optional_without_has", &place, message, help);
}
