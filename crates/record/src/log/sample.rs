//! Boring decisions that need not all be recorded: rules that say which, and counts of what was left out, so that
//! totals stay exact. Denials are never left out unless a rule says so in so many words.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::entry::Entry;

/// Which decisions are recorded only in part. What is not said matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DropRule {
    /// The apps, by name.
    pub apps: Vec<String>,
    /// The routes, by name.
    pub routes: Vec<String>,
    /// What the path begins with, any of these.
    pub paths: Vec<String>,
    /// The status that we sent, any of these. What an origin sent is known only afterwards.
    pub statuses: Vec<u16>,
    /// Whether it was allowed.
    pub allowed: Option<bool>,
    /// How many of a million are recorded all the same.
    pub keep_per_million: u32,
    /// Denials, too.
    pub denials: bool,
}

impl DropRule {
    fn matches<F>(&self, entry: &Entry<F>) -> bool {
        let allowed = is_allowed(entry);
        let named = |names: &[String], name: Option<&str>| {
            names.is_empty() || name.is_some_and(|name| names.iter().any(|wanted| wanted == name))
        };
        (allowed || self.denials)
            && self.allowed.is_none_or(|wanted| wanted == allowed)
            && named(&self.apps, entry.app.as_deref())
            && named(&self.routes, entry.route.as_deref())
            && (self.paths.is_empty() || self.paths.iter().any(|path| entry.request.path.starts_with(path)))
            && (self.statuses.is_empty()
                || entry.status.is_some_and(|status| self.statuses.contains(&status)))
    }
}

/// Whether a decision let its request in, or answered it with no refusal.
pub(crate) fn is_allowed<F>(entry: &Entry<F>) -> bool {
    let denied = entry.verdict.as_ref().is_some_and(|verdict| verdict.decision != "allow");
    !denied && entry.reason.is_none() && entry.status.is_none_or(|status| status < 400)
}

/// The rules at work.
#[derive(Debug, Default)]
pub(super) struct Sampling {
    rules: Vec<DropRule>,
    /// Left out by each rule, and not yet told of in the log.
    counts: Vec<AtomicU64>,
    /// Whether there is anything to tell.
    pending: AtomicBool,
    total: AtomicU64,
}

/// What was left out by one rule, as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Left {
    /// Which rule, from 1 in the order they are written in.
    pub(crate) rule: usize,
    /// Decisions without a record because of it.
    pub(crate) decisions: u64,
}

/// The line that tells of what was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sampled {
    /// When it was written: RFC 3339, UTC, microseconds.
    pub(crate) time: String,
    /// In all.
    pub(crate) decisions: u64,
    /// By rule.
    pub(crate) rules: Vec<Left>,
}

impl Sampling {
    pub(super) fn new(rules: &[DropRule]) -> Self {
        Self {
            rules: rules.to_vec(),
            counts: rules.iter().map(|_| AtomicU64::new(0)).collect(),
            ..Self::default()
        }
    }

    /// Whether a decision is left out; if so it is counted. The first rule that is about it says. `.1`: the log has
    /// something to tell, and had not before.
    pub(super) fn leaves_out<F>(&self, entry: &Entry<F>) -> (bool, bool) {
        let Some((rule, count)) = self.rules.iter().zip(&self.counts).find(|(rule, _)| rule.matches(entry))
        else {
            return (false, false);
        };
        if chance(&entry.reference) < rule.keep_per_million {
            return (false, false);
        }
        count.fetch_add(1, Ordering::AcqRel);
        self.total.fetch_add(1, Ordering::Relaxed);
        (true, !self.pending.swap(true, Ordering::AcqRel))
    }

    pub(super) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Takes what is to be told.
    pub(super) fn take(&self) -> Vec<Left> {
        // First the mark: what is counted in between sets it anew.
        self.pending.store(false, Ordering::Release);
        let counts = self.counts.iter().map(|count| count.swap(0, Ordering::AcqRel)).enumerate();
        counts
            .filter(|(_, decisions)| *decisions > 0)
            .map(|(index, decisions)| Left { rule: index + 1, decisions })
            .collect()
    }

    /// Puts back what could not be told after all.
    pub(super) fn put_back(&self, left: &[Left]) {
        for left in left {
            if let Some(count) = left.rule.checked_sub(1).and_then(|index| self.counts.get(index)) {
                count.fetch_add(left.decisions, Ordering::AcqRel);
            }
        }
        if !left.is_empty() {
            self.pending.store(true, Ordering::Release);
        }
    }
}

/// A number below a million that is the reference's own: its last digits are random, and every gate that has the same
/// decision comes to the same answer.
fn chance(reference: &str) -> u32 {
    let digits = reference.len().checked_sub(8).and_then(|at| reference.get(at..)).unwrap_or_default();
    let random = u32::from_str_radix(digits, 16).unwrap_or(0);
    u32::try_from((u64::from(random) * 1_000_000) >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{entry, reference_in};

    fn allowed(path: &str) -> Entry {
        let mut entry = entry(reference_in(0));
        entry.request.path = path.to_owned();
        (entry.reason, entry.status, entry.verdict) = (None, None, None);
        entry
    }

    #[test]
    fn as_many_are_kept_as_the_rule_says_and_the_rest_is_counted() {
        let rule =
            DropRule { paths: vec!["/health".to_owned()], keep_per_million: 100_000, ..DropRule::default() };
        let sampling = Sampling::new(&[rule]);
        let kept = (0..20_000).filter(|_| !sampling.leaves_out(&allowed("/healthz")).0).count();
        assert!((1_700..2_300).contains(&kept), "{kept}");
        assert!(!sampling.leaves_out(&allowed("/other")).0);
        let left = sampling.take();
        assert_eq!(left, [Left { rule: 1, decisions: 20_000 - kept as u64 }]);
        assert!(sampling.take().is_empty() && !sampling.is_pending());
        sampling.put_back(&left);
        assert!(sampling.is_pending());
        assert_eq!(sampling.take(), left);
        assert_eq!(sampling.total(), left[0].decisions);
    }

    #[test]
    fn denials_stay_unless_the_rule_names_them() {
        let denial = entry(reference_in(0));
        assert!(!Sampling::new(&[DropRule::default()]).leaves_out(&denial).0);
        let denials = DropRule { denials: true, ..DropRule::default() };
        assert_eq!(Sampling::new(std::slice::from_ref(&denials)).leaves_out(&denial), (true, true));
        let only_allowed = DropRule { allowed: Some(true), ..denials };
        assert!(!Sampling::new(&[only_allowed]).leaves_out(&denial).0);
    }

    #[test]
    fn everything_a_rule_says_must_hold() {
        let sound = DropRule {
            apps: vec!["media".to_owned()],
            routes: vec!["premium".to_owned()],
            paths: vec!["/a".to_owned(), "/b".to_owned()],
            ..DropRule::default()
        };
        assert!(Sampling::new(std::slice::from_ref(&sound)).leaves_out(&allowed("/b/c")).0);
        for wrong in [
            DropRule { apps: vec!["other".to_owned()], ..sound.clone() },
            DropRule { routes: vec!["other".to_owned()], ..sound.clone() },
            DropRule { paths: vec!["/c".to_owned()], ..sound.clone() },
            DropRule { statuses: vec![204], ..sound.clone() },
            DropRule { allowed: Some(false), ..sound },
        ] {
            assert!(!Sampling::new(std::slice::from_ref(&wrong)).leaves_out(&allowed("/b/c")).0, "{wrong:?}");
        }
    }
}
