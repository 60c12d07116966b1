//! Every origin in use, kept across reloads while its description stays the same, and forgotten when unused. It sends
//! nothing by itself but health checks; which request goes where is `forward`'s matter.
//!
//! INVARIANT: an origin's tasks and connections end with it.

mod address;
mod connect;
mod fault;
mod health;
mod origin;
mod shelf;
mod standing;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use portcullis_gate::OriginTarget;
use portcullis_measure::Metrics;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::Limits;

pub(crate) use address::{Address, Lease};
pub(crate) use connect::{Protocols, Sender};
pub(crate) use fault::ConnectFault;
pub(crate) use fault::{find, told};
pub(crate) use origin::Origin;
pub(crate) use standing::chance;

/// Every origin in use. Read without a lock on each request, copied when one is new.
pub(crate) struct Origins {
    known: Arc<Known>,
    /// Whether the unused are looked after.
    tended: AtomicBool,
    limits: Limits,
    metrics: Arc<Metrics>,
    /// Bytes of bodies that may be held whole at once, in [`BUFFER_UNIT`]s: what is checked before the origin sees it.
    pub(crate) buffers: Arc<Semaphore>,
}

type Known = ArcSwap<HashMap<String, Arc<Origin>>>;

impl Origins {
    pub(crate) fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            known: Arc::new(ArcSwap::from_pointee(HashMap::new())),
            tended: AtomicBool::new(false),
            limits: limits.clone(),
            metrics,
            buffers: Arc::new(Semaphore::new(MOST_BUFFERED)),
        }
    }

    /// The origin of this description, with the connections and the health it has.
    pub(crate) fn find(&self, target: &OriginTarget) -> Arc<Origin> {
        if let Some(origin) = self.known.load().get(&target.fingerprint) {
            origin.used();
            return Arc::clone(origin);
        }
        self.tend();
        let fresh = Arc::new(Origin::new(target, &self.limits, &self.metrics));
        let mut found = Arc::clone(&fresh);
        self.known.rcu(|known| {
            // Another request may have been first; its origin is then used by both.
            found = Arc::clone(known.get(&target.fingerprint).unwrap_or(&fresh));
            let mut known = if known.len() < MOST_ORIGINS { HashMap::clone(known) } else { HashMap::new() };
            known.insert(target.fingerprint.clone(), Arc::clone(&found));
            known
        });
        found
    }

    /// Looks after the unused from now on.
    fn tend(&self) {
        if !self.tended.swap(true, Ordering::AcqRel) {
            tokio::spawn(tend(Arc::downgrade(&self.known)));
        }
    }
}

/// Closes connections and forgets origins that nobody has used for a while, until the door is gone.
async fn tend(known: Weak<Known>) {
    loop {
        sleep(TENDED_EVERY).await;
        let Some(known) = known.upgrade() else { return };
        let origins = known.load();
        origins.values().for_each(|origin| origin.close_idle());
        if origins.values().any(|origin| origin.is_unused(FORGOTTEN_AFTER)) {
            known.rcu(|origins| {
                let used = origins.iter().filter(|(_, origin)| !origin.is_unused(FORGOTTEN_AFTER));
                used.map(|(key, origin)| (key.clone(), Arc::clone(origin))).collect::<HashMap<_, _>>()
            });
        }
    }
}

/// Most origins kept. Only a configuration that changed its origins a thousand times within [`FORGOTTEN_AFTER`] comes
/// here; then all begin anew, and the old ones end with their last request.
const MOST_ORIGINS: usize = 1024;

/// How long an origin without requests is kept: its health is worth remembering over a lunch break's quiet, not longer.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 60);

/// Half the time that an unused connection may live, so that none lives much longer.
const TENDED_EVERY: Duration = Duration::from_secs(2);

/// One unit of the bodies held whole: 1 KiB.
pub(crate) const BUFFER_UNIT: usize = 1024;

/// Most of them at once: 64 MiB, as much as a thousand idle connections are allowed, and 64 bodies of the usual limit.
pub(crate) const MOST_BUFFERED: usize = 64 * 1024;
