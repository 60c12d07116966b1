//! What is wrong with a body, in words for its sender. It never says anything of the origin, and of what was sent it repeats
//! at most 64 characters, escaped: the text may end up in a page, a log or a terminal.

use std::fmt::Write;

/// Why a body is refused. Never 403: the sender may well be allowed to send it right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadFault {
    /// It has more bytes than the route takes.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// Most bytes taken.
        limit: u64,
    },
    /// Its type is not taken, or not said, or its character set is not UTF-8.
    #[error("the content type {} is not accepted; send {}", sent.as_deref().unwrap_or("(none)"), accepted.join(", "))]
    Unsupported {
        /// As sent, escaped and cut. `None`: there was none.
        sent: Option<String>,
        /// The types that are taken, as configured: what `Accept` in the answer may say (RFC 9110 §15.5.16).
        accepted: Vec<String>,
    },
    /// It is encoded (compressed), so that what is checked would not be what the origin reads.
    #[error("the content encoding {sent} is not accepted; send the body as it is")]
    Encoded {
        /// As sent, escaped and cut. The answer's `Accept-Encoding` is `identity` (RFC 9110 §12.5.3).
        sent: String,
    },
    /// It is not of the syntax that its type promises.
    #[error("the body is malformed at line {line}, column {column}: {detail}")]
    Malformed {
        /// What is wrong there.
        detail: String,
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1; 0 at a line's very beginning.
        column: usize,
    },
    /// It is nested too deeply.
    #[error("the body is nested more than {limit} deep")]
    TooDeep {
        /// Most arrays and objects within each other.
        limit: usize,
    },
    /// It reads well and says what the route does not take. At most ten faults, in the order of their pointers.
    #[error("the body is not as the route expects it: {}", list(.0))]
    Invalid(Vec<FieldFault>),
}

/// What is wrong at one place of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// The place, as a JSON pointer (RFC 6901): `/items/3/price`; `/email` for a form's field; empty for the whole body.
    /// Cut after 256 characters.
    pub pointer: String,
    /// What is expected there.
    pub message: String,
}

impl PayloadFault {
    /// The HTTP status: 413, 415, 400 where the syntax is wrong, 422 where only the content is (RFC 9110 §15.5).
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLarge { .. } => 413,
            Self::Unsupported { .. } | Self::Encoded { .. } => 415,
            // Beyond the depth nobody looked whether the syntax is right.
            Self::Malformed { .. } | Self::TooDeep { .. } => 400,
            Self::Invalid(_) => 422,
        }
    }

    /// The stable code that callers and metrics see.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "payload_too_large",
            Self::Unsupported { .. } | Self::Encoded { .. } => "unsupported_media_type",
            Self::Malformed { .. } => "malformed_payload",
            Self::TooDeep { .. } => "payload_too_deep",
            Self::Invalid(_) => "invalid_payload",
        }
    }
}

impl FieldFault {
    pub(crate) fn new(pointer: &str, message: impl Into<String>) -> Self {
        Self { pointer: shown(pointer, LONGEST_POINTER), message: message.into() }
    }
}

/// Most faults told of one body: enough to mend a form in one go, too few to make an answer long.
pub(crate) const MOST_FAULTS: usize = 10;

/// Most characters repeated of one thing that was sent.
pub(crate) const MOST_SHOWN: usize = 64;

const LONGEST_POINTER: usize = 256;

/// At most `most` characters of `text`, without any that act instead of being seen: controls and the marks that turn the
/// direction of text.
pub(crate) fn shown(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == most {
            shown.push('…');
            break;
        }
        match character {
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                shown.extend(character.escape_unicode());
            }
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    shown
}

/// Bytes that should have been text, shown as such.
pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    // Four bytes make at most one character: the rest need not be looked at.
    let start = bytes.get(..MOST_SHOWN * 4 + 4).unwrap_or(bytes);
    shown(&String::from_utf8_lossy(start), MOST_SHOWN)
}

fn list(faults: &[FieldFault]) -> String {
    let mut text = String::new();
    for (index, fault) in faults.iter().enumerate() {
        let (separator, place) = (if index == 0 { "" } else { "; " }, &fault.pointer);
        // Writing to a `String` cannot fail.
        write!(text, "{separator}`{place}` {}", fault.message).unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_cut_and_cannot_act() {
        assert_eq!(shown(&"é".repeat(65), MOST_SHOWN), format!("{}…", "é".repeat(64)));
        assert_eq!(shown(&"é".repeat(64), MOST_SHOWN), "é".repeat(64));
        assert_eq!(shown("a\u{1b}[31m\r\n\0\u{202e}b", MOST_SHOWN), "a\\u{1b}[31m\\r\\n\\u{0}\\u{202e}b");
        assert_eq!(shown_bytes(b"a\xff"), "a\u{fffd}");
    }

    #[test]
    fn a_fault_reads_as_one_line() {
        let faults = vec![FieldFault::new("/a", "is required"), FieldFault::new("", "must be an object")];
        let expected = "the body is not as the route expects it: `/a` is required; `` must be an object";
        assert_eq!(PayloadFault::Invalid(faults).to_string(), expected);
        let fault = PayloadFault::Unsupported { sent: None, accepted: vec!["a/b".into(), "c/d".into()] };
        assert_eq!(fault.to_string(), "the content type (none) is not accepted; send a/b, c/d");
    }
}
