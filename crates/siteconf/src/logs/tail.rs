//! The end of a log: at most the last 8 MiB, whole lines only.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What is read of a log, from its end.
const MOST_BYTES: u64 = 8 << 20;

/// The last lines of a regular file. `None` if it cannot be read.
pub(crate) fn tail(path: &Path) -> Option<Vec<String>> {
    let about = std::fs::metadata(path).ok()?;
    if !about.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let skipped = about.len().saturating_sub(MOST_BYTES);
    if skipped > 0 {
        file.seek(SeekFrom::Start(skipped)).ok()?;
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    // The first line of a cut is a fragment.
    let cut = usize::from(skipped > 0);
    Some(text.lines().skip(cut).map(str::to_owned).collect())
}

/// The same, with the file that was rotated away last in front if the current one holds little.
pub(crate) fn with_rotated(path: &Path) -> Option<Vec<String>> {
    let current = tail(path);
    let few = current.as_ref().is_none_or(|lines| lines.len() < 50);
    if !few {
        return current;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    match (tail(&PathBuf::from(name)), current) {
        (Some(mut before), Some(now)) => {
            before.extend(now);
            Some(before)
        }
        (before, now) => now.or(before),
    }
}
