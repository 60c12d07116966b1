//! Why something is not exactly one HTTP request.

/// Why a request is refused before anybody asks who sent it. Answered 400 (421 where [`Ambiguity::status`] says so)
/// and the connection closes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Ambiguity {
    /// Stable public code, one of [`Ambiguity::CODES`].
    pub code: &'static str,
    /// For the operator: what was seen, escaped and cut.
    pub detail: String,
}

impl Ambiguity {
    /// Every code that an ambiguity may have, in the order in which a request is examined.
    pub const CODES: &[&str] = &[
        "unsupported_version",
        "too_many_headers",
        "bad_header_name",
        "bad_header_value",
        "ambiguous_framing",
        "repeated_header",
        "ambiguous_target",
        "missing_host",
        "invalid_host",
        "ambiguous_path",
        "path_too_long",
        "ambiguous_query",
        "query_too_long",
        "ambiguous_forwarding",
        "misdirected",
    ];

    /// The status that answers it: 421 where the request may be meant for another connection (RFC 9110 §15.5.20),
    /// else 400 (§15.5.1).
    #[must_use]
    pub fn status(&self) -> u16 {
        if self.code == "misdirected" { 421 } else { 400 }
    }

    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// The caller's bytes, made fit for a log line: escaped, in backticks, and cut.
pub(crate) fn quoted(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let shown = bytes.get(..LONGEST_QUOTE).unwrap_or(bytes).escape_ascii();
    let more = if bytes.len() > LONGEST_QUOTE { "…" } else { "" };
    format!("`{shown}{more}`")
}

/// Bytes of the caller's text that a detail repeats: enough to recognise it, too few to fill a log with.
const LONGEST_QUOTE: usize = 80;
