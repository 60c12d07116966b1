//! Saying in the log that somebody asks who was not named, as often as helps an operator and no more.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// When it was last said, and how many were not mentioned since.
#[derive(Default)]
pub(crate) struct Strangers(Mutex<Option<(Instant, u64)>>);

impl Strangers {
    /// Says it, or counts it for the next time.
    pub(crate) fn log(&self, peer: SocketAddr, now: Instant) {
        if let Some(others) = self.due(now) {
            tracing::warn!(
                %peer, others,
                "asked by a peer that is not in `forward_auth.peers`; refused without a decision"
            );
        }
    }

    /// How many were not mentioned, if it is time to say so.
    fn due(&self, now: Instant) -> Option<u64> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.as_mut() {
            Some((said, unsaid)) if now.saturating_duration_since(*said) < PAUSE => {
                *unsaid = unsaid.saturating_add(1);
                None
            }
            _ => last.replace((now, 0)).map(|(_, unsaid)| unsaid).or(Some(0)),
        }
    }
}

/// Between two lines in the log.
const PAUSE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_and_a_number() {
        let strangers = Strangers::default();
        let start = Instant::now();
        assert_eq!(strangers.due(start), Some(0));
        for _ in 0..1000 {
            assert_eq!(strangers.due(start + Duration::from_secs(9)), None);
        }
        assert_eq!(strangers.due(start + Duration::from_secs(10)), Some(1000));
        assert_eq!(strangers.due(start + Duration::from_secs(20)), Some(0));
    }
}
