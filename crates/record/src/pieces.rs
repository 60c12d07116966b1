//! The log in pieces that can be read side by side: whole lines as bytes, not yet parsed. For those who look at millions.
//!
//! INVARIANT: every line is in exactly one piece, the one that its first byte lies in. Memory is bounded by one line.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use crate::archive::open::Packed;
use crate::line::LONGEST_READ;
use crate::log::segment;
use crate::read::{self, ReadError};

/// A part of one segment. Places in a packed one are those of the plain one that it was made of, so that a piece is the same
/// part even where the segment is packed between listing and reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    path: PathBuf,
    from: u64,
    /// The lines of this piece begin before here.
    to: u64,
    /// Whether an unfinished line at the end is being written just now.
    written_to: bool,
}

/// What a piece had in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// Lines that are longer than any we read, or unfinished where nobody writes any more.
    pub broken: u64,
    /// Whether its file is gone: it became too old meanwhile.
    pub gone: bool,
}

/// The log in `folder` in pieces, oldest first. Segments that ended before `since` or were begun after `until` are left out,
/// with some slack: lines have to be looked at all the same.
///
/// # Errors
/// [`ReadError`] where folder or files cannot be read.
pub fn pieces(
    folder: &Path,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Vec<Piece>, ReadError> {
    let segments = read::list(folder)?;
    read::readable(&segments)?;
    let mut pieces = Vec::new();
    for (at, (begun, path)) in segments.iter().enumerate() {
        let next = segments.get(at + 1);
        let over = |since: Timestamp| next.is_some_and(|(ended, _)| apart(since, *ended) > SLACK);
        if since.is_some_and(over) || until.is_some_and(|until| apart(*begun, until) > SLACK) {
            continue;
        }
        let length = match length(path) {
            Ok(length) => length,
            // Deleted meanwhile, being too old.
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => continue,
            Err(fault) => return Err(ReadError::File { file: path.clone(), fault }),
        };
        let mut from = 0;
        while from < length {
            let to = from.saturating_add(PIECE).min(length);
            pieces.push(Piece { path: path.clone(), from, to, written_to: next.is_none() });
            from = to;
        }
    }
    Ok(pieces)
}

/// The bytes of a segment's lines, however they are kept.
fn length(path: &Path) -> io::Result<u64> {
    if !segment::is_packed(path) {
        match std::fs::metadata(path) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
            about => return Ok(about?.len()),
        }
    }
    let packed = Packed::open(&segment::packed(path))?;
    Ok(packed.frames().iter().map(|frame| u64::from(frame.plain)).sum())
}

/// How much later `a` is than `b`.
fn apart(a: Timestamp, b: Timestamp) -> SignedDuration {
    a.duration_since(b)
}

impl Piece {
    /// The bytes that are read for it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }

    /// Hands over every line, without its line feed, until `each` has enough. `buffer` is used again from piece to piece.
    ///
    /// # Errors
    /// [`ReadError`] where the file cannot be read.
    pub fn each_line(
        &self,
        buffer: &mut Vec<u8>,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<Passed, ReadError> {
        let plain = if segment::is_packed(&self.path) { None } else { Some(self.read(buffer, each)) };
        let read = match plain {
            // Packed since it was listed.
            Some(Err(fault)) if fault.kind() == io::ErrorKind::NotFound => self.unpack(each),
            Some(read) => read,
            None => self.unpack(each),
        };
        match read {
            Ok(passed) => Ok(passed),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(Passed { broken: 0, gone: true }),
            Err(fault) => Err(ReadError::File { file: self.path.clone(), fault }),
        }
    }

    /// The same of a packed segment: frames hold whole lines, so a frame belongs to the piece that it begins in.
    fn unpack(&self, each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> io::Result<Passed> {
        let packed = Packed::open(&segment::packed(&self.path))?;
        let mut position = 0_u64;
        for frame in packed.frames() {
            let begins = position;
            position = position.saturating_add(u64::from(frame.plain));
            if !(self.from..self.to).contains(&begins) {
                continue;
            }
            let lines = packed.unpack(frame)?;
            let mut from = 0;
            for end in memchr::memchr_iter(b'\n', &lines) {
                if each(lines.get(from..end).unwrap_or_default()).is_break() {
                    return Ok(Passed::default());
                }
                from = end + 1;
            }
        }
        Ok(Passed::default())
    }

    fn read(
        &self,
        buffer: &mut Vec<u8>,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> io::Result<Passed> {
        let mut file = File::open(&self.path)?;
        // What begins before the piece is another's; one byte more tells whether a line begins right here.
        let start = self.from.saturating_sub(1);
        file.seek(SeekFrom::Start(start))?;
        let mut walk = Walk { position: start, skipping: self.from > 0, broken: 0 };
        buffer.resize(BLOCK.max(buffer.len()), 0);
        let mut filled = 0;
        loop {
            let room = buffer.get_mut(filled..).unwrap_or_default();
            let read = match file.read(room) {
                Ok(read) => read,
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => continue,
                Err(fault) => return Err(fault),
            };
            if read == 0 {
                break;
            }
            filled += read;
            let there = buffer.get(..filled).unwrap_or_default();
            let used = match walk.lines(there, self.to, each) {
                ControlFlow::Continue(used) => used,
                ControlFlow::Break(()) => return Ok(Passed { broken: walk.broken, gone: false }),
            };
            buffer.copy_within(used..filled, 0);
            filled -= used;
            if filled == buffer.len() {
                if filled < LONGEST_READ {
                    buffer.resize(filled.saturating_mul(2).min(LONGEST_READ), 0);
                } else {
                    walk.give_up(filled);
                    filled = 0;
                }
            }
        }
        if filled > 0 && !walk.skipping && walk.position < self.to && !self.written_to {
            walk.broken += 1;
        }
        Ok(Passed { broken: walk.broken, gone: false })
    }
}

/// Where in the file the next line begins.
struct Walk {
    position: u64,
    /// Whether the rest of the line that is there belongs to nobody here.
    skipping: bool,
    broken: u64,
}

impl Walk {
    /// Hands over the whole lines of `there`; how many bytes they are.
    fn lines(
        &mut self,
        there: &[u8],
        to: u64,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<(), usize> {
        let mut used = 0;
        for end in memchr::memchr_iter(b'\n', there) {
            if !std::mem::take(&mut self.skipping) {
                if self.position >= to {
                    return ControlFlow::Break(());
                }
                each(there.get(used..end).unwrap_or_default())?;
            }
            self.advance(end + 1 - used);
            used = end + 1;
        }
        if self.position >= to { ControlFlow::Break(()) } else { ControlFlow::Continue(used) }
    }

    /// A line is longer than any we read.
    fn give_up(&mut self, bytes: usize) {
        self.advance(bytes);
        if !std::mem::replace(&mut self.skipping, true) {
            self.broken += 1;
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.position = self.position.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

/// Bytes of a piece: enough that finding its first line is nothing, and that a log of one segment keeps every core busy.
const PIECE: u64 = 8 << 20;

/// Bytes that are asked for at once.
const BLOCK: usize = 256 << 10;

/// How far a clock may have been set back between a decision and its record.
const SLACK: SignedDuration = SignedDuration::from_hours(1);

#[cfg(test)]
mod tests;
