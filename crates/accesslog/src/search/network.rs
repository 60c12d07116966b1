//! Address ranges that refusals go with: any prefix length, one range or a few.

use super::{Base, Factor, Proposal};

/// A range of addresses: IPv4 is mapped into IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    /// The first address.
    pub(crate) first: u128,
    /// Bits that all its addresses share, of 128.
    pub(crate) bits: u8,
}

/// Most ranges of one factor.
const MOST_RANGES: usize = 6;
/// Fewest refused rows that make a range worth naming.
const FEWEST: usize = 5;
/// What naming a range costs: which, and how long.
const PRICE: f64 = 9.0;
const FOUR: u128 = 0xffff_0000_0000;

impl Range {
    fn around(address: u128, bits: u8) -> Self {
        Self { first: address & mask(bits), bits }
    }

    pub(crate) fn holds(self, address: u128) -> bool {
        address & mask(self.bits) == self.first
    }

    /// `189.6.0.0/16`.
    pub(crate) fn name(self) -> String {
        let six = std::net::Ipv6Addr::from(self.first);
        match six.to_ipv4_mapped() {
            Some(four) if self.bits >= 128 => four.to_string(),
            Some(four) => format!("{four}/{}", self.bits.saturating_sub(96)),
            None if self.bits >= 128 => six.to_string(),
            None => format!("{six}/{}", self.bits),
        }
    }
}

fn mask(bits: u8) -> u128 {
    if bits == 0 { 0 } else { u128::MAX << (128 - u32::from(bits.min(128))) }
}

/// Prefix lengths that are looked at: of IPv4 from 8 to 32, of IPv6 in steps that registries use.
const LENGTHS: &[u8] = &[
    20, 24, 28, 29, 32, 36, 40, 44, 48, 52, 56, 60, 64, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
    114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128,
];

/// The ranges that explain most of what is refused in the subset.
pub(super) fn propose(subset: &[u32], base: &Base<'_>) -> Option<Proposal> {
    let mut known = Addresses::of(subset, base);
    let total = known.refused.len();
    let mut chosen: Vec<Range> = Vec::new();
    let mut inside = (0usize, 0usize);
    let mut best_score = f64::MIN;
    while chosen.len() < MOST_RANGES {
        let Some((range, refused, all)) = known.best(inside, base) else { break };
        let table = base.table((inside.0 + refused) as f64, (inside.1 + all) as f64);
        let score = table.gain() - PRICE * (chosen.len() + 1) as f64;
        let alike = refused as f64 * inside.1 as f64 >= 0.5 * inside.0 as f64 * all as f64;
        let matters = refused * 33 >= total && score > best_score + 2.0;
        if !(chosen.is_empty() || alike && matters) {
            break;
        }
        best_score = score;
        chosen.push(range);
        inside = (inside.0 + refused, inside.1 + all);
        known.without(range);
    }
    if chosen.is_empty() {
        return None;
    }
    let table = base.table(inside.0 as f64, inside.1 as f64);
    let price = PRICE * chosen.len() as f64;
    let factor = Factor::Network(chosen);
    let rows = subset.iter().copied().filter(|row| factor.holds(base.study, *row)).collect();
    // Among equals (a robot and the range it comes from) the other one is told.
    Some(Proposal { factor, rows, table, gain: table.gain() - 1.0, price })
}

/// All addresses of a subset in order, and those of refused rows.
struct Addresses {
    all: Vec<u128>,
    refused: Vec<u128>,
}

impl Addresses {
    fn of(subset: &[u32], base: &Base<'_>) -> Self {
        let row = |number: &u32| base.study.rows.get(*number as usize);
        let known = |refused: bool| {
            let rows = subset.iter().filter_map(row).filter(|row| !refused || row.refused);
            let mut known: Vec<u128> = rows.filter_map(|row| row.address).collect();
            known.sort_unstable();
            known
        };
        Self { all: known(false), refused: known(true) }
    }

    fn without(&mut self, range: Range) {
        self.all.retain(|address| !range.holds(*address));
        self.refused.retain(|address| !range.holds(*address));
    }

    fn best(&self, inside: (usize, usize), base: &Base<'_>) -> Option<(Range, usize, usize)> {
        let mut best: Option<(Range, usize, usize)> = None;
        let mut most = 0.0;
        for bits in LENGTHS {
            let mut rest = self.refused.as_slice();
            while let Some(first) = rest.first() {
                let range = Range::around(*first, *bits);
                let end = rest.partition_point(|address| address & mask(*bits) <= range.first);
                let (these, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                rest = after;
                let is_four = range.first >> 32 == FOUR >> 32;
                if these.len() < FEWEST || (is_four != (*bits > 96) && *bits != 128) {
                    continue;
                }
                let all = self.count(range);
                let table = base.table((inside.0 + these.len()) as f64, (inside.1 + all) as f64);
                let gain = table.gain();
                // Among ranges of the same addresses the narrowest is what was seen.
                if gain > 0.0 && gain >= most - 1e-6 {
                    most = gain.max(most);
                    best = Some((range, these.len(), all));
                }
            }
        }
        best.map(|(range, refused, all)| (self.rounded(range), refused, all))
    }

    fn count(&self, range: Range) -> usize {
        let from = self.all.partition_point(|address| *address < range.first);
        let last = range.first | !mask(range.bits);
        let to = self.all.partition_point(|address| *address <= last);
        to.saturating_sub(from)
    }

    /// Rules are written in whole octets: a range that has no other addresses in its octet is given as the octet.
    fn rounded(&self, range: Range) -> Range {
        if range.bits == 128 {
            return range;
        }
        let whole = Range::around(range.first, range.bits / 8 * 8);
        if self.count(whole) == self.count(range) && whole.bits >= 16 { whole } else { range }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_the_names_people_write() {
        let four = |text: &str| u128::from(text.parse::<std::net::Ipv4Addr>().unwrap().to_ipv6_mapped());
        assert_eq!(Range::around(four("189.6.7.8"), 112).name(), "189.6.0.0/16");
        assert_eq!(Range::around(four("189.6.7.8"), 128).name(), "189.6.7.8");
        let six = u128::from("2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap());
        assert_eq!(Range::around(six, 32).name(), "2001:db8::/32");
        assert!(Range::around(six, 32).holds(six));
    }
}
