//! Where choices come from: a seed, or bytes that a fuzzer chose. The generator asks for nothing else, so that tests, the
//! long run and the fuzzer walk through the same worlds.
//!
//! Our own dozen lines and no crate of random numbers, because a seed that was printed years ago must make the same world
//! on any version of any crate. Nothing here is fit for secrets.
//!
//! INVARIANT: when the bytes have run out every choice is the first one, and the generator puts its smallest at the first
//! place: any bytes make a finite world.

/// A source of choices.
#[derive(Debug, Clone)]
pub struct Source<'b> {
    origin: Origin<'b>,
}

#[derive(Debug, Clone)]
enum Origin<'b> {
    Seed(u64),
    Bytes(&'b [u8]),
}

impl<'b> Source<'b> {
    /// Choices that follow from a number.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self { origin: Origin::Seed(seed) }
    }

    /// Choices that are read from bytes.
    #[must_use]
    pub fn from_bytes(bytes: &'b [u8]) -> Self {
        Self { origin: Origin::Bytes(bytes) }
    }

    /// A number below `bound`; zero if there is no such number.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = match &mut self.origin {
            Origin::Seed(state) => mixed(state),
            // Two bytes where one does not reach: whoever mutates bytes should not turn several choices at once.
            Origin::Bytes(bytes) => {
                let (taken, rest) = bytes.split_at(bytes.len().min(if bound > 256 { 2 } else { 1 }));
                *bytes = rest;
                taken.iter().fold(0, |wide, byte| wide << 8 | u64::from(*byte))
            }
        };
        usize::try_from(wide.checked_rem(bound as u64).unwrap_or_default()).unwrap_or_default()
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least.saturating_add(self.below(most.saturating_sub(least).saturating_add(1)))
    }

    /// True this many times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100_usize.saturating_sub(percent)
    }

    /// One of these. They are never empty where the generator asks; were they, there would be nothing to choose.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// One of these words.
    pub fn word(&mut self, of: &[&'static str]) -> &'static str {
        self.pick(of).copied().unwrap_or_default()
    }

    /// The place that a weight falls on: `[3, 1]` is zero three times in four.
    pub fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut at = self.below(weights.iter().sum());
        for (place, weight) in weights.iter().enumerate() {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return place,
            }
        }
        0
    }

    /// Puts a list into some order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            let other = self.below(end.saturating_add(1));
            list.swap(end, other);
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The seed of the world at this place of a run, so that a run can be divided among threads and every world of it be made
/// again alone.
#[must_use]
pub fn seed_at(seed: u64, place: u64) -> u64 {
    let mut state = seed ^ place.wrapping_mul(0xd134_2543_de82_ef95);
    mixed(&mut state)
}
