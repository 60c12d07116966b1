//! One segment, line by line, each bounded in length.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{Line, ReadError};
use crate::line::{self, LONGEST_READ};

pub(super) struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    number: u64,
    bytes: Vec<u8>,
    /// Whether `bytes` is the beginning of a line that was unfinished when we looked.
    unfinished: bool,
}

impl Lines {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let reader = BufReader::with_capacity(BUFFER, File::open(path)?);
        Ok(Self { reader, path: path.to_owned(), number: 0, bytes: Vec::new(), unfinished: false })
    }

    /// The next line, parsed. `ended`: nobody writes to this segment any more, so an unfinished line is a broken one.
    pub(super) fn next_line(&mut self, ended: bool) -> Result<Option<Line>, ReadError> {
        let parsed = match self.next_text(ended)? {
            Some(text) => line::parse(text),
            None => return Ok(None),
        };
        parsed.map(Some).map_err(|fault| self.broken(&fault.to_string()))
    }

    /// The text of the next line, without its line feed. After `None` it may be asked again: more may be written.
    pub(super) fn next_text(&mut self, ended: bool) -> Result<Option<&str>, ReadError> {
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

const BUFFER: usize = 128 * 1024;
