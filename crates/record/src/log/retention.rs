//! Which segments are kept no longer. The open segment is never among them, and none goes before the log has said so:
//! a segment that is gone without a word was taken away.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::LogSettings;
use super::segment::{self, Folder, Segment};

/// The line that says which segments are deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Removed {
    /// When it was written: RFC 3339, UTC, microseconds.
    pub(crate) time: String,
    /// Their names, without endings, oldest first.
    pub(crate) segments: Vec<String>,
}

/// The oldest segments, until what is left is young and small enough.
pub(super) fn overdue(
    folder: &Folder,
    open: Option<&Segment>,
    settings: &LogSettings,
) -> io::Result<Vec<PathBuf>> {
    let segments = folder.segments()?;
    let mut sizes = Vec::with_capacity(segments.len());
    for (_, path) in &segments {
        sizes.push(size(path)?);
    }
    let mut total = sizes.iter().fold(0_u64, |total, size| total.saturating_add(*size));
    let now = Timestamp::now();
    // A segment's last line is as old as the next one's first.
    let ends = segments.iter().skip(1).map(|(begun, _)| *begun);
    let mut overdue = Vec::new();
    for (((_, path), size), end) in segments.iter().zip(sizes).zip(ends) {
        let too_old = now.duration_since(end) >= signed(settings.keep_age);
        let is_open = open.is_some_and(|open| open.path() == path);
        if is_open || !(too_old || total > settings.keep_bytes) {
            break;
        }
        overdue.push(path.clone());
        total = total.saturating_sub(size);
    }
    Ok(overdue)
}

/// Deletes them, in either form.
pub(super) fn delete(overdue: &[PathBuf]) -> io::Result<()> {
    for path in overdue {
        for path in [path.clone(), segment::packed(path)] {
            match std::fs::remove_file(&path) {
                Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        tracing::info!(
            segment = segment::stem(path),
            "deleted a segment of the decision log that is kept no longer"
        );
    }
    Ok(())
}

/// A segment may be packed while it is looked at.
fn size(path: &Path) -> io::Result<u64> {
    match std::fs::metadata(path) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
            Ok(std::fs::metadata(segment::packed(path)).map_or(0, |metadata| metadata.len()))
        }
        metadata => Ok(metadata?.len()),
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
