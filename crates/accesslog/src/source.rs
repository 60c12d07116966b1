//! Where lines come from: plain files read in pieces by several threads, and streams (standard input, gz, zst) taken apart
//! by one reader. A piece ends where a line ends.
//!
//! A file is read up to the size it had when it was opened, so that one which grows meanwhile still ends.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::tally::LONGEST_LINE;

/// How much is read at once.
pub(crate) const PIECE: usize = 1 << 20;
/// How much of a file is looked at to find its format.
const BEGINNING: usize = 64 * 1024;

/// Something to read.
pub(crate) enum Source {
    /// A file that can be read at any place.
    Plain(Plain),
    /// What comes only in order.
    Stream(Box<dyn Read + Send>),
}

/// A plain file, as long as it was when it was opened.
pub(crate) struct Plain {
    file: File,
    pub(crate) length: u64,
}

/// Why something cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

/// Opens what a path names; `-` is standard input.
pub(crate) fn open(path: &Path) -> Result<Source, Unreadable> {
    let unreadable = |why: String| Unreadable { path: path.to_owned(), why };
    if path.as_os_str() == "-" {
        return unpacked(Box::new(io::stdin())).map_err(|fault| unreadable(fault.to_string()));
    }
    let file = File::open(path).map_err(|fault| unreadable(plainly(&fault)))?;
    let metadata = file.metadata().map_err(|fault| unreadable(plainly(&fault)))?;
    if metadata.is_dir() {
        return Err(unreadable("it is a directory: name the files in it".to_owned()));
    }
    if metadata.is_file() {
        let mut magic = [0u8; 4];
        let read = file.read_at(&mut magic, 0).map_err(|fault| unreadable(plainly(&fault)))?;
        if !is_packed(magic.get(..read).unwrap_or_default()) {
            return Ok(Source::Plain(Plain { file, length: metadata.len() }));
        }
    }
    unpacked(Box::new(file)).map_err(|fault| unreadable(plainly(&fault)))
}

fn plainly(fault: &io::Error) -> String {
    match fault.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ => fault.to_string(),
    }
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

fn is_packed(magic: &[u8]) -> bool {
    magic.starts_with(GZIP) || magic.starts_with(ZSTD)
}

/// The stream, unpacked if its first bytes say that it is packed.
fn unpacked(mut stream: Box<dyn Read + Send>) -> io::Result<Source> {
    let mut magic = Vec::with_capacity(4);
    stream.by_ref().take(4).read_to_end(&mut magic)?;
    let is_gzip = magic.starts_with(GZIP);
    let is_zstd = magic.starts_with(ZSTD);
    let whole = BufReader::with_capacity(1 << 16, io::Cursor::new(magic).chain(stream));
    let stream: Box<dyn Read + Send> = if is_gzip {
        Box::new(flate2::read::MultiGzDecoder::new(whole))
    } else if is_zstd {
        Box::new(zstd::stream::read::Decoder::with_buffer(whole)?)
    } else {
        Box::new(whole)
    };
    Ok(Source::Stream(stream))
}

impl Plain {
    /// What the file begins with.
    pub(crate) fn beginning(&self) -> io::Result<Vec<u8>> {
        let mut beginning = vec![0; BEGINNING.min(usize::try_from(self.length).unwrap_or(BEGINNING))];
        let read = self.fill(&mut beginning, 0)?;
        beginning.truncate(read);
        Ok(beginning)
    }

    /// How many pieces there are.
    pub(crate) fn pieces(&self) -> u64 {
        self.length.div_ceil(PIECE as u64)
    }

    /// Reads the lines that begin within a piece into the buffer, and says at which byte they begin.
    pub(crate) fn piece(&self, number: u64, buffer: &mut Vec<u8>) -> io::Result<(u64, usize)> {
        // One byte earlier: whether a line begins exactly here is told by the byte before.
        let from = (number * PIECE as u64).saturating_sub(u64::from(number > 0));
        let to = ((number + 1) * PIECE as u64).min(self.length);
        let wanted = usize::try_from(to.saturating_sub(from)).unwrap_or(PIECE);
        buffer.resize(wanted, 0);
        let read = self.fill(buffer, from)?;
        buffer.truncate(read);
        let mut start = 0;
        if number > 0 {
            match memchr::memchr(b'\n', buffer) {
                Some(at) => start = at + 1,
                // A line that began before and has not ended: it is another piece's.
                None => buffer.clear(),
            }
        }
        if start >= buffer.len() {
            buffer.clear();
            return Ok((from, 0));
        }
        self.complete(buffer, to)?;
        Ok((from + start as u64, start))
    }

    /// Reads on to the end of the line that the buffer ends in.
    fn complete(&self, buffer: &mut Vec<u8>, mut from: u64) -> io::Result<()> {
        let mut more = [0u8; 4096];
        let most = buffer.len() + LONGEST_LINE + more.len();
        while buffer.last() != Some(&b'\n') && from < self.length && buffer.len() < most {
            let read = self.fill(&mut more, from)?;
            if read == 0 {
                break;
            }
            let read = more.get(..read).unwrap_or_default();
            let end = memchr::memchr(b'\n', read).map_or(read.len(), |at| at + 1);
            buffer.extend_from_slice(read.get(..end).unwrap_or_default());
            from += end as u64;
        }
        Ok(())
    }

    fn fill(&self, buffer: &mut [u8], mut from: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, from) {
                Ok(0) => break,
                Ok(read) => {
                    filled += read;
                    from += read as u64;
                }
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(filled)
    }
}
