//! The keys of one issuer as they live: swapped whole by the refresh beside the request path, read without a lock on
//! it. It does not know where they come from.
//!
//! INVARIANT: only a whole, usable key set replaces another; a failure changes nothing but the health report.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::jwks::KeySet;
use crate::{Absence, fault};

/// The live keys of one issuer.
#[derive(Default)]
pub(crate) struct IssuerKeys {
    current: ArcSwapOption<Loaded>,
    nudge: Notify,
    health: Mutex<Health>,
}

/// A key set and when it was last known to be the issuer's.
pub(crate) struct Loaded {
    pub(crate) set: Arc<KeySet>,
    /// Changes whenever the keys do, and never returns to an earlier value.
    pub(crate) generation: u64,
    confirmed: Instant,
    pub(crate) confirmed_at: SystemTime,
}

/// How the refreshing goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    pub(crate) failures: u32,
    pub(crate) last_error: Option<String>,
}

impl Loaded {
    /// How long ago the issuer was last heard. By the steady clock, which a set-back system clock cannot make young
    /// again; or by the system clock, which goes on while a machine sleeps. The older counts.
    fn age(&self, now: SystemTime) -> Duration {
        self.confirmed.elapsed().max(now.duration_since(self.confirmed_at).unwrap_or_default())
    }
}

impl IssuerKeys {
    /// The keys, unless there are none or they are older than `stale_after`. In both cases asks for a refresh.
    pub(crate) fn with_usable<T>(
        &self,
        stale_after: Duration,
        now: SystemTime,
        use_them: impl FnOnce(&Loaded) -> Result<T, Absence>,
    ) -> Result<T, Absence> {
        let current = self.current.load();
        let Some(loaded) = current.as_deref() else {
            self.nudge();
            return Err(fault::KEYS_UNAVAILABLE.because("the issuer's keys were never fetched"));
        };
        let age = loaded.age(now);
        if age > stale_after {
            self.nudge();
            return Err(fault::KEYS_STALE.because(format!("last refreshed {} s ago", age.as_secs())));
        }
        use_them(loaded)
    }

    /// Takes over a key set that was just fetched.
    pub(crate) fn replace(&self, set: KeySet, now: SystemTime) {
        let set = Arc::new(set);
        let confirmed = Instant::now();
        self.current.rcu(|before| {
            let (set, generation) = match before {
                // Unchanged keys keep their generation, so that verified tokens stay cached.
                Some(before) if before.set.same_keys(&set) => (Arc::clone(&set), before.generation),
                Some(before) => (Arc::clone(&set), before.generation + 1),
                None => (Arc::clone(&set), 0),
            };
            Some(Arc::new(Loaded { set, generation, confirmed, confirmed_at: now }))
        });
        *self.lock_health() = Health::default();
    }

    /// Notes a failed refresh and says how many there were in a row.
    pub(crate) fn failed(&self, why: String) -> u32 {
        let mut health = self.lock_health();
        health.failures = health.failures.saturating_add(1);
        health.last_error = Some(why);
        health.failures
    }

    /// Asks for a refresh soon; cheap, and any number of nudges is one.
    pub(crate) fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Waits for a nudge.
    pub(crate) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// The keys as they are, usable or not.
    pub(crate) fn current(&self) -> Option<Arc<Loaded>> {
        self.current.load_full()
    }

    /// Time since the last successful refresh.
    pub(crate) fn age(&self, now: SystemTime) -> Option<Duration> {
        self.current.load().as_ref().map(|loaded| loaded.age(now))
    }

    pub(crate) fn health(&self) -> Health {
        self.lock_health().clone()
    }

    fn lock_health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
