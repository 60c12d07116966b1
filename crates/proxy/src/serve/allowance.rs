//! So many, at once or within ten seconds: a bucket that fills again over time. It knows nothing of what is counted.

use std::time::Duration;

use tokio::time::Instant;

/// What is left of an allowance.
#[derive(Debug)]
pub(super) struct Allowance {
    most: u32,
    left: u32,
    /// Up to when the bucket was filled.
    filled: Instant,
}

impl Allowance {
    /// So many, at once or within [`PERIOD`].
    pub(super) fn new(most: u32) -> Self {
        Self { most, left: most, filled: Instant::now() }
    }

    /// Takes one, if one is left.
    pub(super) fn take(&mut self) -> bool {
        self.fill();
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// Adds what was earned otherwise.
    pub(super) fn add(&mut self, more: usize) {
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(more).min(self.most);
    }

    fn fill(&mut self) {
        let now = Instant::now();
        let passed = now.saturating_duration_since(self.filled);
        let one = PERIOD / self.most.max(1);
        let earned = passed.as_nanos() / one.as_nanos().max(1);
        match u32::try_from(earned) {
            Ok(earned) if earned < self.most - self.left => {
                self.left += earned;
                // What is not yet a whole one is kept.
                self.filled += one * earned;
            }
            _ => {
                self.left = self.most;
                self.filled = now;
            }
        }
    }
}

/// The time in which an empty bucket is full again.
const PERIOD: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_comes_back_over_time() {
        let mut allowance = Allowance::new(10);
        assert!((0..10).all(|_| allowance.take()));
        assert!(!allowance.take());
        tokio::time::advance(PERIOD / 5).await;
        assert!(allowance.take() && allowance.take());
        assert!(!allowance.take(), "a fifth of the time brings a fifth");
        tokio::time::advance(100 * PERIOD).await;
        assert!((0..10).all(|_| allowance.take()));
        assert!(!allowance.take(), "never more than all");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_earned_never_exceeds_the_whole() {
        let mut allowance = Allowance::new(2);
        allowance.add(100);
        assert!(allowance.take() && allowance.take() && !allowance.take());
        allowance.add(1);
        assert!(allowance.take() && !allowance.take());
    }
}
