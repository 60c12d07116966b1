//! Why something is not exactly one HTTP request.

/// Why a request is refused before anybody asks who sent it. Answered 400 (421 where [`Ambiguity::status`] says so)
/// and the connection closes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Ambiguity {
    /// Stable public code: `ambiguous_path`, `missing_host`, `repeated_header`, `bad_header_name`, …
    pub code: &'static str,
    /// For the operator: what was seen, escaped and cut.
    pub detail: String,
}
