//! Process life: listeners, background tasks, reload, orderly end.
//!
//! INVARIANT: everything is loaded and checked before the first socket is opened, and a changed file replaces what is
//! in force only when everything loads again, whole.

pub(crate) mod keys;
mod operate;
pub(crate) mod reload;
pub(crate) mod signals;
pub(crate) mod sockets;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_endpoints::{ForwardAuth, serve_forward_auth, serve_operations};
use portcullis_gate::{Gate, Traces};
use portcullis_identity::KeyStore;
use portcullis_proxy::Listening;
use portcullis_proxy::serve::tls::Certificates;
use portcullis_record::{Log, Texts};
use portcullis_rehearse::shadow::{self, Asking};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::assemble;
use crate::load::Parts;
use crate::telemetry::{self, Telemetry, TelemetryError};
use operate::Seen;
use reload::{Reloader, Reloads};
use signals::Signals;
use sockets::{HandedOver, Sockets};

/// Why the gate could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeFault {
    /// The runtime.
    #[error("cannot start the runtime: {0}")]
    Runtime(std::io::Error),
    /// A listener.
    #[error("cannot listen on `{address}`: {fault}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        fault: std::io::Error,
    },
    /// The decision log.
    #[error("cannot open the decision log: {0}")]
    Log(#[from] portcullis_record::LogError),
    /// The API keys.
    #[error("cannot open the API keys: {0}")]
    Keys(#[from] portcullis_identity::ApiKeyError),
    /// Traces.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// No socket at all.
    #[error("nothing is listened on")]
    Nowhere,
    /// The parts do not fit together.
    #[error("{0}")]
    Assemble(String),
}

impl ServeFault {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Listen { .. } => {
                "another program may hold that address; `server.listen` and `admin.listen` name others"
            }
            Self::Log(_) | Self::Keys(_) => "`server.data` must be a folder that we may write to",
            Self::Runtime(_) | Self::Telemetry(_) | Self::Nowhere | Self::Assemble(_) => return None,
        })
    }
}

/// A running gate.
pub(crate) struct Running {
    /// Where it listens: in plain text, or else in TLS.
    pub(crate) listen: SocketAddr,
    /// Where it listens in TLS, if it does.
    pub(crate) tls: Option<SocketAddr>,
    /// Where its admin listener is, if it has one.
    pub(crate) admin: Option<SocketAddr>,
    /// Where other proxies ask it, if they may.
    pub(crate) forward_auth: Option<SocketAddr>,
    /// Where its decision log is.
    pub(crate) log_folder: PathBuf,
    /// The gate itself.
    pub(crate) gate: Arc<Gate>,
    /// Asks it to take up changed files.
    pub(crate) reloads: Reloads,
    log: Arc<Log>,
    telemetry: Option<Telemetry>,
    /// Asks the shadow policies.
    asking: Asking,
    shutdown: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    /// How long tasks may take to end: what the configuration gives connections, and a moment for the rest.
    patience: Duration,
}

/// What ending takes besides waiting for connections.
const MOMENT: Duration = Duration::from_secs(2);

