//! Which segments are kept no longer. The open segment is never among them.

use std::io;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::LogSettings;
use super::segment::{Folder, Segment};

/// Deletes the oldest segments until what is left is young and small enough.
pub(super) fn apply(folder: &Folder, open: Option<&Segment>, settings: &LogSettings) -> io::Result<()> {
    let segments = folder.segments()?;
    let mut sizes = Vec::with_capacity(segments.len());
    for (_, path) in &segments {
        sizes.push(std::fs::metadata(path)?.len());
    }
    let mut total = sizes.iter().fold(0_u64, |total, size| total.saturating_add(*size));
    let now = Timestamp::now();
    // A segment's last line is as old as the next one's first.
    let ends = segments.iter().skip(1).map(|(begun, _)| *begun);
    for (((_, path), size), end) in segments.iter().zip(sizes).zip(ends) {
        let too_old = now.duration_since(end) >= signed(settings.keep_age);
        if !(too_old || total > settings.keep_bytes) {
            break;
        }
        if open.is_some_and(|open| open.path() == path) {
            break;
        }
        std::fs::remove_file(path)?;
        total = total.saturating_sub(size);
        tracing::info!(segment = %path.display(), "deleted a segment of the decision log that is kept no longer");
    }
    Ok(())
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
