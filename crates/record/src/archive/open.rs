//! A packed segment, open for reading anywhere in it.
//!
//! INVARIANT: what the file says of itself is not trusted: no size in it makes us take more memory than one frame may
//! have, or read outside the file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use portcullis_request::Reference;
use zstd::bulk::Decompressor;

use super::pack::{FRAME, INDEX_MAGIC, INDEX_MARK, SEEKABLE_MAGIC, TABLE_MAGIC, print};
use crate::line::LONGEST_READ;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    at: u64,
    packed: u32,
    /// Bytes it unpacks to.
    pub(crate) plain: u32,
}

/// A packed segment.
#[derive(Debug)]
pub(crate) struct Packed {
    file: File,
    frames: Vec<Frame>,
    /// Where the pairs of the index begin, and how many there are.
    index: Option<(u64, u64)>,
}

impl Packed {
    /// Opens it and reads its seek table.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let footer_at = length.checked_sub(FOOTER).ok_or_else(|| broken("it is too short"))?;
        let footer = read(&file, footer_at, FOOTER)?;
        let (Some(count), Some(magic)) = (number(&footer, 0), number(&footer, 5)) else {
            return Err(broken("its seek table ends early"));
        };
        if magic != SEEKABLE_MAGIC || footer.get(4) != Some(&0) {
            return Err(broken(
                "it does not end with a seek table: it was cut off, or packed by another program",
            ));
        }
        let entries = u64::from(count).saturating_mul(8);
        let table_at = footer_at
            .checked_sub(entries.saturating_add(8))
            .ok_or_else(|| broken("its seek table is longer than it is"))?;
        let table = read(&file, table_at, entries + 8)?;
        let declared = u64::from(number(&table, 4).unwrap_or(0));
        if number(&table, 0) != Some(TABLE_MAGIC) || declared != entries + FOOTER {
            return Err(broken("its seek table does not begin where it should"));
        }
        let mut frames = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        let mut at = 0_u64;
        for entry in table.get(8..).unwrap_or_default().chunks_exact(8) {
            let (packed, plain) = (number(entry, 0).unwrap_or(0), number(entry, 4).unwrap_or(0));
            frames.push(Frame { at, packed, plain });
            at = at.saturating_add(u64::from(packed));
            if at > table_at || u64::from(plain) > LARGEST || u64::from(packed) > LARGEST {
                return Err(broken("its seek table has sizes that cannot be"));
            }
        }
        let index = index(&file, at, table_at)?;
        Ok(Self { file, frames, index })
    }

    /// Its frames, in order.
    pub(crate) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The lines of one frame.
    pub(crate) fn unpack(&self, frame: &Frame) -> io::Result<Vec<u8>> {
        let packed = read(&self.file, frame.at, u64::from(frame.packed))?;
        let plain = usize::try_from(frame.plain).unwrap_or(0);
        let lines = Decompressor::new()?.decompress(&packed, plain)?;
        if lines.len() == plain {
            Ok(lines)
        } else {
            Err(broken("a frame is shorter than its seek table says"))
        }
    }

    /// The frames in which the index knows of a reference, in order; `None`: it has no index, so it may be in any.
    pub(crate) fn frames_with(&self, reference: Reference) -> io::Result<Option<Vec<Frame>>> {
        let Some((at, count)) = self.index else { return Ok(None) };
        let wanted = print(reference.as_u128());
        let entry = |number_of: u64| -> io::Result<(u32, u32)> {
            let pair = read(&self.file, at + number_of * 8, 8)?;
            Ok((number(&pair, 0).unwrap_or(0), number(&pair, 4).unwrap_or(0)))
        };
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            if entry(middle)?.0 < wanted { low = middle + 1 } else { high = middle }
        }
        let mut found = Vec::new();
        while low < count {
            let (print, frame) = entry(low)?;
            if print != wanted {
                break;
            }
            found.extend(usize::try_from(frame).ok().and_then(|frame| self.frames.get(frame)).copied());
            low += 1;
        }
        Ok(Some(found))
    }
}

/// The index, if it stands between the frames and the table.
fn index(file: &File, at: u64, table_at: u64) -> io::Result<Option<(u64, u64)>> {
    let Some(length) = table_at.checked_sub(at).filter(|length| *length >= 16) else { return Ok(None) };
    let head = read(file, at, 16)?;
    let declared = u64::from(number(&head, 4).unwrap_or(0));
    let sound = number(&head, 0) == Some(INDEX_MAGIC)
        && declared == length - 8
        && head.get(8..) == Some(INDEX_MARK.as_slice())
        && declared % 8 == 0;
    Ok(sound.then(|| (at + 16, declared / 8 - 1)))
}

fn read(file: &File, at: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| broken("it is too large"))?];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_le_bytes(*bytes))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the packed segment is broken: {what}"))
}

const FOOTER: u64 = 9;

/// Most bytes of a frame: full but for one byte, and then the longest line.
const LARGEST: u64 = (FRAME + LONGEST_READ) as u64;
