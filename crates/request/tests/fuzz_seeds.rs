//! The seeds of the fuzz targets about requests, through the assertions of those targets.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "shared with the fuzz targets, and that is how a test fails"
)]

#[path = "../../../fuzz/src/canonical_path.rs"]
mod canonical_path;
#[path = "../../../fuzz/src/forwarded.rs"]
mod forwarded;
#[path = "../../../fuzz/src/headers.rs"]
mod headers;
#[path = "../../../fuzz/src/raw_head.rs"]
mod raw_head;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;

#[test]
fn paths() {
    replay::replay("canonical_path", canonical_path::check);
}

#[test]
fn header_fields() {
    replay::replay("headers", headers::check);
}

#[test]
fn forwarded_addresses() {
    replay::replay("forwarded", forwarded::check);
}
