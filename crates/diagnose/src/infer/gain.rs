//! What a probe is worth before it is made: how much doubt among the causes its outcome would take away, on average.

use crate::evidence::{CauseIndex, Evidence};

use super::Ranking;

/// Causes below this share are left out: they change nothing and cost time.
const SMALLEST: f64 = 0.002;

/// Expected loss of entropy, in nats, by the outcome of a probe.
#[must_use]
pub fn expected_gain(evidence: &Evidence, ranking: &Ranking, probe: &str) -> f64 {
    let outcomes: Vec<usize> = evidence
        .outcomes(probe)
        .filter(|(_, signal)| !ASIDE.contains(&signal.id.as_str()))
        .map(|(index, _)| index)
        .collect();
    let causes: Vec<(CauseIndex, f64)> =
        ranking.causes.iter().copied().filter(|(_, share)| *share >= SMALLEST).collect();
    let total: f64 = causes.iter().map(|(_, share)| share).sum();
    if outcomes.is_empty() || total <= 0.0 {
        return 0.0;
    }
    let before: f64 = causes.iter().map(|(_, share)| entropy(share / total)).sum();
    let mut after = 0.0;
    let probabilities: Vec<Vec<f64>> =
        causes.iter().map(|(cause, _)| of_outcomes(evidence, *cause, &outcomes)).collect();
    for outcome in 0..outcomes.len() {
        let joint: Vec<f64> = causes
            .iter()
            .zip(&probabilities)
            .map(|((_, share), likely)| share / total * likely.get(outcome).copied().unwrap_or_default())
            .collect();
        let sum: f64 = joint.iter().sum();
        if sum > 0.0 {
            after += sum * joint.iter().map(|joint| entropy(joint / sum)).sum::<f64>();
        }
    }
    (before - after).max(0.0)
}

/// Signals that stand beside the outcomes of their group.
const ASIDE: [&str; 4] =
    ["query:one-argument", "repeat:at-first-fine", "repeat:alternates", "family:differs"];

/// How probable each outcome is under a cause; what the cause leaves open follows the base rates.
fn of_outcomes(evidence: &Evidence, cause: CauseIndex, outcomes: &[usize]) -> Vec<f64> {
    let told = |index: &usize| {
        evidence.findings.get(cause).and_then(|finding| finding.likelihood.get(*index).copied().flatten())
    };
    let base = |index: &usize| evidence.signals.get(*index).map_or(0.0, |signal| signal.base);
    let said: f64 = outcomes.iter().filter_map(told).sum();
    let open: f64 = outcomes.iter().filter(|index| told(index).is_none()).map(base).sum();
    let rest = (1.0 - said).max(0.01);
    let raw: Vec<f64> = outcomes
        .iter()
        .map(|index| told(index).unwrap_or_else(|| if open > 0.0 { base(index) / open * rest } else { 0.0 }))
        .collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|value| if sum > 0.0 { value / sum } else { 0.0 }).collect()
}

fn entropy(share: f64) -> f64 {
    if share > 0.0 { -share * share.ln() } else { 0.0 }
}
