//! What an app allows beyond the strictest reading of paths, and what each option assumes about its origin.
//!
//! INVARIANT: none of these lets two readings through while its assumption holds. Each either resolves what was written,
//! so that the resolved path is decided and forwarded, or keeps it in one spelling that is decided and forwarded as it
//! stands. And none lets anything climb: whatever an origin decodes, splits or cuts, kept text never becomes `.` or `..`.

/// The named options of an app, all off by default.
///
/// There is none for a raw `#` (HTTP libraries cut there, so two programs in a row disagree on the path), for NUL and
/// other control bytes (they end strings, lines and log entries), and for encoded bytes that are not UTF-8, overlong
/// forms included (lenient decoders read `%C0%AF` as `/`). No application needs these, and no assumption about one
/// makes them safe: they are misread by libraries, not by applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one option of the configuration, and any may go with any"
)]
pub struct Loosened {
    /// `%2F` stays `%2F` within its segment, beside no other slash unless `empty_segments` allows that.
    ///
    /// Assumes that the origin splits the path before it decodes it. One that decodes first finds more segments than
    /// the route that was decided on.
    pub encoded_slash: bool,
    /// `%5C` stays `%5C`, and a bare `\` becomes it.
    ///
    /// Assumes that the origin takes a backslash for an ordinary character, as all but those on Windows do.
    pub backslash: bool,
    /// `.` and `..`, however encoded, are resolved (RFC 3986 §5.2.4). What would leave the root, or step back over
    /// `//`, is refused still.
    ///
    /// Assumes nothing: the origin gets the resolved path. Where another proxy forwards what was written, the gate leaves
    /// this and `empty_segments` off.
    pub dot_segments: bool,
    /// `%25` may stand before two hexadecimal digits and stays; what is encoded more than four times is refused still.
    ///
    /// Assumes that the origin decodes once.
    pub double_encoding: bool,
    /// `;` and `%3B` stay in their segment, as `;` and `%3B`. Routes speak of what stands before them: `/admin;v=1` is
    /// decided as `/admin`, since servers that know parameters (RFC 3986 §3.3) serve the one for the other. A segment
    /// of parameters alone is refused still.
    ///
    /// Assumes that an origin to which `/admin;v=1` is another resource than `/admin` guards it no more strictly, and that
    /// none cuts the whole path at its first `;` (Envoy CVE-2026-73511), which would read `/admin;/open` as `/admin`.
    pub parameters: bool,
    /// `//` is merged into `/`.
    ///
    /// Assumes nothing: the origin gets the merged path.
    pub empty_segments: bool,
    /// `%23` and `%3F` stay in their segment.
    ///
    /// Assumes that the origin cuts the query off before it decodes the path.
    pub encoded_delimiters: bool,
}

impl Loosened {
    /// Every option by the name it has in the configuration, with how to set it.
    pub const OPTIONS: [Setting; 7] = [
        ("encoded_slash", |loosened| loosened.encoded_slash = true),
        ("backslash", |loosened| loosened.backslash = true),
        ("dot_segments", |loosened| loosened.dot_segments = true),
        ("double_encoding", |loosened| loosened.double_encoding = true),
        ("parameters", |loosened| loosened.parameters = true),
        ("empty_segments", |loosened| loosened.empty_segments = true),
        ("encoded_delimiters", |loosened| loosened.encoded_delimiters = true),
    ];
}

/// A name, and how to set what it names.
type Setting = (&'static str, fn(&mut Loosened));
