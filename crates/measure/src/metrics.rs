//! Every metric of the process, as events that are counted where they happen. Callers name what happened; label texts,
//! names and units are known here and in the table alone.

mod show;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::event::{
    Answered, By, ConnectionKind, ConnectionRefused, Door, Label, OriginOutcome, Reload, ShadowOutcome,
    Stage, Watched,
};
use crate::family::Family;
use crate::histogram::Histogram;
use crate::tally::{Statuses, Tally};

/// What [`Metrics::render`] is sent as.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every metric of the process. Shared; counting takes `&self` and never waits.
pub struct Metrics {
    counts: Arc<Counts>,
    registry: Registry,
}

/// What is counted.
struct Counts {
    requests: Family<4>,
    responses: [Statuses; By::ALL.len()],
    stages: [Histogram; Stage::ALL.len()],
    rate_limited: Family<1>,
    payload_refused: Family<1>,
    intercepted: Statuses,
    origin_tries: Family<2>,
    origin_up: Family<2>,
    reloads: Tally<Reload>,
    shadows: Tally<ShadowOutcome>,
    reload_successful: AtomicBool,
    /// Touched by reloads and by rendering, never by requests.
    in_force: Mutex<InForce>,
    connections: Tally<ConnectionKind>,
    connections_closed: Tally<ConnectionKind>,
    connections_refused: Tally<ConnectionRefused>,
    handshakes_failed: AtomicU64,
    tunnels: AtomicU64,
    tunnels_closed: AtomicU64,
    token_cache_hits: AtomicU64,
    token_cache_misses: AtomicU64,
    /// Touched at the start and by rendering.
    watched: Mutex<Vec<(Watched, Read)>>,
    started: SystemTime,
}

type Read = Box<dyn Fn() -> u64 + Send + Sync>;

/// What the last good reload put in force.
struct InForce {
    since: SystemTime,
    version: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero. The moment counts as the start of the process.
    #[must_use]
    pub fn new() -> Self {
        let started = SystemTime::now();
        let counts = Arc::new(Counts {
            requests: Family::new([false, true, false, true]),
            responses: [(); By::ALL.len()].map(|()| Statuses::new()),
            stages: Default::default(),
            rate_limited: Family::new([true]),
            payload_refused: Family::new([true]),
            intercepted: Statuses::new(),
            origin_tries: Family::new([true, false]),
            origin_up: Family::new([true, true]),
            reloads: Tally::new(),
            shadows: Tally::new(),
            reload_successful: AtomicBool::new(true),
            in_force: Mutex::new(InForce { since: started, version: String::new() }),
            connections: Tally::new(),
            connections_closed: Tally::new(),
            connections_refused: Tally::new(),
            handshakes_failed: AtomicU64::new(0),
            tunnels: AtomicU64::new(0),
            tunnels_closed: AtomicU64::new(0),
            token_cache_hits: AtomicU64::new(0),
            token_cache_misses: AtomicU64::new(0),
            watched: Mutex::default(),
            started,
        });
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Arc::clone(&counts)));
        Self { counts, registry }
    }

    /// Everything as OpenMetrics text, sent as [`CONTENT_TYPE`]. The same values give the same bytes. Reads three small
    /// files of `/proc`, which never wait for a disk.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(32 * 1024);
        // Writing to a string does not fail; half of an exposition would be read as counters that fell to nothing.
        match encode(&mut out, &self.registry) {
            Ok(()) => out,
            Err(_) => "# EOF\n".to_owned(),
        }
    }

    /// A request ended. `reason` is its public code, empty where nothing was refused; `app` is empty where none was found.
    pub fn request(&self, door: Door, answered: Answered, reason: &str, app: &str) {
        self.counts.requests.count([door.text(), app, answered.text(), reason]);
    }

    /// An answer went out.
    pub fn status(&self, status: u16, by: By) {
        if let Some(statuses) = self.counts.responses.get(by.index()) {
            statuses.count(status);
        }
    }

    /// A stage took so long.
    pub fn stage(&self, stage: Stage, took: Duration) {
        if let Some(histogram) = self.counts.stages.get(stage.index()) {
            histogram.observe(took);
        }
    }

    /// A limit was used up.
    pub fn rate_limited(&self, limit: &str) {
        self.counts.rate_limited.count([limit]);
    }

    /// A body was refused with this code.
    pub fn payload_refused(&self, code: &str) {
        self.counts.payload_refused.count([code]);
    }

    /// An origin's answer of this status was replaced by a page of ours.
    pub fn intercepted(&self, status: u16) {
        self.counts.intercepted.count(status);
    }

    /// A try at an origin of this app ended.
    pub fn origin_try(&self, app: &str, outcome: OriginOutcome) {
        self.counts.origin_tries.count([app, outcome.text()]);
    }

    /// An address of an origin passed or failed its health check.
    pub fn origin_health(&self, app: &str, address: &str, up: bool) {
        self.counts.origin_up.set([app, address], u64::from(up));
    }

    /// An address of an origin is no longer checked, since the configuration no longer names it.
    pub fn origin_gone(&self, app: &str, address: &str) {
        self.counts.origin_up.forget([app, address]);
    }

    /// Changed files were looked at.
    pub fn reload(&self, outcome: Reload) {
        self.counts.reloads.count(outcome);
        let successful = outcome != Reload::Refused;
        self.counts.reload_successful.store(successful, Ordering::Relaxed);
        if successful {
            self.counts.in_force().since = SystemTime::now();
        }
    }

    /// Shadow policies were asked, or were to be.
    pub fn shadow(&self, outcome: ShadowOutcome) {
        self.counts.shadows.count(outcome);
    }

    /// This version of configuration and policies is in force from now on.
    pub fn snapshot(&self, version: &str) {
        version.clone_into(&mut self.counts.in_force().version);
    }

    /// A connection of a caller speaks this from now on. Each is closed by [`Metrics::connection_closed`] of the same kind.
    pub fn connection_opened(&self, kind: ConnectionKind) {
        self.counts.connections.count(kind);
    }

    /// A connection of a caller ended.
    pub fn connection_closed(&self, kind: ConnectionKind) {
        self.counts.connections_closed.count(kind);
    }

    /// A connection of a caller was closed for what it did.
    pub fn connection_refused(&self, why: ConnectionRefused) {
        self.counts.connections_refused.count(why);
    }

    /// A TLS handshake of a caller failed.
    pub fn handshake_failed(&self) {
        self.counts.handshakes_failed.fetch_add(1, Ordering::Relaxed);
    }

    /// A tunnel was opened. Each is closed by [`Metrics::tunnel_closed`].
    pub fn tunnel_opened(&self) {
        self.counts.tunnels.fetch_add(1, Ordering::Relaxed);
    }

    /// A tunnel ended.
    pub fn tunnel_closed(&self) {
        self.counts.tunnels_closed.fetch_add(1, Ordering::Relaxed);
    }

    /// A token was found among those verified before, or was not.
    pub fn token_cache(&self, hit: bool) {
        let count = if hit { &self.counts.token_cache_hits } else { &self.counts.token_cache_misses };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Shows a value that somebody else holds, read at each [`Metrics::render`]; `read` should return at once and not
    /// render. Watching the same value again replaces `read`.
    pub fn watch(&self, value: Watched, read: Box<dyn Fn() -> u64 + Send + Sync>) {
        let mut watched = self.counts.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|(known, _)| *known != value);
        watched.push((value, read));
    }
}

impl Counts {
    fn in_force(&self) -> std::sync::MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
