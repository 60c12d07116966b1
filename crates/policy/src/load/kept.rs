//! Policies as they were when they decided: their texts are kept, and made a set again when somebody asks about that time.
//!
//! INVARIANT: what is made again means what it meant. It is validated by the schema that shipped then, with the extension of
//! then: by another one, `has` could silently come to something else.

use std::collections::BTreeMap;
use std::ops::Range;

use cedar_policy::{Policy, PolicyId};
use miette::Severity;

use super::{
    Body, Entry, Loaded, Origin, Policies, SourceText, checked, collect, on_deep_stack, too_deep, validate,
};
use crate::annotations;
use crate::finding::{Findings, Place, Sources};
use crate::guards::Declared;
use crate::schema;

/// One policy as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPolicy {
    /// Its id.
    pub id: String,
    /// Its Cedar text; of a guard, what it became.
    pub text: String,
    /// Where it stood.
    pub origin: Origin,
}

impl Policies {
    /// Every policy of the set with its text and place: with the schema's extension, all that it takes to make it again.
    #[must_use]
    pub fn kept(&self) -> Vec<KeptPolicy> {
        let kept = self.texts.iter().filter_map(|(id, text)| {
            let origin = self.origins.get(id)?.clone();
            Some(KeptPolicy { id: id.clone(), text: text.clone(), origin })
        });
        kept.collect()
    }

    /// Makes a set of what [`Policies::kept`] gave, by the schema that shipped then and its extension. Lints and the rules for what may be hidden were applied when it was
    /// loaded; findings are of what no longer fits.
    #[must_use]
    pub fn again(
        kept: Vec<KeptPolicy>,
        shipped_schema: &str,
        schema_extension: Option<&SourceText>,
    ) -> Loaded {
        on_deep_stack(|| again(kept, shipped_schema, schema_extension))
    }
}

fn again(kept: Vec<KeptPolicy>, shipped: &str, extension: Option<&SourceText>) -> Loaded {
    let mut sources = Sources::default();
    let mut findings = Findings::default();
    let file = extension.map(|extension| sources.add(extension));
    let schema =
        schema::extend(shipped, extension.map(|extension| extension.text.as_str()), file, &mut findings);
    let mut entries: Vec<Entry> = kept.into_iter().filter_map(|one| entry(one, &mut findings)).collect();
    let set = collect(&mut entries, &sources, &mut findings);
    let mut reasons = BTreeMap::new();
    for entry in &entries {
        // What was to be said of annotations was said when the set was loaded.
        if let Some(reason) = annotations::read(entry, &Declared::default(), &mut Findings::default()) {
            reasons.insert(entry.id.clone(), reason);
        }
    }
    if let Some((schema, _)) = &schema {
        validate::validate(&set, schema, &entries, &sources, &mut findings);
    }
    let policies = match schema {
        Some((schema, headers)) if !findings.has_errors() => {
            Some(Policies { headers, ..checked(set, schema, entries, reasons) })
        }
        _ => None,
    };
    Loaded { policies, findings: findings.into_reports(&sources) }
}

/// A policy in its own text; a template decides nothing, and is left out.
fn entry(kept: KeptPolicy, findings: &mut Findings) -> Option<Entry> {
    let place = Place { file: None, span: NOWHERE };
    if too_deep(&kept.text).is_some() {
        super::nested(&place, findings);
        return None;
    }
    match Policy::parse(Some(PolicyId::new(&kept.id)), &kept.text) {
        Ok(policy) => Some(Entry {
            id: kept.id,
            body: Body::Static(policy),
            place,
            origin: kept.origin,
            text: kept.text,
        }),
        Err(_) if cedar_policy::Template::parse(None, &kept.text).is_ok() => None,
        Err(fault) => {
            findings.adopt(Severity::Error, "portcullis::policy::parse", &place, &fault, None);
            None
        }
    }
}

/// What is kept stands in no file any more.
const NOWHERE: Range<usize> = 0..0;

#[cfg(test)]
mod tests;
