//! Issuers' signing keys, kept fresh beside the requests.

use std::sync::Arc;
use std::time::Duration;

use portcullis_gate::Gate;
use portcullis_identity::{Identifier, KeyFetcher};
use tokio::sync::watch;

/// How often it is looked whether another snapshot is in force.
const LOOK: Duration = Duration::from_secs(1);

/// Fetches every issuer's keys once; what cannot be fetched says so itself.
pub(crate) async fn fetch(gate: &Gate) {
    gate.snapshot().identifier.refresh(&KeyFetcher::new()).await;
}

/// Keeps the keys of whatever snapshot is in force fresh.
pub(crate) async fn keep_fresh(gate: Arc<Gate>, mut ended: watch::Receiver<bool>) {
    loop {
        let identifier = Arc::clone(&gate.snapshot().identifier);
        let replaced = replaced(&gate, &identifier);
        tokio::select! {
            () = Arc::clone(&identifier).refresh_loop(KeyFetcher::new(), replaced) => {}
            _ = ended.changed() => return,
        }
    }
}

/// Resolves when another identifier is in force.
async fn replaced(gate: &Gate, identifier: &Arc<Identifier>) {
    while Arc::ptr_eq(&gate.snapshot().identifier, identifier) {
        tokio::time::sleep(LOOK).await;
    }
}
