//! What a run consisted of, so that a run of ten million dull pairs does not pass for a proof.

use std::fmt;

use cedar_policy::PolicySet;

use crate::answer::Answer;

/// Counts of pairs of a policy set and a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// Policy sets.
    pub sets: u64,
    /// Policies in them, links included.
    pub policies: u64,
    /// Pairs.
    pub pairs: u64,
    /// Of these, also asked by facts.
    pub facts: u64,
    /// Allowed.
    pub allowed: u64,
    /// Denied by a forbid.
    pub forbidden: u64,
    /// Denied because no permit held.
    pub by_default: u64,
    /// With at least one policy that erred.
    pub erred: u64,
    /// Errors in all.
    pub errors: u64,
}

impl Census {
    /// Counts a set.
    pub fn add_set(&mut self, set: &PolicySet) {
        self.sets = self.sets.saturating_add(1);
        self.policies = self.policies.saturating_add(set.policies().count() as u64);
    }

    /// Counts a pair by the answer to it.
    pub fn add_pair(&mut self, answer: &Answer) {
        self.pairs = self.pairs.saturating_add(1);
        let kind = match (answer.allow, answer.reasons.is_empty()) {
            (true, _) => &mut self.allowed,
            (false, false) => &mut self.forbidden,
            (false, true) => &mut self.by_default,
        };
        *kind = kind.saturating_add(1);
        self.erred = self.erred.saturating_add(u64::from(!answer.errors.is_empty()));
        self.errors = self.errors.saturating_add(answer.errors.len() as u64);
    }

    /// Counts what another counted.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.sets, other.sets),
            (&mut self.policies, other.policies),
            (&mut self.pairs, other.pairs),
            (&mut self.facts, other.facts),
            (&mut self.allowed, other.allowed),
            (&mut self.forbidden, other.forbidden),
            (&mut self.by_default, other.by_default),
            (&mut self.erred, other.erred),
            (&mut self.errors, other.errors),
        ];
        for (own, other) in pairs {
            *own = own.saturating_add(other);
        }
    }

    /// The kinds of pairs by name, each with its share in a hundred.
    #[must_use]
    pub fn shares(&self) -> [(&'static str, f64); 4] {
        [
            ("allowed", self.allowed),
            ("denied by a forbid", self.forbidden),
            ("denied by default", self.by_default),
            ("with errors", self.erred),
        ]
        .map(|(name, count)| (name, count as f64 * 100.0 / self.pairs.max(1) as f64))
    }
}

impl fmt::Display for Census {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sets, policies, pairs, facts, errors, .. } = self;
        write!(to, "{pairs} pairs ({facts} also by facts) of {sets} policy sets with {policies} policies:")?;
        for (name, share) in self.shares() {
            write!(to, " {share:.1} % {name},")?;
        }
        write!(to, " {errors} errors")
    }
}
