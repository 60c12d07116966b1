//! Lints over a whole policy set: what parses and validates, and still cannot be meant. Each has a stable code:
//!
//! | code (`portcullis::policy::…`) | what |
//! |---|---|
//! | `contradicting_guards` | requirements of one route that nobody can ever meet together (error) |
//! | `public_requires_identity` | a public route that requires what only an identified caller has |
//! | `never_applies` | a policy that no request meets: by the schema, or for want of the app or route it names |
//! | `unlinked_template` | a template, which applies to nothing by itself |
//! | `covered_permit` | a permit under a forbid that holds whenever it does |
//! | `unindexed` | more than a handful of policies that every decision has to look at |
//! | `optional_without_has` | an optional attribute read without `has` (error; from the validator) |
//!
//! They are advice to authors. What they miss is decided all the same.

mod covered;
mod guards;
mod names;
mod unindexed;

use cedar_policy::{PolicySet, Schema};

use crate::Guard;
use crate::finding::{Findings, Sources};
use crate::guards::Declared;
use crate::load::{Body, Entry};

/// Runs every lint that is not the validator's.
pub(crate) fn run(
    set: &PolicySet,
    entries: &[Entry],
    written_guards: &[Guard],
    declared: &Declared,
    schema: &Schema,
    sources: &Sources,
    findings: &mut Findings,
) {
    guards::run(written_guards, sources, findings);
    names::run(entries, declared, findings);
    unindexed::run(set, entries, findings);
    covered::run(entries, declared, schema, sources, findings);
    for entry in entries.iter().filter(|entry| matches!(entry.body, Body::Template(_))) {
        findings.warning(
            "portcullis::policy::unlinked_template",
            &entry.place,
            format!("`{}` is a template and applies to nothing by itself", entry.id),
            "write a policy for each principal or resource, or put those in a group: nothing links templates here",
        );
    }
}

#[cfg(test)]
mod tests;
