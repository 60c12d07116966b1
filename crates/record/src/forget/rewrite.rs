//! Segments without the lines that are to be erased.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::Sought;
use crate::archive::{self, pack::Packer};
use crate::chain::Sealed;
use crate::log::segment;
use crate::read::ReadError;
use crate::read::blocks::Blocks;
use crate::tree::Hash;

/// What a segment has to be erased.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) decisions: u64,
    pub(super) outcomes: u64,
    /// Those of the chain, with their leaves.
    pub(super) lines: Vec<(u64, Hash)>,
}

/// Looks for what is to be erased in a segment.
pub(super) fn lines(path: &Path, sought: &Sought) -> Result<Found, ReadError> {
    let failed = |fault| ReadError::File { file: path.to_owned(), fault };
    let mut found = Found::default();
    each(path, |line| {
        if let Some(decision) = sought.covers(line) {
            *(if decision { &mut found.decisions } else { &mut found.outcomes }) += 1;
            if let Some(sealed) = Sealed::parse(line)
                && let Some(leaf) = sealed.leaf()
            {
                found.lines.push((sealed.number, leaf));
            }
        }
        Ok(())
    })
    .map_err(failed)?;
    Ok(found)
}

/// Writes a segment anew, in the form it has.
pub(super) fn rewrite(path: &Path, sought: &Sought) -> io::Result<()> {
    archive::replace(path, |file| {
        let mut kept = Vec::new();
        if segment::is_packed(path) {
            let mut packer = Packer::new(BufWriter::new(file))?;
            each(path, |line| keep(line, sought, &mut kept, |line| packer.line(line)))?;
            return packer.finish()?.flush();
        }
        let mut plain = BufWriter::new(file);
        each(path, |line| keep(line, sought, &mut kept, |line| plain.write_all(line)))?;
        plain.flush()
    })
}

/// Hands on a line, or what is left of it. One from before there was a chain leaves nothing.
fn keep(
    line: &[u8],
    sought: &Sought,
    kept: &mut Vec<u8>,
    write: impl FnOnce(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    kept.clear();
    match (sought.covers(line), Sealed::parse(line)) {
        (None, _) => {
            kept.extend_from_slice(line);
            kept.push(b'\n');
        }
        (Some(_), Some(sealed)) => sealed.erased(kept),
        (Some(_), None) => return Ok(()),
    }
    write(kept)
}

/// Every line of a segment, without its line feed.
fn each(path: &Path, mut line: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let blocks = Blocks::open(path)?;
    for place in blocks.places() {
        let bytes = blocks.read(&place)?;
        for whole in bytes.split_inclusive(|byte| *byte == b'\n') {
            line(whole.strip_suffix(b"\n").unwrap_or(whole))?;
        }
    }
    Ok(())
}
