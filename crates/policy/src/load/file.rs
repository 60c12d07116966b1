//! One file of written policies, taken apart: each policy with its id, place and text.

use std::path::Path;

use cedar_policy::{Effect, Policy, PolicyId, PolicySet, PolicySetError, Template};
use cedar_policy_core::ast;
use miette::Severity;

use super::{FILE_LIMIT, Origin, nested, too_deep, too_large};
use crate::finding::{Findings, Place, Sources};

/// One policy or template, wherever it comes from.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) body: Body,
    pub(crate) place: Place,
    pub(crate) origin: Origin,
    /// As `policy show` prints it.
    pub(crate) text: String,
}

/// What an entry is.
#[derive(Debug)]
pub(crate) enum Body {
    Static(Policy),
    Template(Template),
}

impl Entry {
    pub(crate) fn is_forbid(&self) -> bool {
        match &self.body {
            Body::Static(policy) => policy.effect() == Effect::Forbid,
            Body::Template(template) => template.effect() == Effect::Forbid,
        }
    }

    pub(crate) fn is_written(&self) -> bool {
        matches!(self.origin, Origin::Written { .. })
    }

    /// The tree, which has the same form for both.
    pub(crate) fn tree(&self) -> &ast::Template {
        match &self.body {
            Body::Static(policy) => AsRef::<ast::Policy>::as_ref(policy).template(),
            Body::Template(template) => template.as_ref(),
        }
    }

    pub(crate) fn add_to(&self, set: &mut PolicySet) -> Result<(), Box<PolicySetError>> {
        let added = match &self.body {
            Body::Static(policy) => set.add(policy.clone()),
            Body::Template(template) => set.add_template(template.clone()),
        };
        added.map_err(Box::new)
    }

    /// A place within this entry: the span itself where the policy was written by hand, the guard's otherwise.
    pub(crate) fn within(&self, loc: Option<&cedar_policy_core::parser::Loc>) -> Place {
        match loc {
            Some(loc) if self.is_written() => Place { file: self.place.file, span: loc.start()..loc.end() },
            _ => self.place.clone(),
        }
    }
}

/// Reads one file. A file that does not parse yields all that is wrong with it, and no policies.
pub(super) fn read(file: usize, sources: &Sources, entries: &mut Vec<Entry>, findings: &mut Findings) {
    let text = sources.text(file);
    let whole = Place { file: Some(file), span: 0..0 };
    if text.len() > FILE_LIMIT {
        return too_large(text.len(), &whole, findings);
    }
    if let Some(span) = too_deep(text) {
        return nested(&Place { span, ..whole }, findings);
    }
    let set: PolicySet = match text.parse() {
        Ok(set) => set,
        Err(faults) => {
            let faults: cedar_policy::ParseErrors = faults;
            for fault in faults.iter() {
                findings.adopt(Severity::Error, "portcullis::policy::parse", &whole, fault, None);
            }
            return;
        }
    };
    let mut bodies: Vec<(usize, usize, Body)> = set
        .policies()
        .map(|policy| Body::Static(policy.clone()))
        .chain(set.templates().map(|template| Body::Template(template.clone())))
        .map(|body| {
            let loc = match &body {
                Body::Static(policy) => AsRef::<ast::Policy>::as_ref(policy).loc(),
                Body::Template(template) => AsRef::<ast::Template>::as_ref(template).loc(),
            };
            let (start, end) = loc.map_or((0, 0), |loc| (loc.start(), loc.end()));
            (start, end, body)
        })
        .collect();
    bodies.sort_by_key(|(start, _, _)| *start);
    let stem = Path::new(sources.name(file))
        .file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    for (index, (start, end, body)) in bodies.into_iter().enumerate() {
        let place = Place { file: Some(file), span: start..end };
        let given = match &body {
            Body::Static(policy) => policy.annotation("id").map(str::to_owned),
            Body::Template(template) => template.annotation("id").map(str::to_owned),
        };
        let id = match given {
            Some(id) => {
                check_id(&id, &place, findings);
                id
            }
            None => format!("{stem}.{}", index + 1),
        };
        let body = match body {
            Body::Static(policy) => Body::Static(policy.new_id(PolicyId::new(&id))),
            Body::Template(template) => Body::Template(template.new_id(PolicyId::new(&id))),
        };
        let (line, column) = sources.position(file, start);
        let origin = Origin::Written { file: sources.name(file).to_owned(), line, column };
        let text = text.get(start..end).unwrap_or("").to_owned();
        entries.push(Entry { id, body, place, origin, text });
    }
}

/// Ids stand in records, on the console and in lists: they must be readable, and never look like a guard's.
fn check_id(id: &str, place: &Place, findings: &mut Findings) {
    let readable = |character: char| !character.is_control() && !character.is_whitespace();
    if id.is_empty() || id.len() > 200 || !id.chars().all(readable) {
        findings.error(
            "portcullis::policy::id",
            place,
            format!("`{}` is no policy id", id.escape_debug()),
            "use 1 to 200 characters without spaces: `@id(\"shop.refunds\")`",
        );
    } else if id.starts_with("guard.") {
        findings.error(
            "portcullis::policy::id",
            place,
            format!("policy id `{id}` is a guard's"),
            "ids that begin with `guard.` are made from the configuration; choose another",
        );
    }
}
