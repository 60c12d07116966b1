//! The decision log: takes records from many requests at once, writes them in order from one thread, off the request
//! path. It holds neither what a line looks like (`line`) nor how it is found again (`read`).
//!
//! INVARIANT: with `fail_closed`, [`Log::submit`] succeeds only after the record was written to the file. In either
//! mode each line is written once, or counted in a gap line once.

pub(crate) mod head;
mod keeper;
pub(crate) mod ledger;
mod missed;
pub(crate) mod retention;
pub(crate) mod sample;
pub(crate) mod segment;
mod settings;
mod shared;
#[cfg(test)]
mod tests;
pub(crate) mod upkeep;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

pub use sample::DropRule;
pub use settings::{LogSettings, SyncPoint};

use crate::entry::{Entry, Outcome, WhenBroken};
use crate::facts::FactSet;
use crate::line;
use crate::redact::pseudonym::{HashedField, Pseudonyms};
use crate::texts::Texts;
use missed::Kind;
use shared::{Message, Shared};
use writer::Writer;

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Settings that make no sense.
    #[error("the log cannot be kept like this: {0}")]
    Settings(&'static str),
    /// Another process writes to this folder.
    #[error("another process writes its log to `{0}`; stop it, or name another folder")]
    InUse(PathBuf),
    /// The folder cannot be created or written.
    #[error("cannot open the log in `{folder}`: {fault}; it must be a folder that we may write to")]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// What the system said.
        fault: io::Error,
    },
    /// No thread for the writer.
    #[error("cannot start the log's writer: {0}")]
    Thread(io::Error),
}

/// Why a record was not acknowledged. The decision must then not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// The queue had no room for as long as was waited.
    #[error("the log's queue was full for {} ms; the disk is slower than the decisions come", .0.as_millis())]
    Full(Duration),
    /// Queued, but not written for as long as was waited. It may still be written.
    #[error("the log took longer than {} ms; the disk may hang", .0.as_millis())]
    Slow(Duration),
    /// The file cannot be written.
    #[error("the log cannot be written: {0}")]
    Broken(Arc<str>),
    /// The record cannot be put into a line.
    #[error("the record does not fit into the log: {0}")]
    Unwritable(String),
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

/// What became of a record that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// It is recorded, as far as that was asked for.
    Recorded,
    /// It is left out by a rule, and counted.
    LeftOut,
}

/// How the log is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStatus {
    /// Decisions and outcomes written since it was opened.
    pub written: u64,
    /// Decisions and outcomes that never will be; the log itself tells of them in gap lines.
    pub dropped: u64,
    /// Decisions left out by rules; the log tells of them, too.
    pub left_out: u64,
    /// What keeps it from being written just now.
    pub broken: Option<String>,
    /// Lines that wait for the writer.
    pub queue: usize,
    /// What happens to requests while it is broken.
    pub when_broken: WhenBroken,
}

/// The decision log, open for writing. Share it in an [`Arc`].
#[derive(Debug)]
pub struct Log {
    sender: mpsc::Sender<Message>,
    shared: Arc<Shared>,
    /// Ends when the writer does.
    ended: watch::Receiver<()>,
    folder: PathBuf,
    when_broken: WhenBroken,
    wait: Duration,
    queue: usize,
    hash: Vec<HashedField>,
    pseudonyms: Pseudonyms,
}

impl Log {
    /// Opens the log: creates its folder, cuts off an unfinished last line (and says so in the log), deletes what is
    /// kept no longer, and starts the writer. Needs no runtime.
    pub fn open(settings: LogSettings) -> Result<Self, LogError> {
        let (log, writer) = Self::unstarted(settings)?;
        // A runtime of the writer's own, for waiting only: its writes may block, and must block nobody else.
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(LogError::Thread)?;
        std::thread::Builder::new()
            .name("decision-log".to_owned())
            .spawn(move || runtime.block_on(writer.run()))
            .map_err(LogError::Thread)?;
        Ok(log)
    }

    /// The log and its writer, which does nothing yet.
    fn unstarted(settings: LogSettings) -> Result<(Self, Writer), LogError> {
        if let Some(fault) = settings.fault() {
            return Err(LogError::Settings(fault));
        }
        let (when_broken, wait, queue) = (settings.when_broken, settings.wait, settings.queue);
        let (sender, receiver) = mpsc::channel(queue);
        let (living, ended) = watch::channel(());
        let shared = Arc::new(Shared::new(&settings));
        let (hash, folder) = (settings.hash.clone(), settings.folder.clone());
        let writer = Writer::open(settings, receiver, Arc::clone(&shared), living)?;
        let pseudonyms = writer.ledger.keys().pseudonyms.clone();
        Ok((Self { sender, shared, ended, folder, when_broken, wait, queue, hash, pseudonyms }, writer))
    }

