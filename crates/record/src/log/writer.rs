//! The one thread that writes. It takes all that is queued and writes it at once; when a write fails it says so to
//! those who wait (`fail_closed`) or holds the lines (`fail_open`), and tries again with growing pauses. What else must
//! be done from time to time (forcing to disk, checkpoints, deleting what is old) is in `upkeep`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::keeper::Keeper;
use super::ledger::Ledger;
use super::missed::{Kind, Taken};
use super::sample::{Left, Sampled};
use super::shared::{Message, Shared};
use super::upkeep::Upkeep;
use super::{LogError, LogSettings};
use crate::entry::{Gap, WhenBroken};
use crate::line;

/// Lines taken from the queue and not yet written.
#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    decisions: u64,
    outcomes: u64,
    waiting: Vec<oneshot::Sender<Result<(), Arc<str>>>>,
}

/// A fault that lasts.
struct Broken {
    why: Arc<str>,
    pause: Duration,
    retry: Instant,
}

pub(super) struct Writer {
    pub(super) settings: LogSettings,
    receiver: mpsc::Receiver<Message>,
    pub(super) shared: Arc<Shared>,
    pub(super) ledger: Ledger,
    batch: Vec<Message>,
    held: Held,
    broken: Option<Broken>,
    /// Something beside missed lines that the log must tell: what, and how many bytes were cut.
    note: Option<(String, u64)>,
    pub(super) upkeep: Upkeep,
    /// Dropped last: whoever closes the log waits for it.
    _living: watch::Sender<()>,
}

impl Writer {
    /// Takes hold of the folder and of the segment to go on with. The keys of the log are shared with who submits.
    pub(super) fn open(
        settings: LogSettings,
        receiver: mpsc::Receiver<Message>,
        shared: Arc<Shared>,
        living: watch::Sender<()>,
    ) -> Result<Self, LogError> {
        let failed = |fault: io::Error| match fault.kind() {
            io::ErrorKind::WouldBlock => LogError::InUse(settings.folder.clone()),
            _ => LogError::Folder { folder: settings.folder.clone(), fault },
        };
        let (ledger, found) = Ledger::open(&settings).map_err(failed)?;
        let keeper = match settings.compress {
            true => Some(Keeper::start(settings.folder.clone()).map_err(LogError::Thread)?),
            false => None,
        };
        let mut told = Vec::new();
        if found.cut > 0 {
            tracing::warn!(bytes = found.cut, "cut off an unfinished last line of the decision log");
            told.push(
                "the last line was unfinished: the process or the machine had ended at once".to_owned(),
            );
        }
        if found.vanished > 0 {
            tracing::error!(
                lines = found.vanished,
                "lines of the decision log are gone that a checkpoint vouches for"
            );
            told.push(format!("{} lines that a checkpoint vouches for are gone", found.vanished));
        }
        let mut writer = Self {
            settings,
            receiver,
            shared,
            ledger,
            batch: Vec::with_capacity(BATCH),
            held: Held::default(),
            broken: None,
            note: (!told.is_empty()).then(|| (told.join("; "), found.cut)),
            upkeep: Upkeep::new(keeper),
            _living: living,
        };
        writer.sweep();
        writer.upkeep.wake_keeper();
        Ok(writer)
    }

    /// Writes until the log is closed or dropped, and everything queued is written.
    pub(super) async fn run(mut self) {
        loop {
            let more = self.take().await;
            self.sweep_if_due();
            if self.pausing() && !self.ending() {
                self.refuse_while_broken();
            } else {
                self.commit();
                self.keep_up();
            }
            if !more {
                break;
            }
        }
        self.end();
    }

