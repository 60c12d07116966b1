//! How sure a cause is. What the numbers prove is that refusals go with something; how likely that something is the cause
//! depends on how clean the contrast is and on how near the next best explanation comes.

use crate::search::Explanation;

/// Where an explanation stands among the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// Its part of all refusals that were explained.
    pub(super) share: f64,
    /// How many explain more.
    pub(super) rank: usize,
    /// How much it is worth beyond the best that means another cause.
    pub(super) lead: f64,
}

/// What lesser ids of the same explanation keep of its confidence.
const LESSER: f64 = 0.3;
/// What a lead must be (natural logarithms) for rivals to matter little.
const NEAR: f64 = 6.0;

pub(super) fn of(explanation: &Explanation, standing: Standing, place: usize) -> f64 {
    let inside = explanation.inside.share();
    let ratio = inside / explanation.outside.share().max(1e-6);
    // Refused a little more often than the rest may be many things; next to always, against next to never, is a rule.
    let clean = 1.0 - 0.3 * (-(ratio - 3.0) / 8.0).exp().min(1.0);
    let evidence = 1.0 - 0.6 * (-explanation.score / 12.0).exp();
    let apart = 1.0 - 0.4 * (-standing.lead / NEAR).exp();
    let first = 0.98 * clean * evidence * apart;
    let among = if standing.rank == 0 { 0.8 + 0.2 * standing.share } else { 0.55 * standing.share };
    let lesser = LESSER.powi(i32::try_from(place.min(4)).unwrap_or(4));
    (first * among * lesser).clamp(0.01, 0.98)
}
