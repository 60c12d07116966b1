//! From what was seen to ranked causes: naive Bayes in log-odds, with what speaks of the same thing counted once.
//!
//! For each cause every judged signal gives a ratio: how probable it is (or its absence) under the cause, over how probable
//! it is whatever the cause. Of each group of signals only the strongest word for and the strongest word against count,
//! since the rest repeats them. Ratios are multiplied with the cause's weight; a cause nobody knows competes with them, to
//! which every signal is as probable as usual, so that poor fits stay in doubt.

mod gain;

use std::collections::HashMap;

use crate::evidence::{CauseIndex, Evidence, SignalIndex};
use crate::signals::Seen;

pub use gain::expected_gain;

/// A hint from elsewhere (configuration, logs) that speaks for or against one cause.
#[derive(Debug, Clone)]
pub struct Hint {
    /// Which.
    pub cause: CauseIndex,
    /// By how much, as natural logarithm of a ratio.
    pub weight: f64,
}

/// Causes by confidence, the highest first.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// Cause and confidence.
    pub causes: Vec<(CauseIndex, f64)>,
    /// What is left for causes nobody knows.
    pub unknown: f64,
}

/// The weight of what the server itself says of the request in so many words.
pub const DECISIVE: f64 = 9.0;
/// What is seen from outside speaks against a cause that the server itself names by no more than this: how rules of its
/// kind usually behave says little about the one that is known.
const AGAINST_THE_SERVER: f64 = -2.0;
/// The weight of a cause that is not in the list, beside some hundred and fifty that are.
const UNKNOWN: f64 = 4.0;
/// The same where no refusal was seen: whether there is one at all rests on a report.
const UNKNOWN_UNSEEN: f64 = 16.0;
/// No single group may say more than this: words are read by patterns, and patterns err.
const MOST: f64 = 6.0;
/// Naive Bayes takes groups for independent, which they are not quite; confidence is tempered by this power.
const TEMPER: f64 = 0.9;

/// Ranks all causes.
#[must_use]
pub fn rank(evidence: &Evidence, seen: &Seen, hints: &[Hint]) -> Ranking {
    let mut scores: Vec<(CauseIndex, f64)> = Vec::new();
    for (cause, finding) in evidence.findings.iter().enumerate().filter(|(_, finding)| finding.prior > 0.0) {
        let mut score = finding.prior.ln();
        let groups = by_group(evidence, seen, cause);
        let observed = groups.values().map(|(against, favour)| against + favour).sum::<f64>();
        let told = hints.iter().filter(|hint| hint.cause == cause).map(|hint| hint.weight).sum::<f64>();
        score += told + if told >= DECISIVE { observed.max(AGAINST_THE_SERVER) } else { observed };
        scores.push((cause, score * TEMPER));
    }
    let shown = evidence.group("page").any(|(index, _)| seen.get(index).is_some());
    let unknown = if shown || !hints.is_empty() { UNKNOWN } else { UNKNOWN_UNSEEN }.ln() * TEMPER;
    let highest = scores.iter().map(|(_, score)| *score).fold(unknown, f64::max);
    let mut total = (unknown - highest).exp();
    for (_, score) in &mut scores {
        *score = (*score - highest).exp();
        total += *score;
    }
    let mut causes: Vec<_> = scores.into_iter().map(|(cause, score)| (cause, score / total)).collect();
    causes.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    Ranking { causes, unknown: (unknown - highest).exp() / total }
}

/// Strongest word against and for, by group. Where something that is there speaks for a cause more than what is
/// missing of the same group speaks against it, the latter does not count: outcomes and wordings exclude each other.
fn by_group<'a>(evidence: &'a Evidence, seen: &Seen, cause: CauseIndex) -> HashMap<&'a str, (f64, f64)> {
    let mut groups: HashMap<&str, Words> = HashMap::new();
    for (index, signal) in evidence.signals.iter().enumerate() {
        let Some(ratio) = ratio(evidence, seen, cause, index) else { continue };
        let words = groups.entry(signal.group.as_str()).or_default();
        let holds = seen.get(index).is_some_and(|judged| judged.holds);
        let side = if holds { &mut words.there } else { &mut words.missing };
        *side = (side.0.min(ratio), side.1.max(ratio));
    }
    groups.into_iter().map(|(group, words)| (group, words.strongest())).collect()
}

/// What a group says of a cause: the strongest word against and for, of what is there and of what is missing.
#[derive(Debug, Default)]
struct Words {
    there: (f64, f64),
    missing: (f64, f64),
}

impl Words {
    fn strongest(&self) -> (f64, f64) {
        let (against, favour) = self.there;
        let missing = if favour + self.missing.0 >= 0.0 { 0.0 } else { self.missing.0 };
        (against.min(missing), favour.max(self.missing.1))
    }
}

/// What one signal says of one cause, as a logarithm.
#[must_use]
pub fn ratio(evidence: &Evidence, seen: &Seen, cause: CauseIndex, index: SignalIndex) -> Option<f64> {
    let judged = seen.get(index)?;
    let signal = evidence.signals.get(index)?;
    let likely = evidence.findings.get(cause)?.likelihood.get(index).copied().flatten()?;
    let ratio =
        if judged.holds { (likely / signal.base).ln() } else { ((1.0 - likely) / (1.0 - signal.base)).ln() };
    Some((ratio * judged.weight).clamp(-MOST, MOST))
}

/// The signals that speak most for a cause, strongest first, one of each group.
#[must_use]
pub fn reasons(evidence: &Evidence, seen: &Seen, cause: CauseIndex) -> Vec<(SignalIndex, f64)> {
    let mut best: HashMap<&str, (SignalIndex, f64)> = HashMap::new();
    for (index, signal) in evidence.signals.iter().enumerate() {
        let holds = seen.get(index).is_some_and(|judged| judged.holds);
        let Some(ratio) = ratio(evidence, seen, cause, index).filter(|ratio| holds && *ratio > 0.15) else {
            continue;
        };
        let entry = best.entry(signal.group.as_str()).or_insert((index, ratio));
        if ratio > entry.1 {
            *entry = (index, ratio);
        }
    }
    let mut reasons: Vec<_> = best.into_values().collect();
    reasons.sort_by(|(at, one), (other_at, other)| other.total_cmp(one).then(at.cmp(other_at)));
    reasons
}

impl Ranking {
    /// The first cause with its confidence.
    #[must_use]
    pub fn first(&self) -> Option<(CauseIndex, f64)> {
        self.causes.first().copied()
    }

    /// Confidence summed over the causes of a layer, highest first.
    #[must_use]
    pub fn layers<'a>(&self, evidence: &'a Evidence) -> Vec<(&'a str, f64)> {
        let mut sums: HashMap<&str, f64> = HashMap::new();
        for (cause, confidence) in &self.causes {
            if let Some(finding) = evidence.findings.get(*cause) {
                *sums.entry(finding.layer.as_str()).or_default() += confidence;
            }
        }
        let mut layers: Vec<_> = sums.into_iter().collect();
        layers.sort_by(|(name, one), (other_name, other)| other.total_cmp(one).then(name.cmp(other_name)));
        layers
    }
}
