//! Values told apart by labels whose texts come from configuration and policies. What was counted before is found without
//! a lock, a copy or a hash: the sets of labels are a sorted list that is replaced when one is added.
//!
//! INVARIANT: a family holds at most [`MOST_SETS`] sets of labels, and one more for each combination of its closed labels
//! to count the rest.

use std::cmp::Ordering as Order;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

/// Most sets of labels of one metric; further ones count as `other`. A thousand: more reasons and apps than anybody
/// reads, and some 100 KiB for Prometheus at each look.
pub const MOST_SETS: usize = 1000;

/// Longest label value in bytes; longer ones are cut.
const LONGEST: usize = 128;

/// What stands where a label's own text no longer fits.
const OTHER: &str = "other";

/// A metric with `N` labels.
pub(crate) struct Family<const N: usize> {
    sets: ArcSwap<Vec<Set<N>>>,
    growing: Mutex<()>,
    /// Which labels have texts from outside, and become `other` when there are too many.
    open: [bool; N],
}

/// One set of labels and its value.
#[derive(Clone)]
struct Set<const N: usize> {
    labels: [Arc<str>; N],
    value: Arc<AtomicU64>,
}

impl<const N: usize> Family<N> {
    pub(crate) fn new(open: [bool; N]) -> Self {
        Self { sets: ArcSwap::default(), growing: Mutex::new(()), open }
    }

    /// Counts one.
    pub(crate) fn count(&self, labels: [&str; N]) {
        let add = |value: &AtomicU64| {
            value.fetch_add(1, Ordering::Relaxed);
        };
        let labels = labels.map(cut);
        if self.find(labels, add) {
            return;
        }
        let mut other = labels;
        for (label, open) in other.iter_mut().zip(self.open) {
            if open {
                *label = OTHER;
            }
        }
        let full = self.sets.load().len() >= MOST_SETS;
        if full && self.find(other, add) {
            return;
        }
        if let Some(value) = self.grow(labels, Some(other)) {
            add(&value);
        }
    }

    /// Sets a value; one that no longer fits is left out, as a value of several things would mean none of them.
    pub(crate) fn set(&self, labels: [&str; N], to: u64) {
        let labels = labels.map(cut);
        let store = |value: &AtomicU64| value.store(to, Ordering::Relaxed);
        if self.find(labels, store) {
            return;
        }
        if let Some(value) = self.grow(labels, None) {
            store(&value);
        }
    }

    /// Shows a set of labels no longer.
    pub(crate) fn forget(&self, labels: [&str; N]) {
        let labels = labels.map(cut);
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let sets = self.sets.load();
        if let Ok(at) = position(&sets, labels) {
            let mut fewer = Vec::clone(&sets);
            fewer.remove(at);
            self.sets.store(Arc::new(fewer));
        }
    }

    /// Every set of labels with its value, sorted by the labels.
    pub(crate) fn all(&self) -> Vec<([Arc<str>; N], u64)> {
        let sets = self.sets.load();
        sets.iter().map(|set| (set.labels.clone(), set.value.load(Ordering::Relaxed))).collect()
    }

    fn find(&self, labels: [&str; N], act: impl FnOnce(&AtomicU64)) -> bool {
        let sets = self.sets.load();
        let found = position(&sets, labels).ok().and_then(|at| sets.get(at));
        found.is_some_and(|set| {
            act(&set.value);
            true
        })
    }

    /// The value of a set that was not found; when there are too many, that of `other` in its place, or none.
    fn grow(&self, labels: [&str; N], other: Option<[&str; N]>) -> Option<Arc<AtomicU64>> {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let sets = self.sets.load();
        let labels = if sets.len() < MOST_SETS { labels } else { other? };
        match position(&sets, labels) {
            // Another thread was faster.
            Ok(at) => sets.get(at).map(|set| Arc::clone(&set.value)),
            Err(at) => {
                let value = Arc::<AtomicU64>::default();
                let mut more = Vec::clone(&sets);
                more.insert(at, Set { labels: labels.map(Arc::from), value: Arc::clone(&value) });
                self.sets.store(Arc::new(more));
                Some(value)
            }
        }
    }
}

fn position<const N: usize>(sets: &[Set<N>], labels: [&str; N]) -> Result<usize, usize> {
    sets.binary_search_by(|set| {
        let each = set.labels.iter().zip(labels).map(|(held, asked)| (**held).cmp(asked));
        each.fold(Order::Equal, Order::then)
    })
}

/// The beginning of a text, at most [`LONGEST`] bytes.
fn cut(text: &str) -> &str {
    if text.len() <= LONGEST {
        return text;
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
