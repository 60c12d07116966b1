//! The tags of one dimension that refusals go with: one, or a few that are refused alike.

use super::likelihood::{Table, of_share};
use super::{Base, Factor, Proposal};
use crate::study::{Dimension, NONE, Subject};

/// Most tags of one factor.
const MOST_TAGS: usize = 6;
/// Fewest refused rows that make a tag worth naming.
const FEWEST: u32 = 5;
/// Other names of the same rows that are told.
const MOST_ALIASES: usize = 5;
/// What one more tag must explain at least, in natural logarithms.
const PRICE_OF_TAG: f64 = 4.0;

/// Counts of bundles or tags: refused, all.
type Counts = Vec<(u32, u32)>;

/// The tags that explain most of what is refused in the subset.
pub(super) fn propose(
    dimension: &Dimension,
    number: usize,
    subset: &[u32],
    base: &Base<'_>,
) -> Option<Proposal> {
    let mut bundles = count(dimension, subset, base);
    let total_refused: u32 = bundles.iter().map(|(refused, _)| refused).sum();
    let mut chosen: Vec<u32> = Vec::new();
    let mut aliases = Vec::new();
    let mut inside = (0u32, 0u32);
    let mut best_score = f64::MIN;
    while chosen.len() < MOST_TAGS {
        let tags = of_tags(dimension, &bundles);
        let worth = tags.iter().filter(|(refused, _)| *refused >= FEWEST).count();
        let price = (worth.max(1) as f64).ln() + PRICE_OF_TAG;
        let Some((tag, gain)) = best(dimension, &tags, inside, base) else { break };
        let (refused, all) = *tags.get(tag as usize)?;
        let score = gain - price * (chosen.len() + 1) as f64;
        // One more has to be refused about as much as those before, and to matter.
        let alike = f64::from(refused) * f64::from(inside.1) >= 0.5 * f64::from(inside.0) * f64::from(all);
        let matters = refused * 33 >= total_refused && score > best_score + 2.0;
        if !(chosen.is_empty() || alike && matters) {
            break;
        }
        best_score = score;
        if chosen.is_empty() {
            aliases = same(dimension, &bundles, &tags, tag);
        }
        chosen.push(tag);
        inside = (inside.0 + refused, inside.1 + all);
        for (bundle, counts) in bundles.iter_mut().enumerate() {
            if dimension.tags.get(bundle).is_some_and(|tags| tags.contains(&tag)) {
                *counts = (0, 0);
            }
        }
    }
    if chosen.is_empty() {
        return None;
    }
    let table = base.table(f64::from(inside.0), f64::from(inside.1));
    let price = table.gain() - best_score;
    let factor = Factor::Tags { dimension: number, tags: chosen, aliases };
    let rows = subset.iter().copied().filter(|row| factor.holds(base.study, *row)).collect();
    Some(Proposal { factor, rows, table, gain: table.gain() - bias(dimension.subject), price })
}

/// What speaks against a subject before anything was seen: among equals, what people write rules for first.
fn bias(subject: Subject) -> f64 {
    match subject {
        Subject::Protocol | Subject::Host => 4.0,
        // A path that only one agent asks for says less of the path than of the agent.
        Subject::Path => 3.0,
        Subject::Query | Subject::Country | Subject::Owner => 1.0,
        _ => 0.0,
    }
}

fn count(dimension: &Dimension, subset: &[u32], base: &Base<'_>) -> Counts {
    let mut bundles = vec![(0, 0); dimension.tags.len()];
    for row in subset {
        let bundle = dimension.bundles.get(*row as usize).copied().unwrap_or(NONE);
        if let Some((refused, all)) = bundles.get_mut(bundle as usize) {
            *refused += u32::from(base.is_refused(*row));
            *all += 1;
        }
    }
    bundles
}

fn of_tags(dimension: &Dimension, bundles: &Counts) -> Counts {
    let mut tags = vec![(0, 0); dimension.names.len()];
    for (bundle, (refused, all)) in dimension.tags.iter().zip(bundles) {
        if *all > 0 {
            for tag in bundle {
                if let Some(counts) = tags.get_mut(*tag as usize) {
                    counts.0 += refused;
                    counts.1 += all;
                }
            }
        }
    }
    tags
}

/// The tag that explains most together with those chosen; among equals the one that people would name.
fn best(dimension: &Dimension, tags: &Counts, inside: (u32, u32), base: &Base<'_>) -> Option<(u32, f64)> {
    let mut best: Option<(u32, f64, u8)> = None;
    let whole = of_share(base.refused, base.all);
    for (tag, (refused, all)) in (0u32..).zip(tags) {
        if *refused < FEWEST {
            continue;
        }
        let table = base.table(f64::from(inside.0 + refused), f64::from(inside.1 + all));
        let gain = table.gain_from(whole);
        let rank = dimension.names.get(tag as usize).map_or(u8::MAX, |(_, rank)| *rank);
        let better =
            best.is_none_or(|(_, most, ranked)| gain > most + 1e-6 || (gain > most - 1e-6 && rank < ranked));
        if gain > 0.0 && better {
            best = Some((tag, gain, rank));
        }
    }
    best.map(|(tag, gain, _)| (tag, gain))
}

/// Other names of the same rows.
fn same(dimension: &Dimension, bundles: &Counts, tags: &Counts, tag: u32) -> Vec<u32> {
    let counts = tags.get(tag as usize);
    let has = |bundle: &Vec<u32>, tag: u32| bundle.contains(&tag);
    let seen = || dimension.tags.iter().zip(bundles).filter(|(_, (_, all))| *all > 0).map(|(tags, _)| tags);
    let equal = |other: &u32| {
        tags.get(*other as usize) == counts && seen().all(|bundle| has(bundle, tag) == has(bundle, *other))
    };
    let others = (0u32..).take(tags.len()).filter(|other| *other != tag);
    others.filter(|other| equal(other)).take(MOST_ALIASES).collect()
}

impl Table {
    /// As [`Table::gain`], where the likelihood of one share for all is known already.
    fn gain_from(&self, whole: f64) -> f64 {
        let outside_refused = self.refused - self.inside_refused;
        let outside = self.all - self.inside;
        if self.inside_refused * outside <= outside_refused * self.inside {
            return 0.0;
        }
        of_share(self.inside_refused, self.inside) + of_share(outside_refused, outside) - whole
    }
}
