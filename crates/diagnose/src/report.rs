//! What is told: one model, made once from an examination, and its three forms. Everything in the model has been through
//! the redactor.

pub mod explain;
mod json;
mod markdown;
mod model;
mod people;

pub use json::to_json;
pub use markdown::to_markdown;
pub use model::{Cause, Evident, FromServer, Report, Sent, Verdict, make};
pub use people::to_people;
