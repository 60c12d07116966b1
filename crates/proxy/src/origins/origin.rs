//! One origin: its addresses, which of them a request goes to, and how much may be asked of it at once.
//!
//! INVARIANT: an address that is out is asked only if all are; then trying is better than refusing without.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use portcullis_gate::OriginTarget;
use portcullis_measure::Metrics;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::address::Address;
use super::connect::Connector;
use super::health::{self, Told};
use crate::Limits;
use crate::forward::retry::Budget;

/// One origin.
pub(crate) struct Origin {
    addresses: Vec<Arc<Address>>,
    /// Requests that may be under way there at once.
    pub(crate) places: Arc<Semaphore>,
    /// How many tries beyond the first are left.
    pub(crate) budget: Budget,
    /// Who is asked first among equals.
    turn: AtomicUsize,
    begun: Instant,
    /// The last request, in whole seconds after `begun`.
    used: AtomicU64,
    /// Health checks. They end with the origin.
    _checks: JoinSet<()>,
}

impl Origin {
    pub(super) fn new(target: &OriginTarget, limits: &Limits, metrics: &Arc<Metrics>) -> Self {
        let connector = Arc::new(Connector::new(target, limits));
        let made = |authority: &http::uri::Authority| {
            Arc::new(Address::new(authority.clone(), Arc::clone(&connector)))
        };
        let addresses: Vec<_> = target.addresses.iter().map(made).collect();
        let mut checks = JoinSet::new();
        for (check, address) in addresses.iter().flat_map(|each| target.health.iter().map(move |h| (h, each)))
        {
            let told = Told::new(Arc::clone(metrics), &target.app, &address.authority);
            checks.spawn(health::check(check.clone(), Arc::clone(address), told));
        }
        Self {
            addresses,
            places: Arc::new(Semaphore::new(limits.origin_requests.min(Semaphore::MAX_PERMITS))),
            budget: Budget::new(),
            turn: AtomicUsize::new(0),
            begun: Instant::now(),
            used: AtomicU64::new(0),
            _checks: checks,
        }
    }

    /// The address with the fewest requests under way, among those that were not tried and are up; where there is none,
    /// among those that are up; where there is none, among all.
    pub(crate) fn choose(&self, tried: &[Arc<Address>]) -> Option<Arc<Address>> {
        if let [only] = self.addresses.as_slice() {
            return Some(Arc::clone(only));
        }
        let untried = |address: &&Arc<Address>| !tried.iter().any(|other| Arc::ptr_eq(other, address));
        let up = |address: &&Arc<Address>| address.standing.is_up();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.addresses.len().max(1);
        let (before, after) = self.addresses.split_at(turn);
        // The first of equals is taken, and whose turn it is comes first.
        let in_turn = || after.iter().chain(before);
        let least = |addresses: &mut dyn Iterator<Item = &Arc<Address>>| {
            addresses.min_by_key(|address| address.under_way()).map(Arc::clone)
        };
        least(&mut in_turn().filter(untried).filter(up))
            .or_else(|| least(&mut in_turn().filter(up)))
            .or_else(|| least(&mut in_turn().filter(untried)))
            .or_else(|| least(&mut in_turn()))
    }

    /// How many addresses there are.
    pub(crate) fn addresses(&self) -> usize {
        self.addresses.len()
    }

    /// A request asks for it.
    pub(super) fn used(&self) {
        let now = self.begun.elapsed().as_secs();
        // Read first: what all requests write, all processors wait for.
        if self.used.load(Ordering::Relaxed) != now {
            self.used.store(now, Ordering::Relaxed);
        }
    }

    pub(super) fn is_unused(&self, time: Duration) -> bool {
        let used = Duration::from_secs(self.used.load(Ordering::Relaxed));
        let idle = self.addresses.iter().all(|address| address.under_way() == 0);
        idle && self.begun.elapsed().saturating_sub(used) > time
    }

    pub(super) fn close_idle(&self) {
        self.addresses.iter().for_each(|address| address.close_idle());
    }
}

#[cfg(test)]
mod tests;
