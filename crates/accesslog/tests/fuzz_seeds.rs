//! The seeds of the fuzz target about access logs, through its assertions.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "shared with the fuzz targets, and that is how a test fails"
)]

#[path = "../../../fuzz/src/access_log.rs"]
mod access_log;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;

#[test]
fn access_logs() {
    replay::replay("access_log", access_log::check);
}
