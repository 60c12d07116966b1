//! The files of the log: their names, the folder that holds them, and the one that is being written. Those that have
//! ended are packed by `archive`, under the same name with `.zst` behind it.
//!
//! INVARIANT: the open segment holds whole lines only. A write that fails is undone, and where it cannot be undone
//! nothing is appended behind it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// A segment's file name says when it was begun: `decisions-20261124T013000.123456Z.jsonl`. Names sort by time.
pub(crate) fn name(begun: Timestamp) -> String {
    format!("{PREFIX}{}{SUFFIX}", begun.strftime("%Y%m%dT%H%M%S.%6fZ"))
}

/// When the segment of this name was begun; `None` if it is no name of a segment.
pub(crate) fn begun(name: &str) -> Option<Timestamp> {
    let name = name.strip_suffix(PACKED).unwrap_or(name);
    name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

/// What a segment is called in every form it takes: its file's name without what stands behind the time.
pub(crate) fn stem(path: &Path) -> String {
    let name = name_of(path);
    name.strip_suffix(PACKED).unwrap_or(&name).strip_suffix(SUFFIX).unwrap_or(&name).to_owned()
}

/// The name of a file.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a file is a packed segment.
pub(crate) fn is_packed(path: &Path) -> bool {
    path.to_string_lossy().ends_with(PACKED)
}

/// The packed form of a segment.
pub(crate) fn packed(path: &Path) -> PathBuf {
    if is_packed(path) {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(PACKED);
    name.into()
}

/// The segments of a folder, oldest first, with when they were begun. One that is there both plain and packed is
/// being packed: the plain one counts.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<(Timestamp, PathBuf)>> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(begun) = entry.file_name().to_str().and_then(begun) {
            segments.push((begun, entry.path()));
        }
    }
    segments.sort();
    segments.dedup_by(|later, kept| later.0 == kept.0);
    Ok(segments)
}

/// The log's folder, ours alone while this value lives.
pub(super) struct Folder {
    path: PathBuf,
    /// Held, never read: the system gives the lock back when it is closed, however we end.
    _lock: File,
}

impl Folder {
    /// Creates the folder if it is missing and takes hold of it. `WouldBlock`: another process has it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(path.join(LOCK))?;
        lock.try_lock().map_err(|fault| match fault {
            std::fs::TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            std::fs::TryLockError::Error(fault) => fault,
        })?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn segments(&self) -> io::Result<Vec<(Timestamp, PathBuf)>> {
        list(&self.path)
    }
}

/// The segment that is being written.
pub(super) struct Segment {
    file: File,
    path: PathBuf,
    identity: (u64, u64),
    begun: Timestamp,
    /// Bytes of whole lines.
    length: u64,
}

impl Segment {
    /// Begins a segment, named later than every one that is there even if the clock was set back.
    pub(super) fn begin(folder: &Folder, now: Timestamp) -> io::Result<Self> {
        let newest = folder.segments()?.last().map(|(begun, _)| *begun);
        let next = newest.and_then(|newest| newest.checked_add(jiff::SignedDuration::from_micros(1)).ok());
        let begun = next.map_or(now, |next| next.max(now));
        let path = folder.path.join(name(begun));
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        File::open(&folder.path)?.sync_all()?;
        Self::of(file, path, begun, 0)
    }

    /// Goes on with the segment of an earlier run, and cuts off an unfinished last line. Gives the bytes that were cut.
    pub(super) fn resume(begun: Timestamp, path: PathBuf) -> io::Result<(Self, u64)> {
        let mut file = OpenOptions::new().read(true).append(true).open(&path)?;
        let found = file.metadata()?.len();
        let length = whole_lines(&mut file, found)?;
        if length < found {
            file.set_len(length)?;
        }
        Ok((Self::of(file, path, begun, length)?, found - length))
    }

    fn of(file: File, path: PathBuf, begun: Timestamp, length: u64) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { file, path, identity: (metadata.dev(), metadata.ino()), begun, length })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn begun(&self) -> Timestamp {
        self.begun
    }

    /// Appends whole lines: all of them, or none.
    pub(super) fn append(&mut self, lines: &[u8], sync: bool) -> io::Result<()> {
        self.still_there()?;
        let mut written = self.file.write_all(lines);
        if sync && written.is_ok() {
            written = self.file.sync_data();
        }
        match written {
            Ok(()) => {
                self.length = self.length.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
                Ok(())
            }
            Err(fault) => Err(self.undo(fault)),
        }
    }

    /// Forces to the disk what was written.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// The file, for who forces it to the disk beside the writing.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Gives the segment up after a fault; an empty one leaves no file behind.
    pub(super) fn abandon(self) -> io::Result<()> {
        if self.length == 0 && self.still_there().is_ok() { std::fs::remove_file(&self.path) } else { Ok(()) }
    }

    /// A removed or replaced file still takes what is written to it, and nobody ever reads that.
    fn still_there(&self) -> io::Result<()> {
        let there = std::fs::metadata(&self.path)?;
        if (there.dev(), there.ino()) == self.identity {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "the open segment was replaced by another file"))
    }

    fn undo(&self, fault: io::Error) -> io::Error {
        match self.file.set_len(self.length) {
            Ok(()) => fault,
            Err(cut) => io::Error::new(
                fault.kind(),
                format!("{fault}; and what was written of it cannot be taken back: {cut}"),
            ),
        }
    }
}

/// The length up to and with the last line feed. Read backwards in pieces: a line may be long.
fn whole_lines(file: &mut File, length: u64) -> io::Result<u64> {
    let mut piece = vec![0_u8; PIECE];
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(u64::try_from(PIECE).unwrap_or(u64::MAX));
        let size = usize::try_from(end - start).unwrap_or(PIECE);
        let part = piece.get_mut(..size).unwrap_or_default();
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + u64::try_from(at).unwrap_or(0) + 1);
        }
        end = start;
    }
    Ok(0)
}

const PREFIX: &str = "decisions-";
const SUFFIX: &str = ".jsonl";
const PACKED: &str = ".zst";
const LOCK: &str = "writer.lock";
const PIECE: usize = 64 * 1024;
