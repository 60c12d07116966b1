//! A policy set compiled: what a decision reads, and nothing of the syntax trees it was made from.
//!
//! INVARIANT: decision, reasons, errors and their texts are the official authorizer's; only a chain of `&&` or `||`
//! that is too long for its stack is decided here all the same.

mod compile;
mod reads;
mod report;

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::{PolicySet, Request, Schema};
use cedar_policy_core::ast;

use crate::bind::Layout;
use crate::graph::Graph;
use crate::index::{Index, Keys};
use crate::lower::Unsupported;
use crate::rule::Terms;
use crate::source::Sources;
use crate::{Facts, Verdict, World, decide};
pub use reads::{Named, Reads};
pub use report::{Handed, Report};

/// A policy set made ready to decide with.
#[derive(Debug)]
pub struct Program {
    pub(crate) sources: Sources,
    pub(crate) graph: Graph,
    pub(crate) terms: Terms,
    pub(crate) index: Index,
    /// Where the facts that its conditions read are bound.
    pub(crate) layout: Layout,
    /// The entity types that policies and schema name: names of these need not be looked at twice.
    pub(crate) kinds: BTreeSet<Arc<str>>,
    report: Report,
    reads: Reads,
    /// Which policies are forbids, in the order of ids.
    forbids: Vec<bool>,
    /// What finds each policy.
    keys: Keys,
    /// What the reference evaluator decides.
    handed: Vec<(u32, Unsupported)>,
}

/// Why a policy set cannot be made into a program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// More policies than [`Program::LIMIT`].
    #[error("`{count}` policies are more than the {limit} that one program holds; split the set by app")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl Program {
    /// How many policies one program holds.
    pub const LIMIT: usize = 1_000_000;

    /// Makes a program of static policies and template links. Templates without a link apply to nothing.
    ///
    /// # Errors
    /// [`CompileError`] if the set exceeds what a program holds.
    pub fn compile(set: &PolicySet) -> Result<Self, CompileError> {
        compile::compile(set, true)
    }

    /// As [`Program::compile`]; what the schema declares is known beforehand. It changes no decision: policies are
    /// validated elsewhere, requests and entities are taken as they come.
    ///
    /// # Errors
    /// [`CompileError`] if the set exceeds what a program holds.
    pub fn compile_with_schema(set: &PolicySet, schema: &Schema) -> Result<Self, CompileError> {
        let mut program = Self::compile(set)?;
        let actions = schema.actions().map(cedar_policy::EntityUid::type_name);
        program.kinds.extend(schema.entity_types().chain(actions).map(|kind| Arc::from(kind.to_string())));
        Ok(program)
    }

    /// As [`Program::compile`] without an index: each decision looks at every policy. To prove the index by.
    ///
    /// # Errors
    /// [`CompileError`] if the set exceeds what a program holds.
    #[doc(hidden)]
    pub fn compile_unindexed(set: &PolicySet) -> Result<Self, CompileError> {
        compile::compile(set, false)
    }

    /// What was made of the policies: how they are found, and which could not be compiled.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Which facts its conditions name: what they do not name cannot change a decision, as long as every fact that they
    /// do name is as it was. Scopes, which ask what principal and resource are in, are not among them.
    #[must_use]
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// Whether some policy names an entity of one of these types, in its scope or its conditions. What is left to the
    /// reference evaluator may name anything.
    #[must_use]
    pub fn names_any(&self, kinds: &[&str]) -> bool {
        let is_one = |kind: &str| kinds.contains(&kind);
        !self.handed.is_empty()
            || self.terms.literal_kinds().any(is_one)
            || self.graph.kinds().any(|kind| is_one(&kind))
    }

    /// What a policy became, in words: its clauses as operations, numbered, and the tests of its scope. `None` if there
    /// is no policy of this id.
    #[must_use]
    pub fn show(&self, id: &str) -> Option<String> {
        report::show(self, self.sources.find(id)?)
    }

    /// Decides a Cedar request as the official authorizer does, for conformance and for callers that have one.
    /// Never yields a permit.
    #[must_use]
    pub fn decide<'v>(&'v self, world: &'v World, request: &'v Request) -> Verdict<'v> {
        decide::request(self, world, request)
    }

    /// Decides by the facts of a request, with what it adds to the world.
    ///
    /// Facts that are no Cedar (a repeated name in a record, a decimal that is none) are treated as unavailable and
    /// named in [`Verdict::errors`] with an empty policy id; a request whose principal, action, resource or overlay
    /// cannot be named in Cedar is undecided.
    #[must_use]
    pub fn decide_facts<'v>(&'v self, world: &'v World, facts: &'v Facts<'v>) -> Verdict<'v> {
        decide::facts(self, world, facts)
    }

    /// The policy as the official crate has it, parsed again where it is not kept.
    pub(crate) fn policy(&self, policy: u32) -> Option<Arc<ast::Policy>> {
        self.sources.policy(policy)
    }

    pub(crate) fn is_forbid(&self, policy: u32) -> bool {
        usize::try_from(policy).ok().and_then(|at| self.forbids.get(at)).is_some_and(|forbid| *forbid)
    }

    /// Whether texts of this type name an entity type.
    pub(crate) fn is_kind(&self, kind: &str) -> bool {
        self.kinds.contains(kind) || is_type_name(kind)
    }
}

/// Whether Cedar writes an entity type like this. What is made of letters alone, and no word of the language, is known
/// without its parser, which allocates thirty times for it.
fn is_type_name(kind: &str) -> bool {
    is_plain(kind) || kind.parse::<ast::Name>().is_ok_and(|name| name.to_string() == kind)
}

fn is_plain(kind: &str) -> bool {
    /// Cedar's keywords; there are others that are names all the same, and are left to the parser.
    const WORDS: [&str; 9] = ["true", "false", "if", "then", "else", "in", "is", "like", "has"];
    kind.split("::").all(|part| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !WORDS.contains(&part)
    })
}

#[cfg(test)]
mod tests;
