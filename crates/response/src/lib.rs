//! How we say no: a [`Refusal`] becomes status, headers and body, and [`catalogue`] explains each of them.
//!
//! A refusal says what the caller may know and nothing else; what the log must know is in the record. Nothing here
//! decides anything: the status follows from the refusal alone, never from a template, a text or a header.

pub mod accept;
mod answer;
pub mod catalogue;
mod challenge;
mod fields;
mod folder;
mod grpc;
mod html;
mod json;
pub mod refusal;
pub mod render;
mod words;

pub use catalogue::Page;
pub use folder::TemplateError;
pub use refusal::{Challenge, Fault, Refusal, Said, Taken};
pub use render::{Asked, Branding, Renderer, Shape};