    /// Waits for something to do and takes what is queued; `false` when nothing will come any more.
    async fn take(&mut self) -> bool {
        // What `fail_open` holds must be written before more is taken: the queue is the bound on what is held.
        let may_take = self.held.bytes.is_empty() || self.ending();
        let alarm = match &self.broken {
            Some(broken) => broken.retry,
            None => {
                self.upkeep.due(&self.settings, self.ledger.unvouched(), self.shared.sampling.is_pending())
            }
        };
        let more = tokio::select! {
            biased;
            taken = self.receiver.recv_many(&mut self.batch, BATCH), if may_take => taken > 0,
            () = self.shared.woken() => true,
            () = self.upkeep.forced() => true,
            () = tokio::time::sleep_until(alarm) => true,
        };
        if self.ending() {
            self.receiver.close();
        }
        for message in self.batch.drain(..) {
            self.held.bytes.extend_from_slice(&message.line);
            match message.kind {
                Kind::Decision => self.held.decisions += 1,
                Kind::Outcome => self.held.outcomes += 1,
            }
            self.held.waiting.extend(message.written);
        }
        more
    }

    fn ending(&self) -> bool {
        self.shared.is_closing() || self.receiver.is_closed()
    }

    fn pausing(&self) -> bool {
        self.broken.as_ref().is_some_and(|broken| Instant::now() < broken.retry)
    }

    /// Between two attempts: whoever waits is told at once rather than after the pause.
    fn refuse_while_broken(&mut self) {
        if let (WhenBroken::FailClosed, Some(broken)) = (self.settings.when_broken, &self.broken) {
            let why = Arc::clone(&broken.why);
            self.give_up(&why);
        }
    }

