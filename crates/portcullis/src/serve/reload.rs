//! What is kept fresh beside the requests: signing keys, API keys, and every file of the configuration.
//!
//! INVARIANT: a bad change never replaces a good state. What does not load is named in the log and in `/readyz`; what was
//! in force stays in force. A change is read only when the files have been quiet for a look, and not taken up if they
//! changed meanwhile: half of a change may be valid and mean something else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use portcullis_gate::Gate;
use portcullis_identity::{KeyFetcher, KeyStore};
use tokio::sync::watch;

use crate::config::Config;
use crate::{assemble, load, report};

/// How often files are looked at. A look costs one `stat` a file; an operator who saves and tries at once should
/// seldom be faster.
const LOOK: Duration = Duration::from_secs(1);

/// Most files looked at: beyond it something else was named as a folder of policies.
const MOST_FILES: usize = 10_000;

/// What the last reload came to.
#[derive(Debug, Default)]
pub(crate) struct State(Mutex<Option<String>>);

impl State {
    /// Why the last change was not taken up, if it was not.
    pub(crate) fn fault(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, fault: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

/// The files and folders a configuration is made of.
pub(crate) struct Sources {
    configuration: PathBuf,
    roots: Vec<PathBuf>,
}

/// What tells one state of the files from another: length and time of change of each.
type Stamp = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

impl Sources {
    /// Those of a checked configuration.
    pub(crate) fn of(config: &Config) -> Self {
        Self { configuration: config.path.clone(), roots: config.watched() }
    }

    fn stamp(&self) -> Stamp {
        let mut stamp = Stamp::new();
        for root in &self.roots {
            add(root, &mut stamp);
        }
        stamp
    }
}

fn add(path: &Path, stamp: &mut Stamp) {
    if stamp.len() >= MOST_FILES {
        return;
    }
    let Ok(about) = std::fs::metadata(path) else { return };
    stamp.insert(path.to_owned(), (about.len(), about.modified().ok()));
    if about.is_dir()
        && let Ok(entries) = std::fs::read_dir(path)
    {
        for entry in entries.filter_map(Result::ok) {
            add(&entry.path(), stamp);
        }
    }
}

/// Fetches every issuer's keys once; what cannot be fetched says so itself.
pub(crate) async fn fetch_keys(gate: &Gate) {
    gate.snapshot().identifier.refresh(&KeyFetcher::new()).await;
}

/// Keeps the keys of whatever snapshot is in force fresh.
pub(crate) async fn keep_keys(gate: Arc<Gate>, mut ended: watch::Receiver<bool>) {
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
async fn replaced(gate: &Gate, identifier: &Arc<portcullis_identity::Identifier>) {
    while Arc::ptr_eq(&gate.snapshot().identifier, identifier) {
        tokio::time::sleep(LOOK).await;
    }
}

/// Takes up changed files and changed API keys until told to end.
pub(crate) async fn keep_files(
    gate: Arc<Gate>,
    mut sources: Sources,
    store: KeyStore,
    state: Arc<State>,
    mut ended: watch::Receiver<bool>,
) {
    let mut store = store;
    let mut known = Stamps::new(&sources);
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = ended.changed() => return,
        }
        let looked = tokio::task::spawn_blocking({
            let gate = Arc::clone(&gate);
            let state = Arc::clone(&state);
            move || {
                look(&gate, &mut sources, &store, &state, &mut known);
                (sources, store, known)
            }
        });
        match looked.await {
            Ok(back) => (sources, store, known) = back,
            Err(fault) => {
                tracing::error!(%fault, "files are no longer looked at");
                state.set(Some("files are no longer looked at; restart to take up changes".to_owned()));
                return;
            }
        }
    }
}

/// The files as they were when last taken up (or refused), and as they were at the last look.
#[derive(Clone)]
struct Stamps {
    settled: Stamp,
    seen: Stamp,
}

impl Stamps {
    fn new(sources: &Sources) -> Self {
        let stamp = sources.stamp();
        Self { settled: stamp.clone(), seen: stamp }
    }

    /// Whether the files changed and have been quiet since the last look.
    fn changed_and_quiet(&mut self, now: Stamp) -> bool {
        let quiet = now == self.seen;
        self.seen = now;
        quiet && self.seen != self.settled
    }
}

fn look(gate: &Gate, sources: &mut Sources, store: &KeyStore, state: &State, known: &mut Stamps) {
    let snapshot = gate.snapshot();
    if let Some(Err(fault)) = snapshot.identifier.api_keys().map(|keys| keys.reload_if_changed(store)) {
        tracing::error!(%fault, "API keys cannot be read again; those known stay in force");
    }
    if !known.changed_and_quiet(sources.stamp()) {
        return;
    }
    let loaded = load::load_all(&sources.configuration);
    let after = sources.stamp();
    if after != known.seen {
        known.seen = after;
        return;
    }
    known.settled = after;
    let taken_up = match loaded.parts {
        Some(parts) if parts.version == snapshot.version => {
            if state.fault().is_some() {
                tracing::info!("the files are again as they are in force");
            }
            Ok(())
        }
        Some(parts) => {
            *sources = Sources::of(&parts.config);
            *known = Stamps::new(sources);
            assemble::snapshot(parts, store, Some(&snapshot)).map(|fresh| {
                tracing::info!(version = fresh.version, "changed files taken up");
                gate.swap(fresh);
            })
        }
        None => Err(super::ServeFault::Assemble(report::plain(&loaded.findings))),
    };
    state.set(taken_up.err().map(|fault| {
        tracing::error!(%fault, "changed files not taken up; what was in force stays in force");
        fault.to_string()
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(length: u64) -> Stamp {
        Stamp::from([(PathBuf::from("policies/a.cedar"), (length, None))])
    }

    #[test]
    fn a_file_being_written_is_not_read() {
        let mut known = Stamps { settled: stamp(10), seen: stamp(10) };
        assert!(!known.changed_and_quiet(stamp(10)), "nothing changed");
        assert!(!known.changed_and_quiet(stamp(0)), "truncated just now");
        assert!(!known.changed_and_quiet(stamp(5)), "half written");
        assert!(!known.changed_and_quiet(stamp(12)), "written just now");
        assert!(known.changed_and_quiet(stamp(12)), "quiet since");
        known.settled = stamp(12);
        assert!(!known.changed_and_quiet(stamp(12)));
    }
}
