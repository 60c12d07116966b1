//! The seeds of the fuzz targets about what arrives on a connection, through the assertions of those targets.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "shared with the fuzz targets, and that is how a test fails"
)]

#[path = "../../../fuzz/src/head.rs"]
mod head;
#[path = "../../../fuzz/src/proxy_protocol.rs"]
mod proxy_protocol;
#[path = "../../../fuzz/src/raw_head.rs"]
mod raw_head;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;

#[test]
fn heads() {
    replay::replay("head", head::check);
}

#[test]
fn proxy_headers() {
    replay::replay("proxy_protocol", proxy_protocol::check);
}
