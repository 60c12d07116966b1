//! What the writer does from time to time beside writing: forcing lines to the disk, signing for them, telling what was
//! left out, deleting what is kept no longer, and ending a segment when somebody who rewrites ended ones asks for it.

use std::path::PathBuf;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::keeper::Keeper;
use super::retention::{self, Removed};
use super::writer::{Writer, now};
use super::{LogSettings, SyncPoint, segment};
use crate::{archive, texts};

/// A file that asks the writer to end the open segment; it is removed when that is done.
pub(crate) const END_SEGMENT: &str = "end-segment";

/// When what was last done.
pub(super) struct Upkeep {
    keeper: Option<Keeper>,
    swept: Instant,
    vouched: Instant,
    told: Instant,
    asked: Instant,
    /// When the oldest line was written that nobody has forced to the disk.
    unforced: Option<Instant>,
    forcing: Option<JoinHandle<std::io::Result<()>>>,
    /// Segments that are kept no longer and that the log has yet to say so of.
    overdue: Vec<PathBuf>,
    /// Those that the lines say so of that are being written.
    told_of: Vec<PathBuf>,
    /// Those that the log has said so of, and that nobody has deleted yet.
    doomed: Vec<PathBuf>,
}

impl Upkeep {
    pub(super) fn new(keeper: Option<Keeper>) -> Self {
        let now = Instant::now();
        Self {
            keeper,
            swept: now,
            vouched: now,
            told: now,
            asked: now,
            unforced: None,
            forcing: None,
            overdue: Vec::new(),
            told_of: Vec::new(),
            doomed: Vec::new(),
        }
    }

    /// When there is something to do again although nobody hands anything over.
    pub(super) fn due(&self, settings: &LogSettings, unvouched: u64, sampled: bool) -> Instant {
        if self.has_overdue() {
            return Instant::now();
        }
        let mut due = (self.swept + SWEEP).min(self.asked + ASKED);
        if unvouched > 0 {
            due = due.min(self.vouched + settings.checkpoint_every);
        }
        if sampled {
            due = due.min(self.told + TELL);
        }
        if let (SyncPoint::Every(every), Some(since), None) = (settings.sync, self.unforced, &self.forcing) {
            due = due.min(since + every);
        }
        due
    }

    /// Ends when the disk has what it was last told to take; never if it was told nothing.
    pub(super) async fn forced(&mut self) {
        let Some(forcing) = &mut self.forcing else { return std::future::pending().await };
        let done = forcing.await;
        self.forcing = None;
        match done {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => {
                tracing::error!(%fault, "written lines of the decision log may not reach the disk")
            }
            Err(fault) => tracing::error!(%fault, "nobody forces the decision log to the disk"),
        }
    }

    /// Lines were written.
    pub(super) fn written(&mut self) {
        self.unforced.get_or_insert_with(Instant::now);
    }

    /// There may be segments that have ended and are not packed.
    pub(super) fn wake_keeper(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.wake();
        }
    }

    /// Whether what was left out may be told again.
    pub(super) fn may_tell(&mut self) -> bool {
        let due = self.told.elapsed() >= TELL;
        if due {
            self.told = Instant::now();
        }
        due
    }

    pub(super) fn has_overdue(&self) -> bool {
        !self.overdue.is_empty()
    }

    /// The line that says what is about to be deleted.
    pub(super) fn removed(&mut self) -> Option<Removed> {
        self.told_of = std::mem::take(&mut self.overdue);
        let segments: Vec<_> = self.told_of.iter().map(|path| segment::stem(path)).collect();
        (!segments.is_empty()).then(|| Removed { time: now(), segments })
    }

    /// That line could not be written.
    pub(super) fn untold(&mut self) {
        self.overdue = std::mem::take(&mut self.told_of);
    }
}

impl Writer {
    /// Looks for what is kept no longer, if nobody did lately.
    pub(super) fn sweep_if_due(&mut self) {
        if self.upkeep.swept.elapsed() >= SWEEP {
            self.sweep();
            self.upkeep.wake_keeper();
        }
    }

