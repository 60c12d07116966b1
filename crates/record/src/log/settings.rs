//! How the log is kept. Every default says why it is what it is.

use std::path::PathBuf;
use std::time::Duration;

use super::sample::DropRule;
use crate::entry::WhenBroken;
use crate::redact::pseudonym::HashedField;

/// When what was written is forced to the disk itself. A killed process loses nothing that was acknowledged, whatever
/// is chosen here: this is about power cuts and kernels that stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncPoint {
    /// Before each acknowledgement: nothing acknowledged is lost. It costs milliseconds of every answer.
    Always,
    /// This long after a line was written at most, beside the writing: what is lost is not older than that and the
    /// time the disk takes.
    Every(Duration),
    /// With each checkpoint, and when a segment ends.
    Checkpoint,
}

impl Default for SyncPoint {
    /// Within a second: what a power cut takes is then a moment that people remember, and no answer waits for a disk.
    fn default() -> Self {
        Self::Every(Duration::from_secs(1))
    }
}

/// Where and how the log is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// The folder of its segments. It is the log's own: created if missing, readable by our user alone.
    pub folder: PathBuf,
    /// What happens to requests while the log cannot be written.
    pub when_broken: WhenBroken,
    /// Most lines that wait for the writer. Default 4096: some hundredths of a second at full load, and a few MB.
    pub queue: usize,
    /// A segment is ended before it would grow beyond this many bytes. Default 64 MiB: searched in a moment, and small
    /// beside what is kept.
    pub segment_bytes: u64,
    /// A segment is ended at this age. Default one day: segments then can be archived by the day.
    pub segment_age: Duration,
    /// The oldest segments are deleted while all together have more bytes than this. Default 4 GiB: millions of
    /// decisions, and no disk is filled by surprise.
    pub keep_bytes: u64,
    /// Segments are deleted when their last line is older than this. Default 90 days: the shortest retention commonly
    /// asked of access logs.
    pub keep_age: Duration,
    /// How long `fail_closed` waits for a record to be taken and written before the answer is 503. Default one
    /// second: longer than a disk's hiccup, shorter than the patience of the balancer in front.
    pub wait: Duration,
    /// When written lines are forced to the disk.
    pub sync: SyncPoint,
    /// How often what was written is vouched for by a signed checkpoint, while something is written. Default ten
    /// seconds: what somebody could change unseen is then younger than that.
    pub checkpoint_every: Duration,
    /// A file that every checkpoint is added to. It serves where who can change the log cannot change it: another
    /// machine's disk, a medium that is only appended to.
    pub checkpoint_copy: Option<PathBuf>,
    /// Whether segments are compressed when they have ended. Default: they are, to about a sixth.
    pub compress: bool,
    /// Which decisions are recorded only in part.
    pub drop: Vec<DropRule>,
    /// What is given a pseudonym.
    pub hash: Vec<HashedField>,
}

impl LogSettings {
    /// The defaults, in this folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            when_broken: WhenBroken::default(),
            queue: 4096,
            segment_bytes: 64 * 1024 * 1024,
            segment_age: DAY,
            keep_bytes: 4 * 1024 * 1024 * 1024,
            keep_age: DAY.saturating_mul(90),
            wait: Duration::from_secs(1),
            sync: SyncPoint::default(),
            checkpoint_every: Duration::from_secs(10),
            checkpoint_copy: None,
            compress: true,
            drop: Vec::new(),
            hash: Vec::new(),
        }
    }

    /// What is wrong with them, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if self.folder.as_os_str().is_empty() {
            return Some("the folder has no name");
        }
        if self.queue == 0 || self.queue > LARGEST_QUEUE {
            return Some("the queue must have room for 1 to 1000000 lines");
        }
        if self.segment_bytes < SMALLEST_SEGMENT || self.keep_bytes < self.segment_bytes {
            return Some("a segment must have 4 KiB at least, and not more bytes than are kept in all");
        }
        if self.segment_age.is_zero() || self.keep_age < self.segment_age {
            return Some("a segment must last for some time, and not longer than it is kept");
        }
        if self.wait.is_zero() || self.wait > LONGEST_WAIT {
            return Some("the wait for the writer must be between 1 ms and 60 s");
        }
        if self.checkpoint_every.is_zero() {
            return Some("checkpoints must be some time apart");
        }
        if matches!(self.sync, SyncPoint::Every(every) if every.is_zero() || every > LONGEST_WAIT) {
            return Some("lines must be forced to the disk after 1 ms to 60 s");
        }
        if self.drop.len() > MOST_RULES {
            return Some("at most 100 rules can say what is recorded only in part");
        }
        None
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const LARGEST_QUEUE: usize = 1_000_000;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const MOST_RULES: usize = 100;
const SMALLEST_SEGMENT: u64 = 4096;
