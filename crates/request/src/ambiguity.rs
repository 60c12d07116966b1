//! Why something is not exactly one HTTP request.

/// Why a request is refused before anybody asks who sent it. Answered 400 (421 where [`Ambiguity::status`] says so)
/// and the connection closes.
///
/// `method_override` alone depends on the route: [`crate::overrides_method`] finds it, for routes that restrict methods.
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
        "method_override",
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

/// The caller's text without what may be a secret in it: user information before the last `@`, and values after `=`.
/// For records of requests that were refused before anybody could tell what they are.
#[must_use]
pub fn discreet(text: &str) -> String {
    if !text.contains(['@', '=']) {
        return text.to_owned();
    }
    let after = text.rsplit_once('@').map(|(_, after)| after);
    let mut shown = if after.is_some() { "…@".to_owned() } else { String::new() };
    let mut hiding = false;
    for character in after.unwrap_or(text).chars() {
        hiding = hiding && !matches!(character, '/' | ';' | '&' | '?');
        if !hiding {
            shown.push(character);
        }
        if character == '=' && !hiding {
            hiding = true;
            shown.push('…');
        }
    }
    shown
}

/// As [`discreet`], made fit for a log line like [`quoted`].
pub(crate) fn quoted_discreet(bytes: impl AsRef<[u8]>) -> String {
    let shown = discreet(&String::from_utf8_lossy(bytes.as_ref()));
    let mut quote = String::from("`");
    for (index, character) in shown.chars().enumerate() {
        if index == LONGEST_QUOTE {
            quote.push('…');
            break;
        }
        match character {
            '…' => quote.push('…'),
            other => quote.push_str(&other.encode_utf8(&mut [0; 4]).as_bytes().escape_ascii().to_string()),
        }
    }
    quote.push('`');
    quote
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_refused_text_are_left_out() {
        for (text, shown) in [
            ("user:hunter2@localhost:8080", "…@localhost:8080"),
            ("a@b@c", "…@c"),
            ("/x;token=secret/y", "/x;token=…/y"),
            ("/x;token=a=b;z=1?q=2", "/x;token=…;z=…?q=…"),
            ("/plain/path", "/plain/path"),
        ] {
            assert_eq!(discreet(text), shown);
        }
        assert_eq!(quoted_discreet(b"\x1b[31m\xff"), "`\\x1b[31m\\xef\\xbf\\xbd`");
    }
}
