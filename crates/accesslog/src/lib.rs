//! What anybody's access log says about its 403s: how many, since when, who, and what they go with.
//!
//! [`read`] goes through files once in bounded memory, [`explain`] searches for what the refusals go with and names causes,
//! `report` tells them. This crate knows formats and statistics; it sends nothing and changes nothing.

pub mod command;
pub mod entry;
pub mod explain;
pub mod format;
pub mod read;
mod report;
mod search;
mod source;
mod study;
pub mod tally;
