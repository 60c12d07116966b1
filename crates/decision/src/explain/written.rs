//! The clauses of a policy as they are written, whatever they come to.

use super::place;
use crate::Program;
use crate::lower;

/// One clause as it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    /// Its text.
    pub text: String,
    /// Whether it stands in an `unless` or behind `!`: then it holds if what is written is false.
    pub negated: bool,
}

impl Program {
    /// The conjuncts of every `when` and the disjuncts of every `unless` of a policy; none where it has no conditions, or there
    /// is no policy of this id.
    #[must_use]
    pub fn written_clauses(&self, id: &str) -> Vec<Written> {
        let policy = self.sources.find(id).and_then(|policy| self.policy(policy));
        let conditions = policy.as_ref().and_then(|policy| policy.non_scope_constraints());
        let clauses = conditions.map(lower::clauses).unwrap_or_default();
        let written = clauses.into_iter();
        written.map(|clause| Written { text: place::text(clause.expr), negated: clause.negated }).collect()
    }
}
