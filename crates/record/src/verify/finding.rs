//! What can be wrong with a log, and where.

use std::fmt;

use crate::note::NoteError;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

/// Where something is wrong; what is not known is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The segment, or another file of the log.
    pub file: String,
    /// The line in it, from 1.
    pub line: Option<u64>,
    /// Where that line begins in its text, unpacked.
    pub byte: Option<u64>,
    /// The line's number in the whole log.
    pub number: Option<u64>,
    /// The decision it is about, as its text has it.
    pub reference: Option<String>,
}

impl Place {
    pub(super) fn file(name: &str) -> Self {
        Self { file: name.to_owned(), ..Self::default() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, byte, number, reference } = &self.place;
        write!(to, "{file}")?;
        if let Some(line) = line {
            write!(to, ", line {line}")?;
        }
        if let Some(byte) = byte {
            write!(to, ", byte {byte}")?;
        }
        if let Some(number) = number {
            write!(to, " (number {number})")?;
        }
        if let Some(reference) = reference {
            write!(to, ", decision {reference}")?;
        }
        write!(to, ": {}", self.fault)
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line is not what was written.
    #[error("the line was changed")]
    Changed,
    /// A line that was never written.
    #[error("the line was never written by the gate: it was put in")]
    Invented,
    /// A line that is not where it was written.
    #[error("the line stands in the wrong place, or a second time; number {expected} belongs here")]
    OutOfOrder {
        /// What belongs here.
        expected: u64,
    },
    /// Lines are not there.
    #[error("{} missing before this: {}", lines(*.from, *.to), numbers(*.from, *.to))]
    Missing {
        /// The first of them.
        from: u64,
        /// The last.
        to: u64,
    },
    /// The end is not there.
    #[error("the log ends here, and by a checkpoint {} missing, up to number {}", lines(*.from, *.to), .to)]
    CutOff {
        /// The first line that is missing.
        from: u64,
        /// The last that is vouched for.
        to: u64,
    },
    /// Lines were replaced together with their chain.
    #[error("{} not what was signed: the lines and their chain were rewritten", numbers(*.from, *.to))]
    Rewritten {
        /// The first that may be.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Something that is no whole line.
    #[error("{0} bytes at the end are no whole line")]
    NoLine(u64),
    /// Segments are not there.
    #[error(
        "the segment before this one was `{0}`, which is missing, and the log does not say that it was deleted"
    )]
    SegmentMissing(String),
    /// A segment that does not belong to the log.
    #[error(
        "the segment has no chain, although the log before it has: it was put in, or written by an older version"
    )]
    SegmentInvented,
    /// A segment that says nothing sensible of itself.
    #[error("what the segment says of its beginning does not fit together")]
    Head,
    /// A segment that does not go on where the one before it ended.
    #[error("the segment does not go on where the one before it ends: one of the two was replaced")]
    Seam,
    /// A log that begins in the middle.
    #[error("the log begins with number {0}, and no signed checkpoint vouches for what was before")]
    Unvouched(u64),
    /// A line was erased by somebody else.
    #[error("the line was erased, and no signed note of erasure names it")]
    Erased,
    /// A signed note that is none.
    #[error("the signed note is not to be trusted: {0}")]
    Note(NoteError),
    /// A file that cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// A segment of a later version.
    #[error("it is in version {0} of the log's format, which this program does not know")]
    Version(u32),
}

fn lines(from: u64, to: u64) -> String {
    match to.saturating_sub(from).saturating_add(1) {
        1 => "one line is".to_owned(),
        count => format!("{count} lines are"),
    }
}

fn numbers(from: u64, to: u64) -> String {
    if from == to { format!("number {from}") } else { format!("numbers {from} to {to}") }
}
