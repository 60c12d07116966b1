//! Everything written, checked at once: texts and guards in, a set or every finding out. What is found is in the files
//! below this one and in `annotations`, `guards` and `lints`.
//!
//! INVARIANT: there is a set exactly if there is no error, so a bad change never replaces a good state.

mod file;
mod kept;
mod nesting;
mod validate;

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{PolicySet, Schema};
use miette::Severity;

use crate::annotations::{self, ACCESS_DENIED};
use crate::finding::{Findings, Place, Sources};
use crate::guards::{self, Declared};
use crate::schema::headers::ReadHeader;
use crate::{Guard, PublicReason, ReasonStatus, lints, schema};
pub(crate) use file::{Body, Entry};
pub use kept::KeptPolicy;
pub(crate) use nesting::too_deep;

/// A text and the name people know it by (its file, relative to the configuration).
#[derive(Debug, Clone)]
pub struct SourceText {
    /// For diagnostics: `policies/shop.cedar`.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// Where a policy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Written by hand.
    Written {
        /// The file.
        file: String,
        /// 1-based line.
        line: usize,
        /// 1-based column.
        column: usize,
    },
    /// A guard became it.
    Guard {
        /// `shop` or `shop/premium`.
        scope: String,
        /// `access`, `require.country`, …
        key: String,
        /// The configuration file.
        file: String,
        /// 1-based line of the app's or route's table; 0 where the configuration's text was not given.
        line: usize,
    },
}

/// A checked policy set.
#[derive(Debug)]
pub struct Policies {
    /// The whole set, guards included. Whoever compiles it may take it away: it is large, and nothing else reads it.
    pub set: cedar_policy::PolicySet,
    /// The schema it was validated against, the user's extension included.
    pub schema: cedar_policy::Schema,
    /// The headers that policies may read, as the extension declares them.
    pub headers: Vec<ReadHeader>,
    /// The Cedar text of each policy as `policy show` prints it, by id.
    pub texts: BTreeMap<String, String>,
    /// Where each policy comes from, by id.
    pub origins: BTreeMap<String, Origin>,
    /// The public reason of each policy: of a `forbid`, why it refuses (`@reason` …); of a `permit`, what its
    /// absence means (`@otherwise` …).
    pub reasons: BTreeMap<String, PublicReason>,
    /// Ids of the forbids.
    pub forbids: std::collections::BTreeSet<String>,
    /// Whether any of `reasons` hides.
    hides: bool,
}

/// The result of loading: a set if there is no error, and every finding, warnings included.
#[derive(Debug)]
pub struct Loaded {
    /// The checked set; `None` if any finding is an error.
    pub policies: Option<Policies>,
    /// Errors and warnings (by [`miette::Severity`]), in order of file and position.
    pub findings: Vec<miette::Report>,
}

/// A larger file is a mistake or an attack; split it.
pub(crate) const FILE_LIMIT: usize = 1024 * 1024;

/// More policies than this in one set are refused.
pub(crate) const POLICY_LIMIT: usize = 200_000;

/// Cedar's parser and validator recurse; this holds what `nesting` lets through, many times over. Only what is used of
/// it is ever touched.
const STACK: usize = 256 * 1024 * 1024;

impl Policies {
    /// Parses, merges, validates and lints: written policies, an optional schema extension, and guards.
    ///
    /// Policy ids: `@id("…")` where written, else `<file stem>.<n>` counting policies in the file from 1; a guard's
    /// are `guard.<app>[.<route>].<key>`.
    #[must_use]
    pub fn load(written: &[SourceText], schema_extension: Option<&SourceText>, guards: &[Guard]) -> Loaded {
        Self::load_with(written, schema_extension, guards, &[])
    }

    /// As [`Policies::load`], with the texts of the configuration files that the guards are written in, so that what is
    /// found in a guard is shown where it stands.
    #[must_use]
    pub fn load_with(
        written: &[SourceText],
        schema_extension: Option<&SourceText>,
        guards: &[Guard],
        configuration: &[SourceText],
    ) -> Loaded {
        on_deep_stack(|| load(written, schema_extension, guards, configuration))
    }

    /// Whether any policy answers as if nothing were there (`@hide`). Asked on each request without identity, so it is
    /// known beforehand.
    #[must_use]
    pub fn hides(&self) -> bool {
        self.hides
    }

    /// The public reason of a policy, `access_denied` and nothing else where its author wrote none.
    #[must_use]
    pub fn public_reason(&self, id: &str) -> &PublicReason {
        self.reasons.get(id).unwrap_or(&ACCESS_DENIED)
    }
}

/// Loads on a thread with a stack of its own.
fn on_deep_stack(everything: impl FnOnce() -> Loaded + Send) -> Loaded {
    let loaded = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("policy-load".to_owned()).stack_size(STACK);
        thread.spawn_scoped(scope, everything).map(std::thread::ScopedJoinHandle::join)
    });
    match loaded {
        Ok(Ok(loaded)) => loaded,
        Ok(Err(_)) => {
            failed("the policies could not be checked", "this is a fault of Portcullis: report it with them")
        }
        Err(fault) => {
            failed(&format!("the policies could not be checked: {fault}"), "free some memory and try again")
        }
    }
}

