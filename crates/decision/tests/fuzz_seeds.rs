//! The seeds of the fuzz targets about decisions, through the assertions of those targets.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "shared with the fuzz targets, and that is how a test fails"
)]

#[path = "../../../fuzz/src/decide_policies.rs"]
mod decide_policies;
#[path = "../../../fuzz/src/decide_world.rs"]
mod decide_world;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;

#[test]
fn policies() {
    replay::replay("decide_policies", decide_policies::check);
}

#[test]
fn worlds() {
    replay::replay("decide_world", decide_world::check);
}
