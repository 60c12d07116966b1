//! What an app allows beyond the strictest reading of paths.
//!
//! INVARIANT: none of these lets two readings through. Each either resolves what was written, so that the resolved path
//! is decided and forwarded, or keeps it in one spelling that is decided and forwarded as it stands.

/// The named options of an app, all off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one option of the configuration, and any may go with any"
)]
pub struct Loosened {
    /// `%2F` stays `%2F` within its segment.
    pub encoded_slash: bool,
    /// `%5C` stays `%5C`, and a bare `\` becomes it.
    pub backslash: bool,
    /// `.` and `..`, however encoded, are resolved (RFC 3986 §5.2.4).
    pub dot_segments: bool,
    /// `%25` may stand before two hexadecimal digits and stays.
    pub double_encoding: bool,
    /// `;` and `%3B` stay in their segment, as `;` and `%3B`.
    pub parameters: bool,
    /// `//` is merged into `/`.
    pub empty_segments: bool,
    /// `%23` and `%3F` stay in their segment.
    pub encoded_delimiters: bool,
}

impl Loosened {
    /// Every option by the name it has in the configuration, with how to set it.
    pub const OPTIONS: [(&'static str, fn(&mut Self)); 7] = [
        ("encoded_slash", |loosened| loosened.encoded_slash = true),
        ("backslash", |loosened| loosened.backslash = true),
        ("dot_segments", |loosened| loosened.dot_segments = true),
        ("double_encoding", |loosened| loosened.double_encoding = true),
        ("parameters", |loosened| loosened.parameters = true),
        ("empty_segments", |loosened| loosened.empty_segments = true),
        ("encoded_delimiters", |loosened| loosened.encoded_delimiters = true),
    ];
}
