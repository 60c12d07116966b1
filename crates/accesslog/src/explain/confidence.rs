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
}

/// What lesser ids of the same explanation keep of its confidence.
const LESSER: f64 = 0.3;
/// A rival that comes this near (natural logarithms) is as likely.
const NEAR: f64 = 12.0;

pub(super) fn of(explanation: &Explanation, standing: Standing, place: usize) -> f64 {
    let inside = explanation.inside.share();
    let ratio = inside / explanation.outside.share().max(1e-6);
    // A share near one inside and near none outside is what a rule leaves; less of it may be many things.
    let clean = 1.0 - 0.25 * (-(ratio / 12.0)).exp() - 0.15 * (1.0 - inside).powi(2);
    let evidence = 1.0 - (-explanation.score / 25.0).exp();
    let rival = explanation.rivals.iter().map(|(_, score)| *score).fold(f64::MIN, f64::max);
    let lead = (explanation.score - rival).max(0.0);
    let apart = 1.0 - 0.35 * (-lead / NEAR).exp();
    let first = 0.97 * clean * evidence * apart;
    let among = if standing.rank == 0 { 0.75 + 0.25 * standing.share } else { 0.6 * standing.share };
    let lesser = LESSER.powi(i32::try_from(place.min(4)).unwrap_or(4));
    (first * among * lesser).clamp(0.01, 0.98)
}
