//! The door as callers and origins see it: real sockets on both sides, bytes written and read by hand where the bytes are
//! the point. What the gate decides is its own tests' matter; here `/refused…` is refused and the rest allowed.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "that is how a test fails")]

mod caller;
mod drain;
mod faults;
mod forwarding;
mod frames;
mod http2;
mod limits;
mod origin;
mod origins;
mod origins_http2;
mod origins_tls;
mod refusing;
mod streaming;
mod tls;
mod upgrade;
mod world;
