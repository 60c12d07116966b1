//! Looks after segments that have ended, in a thread of its own: packs them, beside the writing and not in its way.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use super::segment;
use crate::archive;

/// Tells the keeper that a segment has ended. When the last one is dropped, the keeper ends.
#[derive(Debug, Clone)]
pub(super) struct Keeper {
    wake: SyncSender<()>,
}

impl Keeper {
    /// Starts the keeper of a folder.
    pub(super) fn start(folder: PathBuf) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        std::thread::Builder::new().name("log-keeper".to_owned()).spawn(move || keep(&folder, &woken))?;
        Ok(Self { wake })
    }

    /// There may be something to do.
    pub(super) fn wake(&self) {
        match self.wake.try_send(()) {
            // It has not yet looked after it was woken last.
            Ok(()) | Err(TrySendError::Full(())) => {}
            Err(TrySendError::Disconnected(())) => {
                tracing::error!("segments are packed no longer: their keeper has ended");
            }
        }
    }
}

fn keep(folder: &Path, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        if let Err(fault) = tend(folder) {
            tracing::warn!(%fault, "segments of the decision log cannot be packed; they stay as they are");
        }
    }
}

/// Packs every segment but the newest, which is being written.
pub(super) fn tend(folder: &Path) -> std::io::Result<()> {
    loop {
        let Some(held) = archive::try_hold(folder)? else { return Ok(()) };
        archive::clean(folder)?;
        let mut segments = segment::list(folder)?;
        segments.pop();
        let Some((_, path)) = segments.into_iter().find(|(_, path)| !segment::is_packed(path)) else {
            return Ok(());
        };
        archive::pack(&path)?;
        // Between two of them others may look after the folder.
        drop(held);
    }
}
