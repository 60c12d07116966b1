//! Accounts that refusals go with: a cohort of many, told from the rest by being refused, whose tokens or rights ran out.

use super::likelihood::ln_choose;
use super::{Base, Factor, Proposal};

/// Fewest accounts that are a cohort.
const FEWEST: usize = 3;

/// The accounts (or, where the log has none, clients) that explain most of what is refused in the subset.
pub(super) fn propose(subset: &[u32], base: &Base<'_>) -> Option<Proposal> {
    let study = base.study;
    let by_client = study.users.is_empty();
    let many = if by_client { study.clients.len() } else { study.users.len() };
    let mut counts = vec![(0u32, 0u32); many];
    for number in subset {
        let Some(row) = study.rows.get(*number as usize) else { continue };
        let whose = if by_client { row.client } else { row.user };
        if let Some((refused, all)) = counts.get_mut(whose as usize) {
            *refused += u32::from(row.refused);
            *all += 1;
        }
    }
    let prior = base.refused / base.all;
    let share = |(refused, all): &(u32, u32)| (f64::from(*refused) + prior) / (f64::from(*all) + 1.0);
    let mut order: Vec<(u32, (u32, u32))> = (0u32..).zip(counts).filter(|(_, (_, all))| *all > 0).collect();
    let many = order.len() as f64;
    order.sort_by(|a, b| share(&b.1).total_cmp(&share(&a.1)).then_with(|| a.0.cmp(&b.0)));
    let (mut refused, mut all) = (0.0, 0.0);
    let mut best = (0.0, 0usize, 0.0);
    for (at, (_, counts)) in order.iter().enumerate() {
        if counts.0 == 0 {
            break;
        }
        refused += f64::from(counts.0);
        all += f64::from(counts.1);
        let price = ln_choose(many, (at + 1) as f64) + 6.0;
        let score = base.table(refused, all).gain() - price;
        if score > best.0 {
            best = (score, at + 1, price);
        }
    }
    let (_, length, price) = best;
    if length < FEWEST {
        return None;
    }
    let mut numbers: Vec<u32> = order.iter().take(length).map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    let factor = Factor::Accounts { numbers, by_client };
    let rows: Vec<u32> = subset.iter().copied().filter(|row| factor.holds(study, *row)).collect();
    let refused = rows.iter().filter(|row| base.is_refused(**row)).count() as f64;
    let table = base.table(refused, rows.len() as f64);
    Some(Proposal { factor, rows, table, gain: table.gain(), price })
}
