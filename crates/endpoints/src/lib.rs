//! Doors for operators: the admin listener.
//!
//! It reads: health, readiness, decisions and why they were made. It knows the rest of the process only through the
//! closures in [`Admin`], changes nothing, and is not for callers: tokens made for users and services mean nothing here.

mod admin;
mod answer;
mod serve;

pub use admin::{Admin, AdminToken, IssuerReadiness, Readiness, WrittenAt};
pub use serve::serve_admin;
