//! Taking up changed files while requests go on: found by a look each second, or asked for by a signal or the admin
//! listener.
//!
//! INVARIANT: a bad change never replaces a good state. What does not load is named in the log, in the metrics and in
//! `/readyz`; what was in force stays in force. A change that was found is read only when the files have been quiet for a
//! look, and never taken up if they changed while they were read: half of a change may be valid and mean something else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use portcullis_gate::{Gate, Snapshot};
use portcullis_identity::KeyStore;
use portcullis_measure::Reload;
use portcullis_proxy::serve::tls::Certificates;
use portcullis_record::Log;
use tokio::sync::{mpsc, oneshot, watch};

use crate::config::{Config, Fixed};
use crate::load::{LoadedAll, Parts};
use crate::{assemble, load, report};

/// How often files are looked at. A look costs one `stat` a file; an operator who saves and tries at once should
/// seldom be faster.
const LOOK: Duration = Duration::from_secs(1);

/// Most files looked at: beyond it something else was named as a folder of policies.
const MOST_FILES: usize = 10_000;

/// Questions that wait for an answer. Whoever asks more often is told that the last one is still under way.
const MOST_ASKED: usize = 16;

/// What the last reload came to.
#[derive(Debug, Default)]
pub(crate) struct State(Mutex<Option<String>>);

/// What a reload came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reloaded {
    /// The files differ from what was in force, and are in force now.
    TakenUp {
        /// The snapshot in force.
        version: String,
        /// Keys whose new values wait for a restart.
        after_restart: Vec<&'static str>,
    },
    /// The files are as they are in force.
    Unchanged {
        /// The snapshot in force.
        version: String,
    },
    /// The files do not load. What was in force stays in force.
    Refused {
        /// Everything that is wrong, as `portcullis check` prints it.
        findings: Vec<String>,
    },
    /// The files changed while they were read. Nothing was taken up.
    Restless,
}

/// Asks for a reload.
#[derive(Debug, Clone)]
pub(crate) struct Reloads(mpsc::Sender<oneshot::Sender<Reloaded>>);

/// Where those questions arrive.
pub(crate) type Asked = mpsc::Receiver<oneshot::Sender<Reloaded>>;

impl Reloads {
    /// A way to ask, and its other end.
    pub(crate) fn channel() -> (Self, Asked) {
        let (ask, asked) = mpsc::channel(MOST_ASKED);
        (Self(ask), asked)
    }

    /// Reads all files now. `None` if nobody looks at them any more, or too many asked at once.
    pub(crate) async fn reload(&self) -> Option<Reloaded> {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(answer).ok()?;
        answered.await.ok()
    }
}

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

/// What is in force.
pub(crate) struct Served {
    pub(crate) gate: Arc<Gate>,
    pub(crate) log: Arc<Log>,
    pub(crate) certificates: Option<Arc<Certificates>>,
}

/// Everything that files can change.
pub(crate) struct Reloader {
    gate: Arc<Gate>,
    log: Arc<Log>,
    certificates: Option<Arc<Certificates>>,
    store: KeyStore,
    state: Arc<State>,
    sources: Sources,
    stamps: Stamps,
    /// What a running gate cannot change.
    fixed: Fixed,
}

impl Reloader {
    /// For a gate that runs as `config` says.
    pub(crate) fn new(served: Served, store: KeyStore, state: Arc<State>, config: &Config) -> Self {
        let sources = Sources::of(config);
        let stamps = Stamps::new(&sources);
        let Served { gate, log, certificates } = served;
        Self { gate, log, certificates, store, state, sources, stamps, fixed: Fixed::of(config) }
    }

    /// Takes up changed files and changed API keys until told to end.
    pub(crate) async fn run(mut self, mut asked: Asked, mut ended: watch::Receiver<bool>) {
        let state = Arc::clone(&self.state);
        loop {
            let question = tokio::select! {
                () = tokio::time::sleep(LOOK) => None,
                question = asked.recv() => question,
                _ = ended.changed() => return,
            };
            // Files are read and policies compiled where that may take its time.
            let looked = tokio::task::spawn_blocking(move || {
                match question {
                    None => self.look(),
                    Some(answer) => {
                        // Whoever asked may have gone; the files are taken up all the same.
                        answer.send(self.reload()).ok();
                    }
                }
                self
            });
            match looked.await {
                Ok(back) => self = back,
                Err(fault) => {
                    tracing::error!(%fault, "files are no longer looked at");
                    state.set(Some("files are no longer looked at; restart to take up changes".to_owned()));
                    return;
                }
            }
        }
    }

