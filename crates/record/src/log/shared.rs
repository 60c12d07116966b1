//! What the log and its writer both hold: counts and states, and the line on its way from one to the other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::LogSettings;
use super::missed::{Kind, Missed};
use super::sample::Sampling;

/// One line on its way to the file.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) line: Vec<u8>,
    pub(super) kind: Kind,
    /// Who waits for it to be written.
    pub(super) written: Option<oneshot::Sender<Result<(), Arc<str>>>>,
}

/// What the log and its writer both see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) missed: Missed,
    pub(super) sampling: Sampling,
    written: AtomicU64,
    broken: Mutex<Option<Arc<str>>>,
    /// The version of the snapshot whose texts are in force.
    deciding: Mutex<Option<String>>,
    closing: AtomicBool,
    wake: Notify,
}

impl Shared {
    pub(super) fn new(settings: &LogSettings) -> Self {
        Self { sampling: Sampling::new(&settings.drop), ..Self::default() }
    }

    /// Has the writer look for what there is to tell.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Counts a line that will not be written, and sees to it that the log will tell.
    pub(super) fn count(&self, kind: Kind) {
        if self.missed.count(kind, 1) {
            self.wake.notify_one();
        }
    }

    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Ends when there is something to look for.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    pub(super) fn add_written(&self, lines: u64) {
        self.written.fetch_add(lines, Ordering::Relaxed);
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn broken(&self) -> Option<String> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).as_deref().map(str::to_owned)
    }

    pub(super) fn deciding(&self) -> Option<String> {
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_deciding(&self, version: String) {
        *self.deciding.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
    }

    pub(super) fn set_broken(&self, why: Option<Arc<str>>) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}
