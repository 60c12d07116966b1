//! Doors beside the proxy: forward-auth for proxies that ask before they forward, and the admin listener for operators.
//!
//! Neither forwards a request. The admin listener knows the rest of the process only through closures and is not for
//! callers: tokens made for users and services mean nothing there.

mod admin;
mod answer;
mod forward_auth;
mod listen;
mod operations;
mod serve;

pub use admin::{Admin, AdminToken, Explain, IssuerReadiness, Readiness};
pub use forward_auth::{ForwardAuth, serve_forward_auth};
pub use operations::{
    DatabaseReadiness, LimitStatus, Operations, OriginStatus, Reload, ReloadReport, Status,
};
pub use serve::{serve_admin, serve_operations};
