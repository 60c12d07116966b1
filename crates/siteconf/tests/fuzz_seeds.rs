//! The seeds of the fuzz target about configuration of other servers, through its assertions.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "shared with the fuzz targets, and that is how a test fails"
)]

#[path = "../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/site.rs"]
mod site;

#[test]
fn sites() {
    replay::replay("site", site::check);
}
