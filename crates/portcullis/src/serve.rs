//! Process life: listeners, background tasks, reload, orderly end.
//!
//! INVARIANT: everything is loaded and checked before the first socket is opened, and a changed file replaces what is
//! in force only when everything loads again, whole.

pub(crate) mod reload;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_endpoints::{Admin, serve_admin};
use portcullis_gate::Gate;
use portcullis_identity::KeyStore;
use portcullis_record::Log;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::assemble;
use crate::load::Parts;

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
            Self::Runtime(_) | Self::Assemble(_) => return None,
        })
    }
}

/// A running gate.
pub(crate) struct Running {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Where its admin listener is, if it has one.
    pub(crate) admin: Option<SocketAddr>,
    /// Where its decision log is.
    pub(crate) log_folder: PathBuf,
    /// The gate itself.
    pub(crate) gate: Arc<Gate>,
    log: Arc<Log>,
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
    runtime().map_err(ServeFault::Runtime)?.block_on(async {
        let unused = ([127, 0, 0, 1], 0).into();
        let listener = listen(parts.config.server.listen.unwrap_or(unused)).await?;
        let admin = match &parts.config.admin {
            Some(admin) => Some(listen(admin.listen).await?),
            None => None,
        };
        let running = start(parts, listener, admin).await?;
        tracing::info!(listen = %running.listen, "ready");
        interrupted().await;
        tracing::info!("stopping");
        running.stop().await;
        Ok(())
    })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeFault> {
    TcpListener::bind(address).await.map_err(|fault| ServeFault::Listen { address, fault })
}

/// Returns when the process is told to end (SIGINT, SIGTERM).
pub(crate) async fn interrupted() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(fault) => {
                tracing::warn!(%fault, "SIGTERM cannot be listened for");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => {
            if let Err(fault) = interrupted {
                tracing::warn!(%fault, "SIGINT cannot be listened for; stopping");
            }
        }
        () = terminated => {}
    }
}

/// Starts everything on sockets that are already open.
pub(crate) async fn start(
    parts: Parts,
    listener: TcpListener,
    admin: Option<TcpListener>,
) -> Result<Running, ServeFault> {
    let local = |listener: &TcpListener| {
        let unknown: SocketAddr = ([0, 0, 0, 0], 0).into();
        listener.local_addr().map_err(|fault| ServeFault::Listen { address: unknown, fault })
    };
    let listen = local(&listener)?;
    let admin_address = admin.as_ref().map(local).transpose()?;

    let log_folder = parts.config.log.folder.clone();
    let log = Arc::new(Log::open(parts.config.log.clone())?);
    let store = KeyStore::open(&parts.config.state_file())?;
    let limits = parts.config.limits();
    let patience = limits.drain.saturating_add(MOMENT);
    let sources = reload::Sources::of(&parts.config);
    let admin_settings = parts.config.admin.as_ref().map(assemble::admin_token);
    let snapshot = assemble::snapshot(parts, &store, None)?;
    let gate = Arc::new(Gate::new(snapshot, Arc::clone(&log)));

    let (shutdown, ended) = watch::channel(false);
    let state = Arc::new(reload::State::default());
    // Keys first: a request that comes before them would be told 503 for no good reason.
    reload::fetch_keys(&gate).await;
    let mut tasks = vec![
        tokio::spawn(reload::keep_keys(Arc::clone(&gate), ended.clone())),
        tokio::spawn(reload::keep_files(
            Arc::clone(&gate),
            sources,
            store,
            Arc::clone(&state),
            ended.clone(),
        )),
    ];
    if let (Some(listener), Some(token)) = (admin, admin_settings) {
        let admin = Admin {
            token,
            hosts: Vec::new(),
            log_folder: log_folder.clone(),
            readiness: assemble::readiness(Arc::clone(&gate), Arc::clone(&log), state),
            written_at: assemble::written_at(Arc::clone(&gate)),
        };
        tasks.push(tokio::spawn(serve_admin(listener, Arc::new(admin), until(ended.clone()))));
    }
    let served = Arc::clone(&gate);
    tasks.push(tokio::spawn(async move {
        if let Err(fault) = portcullis_proxy::serve(listener, served, limits, until(ended)).await {
            tracing::error!(%fault, "the proxy ended");
        }
    }));
    Ok(Running { listen, admin: admin_address, log_folder, gate, log, shutdown, tasks, patience })
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
    }
}
