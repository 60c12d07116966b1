//! The seeds of the fuzz target about what is pasted, through its assertions.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "shared with the fuzz targets, and that is how a test fails"
)]

#[path = "../../../fuzz/src/pasted.rs"]
mod pasted;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;

#[test]
fn pasted_texts() {
    replay::replay("pasted", pasted::check);
}
