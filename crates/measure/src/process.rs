//! What the system says about this process, read when it is shown. On Linux from `/proc`; elsewhere, and where `/proc`
//! is not to be had, values are left out rather than invented.

use std::time::{SystemTime, UNIX_EPOCH};

/// The process at one moment.
pub(crate) struct Reading {
    /// Bytes of memory that are in use and present.
    pub(crate) resident_bytes: Option<u64>,
    /// Files, sockets and the like that are open.
    pub(crate) open_files: Option<u64>,
    /// How many of them there may be.
    pub(crate) most_files: Option<u64>,
    /// Threads.
    pub(crate) threads: Option<u64>,
}

impl Reading {
    pub(crate) fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Self {
            resident_bytes: field(&status, "VmRSS:").map(|kilobytes| kilobytes.saturating_mul(1024)),
            open_files: open_files(),
            most_files: field(&limits, "Max open files"),
            threads: field(&status, "Threads:"),
        }
    }
}

/// Seconds of Unix time, to the millisecond.
pub(crate) fn unix_seconds(time: SystemTime) -> f64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1000.0).round() / 1000.0
}

/// The number after a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

fn open_files() -> Option<u64> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    // Reading the list opens one more.
    u64::try_from(open.saturating_sub(1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_own_lines_are_read() {
        let status = "Name:\tportcullis\nVmHWM:\t   30000 kB\nVmRSS:\t   25600 kB\nThreads:\t4\n";
        assert_eq!(field(status, "VmRSS:"), Some(25_600));
        assert_eq!(field(status, "Threads:"), Some(4));
        assert_eq!(field(status, "VmSwap:"), None);
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(field(limits, "Max open files"), Some(1024));
        assert_eq!(
            field("Max open files            unlimited            unlimited  files", "Max open files"),
            None
        );
    }

    #[test]
    fn a_moment_is_seconds_of_unix_time() {
        let moment = UNIX_EPOCH + std::time::Duration::from_millis(1_700_000_000_250);
        assert!((unix_seconds(moment) - 1_700_000_000.25).abs() < 1e-9);
    }
}
