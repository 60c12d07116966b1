//! Refusals that follow traffic: the more requests a minute has, the larger the share that is refused.
//!
//! Shares are fitted by volume so that they never fall (pooling neighbours that do), which is what a limiter, a full pool
//! or a bound on workers looks like, whatever its threshold.

use super::likelihood::of_share;
use super::{Base, Factor, Proposal, time};

/// What each step of the fitted shares costs.
const PRICE_OF_STEP: f64 = 2.5;

/// Minutes above a volume.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Volume {
    /// Requests a minute from which on some are refused.
    pub(crate) above: u64,
    /// The median of all minutes.
    pub(crate) usual: u64,
    /// Requests a minute that were let through in the minutes above: middle and spread.
    pub(crate) given: f64,
    pub(crate) given_spread: f64,
    /// Minutes above it.
    pub(crate) minutes: usize,
}

/// A stretch of volumes with one share.
#[derive(Debug, Clone, Copy)]
struct Step {
    from: u64,
    refused: f64,
    all: f64,
}

/// The volume above which the subset is refused.
pub(super) fn propose(subset: &[u32], base: &Base<'_>) -> Option<Proposal> {
    let study = base.study;
    if study.minutes.len() < 20 || study.width > 1 {
        return None;
    }
    let mut minutes = vec![(0.0, 0.0); study.minutes.len()];
    for number in subset {
        let Some(row) = study.rows.get(*number as usize) else { continue };
        if let Some((refused, all)) = minutes.get_mut(row.minute as usize) {
            *refused += f64::from(u8::from(row.refused));
            *all += 1.0;
        }
    }
    let mut by_volume: Vec<(u64, f64, f64)> = study
        .minutes
        .iter()
        .zip(&minutes)
        .filter(|(_, (_, all))| *all > 0.0)
        .map(|((_, counted), (refused, all))| (counted.all, *refused, *all))
        .collect();
    by_volume.sort_by_key(|(volume, _, _)| *volume);
    let usual = by_volume.get(by_volume.len() / 2)?.0;
    let steps = never_falling(&by_volume);
    let lowest = steps.first()?;
    let floor = (lowest.refused / lowest.all.max(1.0)).max(base.refused / base.all * 0.05);
    let first = steps.iter().find(|step| step.refused / step.all > (4.0 * floor).max(0.01))?;
    if first.from * 10 < usual * 11 || first.from <= 3 {
        return None;
    }
    let (refused, all) = (subset_sum(&by_volume, |b| b.1), subset_sum(&by_volume, |b| b.2));
    let fitted: f64 = steps.iter().map(|step| of_share(step.refused, step.all)).sum();
    let gain = fitted + of_share(base.refused - refused, base.all - all) - time::of_one_share(base);
    let price = PRICE_OF_STEP * steps.len() as f64 + (by_volume.len() as f64).ln();
    let volume = described(first.from, usual, base);
    let factor = Factor::Volume(volume);
    let rows: Vec<u32> = subset.iter().copied().filter(|row| factor.holds(study, *row)).collect();
    let refused = rows.iter().filter(|row| base.is_refused(**row)).count() as f64;
    let table = base.table(refused, rows.len() as f64);
    (table.gain() > 0.0).then_some(Proposal { factor, rows, table, gain, price })
}

fn subset_sum(by_volume: &[(u64, f64, f64)], of: impl Fn(&(u64, f64, f64)) -> f64) -> f64 {
    by_volume.iter().map(of).sum()
}

fn never_falling(by_volume: &[(u64, f64, f64)]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (volume, refused, all) in by_volume {
        let mut step = Step { from: *volume, refused: *refused, all: *all };
        while let Some(last) = steps.last()
            && (last.refused * step.all >= step.refused * last.all || last.from == step.from)
        {
            step = Step { from: last.from, refused: last.refused + step.refused, all: last.all + step.all };
            steps.pop();
        }
        steps.push(step);
    }
    steps
}

fn described(above: u64, usual: u64, base: &Base<'_>) -> Volume {
    let over = base.study.minutes.iter().filter(|(_, minute)| minute.all >= above);
    let given: Vec<f64> = over.map(|(_, minute)| minute.all.saturating_sub(minute.refused) as f64).collect();
    let count = given.len().max(1) as f64;
    let mean = given.iter().sum::<f64>() / count;
    let spread = (given.iter().map(|given| (given - mean).powi(2)).sum::<f64>() / count).sqrt();
    Volume { above, usual, given: mean, given_spread: spread, minutes: given.len() }
}