fn failed(message: &str, help: &str) -> Loaded {
    let mut findings = Findings::default();
    findings.error("portcullis::policy::load", &Place { file: None, span: 0..0 }, message, help);
    Loaded { policies: None, findings: findings.into_reports(&Sources::default()) }
}

fn load(
    written: &[SourceText],
    extension: Option<&SourceText>,
    guards: &[Guard],
    configuration: &[SourceText],
) -> Loaded {
    let mut sources = Sources::default();
    let mut findings = Findings::default();
    let extension = extension.map(|extension| (sources.add(extension), extension.text.as_str()));
    let files: Vec<usize> = written.iter().map(|source| sources.add(source)).collect();
    for source in configuration {
        sources.add(source);
    }

    let schema = schema::extend(
        schema::SHIPPED,
        extension.map(|(_, text)| text),
        extension.map(|(file, _)| file),
        &mut findings,
    );
    let mut entries = Vec::new();
    for file in files {
        file::read(file, &sources, &mut entries, &mut findings);
    }
    let declared = Declared::new(guards);
    guards::read(guards, &sources, &mut entries, &mut findings);
    let set = collect(&mut entries, &sources, &mut findings);
    let mut reasons = BTreeMap::new();
    for entry in &entries {
        if let Some(reason) = annotations::read(entry, &declared, &mut findings) {
            reasons.insert(entry.id.clone(), reason);
        }
    }
    if let Some((schema, _)) = &schema {
        validate::validate(&set, schema, &entries, &sources, &mut findings);
        lints::run(&set, &entries, guards, &declared, schema, &sources, &mut findings);
    }
    let policies = match schema {
        Some((schema, headers)) if !findings.has_errors() => {
            Some(Policies { headers, ..checked(set, schema, entries, reasons) })
        }
        _ => None,
    };
    Loaded { policies, findings: findings.into_reports(&sources) }
}

fn checked(
    set: PolicySet,
    schema: Schema,
    entries: Vec<Entry>,
    reasons: BTreeMap<String, PublicReason>,
) -> Policies {
    let forbids: BTreeSet<String> =
        entries.iter().filter(|entry| entry.is_forbid()).map(|entry| entry.id.clone()).collect();
    let mut texts = BTreeMap::new();
    let mut origins = BTreeMap::new();
    for entry in entries {
        texts.insert(entry.id.clone(), entry.text);
        origins.insert(entry.id, entry.origin);
    }
    let hides = reasons.values().any(|reason| reason.status == ReasonStatus::Hidden);
    Policies { set, schema, headers: Vec::new(), texts, origins, reasons, forbids, hides }
}

/// Puts everything into one set; of several policies with one id, the first stays.
fn collect(entries: &mut Vec<Entry>, sources: &Sources, findings: &mut Findings) -> PolicySet {
    let mut set = PolicySet::new();
    let mut first: BTreeMap<String, Place> = BTreeMap::new();
    entries.retain(|entry| {
        if first.len() >= POLICY_LIMIT {
            if first.len() == POLICY_LIMIT {
                first.insert(String::new(), entry.place.clone());
                findings.error(
                    "portcullis::policy::too_many",
                    &entry.place,
                    format!("there are more than {POLICY_LIMIT} policies"),
                    "express what they share by groups and attributes, or split the configuration by app",
                );
            }
            return false;
        }
        if let Some(before) = first.get(&entry.id) {
            let at = before.file.map_or_else(String::new, |file| {
                format!(", first in {}:{}", sources.name(file), sources.position(file, before.span.start).0)
            });
            findings.error(
                "portcullis::policy::duplicate_id",
                &entry.place,
                format!("policy id `{}` is given twice{at}", entry.id),
                "give each policy an `@id` of its own",
            );
            return false;
        }
        first.insert(entry.id.clone(), entry.place.clone());
        match entry.add_to(&mut set) {
            Ok(()) => true,
            Err(fault) => {
                findings.adopt(Severity::Error, "portcullis::policy::set", &entry.place, &*fault, None);
                false
            }
        }
    });
    set
}

pub(crate) fn too_large(size: usize, place: &Place, findings: &mut Findings) {
    findings.error(
        "portcullis::policy::too_large",
        place,
        format!("this file has {size} bytes, more than the {FILE_LIMIT} that one may have"),
        "split it into several files",
    );
}

pub(crate) fn nested(place: &Place, findings: &mut Findings) {
    findings.error(
        "portcullis::policy::too_deep",
        place,
        format!(
            "this is nested more than {} deep, or has more than {} links of `&&` and `||`",
            nesting::NESTING_LIMIT,
            nesting::CHAIN_LIMIT
        ),
        "write long lists of alternatives as a set: `[\"a\", \"b\"].contains(…)`",
    );
}

#[cfg(test)]
pub(crate) mod tests;