    /// Looks for segments that are kept no longer. They go when the log has said so.
    pub(super) fn sweep(&mut self) {
        self.upkeep.swept = Instant::now();
        self.upkeep.overdue.clear();
        let Some(folder) = self.ledger.folder() else { return };
        let oldest = folder.segments().map(|segments| segments.first().map(|(begun, _)| *begun));
        let swept = oldest.and_then(|oldest| {
            texts::sweep(&self.settings.folder, oldest, self.shared.deciding().as_deref())
        });
        if let Err(fault) = swept {
            tracing::warn!(%fault, "the kept policies of earlier snapshots cannot be looked through");
        }
        match retention::overdue(folder, self.ledger.segment(), &self.settings) {
            Ok(mut overdue) => {
                let doomed: Vec<_> = self.upkeep.doomed.iter().map(|path| segment::stem(path)).collect();
                overdue.retain(|path| !doomed.contains(&segment::stem(path)));
                self.upkeep.overdue = overdue;
            }
            Err(fault) => {
                tracing::warn!(%fault, "old segments of the decision log cannot be looked for");
            }
        }
    }

    /// Deletes what the log has said that it would. Whoever packs or rewrites a segment just now holds all of them:
    /// then it is tried again in a moment.
    pub(super) fn delete_overdue(&mut self) {
        let told_of = std::mem::take(&mut self.upkeep.told_of);
        self.upkeep.doomed.extend(told_of);
        if self.upkeep.doomed.is_empty() {
            return;
        }
        let deleted = match archive::try_hold(&self.settings.folder) {
            Ok(Some(_held)) => retention::delete(&std::mem::take(&mut self.upkeep.doomed)),
            Ok(None) => Ok(()),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = deleted {
            tracing::warn!(%fault, "old segments of the decision log cannot be deleted");
        }
    }

    /// Forces to the disk, signs, and ends the segment, as far as each is due.
    pub(super) fn keep_up(&mut self) {
        self.force();
        if self.ledger.unvouched() > 0 && self.upkeep.vouched.elapsed() >= self.settings.checkpoint_every {
            self.vouch();
        }
        if self.upkeep.asked.elapsed() >= ASKED {
            self.upkeep.asked = Instant::now();
            self.end_if_asked();
            self.delete_overdue();
        }
    }

    fn vouch(&mut self) {
        self.upkeep.vouched = Instant::now();
        if let Err(fault) = self.ledger.vouch(&self.settings) {
            tracing::error!(%fault, "no checkpoint of the decision log could be written");
        }
    }

    fn force(&mut self) {
        let SyncPoint::Every(every) = self.settings.sync else { return };
        let due = self.upkeep.unforced.is_some_and(|since| since.elapsed() >= every);
        if !due || self.upkeep.forcing.is_some() {
            return;
        }
        match self.ledger.segment().map(super::segment::Segment::handle) {
            Some(Ok(file)) => {
                self.upkeep.unforced = None;
                self.upkeep.forcing = Some(tokio::task::spawn_blocking(move || file.sync_data()));
            }
            Some(Err(fault)) => tracing::error!(%fault, "the decision log cannot be forced to the disk"),
            None => self.upkeep.unforced = None,
        }
    }

    fn end_if_asked(&mut self) {
        let asked = self.settings.folder.join(END_SEGMENT);
        if !asked.exists() {
            return;
        }
        let ended = self.ledger.end_segment().and_then(|()| {
            // A new one is begun at once: the newest is never taken for one that has ended.
            self.ledger.rotate(&self.settings, 0, 0)?;
            std::fs::remove_file(&asked)
        });
        match ended {
            Ok(()) => tracing::info!("ended a segment of the decision log, as was asked"),
            Err(fault) => tracing::error!(%fault, "the open segment of the decision log cannot be ended"),
        }
    }
}

/// How often old segments are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// How often it is told what was left out: a killed process takes the counts of this long with it.
const TELL: Duration = Duration::from_secs(1);

/// How often it is looked whether the segment shall be ended. A person waits for it.
const ASKED: Duration = Duration::from_secs(1);