    /// A look at what may have changed.
    fn look(&mut self) {
        let snapshot = self.gate.snapshot();
        if let Some(Err(fault)) =
            snapshot.identifier.api_keys().map(|keys| keys.reload_if_changed(&self.store))
        {
            tracing::error!(%fault, "API keys cannot be read again; those known stay in force");
        }
        if let Some(Err(fault)) = snapshot.vouching.as_ref().map(|vouching| vouching.renew(SystemTime::now()))
        {
            tracing::error!(%fault, "the keys for upstreams cannot be renewed; those at hand stay in use");
        }
        if self.stamps.changed_and_quiet(self.sources.stamp()) {
            let loaded = load::load_all(&self.sources.configuration);
            self.settle(loaded);
        }
    }

    /// Reads everything now, quiet or not: whoever asks says that the change is whole.
    fn reload(&mut self) -> Reloaded {
        self.stamps.seen = self.sources.stamp();
        let loaded = load::load_all(&self.sources.configuration);
        self.settle(loaded)
    }

    /// Takes up what was read, unless it changed meanwhile.
    fn settle(&mut self, loaded: LoadedAll) -> Reloaded {
        let after = self.sources.stamp();
        if after != self.stamps.seen {
            self.stamps.seen = after;
            return Reloaded::Restless;
        }
        self.stamps.settled = after;
        let reloaded = self.take_up(loaded);
        let counted = match &reloaded {
            Reloaded::TakenUp { version, after_restart } => {
                tracing::info!(version, "changed files taken up");
                for key in after_restart {
                    tracing::warn!(key, "this change is taken up at the next start");
                }
                Reload::TakenUp
            }
            Reloaded::Unchanged { .. } | Reloaded::Restless => {
                if self.state.fault().is_some() {
                    tracing::info!("the files are again as they are in force");
                }
                Reload::Unchanged
            }
            Reloaded::Refused { findings } => {
                let findings = findings.join("\n");
                tracing::error!(findings, "changed files not taken up; what was in force stays in force");
                Reload::Refused
            }
        };
        self.gate.metrics().reload(counted);
        self.state.set(match &reloaded {
            Reloaded::Refused { findings } => Some(findings.join("\n")),
            Reloaded::TakenUp { .. } | Reloaded::Unchanged { .. } | Reloaded::Restless => None,
        });
        reloaded
    }

    fn take_up(&mut self, loaded: LoadedAll) -> Reloaded {
        let snapshot = self.gate.snapshot();
        let Some(mut parts) = loaded.parts else {
            let errors = loaded.findings.iter().filter(|finding| report::is_error(finding));
            let findings = errors.map(|finding| report::plain(std::slice::from_ref(finding))).collect();
            return Reloaded::Refused { findings };
        };
        if parts.texts.version() == snapshot.version && same_shadow(&parts, &snapshot) {
            return Reloaded::Unchanged { version: snapshot.version.clone() };
        }
        let after_restart = self.fixed.differences(&Fixed::of(&parts.config));
        let sources = Sources::of(&parts.config);
        let certificates = parts.certificates.take();
        let texts = parts.texts.clone();
        match assemble::snapshot(parts, &self.store, Some(&snapshot)) {
            Ok(fresh) => {
                self.sources = sources;
                self.stamps = Stamps::new(&self.sources);
                if let (Some(served), Some(fresh)) = (&self.certificates, certificates) {
                    served.replace(fresh);
                }
                let version = fresh.version.clone();
                super::keep(&self.log, &texts);
                self.gate.swap(fresh);
                Reloaded::TakenUp { version, after_restart }
            }
            Err(fault) => Reloaded::Refused { findings: vec![fault.to_string()] },
        }
    }
}

/// Whether the shadow policies are those that are asked already, or as unusable as they were.
fn same_shadow(parts: &Parts, snapshot: &Snapshot) -> bool {
    match &parts.shadow {
        None => snapshot.shadow.is_none() && snapshot.shadow_fault.is_none(),
        Some(Ok(shadow)) => snapshot.shadow.as_ref().is_some_and(|set| set.version == shadow.version),
        Some(Err(fault)) => snapshot.shadow_fault.as_ref() == Some(fault),
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
