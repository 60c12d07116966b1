//! Which texts from a credential may become attributes: they go on into records, pages and headers to origins.

/// Whether it is non-empty, at most so many bytes, and free of control characters, which would let it forge lines in
/// a header or a log.
pub(crate) fn is_plain(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.len() <= longest && !text.chars().any(char::is_control)
}

/// Whether it is one OAuth scope token (RFC 6749 §3.3).
pub(crate) fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_SCOPE
        && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

const LONGEST_SCOPE: usize = 256;
