//! When refusals began, and when they ended: the window of time that explains most, to the minute.

use super::likelihood::of_share;
use super::{Base, Factor, Proposal};

/// Steps that windows are first looked for in.
const COARSE: usize = 240;
/// A start is as likely as the best if it explains at most this much less: 95 % of the likelihood.
const LIKELY: f64 = 2.0;

/// A window of the study's minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// The first minute, and one after the last.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The first and last minute in which it can have begun.
    pub(crate) earliest: usize,
    pub(crate) latest: usize,
    /// Whether it lasts to the end of the log.
    pub(crate) lasts: bool,
}

/// Sums of refused and all rows before each minute.
struct Sums(Vec<(f64, f64)>);

impl Sums {
    fn of(subset: &[u32], base: &Base<'_>) -> Self {
        let mut minutes = vec![(0.0, 0.0); base.study.minutes.len() + 1];
        for number in subset {
            let Some(row) = base.study.rows.get(*number as usize) else { continue };
            if let Some((refused, all)) = minutes.get_mut((row.minute as usize).saturating_add(1)) {
                *refused += f64::from(u8::from(row.refused));
                *all += 1.0;
            }
        }
        let mut sum = (0.0, 0.0);
        for minute in &mut minutes {
            sum = (sum.0 + minute.0, sum.1 + minute.1);
            *minute = sum;
        }
        Self(minutes)
    }

    fn between(&self, from: usize, to: usize) -> (f64, f64) {
        let at = |minute: usize| self.0.get(minute).copied().unwrap_or_default();
        (at(to).0 - at(from).0, at(to).1 - at(from).1)
    }

    fn len(&self) -> usize {
        self.0.len() - 1
    }
}

/// The window that explains most of what is refused in the subset.
pub(super) fn propose(subset: &[u32], base: &Base<'_>) -> Option<Proposal> {
    let sums = Sums::of(subset, base);
    let length = sums.len();
    if length < 6 {
        return None;
    }
    let gain = |from: usize, to: usize| {
        let (refused, all) = sums.between(from, to);
        base.table(refused, all).gain()
    };
    let (mut from, mut to) = coarse(length, &gain);
    for _ in 0..2 {
        from = refined(from, length, 0, to, &|start| gain(start, to));
        to = refined(to, length, from, length, &|end| gain(from, end));
    }
    // To the end is the simpler story: a window must be told to explain more than that.
    let minutes = length as f64;
    let begins = refined(from, length, 0, length, &|start| gain(start, length));
    let lasting = gain(begins, length);
    let window = gain(from, to);
    let lasts = lasting + minutes.ln() + 3.0 >= window || sums.between(to, length).1 < 1.0;
    if lasts {
        (from, to) = (begins, length);
    }
    // What was so from the beginning has no onset.
    let (_, before) = sums.between(0, from);
    if before < 5.0 && lasts {
        return None;
    }
    let most = gain(from, to);
    let likely = |start: &usize| gain(*start, to) >= most - LIKELY;
    let earliest = (0..from).rev().take_while(likely).last().unwrap_or(from);
    let latest = (from..to).take_while(likely).last().unwrap_or(from);
    // Zero where nothing happened: the first refused row is in the first minute that counts.
    let from = (from..to).find(|minute| sums.between(*minute, minute + 1).0 > 0.0).unwrap_or(from);
    let factor = Factor::Time(Window { from, to, earliest, latest: latest.max(from), lasts });
    let rows: Vec<u32> = subset.iter().copied().filter(|row| factor.holds(base.study, *row)).collect();
    let (refused, all) = sums.between(from, to);
    let price = minutes.ln() * if lasts { 1.0 } else { 2.0 } + if lasts { 1.0 } else { 4.0 };
    let table = base.table(refused, all);
    Some(Proposal { factor, rows, table, gain: table.gain(), price })
}

fn coarse(length: usize, gain: &dyn Fn(usize, usize) -> f64) -> (usize, usize) {
    let step = length.div_ceil(COARSE);
    let marks: Vec<usize> = (0..length).step_by(step).chain([length]).collect();
    let mut best = (0.0, 0, length);
    for (at, from) in marks.iter().enumerate() {
        for to in marks.iter().skip(at + 1) {
            let gain = gain(*from, *to);
            if gain > best.0 {
                best = (gain, *from, *to);
            }
        }
    }
    (best.1, best.2)
}

/// The best place around another, first near it, then everywhere within bounds if that is cheap.
fn refined(around: usize, length: usize, low: usize, high: usize, gain: &dyn Fn(usize) -> f64) -> usize {
    let reach = 2 * length.div_ceil(COARSE) + 3;
    let places = around.saturating_sub(reach).max(low)..=around.saturating_add(reach).min(high);
    let mut best = (gain(around), around);
    for place in places {
        let gain = gain(place);
        if gain > best.0 {
            best = (gain, place);
        }
    }
    best.1
}

/// How much a window of the whole log's minutes differs from what is around it in requests: a surge is above one.
pub(crate) fn surge(window: &Window, minutes: &[(i64, crate::tally::Minute)]) -> f64 {
    let mean = |from: usize, to: usize| {
        let part = minutes.get(from..to.min(minutes.len())).unwrap_or_default();
        let sum: u64 = part.iter().map(|(_, minute)| minute.all).sum();
        (!part.is_empty()).then(|| sum as f64 / part.len() as f64)
    };
    let wide = (window.to - window.from).max(10);
    let inside = mean(window.from, window.to).unwrap_or(0.0);
    let around = [mean(window.from.saturating_sub(wide), window.from), mean(window.to, window.to + wide)];
    let around: Vec<f64> = around.into_iter().flatten().collect();
    let mean = around.iter().sum::<f64>() / around.len().max(1) as f64;
    if mean > 0.0 { inside / mean } else { 1.0 }
}

/// The likelihood of one share, for those who compare with it.
pub(super) fn of_one_share(base: &Base<'_>) -> f64 {
    of_share(base.refused, base.all)
}
