//! The seeds of the fuzz target about configurations, through its assertions.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "shared with the fuzz targets, and that is how a test fails"
)]

#[path = "../../../fuzz/src/configuration.rs"]
mod configuration;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;

#[test]
fn configurations() {
    replay::replay("configuration", configuration::check);
}
