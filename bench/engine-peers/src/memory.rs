//! What the allocator has handed out.

use stats_alloc::{INSTRUMENTED_SYSTEM, Stats};

/// Bytes in use by glibc's account, its own overhead and mapped blocks included.
#[expect(unsafe_code, reason = "no crate wraps `mallinfo2`")]
pub fn in_use() -> i64 {
    // SAFETY: takes nothing, returns numbers, and glibc locks each arena while it counts.
    let account = unsafe { libc::mallinfo2() };
    (account.uordblks + account.hblkhd) as i64
}

/// What has been allocated and given back so far. Counts only in the binary `engine-peers-counted`, whose allocator it
/// is; timing is left to the other binary, because counting costs.
pub fn counted() -> Stats {
    INSTRUMENTED_SYSTEM.stats()
}

/// Bytes in use by that count: as asked for, without the allocator's overhead.
pub fn counted_in_use() -> i64 {
    let stats = counted();
    stats.bytes_allocated as i64 - stats.bytes_deallocated as i64
}
