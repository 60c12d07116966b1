//! Reads the log back: one decision by its reference, or every line in order. A writer may be at work meanwhile.
//!
//! INVARIANT: memory is bounded by one line and one block, however long the log or a broken line in it is.

pub(crate) mod blocks;
pub(crate) mod lines;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use portcullis_request::Reference;

use crate::entry::{Entry, Gap, Outcome};
use crate::line;
use crate::log::segment;
use blocks::Blocks;
use lines::Lines;

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// A decision.
    Decision(Box<Entry>),
    /// What followed one.
    Outcome(Outcome),
    /// Lines that are missing.
    Gap(Gap),
    /// Of a kind, given here, or format that a later version knows.
    Other(String),
}

/// One decision and what followed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// The decision.
    pub entry: Entry,
    /// What followed; `None`: not over yet, or never known.
    pub outcome: Option<Outcome>,
}

/// Why something could not be read. After [`ReadError::Line`] reading goes on with the next line.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The folder.
    #[error("cannot read the folder `{folder}`: {fault}")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// What the system said.
        fault: io::Error,
    },
    /// A segment.
    #[error("cannot read `{file}`: {fault}")]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        fault: io::Error,
    },
    /// A segment of a later version.
    #[error(
        "`{file}` is in version {format} of the log's format, and this program reads up to version {}; use the one that wrote it, or a later one",
        crate::log::head::FORMAT
    )]
    Version {
        /// Which.
        file: PathBuf,
        /// Its version.
        format: u32,
    },
    /// One line.
    #[error("line {number} of `{file}` is broken: {fault}")]
    Line {
        /// In which segment.
        file: PathBuf,
        /// Which line, from 1.
        number: u64,
        /// What is wrong with it.
        fault: String,
    },
}

/// Every line of the log, oldest first, those written meanwhile included. A line that is broken is an error of its
/// own; the next follows it. An unfinished last line is being written and is not there yet.
pub fn records(folder: &Path) -> impl Iterator<Item = Result<Line, ReadError>> + use<> {
    Records::new(folder.to_owned())
}

/// Finds a decision and its outcome. Looks first where its time says, then in what is older: an unknown reference
/// costs a look into the index of every segment, and reading those that have none. Broken lines on the way are passed
/// over.
pub fn find(folder: &Path, reference: Reference) -> Result<Option<Remembered>, ReadError> {
    let segments = list(folder)?;
    let decided = i64::try_from(reference.unix_ms()).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    // The segment that was open then, or the one before it had the clock been a little ahead.
    let open_then = |begun: &Timestamp| {
        decided.is_none_or(|decided| begun.duration_since(decided) <= SignedDuration::from_secs(CLOCK_SLACK))
    };
    let split =
        segments.iter().rposition(|(begun, _)| decided.is_some_and(|decided| *begun <= decided)).unwrap_or(0);
    let (older, newer) = segments.split_at_checked(split).unwrap_or((&[], &segments));
    let mut search = Search::new(reference);
    for (begun, path) in newer {
        if search.entry.is_none() && !open_then(begun) {
            break;
        }
        if search.segment(path)? {
            return Ok(search.remembered());
        }
    }
    if search.entry.is_none() {
        for (_, path) in older.iter().rev() {
            search.segment(path)?;
            if search.entry.is_some() {
                break;
            }
        }
    }
    if search.entry.is_none() {
        readable(&segments)?;
    }
    Ok(search.remembered())
}

/// A decision being looked for.
struct Search {
    reference: Reference,
    uuid: String,
    entry: Option<Box<Entry>>,
    outcome: Option<Outcome>,
}

impl Search {
    fn new(reference: Reference) -> Self {
        Self { reference, uuid: reference.uuid(), entry: None, outcome: None }
    }

    /// Looks through one segment; `true` when there is nothing more to be found.
    fn segment(&mut self, path: &Path) -> Result<bool, ReadError> {
        let failed = |fault| ReadError::File { file: path.to_owned(), fault };
        let blocks = match Blocks::open(path) {
            Ok(blocks) => blocks,
            // Deleted meanwhile, being too old.
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(fault) => return Err(failed(fault)),
        };
        let wanted = memchr::memmem::Finder::new(&self.uuid).into_owned();
        for place in blocks.places_with(self.reference).map_err(failed)? {
            let bytes = blocks.read(&place).map_err(failed)?;
            let mut rest = bytes.as_slice();
            while let Some(at) = wanted.find(rest) {
                let begin = memchr::memrchr(b'\n', rest.get(..at).unwrap_or_default()).map_or(0, |at| at + 1);
                let end = memchr::memchr(b'\n', rest.get(at..).unwrap_or_default());
                let end = end.map_or(rest.len(), |behind| at + behind);
                self.line(rest.get(begin..end).unwrap_or_default());
                if self.entry.is_some() && self.outcome.is_some() {
                    return Ok(true);
                }
                rest = rest.get(end..).unwrap_or_default();
            }
        }
        Ok(false)
    }