    /// Hands a record over, before its decision is answered or carried out.
    ///
    /// With `fail_closed` it returns when the record was written, or with a fault after at most the configured wait:
    /// the answer is then 503. With `fail_open` it never waits and never fails; what cannot be taken is counted.
    /// Given up (dropped) while it waits for room, it hands over nothing. What a rule leaves out is counted, and has
    /// no outcome either.
    pub async fn submit<F: FactSet>(&self, mut entry: Entry<F>) -> Result<Handed, LogFault> {
        let (left_out, first) = self.shared.sampling.leaves_out(&entry);
        if left_out {
            if first {
                self.shared.wake();
            }
            return Ok(Handed::LeftOut);
        }
        self.pseudonyms.apply(&self.hash, &mut entry);
        let line = match line::decision(&entry) {
            Ok(line) => line,
            Err(fault) => return self.unwritable(&fault),
        };
        match self.when_broken {
            WhenBroken::FailOpen => {
                self.offer(Message { line, kind: Kind::Decision, written: None });
                Ok(Handed::Recorded)
            }
            WhenBroken::FailClosed => self.deliver(line).await,
        }
    }

    /// Keeps what decides from now on beside the log, for as long as the log has a record of its snapshot. Called before
    /// the snapshot decides. It writes a file and waits for the disk.
    ///
    /// # Errors
    /// What the system said. Decisions go on: they are explained by later policies then, and that is said.
    pub fn decides_by(&self, texts: &Texts) -> io::Result<()> {
        self.shared.set_deciding(texts.version());
        texts.keep(&self.folder)
    }

    /// Hands an outcome over. Never waits; what cannot be taken is counted.
    pub fn outcome(&self, outcome: Outcome) {
        match line::outcome(&outcome) {
            Ok(line) => self.offer(Message { line, kind: Kind::Outcome, written: None }),
            Err(fault) => {
                tracing::error!(reference = outcome.reference, %fault, "an outcome cannot be written");
                self.shared.count(Kind::Outcome);
            }
        }
    }

    /// How the log is doing, for readiness and metrics.
    #[must_use]
    pub fn status(&self) -> LogStatus {
        LogStatus {
            written: self.shared.written(),
            dropped: self.shared.missed.total(),
            left_out: self.shared.sampling.total(),
            broken: self.broken(),
            queue: self.queue.saturating_sub(self.sender.capacity()),
            when_broken: self.when_broken,
        }
    }

    /// Writes what is queued and ends the log; whatever is submitted afterwards is refused or counted. Waits for
    /// a few seconds at most: a disk that hangs must not keep the process from ending.
    pub async fn close(&self) {
        self.shared.close();
        let mut ended = self.ended.clone();
        // The writer never sends anything: a change is the end of its thread.
        let ended = async move { while ended.changed().await.is_ok() {} };
        if timeout(PATIENCE, ended).await.is_err() {
            tracing::error!(
                seconds = PATIENCE.as_secs(),
                "the log did not end in time; queued lines may be lost"
            );
        }
    }

    fn broken(&self) -> Option<String> {
        match self.ended.has_changed() {
            Ok(_) => self.shared.broken(),
            Err(_) => Some("the log is closed".to_owned()),
        }
    }

    fn offer(&self, message: Message) {
        let kind = message.kind;
        if self.sender.try_send(message).is_err() {
            self.shared.count(kind);
        }
    }

    async fn deliver(&self, line: Vec<u8>) -> Result<Handed, LogFault> {
        let until = Instant::now() + self.wait;
        let room = match timeout_at(until, self.sender.reserve()).await {
            Ok(Ok(room)) => room,
            Ok(Err(_)) => return self.refuse(LogFault::Closed),
            Err(_) => return self.refuse(LogFault::Full(self.wait)),
        };
        let (written, acknowledged) = oneshot::channel();
        room.send(Message { line, kind: Kind::Decision, written: Some(written) });
        match timeout_at(until, acknowledged).await {
            Ok(Ok(result)) => result.map(|()| Handed::Recorded).map_err(LogFault::Broken),
            Ok(Err(_)) => self.refuse(LogFault::Closed),
            Err(_) => Err(LogFault::Slow(self.wait)),
        }
    }

    fn unwritable(&self, fault: &serde_json::Error) -> Result<Handed, LogFault> {
        tracing::error!(%fault, "a record cannot be written");
        match self.when_broken {
            WhenBroken::FailClosed => self.refuse(LogFault::Unwritable(fault.to_string())),
            WhenBroken::FailOpen => {
                self.shared.count(Kind::Decision);
                Ok(Handed::Recorded)
            }
        }
    }

    fn refuse(&self, fault: LogFault) -> Result<Handed, LogFault> {
        self.shared.count(Kind::Decision);
        Err(fault)
    }
}

/// Longest wait for the writer's end.
const PATIENCE: Duration = Duration::from_secs(5);
