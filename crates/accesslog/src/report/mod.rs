//! Telling a report: to people in the terminal, as JSON, as Markdown for a ticket, as a page with charts.

pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod redact;
pub(crate) mod text;
