//! A sample of whole lines: of those refused and of the others, each up to a bound.
//!
//! A line is in by where it stands in which file, hashed: one in 2^k of its kind, k grown until they fit. So the sample is
//! the same however the work was shared out, a small log is kept whole, and each kind's share is known exactly.

/// Most refused lines that are kept, and most others.
const MOST: [usize; 2] = [1 << 16, 1 << 16];
/// Most bytes that each kind may take; long lines lower the number of lines kept.
const MOST_BYTES: usize = 16 << 20;

/// Lines kept.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    kinds: [Kind; 2],
}

/// Lines of one kind: refused, or not.
#[derive(Debug, Default)]
struct Kind {
    /// One in 2^`level` is kept.
    level: u32,
    /// File, hash, and where in `text` the line is.
    lines: Vec<Kept>,
    text: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    file: u32,
    offset: u64,
    start: u32,
    length: u32,
}

/// A line that was kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampled<'a> {
    /// Which file.
    pub(crate) file: u32,
    /// Whether it was answered 403.
    pub(crate) refused: bool,
    /// The line.
    pub(crate) line: &'a [u8],
}

impl Sample {
    /// Keeps a line if it is its turn.
    #[inline]
    pub(crate) fn offer(&mut self, file: u32, offset: u64, refused: bool, line: &[u8]) {
        let Some(kind) = self.kinds.get_mut(usize::from(refused)) else { return };
        if levels(file, offset) >= kind.level {
            kind.keep(file, offset, line, most(refused));
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for ((kind, theirs), refused) in self.kinds.iter_mut().zip(other.kinds).zip([false, true]) {
            kind.raise(theirs.level);
            for kept in &theirs.lines {
                if levels(kept.file, kept.offset) >= kind.level {
                    kind.keep(kept.file, kept.offset, theirs.line(kept), most(refused));
                }
            }
        }
    }

    /// Puts the lines in the order of the files.
    pub(crate) fn finish(&mut self) {
        for kind in &mut self.kinds {
            kind.lines.sort_unstable_by_key(|kept| (kept.file, kept.offset));
        }
    }

    /// All lines kept: first those refused, so that what is bounded later has room for them.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Sampled<'_>> {
        self.kinds.iter().zip([false, true]).rev().flat_map(|(kind, refused)| {
            kind.lines.iter().map(move |kept| Sampled { file: kept.file, refused, line: kind.line(kept) })
        })
    }

    /// How many lines each one kept stands for: of those refused, or of the others.
    pub(crate) fn weight(&self, refused: bool) -> f64 {
        self.kinds.get(usize::from(refused)).map_or(1.0, |kind| 2f64.powi(kind.level.min(63) as i32))
    }
}

fn most(refused: bool) -> usize {
    if refused { MOST[1] } else { MOST[0] }
}

/// Up to which level a line is kept.
#[inline]
fn levels(file: u32, offset: u64) -> u32 {
    let mut mixed = (offset ^ (u64::from(file) << 48)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)).leading_zeros()
}

impl Kind {
    fn keep(&mut self, file: u32, offset: u64, line: &[u8], most: usize) {
        let (Ok(start), Ok(length)) = (u32::try_from(self.text.len()), u32::try_from(line.len())) else {
            return;
        };
        self.text.extend_from_slice(line);
        self.lines.push(Kept { file, offset, start, length });
        while self.lines.len() > most || self.text.len() > MOST_BYTES {
            self.raise(self.level + 1);
        }
    }

    fn line(&self, kept: &Kept) -> &[u8] {
        let start = kept.start as usize;
        self.text.get(start..start + kept.length as usize).unwrap_or_default()
    }

    /// Lets go of the lines below a level.
    fn raise(&mut self, level: u32) {
        if level <= self.level {
            return;
        }
        self.level = level;
        let mut text = Vec::with_capacity(self.text.len() / 2);
        let mut lines = Vec::with_capacity(self.lines.len() / 2);
        for kept in &self.lines {
            if levels(kept.file, kept.offset) >= level {
                let start = text.len() as u32;
                text.extend_from_slice(self.line(kept));
                lines.push(Kept { start, ..*kept });
            }
        }
        (self.text, self.lines) = (text, lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(numbers: impl Iterator<Item = u64>) -> Sample {
        let mut sample = Sample::default();
        for number in numbers {
            sample.offer(0, number * 100, number % 3 == 0, number.to_string().as_bytes());
        }
        sample
    }

    fn kept(sample: &mut Sample) -> Vec<String> {
        sample.finish();
        sample.lines().map(|kept| String::from_utf8(kept.line.to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_small_log_is_kept_whole() {
        let mut sample = offered(0..1_000);
        assert_eq!(kept(&mut sample).len(), 1_000);
        assert_eq!(sample.weight(true), 1.0);
    }

    #[test]
    fn how_the_work_was_shared_changes_nothing() {
        let mut whole = offered(0..600_000);
        let mut parts = offered((0..600_000).filter(|number| number % 5 < 2));
        parts.merge(offered((0..600_000).filter(|number| number % 5 >= 2)));
        assert_eq!(kept(&mut whole), kept(&mut parts));
        let lines = whole.lines().count() as f64;
        assert!(lines < (MOST[0] + MOST[1]) as f64);
        let refused = whole.lines().filter(|kept| kept.refused).count() as f64 * whole.weight(true);
        assert!((refused - 200_000.0).abs() < 5_000.0, "{refused}");
    }
}
