//! One segment, plain or packed, line by line, each bounded in length.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{Line, ReadError};
use crate::line::{self, LONGEST_READ};
use crate::log::{head, segment};

pub(crate) struct Lines {
    reader: BufReader<Source>,
    path: PathBuf,
    number: u64,
    bytes: Vec<u8>,
    /// Whether `bytes` is the beginning of a line that was unfinished when we looked.
    unfinished: bool,
}

/// Where the text comes from.
enum Source {
    Plain(File),
    Packed(Box<zstd::stream::read::Decoder<'static, BufReader<File>>>),
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Packed(decoder) => decoder.read(buffer),
        }
    }
}

impl Lines {
    /// Opens a segment, also where it was packed since it was listed.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let plain = if segment::is_packed(path) { None } else { Some(File::open(path)) };
        let (path, source) = match plain {
            Some(Err(fault)) if fault.kind() == io::ErrorKind::NotFound => Self::packed(path)?,
            Some(file) => (path.to_owned(), Source::Plain(file?)),
            None => Self::packed(path)?,
        };
        let reader = BufReader::with_capacity(BUFFER, source);
        Ok(Self { reader, path, number: 0, bytes: Vec::new(), unfinished: false })
    }

    fn packed(path: &Path) -> io::Result<(PathBuf, Source)> {
        let path = segment::packed(path);
        let decoder = zstd::stream::read::Decoder::new(File::open(&path)?)?;
        Ok((path, Source::Packed(Box::new(decoder))))
    }

    /// The next line that is no structure of the log's own, parsed. `ended`: nobody writes to this segment any more, so
    /// an unfinished line is a broken one.
    pub(crate) fn next_line(&mut self, ended: bool) -> Result<Option<Line>, ReadError> {
        loop {
            let parsed = match self.next_text(ended)? {
                Some(text) if line::is_structure(text.as_bytes()) => {
                    readable(text)
                        .map_err(|format| ReadError::Version { file: self.path.clone(), format })?;
                    continue;
                }
                Some(text) => line::parse(text),
                None => return Ok(None),
            };
            return parsed.map(Some).map_err(|fault| self.broken(&fault.to_string()));
        }
    }

    /// The text of the next line, without its line feed. After `None` it may be asked again: more may be written.
    pub(crate) fn next_text(&mut self, ended: bool) -> Result<Option<&str>, ReadError> {
        if !std::mem::take(&mut self.unfinished) {
            self.bytes.clear();
        }
        let limit = u64::try_from(LONGEST_READ.saturating_sub(self.bytes.len())).unwrap_or(u64::MAX);
        let read = (&mut self.reader).take(limit).read_until(b'\n', &mut self.bytes);
        read.map_err(|fault| self.unreadable(fault))?;
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let whole = self.bytes.pop_if(|last| *last == b'\n').is_some();
        if !whole && !ended && self.bytes.len() < LONGEST_READ {
            self.unfinished = true;
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        if !whole && self.bytes.len() >= LONGEST_READ {
            self.pass_over().map_err(|fault| self.unreadable(fault))?;
            return Err(self.broken("it is longer than 1 MiB"));
        }
        if !whole {
            return Err(self.broken("it is unfinished"));
        }
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => Ok(Some(text)),
            Err(fault) => Err(self.broken(&fault.to_string())),
        }
    }

    /// Skips the rest of a line that is too long.
    fn pass_over(&mut self) -> io::Result<()> {
        loop {
            let there = self.reader.fill_buf()?;
            let (skipped, found) = match there.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (there.len(), there.is_empty()),
            };
            self.reader.consume(skipped);
            if found {
                return Ok(());
            }
        }
    }

    fn broken(&self, fault: &str) -> ReadError {
        ReadError::Line { file: self.path.clone(), number: self.number, fault: fault.to_owned() }
    }

    fn unreadable(&self, fault: io::Error) -> ReadError {
        ReadError::File { file: self.path.clone(), fault }
    }
}

/// Whether a segment with this first line is of a version that we can read; if not, of which it is.
pub(crate) fn readable(first: &str) -> Result<(), u32> {
    match head::format(first.as_bytes()) {
        Some(format) if format > head::FORMAT => Err(format),
        _ => Ok(()),
    }
}

const BUFFER: usize = 128 * 1024;