    /// Writes what is held, and what there is to tell of gaps and of what was left out.
    fn commit(&mut self) {
        let lines = self.held.bytes.len();
        let missed = self.shared.missed.take();
        let left =
            if self.upkeep.may_tell() || self.ending() { self.shared.sampling.take() } else { Vec::new() };
        let told = self.note.is_some() || missed.is_some() || !left.is_empty() || self.upkeep.has_overdue();
        if lines == 0 && !told && self.broken.is_none() {
            return;
        }
        self.append_sampled(&left);
        self.append_removed();
        self.append_gap(missed);
        let mut written = self.write();
        if let Err(fault) = &written
            && self.broken.is_none()
        {
            // Once more at once, from the folder up: most faults of one segment are not faults of the next.
            self.note_taken_away(fault);
            self.ledger.let_go();
            written = self.write();
        }
        match written {
            Ok(()) => {
                self.committed();
                self.delete_overdue();
            }
            Err(fault) => {
                self.held.bytes.truncate(lines);
                if let Some(missed) = missed {
                    self.shared.missed.put_back(missed);
                }
                self.shared.sampling.put_back(&left);
                self.upkeep.untold();
                self.failed(&fault);
            }
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let lines = memchr::memchr_iter(b'\n', &self.held.bytes).count();
        if self.ledger.rotate(&self.settings, self.held.bytes.len(), lines)? {
            self.upkeep.wake_keeper();
            self.sweep();
        }
        self.ledger.append(&self.held.bytes, self.settings.sync)?;
        self.upkeep.written();
        Ok(())
    }

    fn committed(&mut self) {
        let lines = self.held.decisions.saturating_add(self.held.outcomes);
        self.shared.add_written(lines);
        // Before anyone is told of success: whoever asks then must not hear that the log is broken.
        if self.broken.take().is_some() {
            self.shared.set_broken(None);
            tracing::info!("the decision log is being written again");
        }
        for waiting in self.held.waiting.drain(..) {
            // Whoever stopped waiting was told that it may still be written.
            drop(waiting.send(Ok(())));
        }
        self.held = Held { bytes: std::mem::take(&mut self.held.bytes), ..Held::default() };
        self.held.bytes.clear();
        self.held.bytes.shrink_to(KEPT_BUFFER);
        self.note = None;
    }

    fn failed(&mut self, fault: &io::Error) {
        let why: Arc<str> = fault.to_string().into();
        let pause = match &self.broken {
            Some(broken) => broken.pause.saturating_mul(2).min(LONGEST_PAUSE),
            None => {
                tracing::error!(%fault, when_broken = ?self.settings.when_broken, "the decision log cannot be written");
                SHORTEST_PAUSE
            }
        };
        self.shared.set_broken(Some(Arc::clone(&why)));
        if self.settings.when_broken == WhenBroken::FailClosed {
            self.give_up(&why);
        }
        self.ledger.let_go();
        self.broken = Some(Broken { why, pause, retry: Instant::now() + pause });
    }

    /// Counts what is held as missed and tells those who wait.
    fn give_up(&mut self, why: &Arc<str>) {
        let held = std::mem::take(&mut self.held);
        self.shared.missed.count(Kind::Decision, held.decisions);
        self.shared.missed.count(Kind::Outcome, held.outcomes);
        for waiting in held.waiting {
            drop(waiting.send(Err(Arc::clone(why))));
        }
    }

    /// A segment that vanished took acknowledged records with it: the log must say so.
    fn note_taken_away(&mut self, fault: &io::Error) {
        if fault.kind() != io::ErrorKind::NotFound || self.note.is_some() {
            return;
        }
        let Some(segment) = self.ledger.segment() else { return };
        let name = super::segment::name_of(segment.path());
        tracing::error!(
            segment = name,
            bytes = segment.length(),
            "the open segment of the decision log was taken away"
        );
        let bytes = segment.length();
        self.note = Some((format!("the open segment `{name}` was taken away with {bytes} bytes in it"), 0));
        self.append_gap(None);
    }

    /// Adds the line that tells of missing ones to what is held.
    fn append_gap(&mut self, missed: Option<Taken>) {
        if missed.is_none() && self.note.is_none() {
            return;
        }
        let missed = missed.unwrap_or_default();
        let (note, cut_bytes) = self.note.clone().unzip();
        let broken = self.broken.as_ref().map(|broken| broken.why.to_string());
        let queue = (missed != Taken::default())
            .then(|| "the lines came faster than they could be written".to_owned());
        let since = Timestamp::from_microsecond(missed.since).ok().filter(|_| missed.since != 0);
        let gap = Gap {
            time: now(),
            since: since.map(|since| format!("{since:.6}")),
            decisions: missed.decisions,
            outcomes: missed.outcomes,
            cut_bytes: cut_bytes.unwrap_or(0),
            when_broken: self.settings.when_broken,
            why: [note, broken.or(queue)].into_iter().flatten().collect::<Vec<_>>().join("; "),
        };
        match line::gap(&gap) {
            Ok(line) => self.held.bytes.extend_from_slice(&line),
            Err(fault) => tracing::error!(%fault, ?gap, "a gap cannot be written"),
        }
    }

    /// Adds the line that tells what was left out.
    fn append_sampled(&mut self, left: &[Left]) {
        if left.is_empty() {
            return;
        }
        let decisions = left.iter().map(|left| left.decisions).sum();
        self.append_structure("sampled", &Sampled { time: now(), decisions, rules: left.to_vec() });
    }

    /// Adds the line that says what is about to be deleted.
    fn append_removed(&mut self) {
        if let Some(removed) = self.upkeep.removed() {
            self.append_structure("removed", &removed);
        }
    }

    fn append_structure<T: serde::Serialize>(&mut self, kind: &str, content: &T) {
        match line::structure(kind, content) {
            Ok(line) => self.held.bytes.extend_from_slice(&line),
            Err(fault) => tracing::error!(%fault, kind, "a line about the log itself cannot be written"),
        }
    }

    /// The last words.
    fn end(mut self) {
        if self.broken.is_some() {
            let why: Arc<str> = "the log was closed while it could not be written".into();
            self.give_up(&why);
        }
        let (decisions, outcomes) = self.shared.missed.untold();
        if decisions > 0 || outcomes > 0 {
            tracing::error!(
                decisions,
                outcomes,
                "the decision log ends without these, and could not say so itself"
            );
        }
        let end = match self.ledger.unvouched() {
            0 => self.ledger.sync(),
            _ => self.ledger.vouch(&self.settings),
        };
        if let Err(fault) = end {
            tracing::error!(%fault, "the end of the decision log may not have reached the disk");
        }
    }
}

/// Most lines written at once: what a disk does not do faster in larger pieces.
const BATCH: usize = 512;

/// Buffer kept from one write to the next.
const KEPT_BUFFER: usize = 1024 * 1024;

pub(super) fn now() -> String {
    format!("{:.6}", Timestamp::now())
}

/// First pause before a failed write is tried again: most faults are shorter than a person notices.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// Longest pause: healing is noticed within a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
