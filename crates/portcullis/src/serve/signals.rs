//! What the process is told from outside: to end (SIGINT, SIGTERM), or to take up changed files (SIGHUP).

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::reload::Reloads;

/// Signals that are listened for, from when this is made. Before that, each of them ends the process.
pub(crate) struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Returns when told to end; reloads each time it is told to.
    pub(crate) async fn end(&mut self, reloads: &Reloads) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => {
                    tracing::info!("told to reload (SIGHUP)");
                    let reloads = reloads.clone();
                    // Beside: a long reload must not keep the process from ending.
                    tokio::spawn(async move {
                        if reloads.reload().await.is_none() {
                            tracing::error!("not reloaded: another reload is under way");
                        }
                    });
                }
            }
        }
    }
}

/// Returns when the process is told to end.
pub(crate) async fn interrupted() -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
