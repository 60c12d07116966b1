//! The schema that ships with Portcullis, and its extension by the user. It says what can be asked of a request; what
//! the answers are is the gate's business.
//!
//! INVARIANT: an extension only adds. What ships keeps its meaning, because the gate builds its facts by it.

pub(crate) mod headers;
mod merge;

use cedar_policy::{Schema, SchemaFragment};
use miette::{Report, Severity};

use crate::SourceText;
use crate::finding::{Findings, Place, Sources};
use headers::ReadHeader;

/// The schema that ships, as written.
pub const SHIPPED: &str = include_str!("schema.cedarschema");

/// The shipped schema with the user's extension merged in.
///
/// The extension, a `.cedarschema`, may declare entity types, common types, actions and namespaces of its own, and may
/// declare a shipped entity again to add optional attributes or parents to it: `entity User { department?: String };`.
///
/// # Errors
/// Every finding in the extension: it does not parse, names what nobody declares, or declares differently what ships.
pub fn extended(extension: Option<&SourceText>) -> Result<Schema, Vec<Report>> {
    let mut sources = Sources::default();
    let mut findings = Findings::default();
    let file = extension.map(|extension| sources.add(extension));
    match extend(SHIPPED, extension.map(|extension| extension.text.as_str()), file, &mut findings) {
        Some((schema, _)) if !findings.has_errors() => Ok(schema),
        _ => Err(findings.into_reports(&sources)),
    }
}

/// As [`extended`], with the headers that are declared; `None` only after an error was added to `findings`. `shipped` is
/// what ships, or what shipped when the policies were written.
pub(crate) fn extend(
    shipped: &str,
    extension: Option<&str>,
    file: Option<usize>,
    findings: &mut Findings,
) -> Option<(Schema, Vec<ReadHeader>)> {
    let Some(extension) = extension else {
        let shipped = Schema::from_cedarschema_str(shipped).map(|(schema, _)| schema);
        return built(shipped, file, findings).map(|schema| (schema, Vec::new()));
    };
    if extension.len() > crate::load::FILE_LIMIT {
        crate::load::too_large(extension.len(), &Place { file, span: 0..0 }, findings);
        return None;
    }
    if let Some(at) = crate::load::too_deep(extension) {
        crate::load::nested(&Place { file, span: at }, findings);
        return None;
    }
    let added = parsed(extension, file, findings)?;
    let shipped = parsed(shipped, None, findings)?;
    let before = findings.has_errors();
    let merged = merge::merge(shipped, added, extension, file, findings);
    if findings.has_errors() && !before {
        return None;
    }
    let headers = headers::declared(&merged);
    built(Schema::from_json_value(merged), file, findings).map(|schema| (schema, headers))
}

fn parsed(text: &str, file: Option<usize>, findings: &mut Findings) -> Option<serde_json::Value> {
    let place = Place { file, span: 0..0 };
    match SchemaFragment::from_cedarschema_str(text) {
        Ok((fragment, _)) => match fragment.to_json_value() {
            Ok(json) => Some(json),
            Err(fault) => {
                findings.adopt(Severity::Error, "portcullis::schema::parse", &place, &fault, None);
                None
            }
        },
        Err(fault) => {
            findings.adopt(Severity::Error, "portcullis::schema::parse", &place, &fault, None);
            None
        }
    }
}

fn built(
    schema: Result<Schema, impl miette::Diagnostic>,
    file: Option<usize>,
    findings: &mut Findings,
) -> Option<Schema> {
    match schema {
        Ok(schema) => Some(schema),
        Err(fault) => {
            // The merged form has no positions; the words name what is wrong.
            let help = "declare it in the extension, or use a name that ships".to_owned();
            let place = Place { file, span: 0..0 };
            let words = crate::finding::Words(&fault);
            findings.adopt(Severity::Error, "portcullis::schema::invalid", &place, &words, Some(help));
            None
        }
    }
}

#[cfg(test)]
mod tests;
