//! How long things take, in fixed classes. Two additions to counting words of its own: no lock, which is why it is not
//! the library's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the classes, nanoseconds. From one microsecond, as stages of a decision take a few, to half a minute,
/// as origins do; between them 1, 2.5, 5.
const BOUNDS: [u64; 22] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    10_000_000_000,
    30_000_000_000,
];

/// Counts of durations by class.
#[derive(Default)]
pub(crate) struct Histogram {
    classes: [AtomicU64; BOUNDS.len()],
    longer: AtomicU64,
    /// Nanoseconds: 584 years of work before it wraps.
    sum: AtomicU64,
}

/// A histogram at one moment.
pub(crate) struct Reading {
    /// Seconds.
    pub(crate) sum: f64,
    /// How many.
    pub(crate) count: u64,
    /// Upper bound in seconds, and how many are in this class alone.
    pub(crate) classes: Vec<(f64, u64)>,
}

impl Histogram {
    pub(crate) fn observe(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let class = BOUNDS.partition_point(|bound| *bound < nanoseconds);
        self.classes.get(class).unwrap_or(&self.longer).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// The count is the sum of the classes, so that what is shown agrees with itself while others go on counting.
    pub(crate) fn read(&self) -> Reading {
        let bounds = BOUNDS.iter().map(|bound| seconds(*bound)).chain([f64::INFINITY]);
        let counts = self.classes.iter().chain([&self.longer]).map(|class| class.load(Ordering::Relaxed));
        let classes: Vec<_> = bounds.zip(counts).collect();
        Reading {
            sum: seconds(self.sum.load(Ordering::Relaxed)),
            count: classes.iter().map(|(_, count)| count).sum(),
            classes,
        }
    }
}

fn seconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_first_class_that_holds_it() {
        let histogram = Histogram::default();
        for nanoseconds in [0, 1_000, 1_001, 30_000_000_000, 30_000_000_001] {
            histogram.observe(Duration::from_nanos(nanoseconds));
        }
        let Reading { sum, count, classes } = histogram.read();
        assert_eq!(count, 5);
        assert_eq!(classes.iter().map(|(_, count)| *count).collect::<Vec<_>>()[..3], [2, 1, 0]);
        assert_eq!(classes.iter().rev().map(|(_, count)| *count).collect::<Vec<_>>()[..2], [1, 1]);
        assert!((sum - 60.000_002_002).abs() < 1e-6, "{sum}");
        assert!(classes.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!((classes[0].0 - 1e-6).abs() < f64::EPSILON);
    }
}
