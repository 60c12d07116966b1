//! The end of a log: at most the last 8 MiB, whole lines only; and what rotation has put away last, packed or not.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::source::files_in;

/// What is read of a log, from its end.
const MOST_BYTES: u64 = 8 << 20;
/// What is unpacked of a packed one: its end is behind all the rest.
const MOST_UNPACKED: u64 = 128 << 20;
/// A log with fewer lines was rotated a moment ago, so that the request may stand in the file before it.
const FEW_LINES: usize = 50;
/// Entries looked at beside a log.
const MOST_ENTRIES: usize = 2_000;

/// The last lines of a regular file. `None` if it cannot be read.
pub(crate) fn tail(path: &Path) -> Option<Vec<String>> {
    let about = std::fs::metadata(path).ok()?;
    if !about.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    if path.extension().is_some_and(|ending| ending == "gz") {
        return unpacked(file);
    }
    let skipped = about.len().saturating_sub(MOST_BYTES);
    if skipped > 0 {
        file.seek(SeekFrom::Start(skipped)).ok()?;
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(lines(&bytes, skipped > 0))
}

/// The last lines of what is packed; what is damaged is read up to the damage.
fn unpacked(file: File) -> Option<Vec<String>> {
    let mut all = flate2::read::MultiGzDecoder::new(file).take(MOST_UNPACKED);
    let most = usize::try_from(MOST_BYTES).ok()?;
    let (mut end, mut cut) = (Vec::new(), false);
    loop {
        let before = end.len();
        let read = all.by_ref().take(MOST_BYTES).read_to_end(&mut end);
        if end.len() > most {
            end.drain(..end.len() - most);
            cut = true;
        }
        match read {
            Ok(1..) => {}
            Ok(0) => return Some(lines(&end, cut)),
            Err(_) => return (before > 0 || !end.is_empty()).then(|| lines(&end, cut)),
        }
    }
}

fn lines(bytes: &[u8], cut: bool) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    // The first line of a cut is a fragment.
    text.lines().skip(usize::from(cut)).map(str::to_owned).collect()
}

/// The same, with the file that was rotated away last in front if the current one holds little.
pub(crate) fn with_rotated(path: &Path) -> Option<Vec<String>> {
    let current = tail(path);
    if current.as_ref().is_some_and(|lines| lines.len() >= FEW_LINES) {
        return current;
    }
    match (rotated(path).and_then(|before| tail(&before)), current) {
        (Some(mut before), Some(now)) => {
            before.extend(now);
            Some(before)
        }
        (before, now) => now.or(before),
    }
}

/// The file that was rotated away last: `access.log.1`, `access.log.1.gz`, or the latest of `access.log-20261127.gz`.
fn rotated(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let numbered = [".1", ".1.gz"].map(|ending| path.with_file_name(format!("{name}{ending}")));
    if let Some(found) = numbered.into_iter().find(|path| path.is_file()) {
        return Some(found);
    }
    // Dates sort as they follow each other.
    let dated = files_in(path.parent()?, MOST_ENTRIES).into_iter().filter(|beside| {
        let rest = beside.file_name().and_then(|own| own.to_str()).and_then(|own| own.strip_prefix(name));
        rest.and_then(|rest| rest.strip_prefix(['-', '.'])).is_some_and(|rest| {
            let date = rest.strip_suffix(".gz").unwrap_or(rest);
            date.len() >= 8 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        })
    });
    dated.max()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn packed(path: &Path, text: &str) {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        std::fs::write(path, packer.finish().unwrap()).unwrap();
    }

    #[test]
    fn what_was_rotated_last_stands_in_front() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("access.log");
        let read = || with_rotated(&log).unwrap_or_default().join(" ");
        assert_eq!(read(), "");
        std::fs::write(&log, "now\n").unwrap();
        packed(&folder.path().join("access.log-20261125.gz"), "older\n");
        packed(&folder.path().join("access.log-20261126.gz"), "old\n");
        std::fs::write(folder.path().join("access.log-copy"), "no date\n").unwrap();
        assert_eq!(read(), "old now");
        packed(&folder.path().join("access.log.1.gz"), "before\n");
        assert_eq!(read(), "before now");
        std::fs::write(folder.path().join("access.log.1"), "just before\n").unwrap();
        assert_eq!(read(), "just before now");
        std::fs::write(&log, "many\n".repeat(FEW_LINES)).unwrap();
        assert!(!read().contains("just before"));
    }

    /// Packed well, a small file is a large one: the end is kept, and no more of it than of any other log.
    #[test]
    fn a_packed_log_is_read_in_bounded_memory() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("access.log.1.gz");
        packed(&log, &("a line among many\n".repeat(1_000_000) + "the last\n"));
        let lines = tail(&log).unwrap();
        assert_eq!(lines.last().map(String::as_str), Some("the last"));
        let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
        assert!((7 << 20..=8 << 20).contains(&bytes), "{bytes}");
        std::fs::write(&log, "not packed at all").unwrap();
        assert_eq!(tail(&log), None);
    }
}
