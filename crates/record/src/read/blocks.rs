//! One segment, plain or packed, in blocks of whole lines that are read in any order and by several threads.
//!
//! INVARIANT: every whole line of the segment stands in exactly one block.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use portcullis_request::Reference;

use crate::archive::open::{Frame, Packed};
use crate::line::LONGEST_READ;
use crate::log::segment;

/// A segment's blocks.
#[derive(Debug)]
pub(crate) struct Blocks {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Plain { file: File, length: u64 },
    Packed(Packed),
}

/// Where a block is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// The lines that begin in these bytes.
    Plain { from: u64, to: u64 },
    /// A frame.
    Packed(Frame),
}

impl Blocks {
    /// Opens a segment, also where it was packed since it was listed.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if !segment::is_packed(path) {
            match File::open(path) {
                Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
                file => {
                    let file = file?;
                    let length = file.metadata()?.len();
                    return Ok(Self { source: Source::Plain { file, length } });
                }
            }
        }
        let packed = Packed::open(&segment::packed(path))?;
        Ok(Self { source: Source::Packed(packed) })
    }

    /// Bytes of a plain segment, an unfinished last line included.
    pub(crate) fn plain_length(&self) -> Option<u64> {
        match &self.source {
            Source::Plain { length, .. } => Some(*length),
            Source::Packed(_) => None,
        }
    }

    /// All blocks, in order.
    pub(crate) fn places(&self) -> Vec<Place> {
        match &self.source {
            Source::Packed(packed) => packed.frames().iter().map(|frame| Place::Packed(*frame)).collect(),
            Source::Plain { length, .. } => (0..*length)
                .step_by(BLOCK)
                .map(|from| Place::Plain { from, to: from.saturating_add(BLOCK as u64).min(*length) })
                .collect(),
        }
    }

    /// The blocks that may have a reference.
    pub(crate) fn places_with(&self, reference: Reference) -> io::Result<Vec<Place>> {
        if let Source::Packed(packed) = &self.source
            && let Some(frames) = packed.frames_with(reference)?
        {
            return Ok(frames.into_iter().map(Place::Packed).collect());
        }
        Ok(self.places())
    }

    /// The lines of a block. An unfinished last line of the segment is not there yet.
    pub(crate) fn read(&self, place: &Place) -> io::Result<Vec<u8>> {
        match (&self.source, place) {
            (Source::Packed(packed), Place::Packed(frame)) => packed.unpack(frame),
            (Source::Plain { file, length }, Place::Plain { from, to }) => plain(file, *length, *from, *to),
            _ => Err(io::Error::other("a place in another segment")),
        }
    }
}

/// The whole lines that begin in these bytes of a file.
fn plain(file: &File, length: u64, from: u64, to: u64) -> io::Result<Vec<u8>> {
    // The byte before tells whether a line begins with the first.
    let start = from.saturating_sub(1);
    let mut bytes = vec![0; usize::try_from(to.saturating_sub(start)).unwrap_or(0)];
    file.read_exact_at(&mut bytes, start)?;
    let begin = match from {
        0 => 0,
        _ => match memchr::memchr(b'\n', &bytes) {
            Some(at) => at + 1,
            None => return Ok(Vec::new()),
        },
    };
    if begin == bytes.len() {
        return Ok(Vec::new());
    }
    // The last line may go on behind.
    let mut end = to;
    while bytes.last() != Some(&b'\n') && end < length && end.saturating_sub(to) < LONGEST_READ as u64 {
        let further = usize::try_from(length.saturating_sub(end)).unwrap_or(FURTHER).min(FURTHER);
        let known = bytes.len();
        bytes.resize(known + further, 0);
        file.read_exact_at(bytes.get_mut(known..).unwrap_or_default(), end)?;
        end = end.saturating_add(further as u64);
        if let Some(at) = memchr::memchr(b'\n', bytes.get(known..).unwrap_or_default()) {
            bytes.truncate(known + at + 1);
            break;
        }
    }
    let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    bytes.truncate(whole.max(begin));
    bytes.drain(..begin);
    Ok(bytes)
}

const BLOCK: usize = 1024 * 1024;
const FURTHER: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(segment::name(jiff::Timestamp::now()));
        std::fs::write(&path, text).unwrap();
        let blocks = Blocks::open(&path).unwrap();
        let read = |place: &Place| blocks.read(place).unwrap();
        blocks.places().iter().map(read).collect::<Vec<_>>().concat()
    }

    #[test]
    fn every_line_stands_in_one_block() {
        for length in [1, 10, 1000, 70_000, 300_000, BLOCK - 1, BLOCK, BLOCK + 1] {
            let line = [vec![b'x'; length - 1], vec![b'\n']].concat();
            let count = 3 * BLOCK / length + 2;
            let text = line.repeat(count);
            assert!(blocks(&text) == text, "{length}");
            let unfinished = [text.as_slice(), b"unfinished"].concat();
            assert!(blocks(&unfinished) == text, "{length}");
        }
        assert!(blocks(b"").is_empty() && blocks(b"unfinished").is_empty());
    }
}
