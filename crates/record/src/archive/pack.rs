//! Packs lines into frames, and writes what finds them again. The layout, behind the frames: a skippable frame with the
//! index (`PCIX`, version, then pairs of a reference's last four bytes and a frame, in order), and the seek table.

use std::collections::BTreeSet;
use std::io::{self, Write};

use zstd::bulk::Compressor;

use super::reference;

/// Writes one packed segment.
pub(crate) struct Packer<W> {
    to: W,
    compressor: Compressor<'static>,
    /// Lines of the frame that is being filled.
    plain: Vec<u8>,
    /// Packed and plain bytes of each frame.
    frames: Vec<(u32, u32)>,
    /// A reference's print, and a frame that has it.
    index: Vec<(u32, u32)>,
    /// Of the frame that is being filled: most references stand in it twice.
    prints: BTreeSet<u32>,
}

impl<W: Write> Packer<W> {
    pub(crate) fn new(to: W) -> io::Result<Self> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.include_checksum(true)?;
        Ok(Self {
            to,
            compressor,
            plain: Vec::with_capacity(FRAME + FRAME / 4),
            frames: Vec::new(),
            index: Vec::new(),
            prints: BTreeSet::new(),
        })
    }

    /// Adds a line, given with its line feed.
    pub(crate) fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if !self.plain.is_empty() && self.plain.len().saturating_add(line.len()) > FRAME {
            self.end_frame()?;
        }
        if let Some(reference) = reference(line) {
            self.prints.insert(print(reference.as_u128()));
        }
        self.plain.extend_from_slice(line);
        Ok(())
    }

    /// Writes what is left, the index and the seek table.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.plain.is_empty() {
            self.end_frame()?;
        }
        self.index.sort_unstable();
        let mut index = Vec::with_capacity(self.index.len().saturating_mul(8).saturating_add(8));
        index.extend_from_slice(INDEX_MARK);
        for (print, frame) in &self.index {
            index.extend_from_slice(&print.to_le_bytes());
            index.extend_from_slice(&frame.to_le_bytes());
        }
        self.skippable(INDEX_MAGIC, &index)?;
        let mut table = Vec::new();
        for (packed, plain) in &self.frames {
            table.extend_from_slice(&packed.to_le_bytes());
            table.extend_from_slice(&plain.to_le_bytes());
        }
        table.extend_from_slice(&size(self.frames.len())?.to_le_bytes());
        table.push(0);
        table.extend_from_slice(&SEEKABLE_MAGIC.to_le_bytes());
        self.skippable(TABLE_MAGIC, &table)?;
        Ok(self.to)
    }

    fn end_frame(&mut self) -> io::Result<()> {
        let packed = self.compressor.compress(&self.plain)?;
        let frame = size(self.frames.len())?;
        self.frames.push((size(packed.len())?, size(self.plain.len())?));
        self.index.extend(std::mem::take(&mut self.prints).into_iter().map(|print| (print, frame)));
        self.plain.clear();
        self.to.write_all(&packed)
    }

    fn skippable(&mut self, magic: u32, content: &[u8]) -> io::Result<()> {
        self.to.write_all(&magic.to_le_bytes())?;
        self.to.write_all(&size(content.len())?.to_le_bytes())?;
        self.to.write_all(content)
    }
}

/// What the index knows of a reference: its last four bytes, which are random.
pub(super) fn print(reference: u128) -> u32 {
    u32::try_from(reference & u128::from(u32::MAX)).unwrap_or(0)
}

fn size(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(|_| io::Error::other("the segment is too large to be packed"))
}

/// Plain bytes of a frame, if no single line is longer: unpacked in a millisecond, and large enough to pack well.
pub(super) const FRAME: usize = 512 * 1024;

/// Levels above take several times as long for a tenth less.
const LEVEL: i32 = 3;

pub(super) const INDEX_MARK: &[u8; 8] = b"PCIX\x01\0\0\0";
pub(super) const INDEX_MAGIC: u32 = 0x184D_2A5C;
pub(super) const TABLE_MAGIC: u32 = 0x184D_2A5E;
pub(super) const SEEKABLE_MAGIC: u32 = 0x8F92_EAB1;