/// Starts logging to standard error; a second call changes nothing.
pub(crate) fn start_logging(json: bool) {
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        // Where standard error cannot be written either, complaining there is a panic: of the log's writer, of a request.
        .log_internal_errors(false)
        .with_max_level(tracing::Level::INFO);
    let started = if json { builder.json().try_init() } else { builder.try_init() };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// The runtime everything runs on.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Serves until told to stop.
pub(crate) fn run(parts: Parts) -> Result<(), ServeFault> {
    let handed = HandedOver::take();
    runtime().map_err(ServeFault::Runtime)?.block_on(async {
        // Before the first socket: who sees it open may send a signal at once.
        let mut signals = Signals::listen().map_err(ServeFault::Runtime)?;
        let sockets = Sockets::open(&parts.config, handed).await?;
        let running = start(parts, sockets).await?;
        let shown = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        tracing::info!(
            listen = %running.listen,
            tls = shown(running.tls),
            admin = shown(running.admin),
            forward_auth = shown(running.forward_auth),
            "ready"
        );
        signals.end(&running.reloads).await;
        tracing::info!("stopping");
        running.stop().await;
        Ok(())
    })
}

/// Starts everything on sockets that are already open.
pub(crate) async fn start(mut parts: Parts, sockets: Sockets) -> Result<Running, ServeFault> {
    let Sockets { plain, tls, admin, forward_auth } = sockets;
    let tls_address = local(tls.as_ref())?;
    let addresses = (local(plain.as_ref())?, local(admin.as_ref())?, local(forward_auth.as_ref())?);
    let (plain_address, admin_address, forward_auth_address) = addresses;

    let log_folder = parts.config.log.folder.clone();
    let log = Arc::new(Log::open(parts.config.log.clone())?);
    let store = KeyStore::open(&parts.config.state_file())?;
    let limits = parts.config.limits();
    let patience = limits.drain.saturating_add(MOMENT);
    let config = parts.config.clone();
    let certificates = parts.certificates.take().map(|set| Arc::new(Certificates::new(set)));
    keep(&log, &parts.texts);
    let snapshot = assemble::snapshot(parts, &store, None)?;
    let mut gate = Gate::new(snapshot, Arc::clone(&log));
    let telemetry = config.telemetry.as_ref().map(telemetry::start).transpose()?;
    if let Some(telemetry) = &telemetry {
        telemetry.watched_by(gate.metrics());
        gate = gate.with_traces(Traces::new(telemetry.sink(), telemetry.sampling().per_thousand));
    }
    let (shadows, asking) =
        shadow::start(config.shadow_folder(), Arc::clone(gate.metrics())).map_err(ServeFault::Runtime)?;
    let gate = Arc::new(gate.with_shadows(shadows));

    let (shutdown, ended) = watch::channel(false);
    let state = Arc::new(reload::State::default());
    let (reloads, asked) = Reloads::channel();
    // Keys first: a request that comes before them would be told 503 for no good reason.
    keys::fetch(&gate).await;
    let served =
        reload::Served { gate: Arc::clone(&gate), log: Arc::clone(&log), certificates: certificates.clone() };
    let reloader = Reloader::new(served, store, Arc::clone(&state), &config);
    let mut tasks = vec![
        tokio::spawn(keys::keep_fresh(Arc::clone(&gate), ended.clone())),
        tokio::spawn(reloader.run(asked, ended.clone())),
    ];
    let seen = Seen { gate: Arc::clone(&gate), log: Arc::clone(&log), state };
    operate::watch(&seen);
    if let (Some(listener), Some(settings)) = (admin, &config.admin) {
        let admin = Arc::new(operate::admin(&seen, settings, log_folder.clone()));
        let operations = Arc::new(operate::operations(&seen, settings, reloads.clone()));
        tasks.push(tokio::spawn(serve_operations(listener, admin, operations, until(ended.clone()))));
    }
    if let (Some(listener), Some(settings)) = (forward_auth, &config.forward_auth) {
        let door = ForwardAuth::new(Arc::clone(&gate), settings.peers.clone());
        tasks.push(tokio::spawn(serve_forward_auth(listener, Arc::new(door), until(ended.clone()))));
    }
    let proxy_protocol = Some(config.server.proxy_protocol_from.clone());
    let listening = |listener, tls| Listening { listener, tls, proxy_protocol: proxy_protocol.clone() };
    let mut listeners: Vec<Listening> = plain.map(|listener| listening(listener, None)).into_iter().collect();
    if let (Some(listener), Some(certificates)) = (tls, certificates) {
        listeners.push(listening(listener, Some(certificates)));
    }
    let served = Arc::clone(&gate);
    tasks.push(tokio::spawn(async move {
        if let Err(fault) = portcullis_proxy::serve(listeners, served, limits, until(ended)).await {
            tracing::error!(%fault, "the proxy ended");
        }
    }));
    let listen = plain_address.or(tls_address).ok_or(ServeFault::Nowhere)?;
    Ok(Running {
        listen,
        tls: tls_address,
        admin: admin_address,
        forward_auth: forward_auth_address,
        log_folder,
        gate,
        reloads,
        log,
        telemetry,
        asking,
        shutdown,
        tasks,
        patience,
    })
}

/// Keeps what is about to decide beside the log. A disk that does not take it keeps no change from being taken up: what is
/// lost is an explanation of later, which says so.
pub(crate) fn keep(log: &Log, texts: &Texts) {
    if let Err(fault) = log.decides_by(texts) {
        tracing::warn!(%fault, "the policies cannot be kept beside the log; once they change, `why` cannot quote them");
    }
}

fn local(listener: Option<&TcpListener>) -> Result<Option<SocketAddr>, ServeFault> {
    let unknown: SocketAddr = ([0, 0, 0, 0], 0).into();
    let address = listener.map(TcpListener::local_addr).transpose();
    address.map_err(|fault| ServeFault::Listen { address: unknown, fault })
}

async fn until(mut ended: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is an end too.
    while !*ended.borrow_and_update() && ended.changed().await.is_ok() {}
}

impl Running {
    /// Takes no more connections, lets those under way end, and closes the log.
    pub(crate) async fn stop(self) {
        self.shutdown.send_replace(true);
        for task in self.tasks {
            match tokio::time::timeout(self.patience, task).await {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => tracing::error!(%fault, "a task ended badly"),
                Err(_) => tracing::warn!("a task did not end in time"),
            }
        }
        self.log.close().await;
        let asked = tokio::task::spawn_blocking(move || self.asking.stop());
        if tokio::time::timeout(self.patience, asked).await.is_err() {
            tracing::warn!("shadow policies were still asked at the end");
        }
        if let Some(telemetry) = self.telemetry {
            telemetry.stop().await;
        }
    }
}
