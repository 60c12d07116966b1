//! Connections to origins: one pool and one bound for each, made when first asked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use portcullis_gate::OriginTarget;
use tokio::sync::Semaphore;

use crate::Limits;
use crate::caller::CallerBody;

/// Every origin in use. Read without a lock on each request, copied when one is new.
pub(crate) struct Origins {
    known: ArcSwap<HashMap<Key, Arc<Origin>>>,
    requests: usize,
    head_bytes: usize,
}

/// One origin.
pub(crate) struct Origin {
    pub(crate) client: Client<HttpConnector, CallerBody>,
    pub(crate) places: Arc<Semaphore>,
}

/// What a pool is bound to: the connector has one time limit, so a changed limit is another pool.
type Key = (String, Duration);

impl Origins {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            known: ArcSwap::from_pointee(HashMap::new()),
            requests: limits.origin_requests,
            head_bytes: limits.head_bytes,
        }
    }

    pub(crate) fn find(&self, target: &OriginTarget) -> Arc<Origin> {
        let key = (target.fingerprint.clone(), target.connect_timeout);
        if let Some(origin) = self.known.load().get(&key) {
            return Arc::clone(origin);
        }
        let fresh = Arc::new(self.connect(target.connect_timeout));
        let mut found = Arc::clone(&fresh);
        self.known.rcu(|known| {
            // Another request may have been first; its pool is then used by both.
            found = Arc::clone(known.get(&key).unwrap_or(&fresh));
            let mut known = if known.len() < MOST_ORIGINS { HashMap::clone(known) } else { HashMap::new() };
            known.insert(key.clone(), Arc::clone(&found));
            known
        });
        found
    }

    fn connect(&self, connect_timeout: Duration) -> Origin {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(connect_timeout));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .http1_max_buf_size(self.head_bytes)
            .set_host(false)
            .build(connector);
        Origin { client, places: Arc::new(Semaphore::new(self.requests)) }
    }
}

/// Most pools kept. Only a configuration that changed its origins a thousand times comes here; then all begin anew, and
/// the old ones end with their last request.
const MOST_ORIGINS: usize = 1024;

/// How long an unused connection is kept. Shorter than the five seconds after which Node and several Python servers
/// close theirs, since a request sent at that moment is lost.
const IDLE: Duration = Duration::from_secs(4);

/// Most unused connections kept to one origin.
const MOST_IDLE: usize = 256;
