//! How we say no: a [`Refusal`] becomes status, headers and body, and `catalogue` explains each of them.
//!
//! A refusal says what the caller may know and nothing else; what the log must know is in the record.

// PLANNED: pub mod accept;
// PLANNED: pub mod catalogue;
// PLANNED: pub mod challenge;
// PLANNED: pub mod html;
// PLANNED: pub mod json;
// PLANNED: pub mod grpc;
pub mod refusal;
pub mod render;

// PLANNED: pub use catalogue::{Page, catalogue};
pub use refusal::{Challenge, Refusal, Said};
pub use render::{Asked, Branding, Shape};
