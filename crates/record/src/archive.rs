//! Segments that have ended, packed: zstd frames that are unpacked each on its own, an index from references to frames,
//! and the seek table of the zstd seekable format. `zstd -d` unpacks the whole; one decision is read from one frame.
//!
//! INVARIANT: a packed segment is there whole or not at all, and the plain one goes only when it is there.

pub(crate) mod open;
pub(crate) mod pack;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use portcullis_request::Reference;

use crate::line::LONGEST_READ;
use crate::log::segment;
use pack::Packer;

/// Takes hold of the segments that have ended: who packs, deletes or rewrites them holds them. `None`: another does.
pub(crate) fn try_hold(folder: &Path) -> io::Result<Option<File>> {
    let file = lock(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(fault)) => Err(fault),
    }
}

/// Takes hold of the segments that have ended, however long another holds them.
pub(crate) fn hold(folder: &Path) -> io::Result<File> {
    let file = lock(folder)?;
    file.lock()?;
    Ok(file)
}

fn lock(folder: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join(LOCK))
}

/// Packs a segment that has ended and removes the plain one. The caller holds the segments.
pub(crate) fn pack(path: &Path) -> io::Result<()> {
    let packed = segment::packed(path);
    let mut reader = BufReader::with_capacity(READ, File::open(path)?);
    replace(&packed, |file| {
        let mut packer = Packer::new(io::BufWriter::new(file))?;
        let mut line = Vec::new();
        while next_line(&mut reader, &mut line)? {
            packer.line(&line)?;
        }
        packer.finish()?.flush()
    })?;
    std::fs::remove_file(path)
}

/// Writes a file in the place of another: the whole new one is on the disk before the old one goes.
pub(crate) fn replace<T>(path: &Path, write: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let partial = partial(path);
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        let done = write(&mut file)?;
        file.flush()?;
        file.sync_all()?;
        std::fs::rename(&partial, path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(done)
    })();
    if written.is_err() && partial.exists() {
        std::fs::remove_file(&partial)?;
    }
    written
}

/// Removes what an earlier run began and did not end. The caller holds the segments.
pub(crate) fn clean(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let whole = path.to_string_lossy().strip_suffix(PARTIAL).map(PathBuf::from);
        if whole.is_some_and(|whole| segment::begun(&segment::name_of(&whole)).is_some()) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The next line with its line feed, if it has one; `false` at the end. No longer than what is read elsewhere: the rest
/// of a longer one comes next.
pub(crate) fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut limited = io::Read::take(reader, u64::try_from(LONGEST_READ).unwrap_or(u64::MAX));
    Ok(limited.read_until(b'\n', line)? > 0)
}

/// The reference of a line, without parsing it: it is the first member of that name.
pub(crate) fn reference(line: &[u8]) -> Option<Reference> {
    let at = memchr::memmem::find(line, REFERENCE)? + REFERENCE.len();
    let uuid = line.get(at..at + UUID)?;
    let mut bits: u128 = 0;
    for byte in uuid.iter().filter(|byte| **byte != b'-') {
        bits = bits << 4 | u128::from(char::from(*byte).to_digit(16)?);
    }
    Some(Reference::from_u128(bits))
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PARTIAL);
    name.into()
}

const LOCK: &str = "closed.lock";
const PARTIAL: &str = ".partial";
const READ: usize = 256 * 1024;
const REFERENCE: &[u8] = b"\"reference\":\"";
const UUID: usize = 36;