    fn line(&mut self, line: &[u8]) {
        let Ok(text) = std::str::from_utf8(line) else { return };
        match line::parse(text) {
            Ok(Line::Decision(entry)) if entry.reference == self.uuid => {
                self.entry.get_or_insert(entry);
            }
            Ok(Line::Outcome(outcome)) if outcome.reference == self.uuid => self.outcome = Some(outcome),
            Ok(_) | Err(_) => {}
        }
    }

    fn remembered(self) -> Option<Remembered> {
        self.entry.map(|entry| Remembered { entry: *entry, outcome: self.outcome })
    }
}

/// The way through all segments.
struct Records {
    folder: PathBuf,
    /// Segments still to be read; `None` before the folder was looked into.
    ahead: Option<VecDeque<(Timestamp, PathBuf)>>,
    /// When the newest segment that we know was begun.
    newest: Option<Timestamp>,
    lines: Option<Lines>,
    done: bool,
}

impl Iterator for Records {
    type Item = Result<Line, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            if let Some(lines) = &mut self.lines {
                let ended = self.ahead.as_ref().is_some_and(|ahead| !ahead.is_empty());
                match lines.next_line(ended) {
                    Ok(Some(line)) => return Some(Ok(line)),
                    // What was written to it until the next one was begun must not be missed.
                    Ok(None) if !ended && self.look_ahead() => continue,
                    Ok(None) => self.lines = None,
                    Err(fault @ ReadError::Line { .. }) => return Some(Err(fault)),
                    Err(fault) => {
                        self.lines = None;
                        return Some(Err(fault));
                    }
                }
            }
            if let Err(fault) = self.next_segment() {
                return Some(Err(fault));
            }
        }
        None
    }
}

impl Records {
    fn new(folder: PathBuf) -> Self {
        Self { folder, ahead: None, newest: None, lines: None, done: false }
    }

    fn next_segment(&mut self) -> Result<(), ReadError> {
        if self.ahead.is_none() {
            let segments = list(&self.folder).inspect_err(|_| self.done = true)?;
            self.newest = segments.last().map(|(begun, _)| *begun);
            self.ahead = Some(segments.into());
        }
        let Some((_, path)) = self.ahead.as_mut().and_then(VecDeque::pop_front) else {
            self.done = !self.look_ahead();
            return Ok(());
        };
        match Lines::open(&path) {
            Ok(lines) => self.lines = Some(lines),
            // Deleted meanwhile, being too old.
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
            Err(fault) => return Err(ReadError::File { file: path, fault }),
        }
        Ok(())
    }

    /// Whether segments were begun since we last looked.
    fn look_ahead(&mut self) -> bool {
        let Ok(segments) = list(&self.folder) else { return false };
        let known = self.newest;
        let newer: VecDeque<_> =
            segments.into_iter().filter(|(begun, _)| known.is_none_or(|known| *begun > known)).collect();
        self.newest = newer.back().map(|(begun, _)| *begun).or(known);
        let any = !newer.is_empty();
        self.ahead = Some(newer);
        any
    }
}

/// Whether the newest segment is of a version that we know: what is not found may stand in one that is not.
pub(crate) fn readable(segments: &[(Timestamp, PathBuf)]) -> Result<(), ReadError> {
    let Some((_, path)) = segments.last() else { return Ok(()) };
    let Ok(mut lines) = Lines::open(path) else { return Ok(()) };
    match lines.next_text(false)?.map(lines::readable) {
        Some(Err(format)) => Err(ReadError::Version { file: path.clone(), format }),
        _ => Ok(()),
    }
}

pub(crate) fn list(folder: &Path) -> Result<Vec<(Timestamp, PathBuf)>, ReadError> {
    segment::list(folder).map_err(|fault| ReadError::Folder { folder: folder.to_owned(), fault })
}

/// How far the clock may have been set back between a decision and its record for it to be found by its time, seconds.
const CLOCK_SLACK: i64 = 3600;
