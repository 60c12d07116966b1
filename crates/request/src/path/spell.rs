//! Bytes of a path: which may stand there, and their only spelling. Segments are looked at in `segments`, afterwards.

use crate::Loosened;

/// A path in its only spelling.
pub(super) struct Spelled {
    pub(super) path: String,
    /// Whether something stands in it that only an option allows.
    pub(super) kept: bool,
    /// Whether an encoded byte is beyond ASCII.
    pub(super) beyond_ascii: bool,
}

pub(super) fn spell(raw: &[u8], loosened: Loosened) -> Result<Spelled, &'static str> {
    if raw.first() != Some(&b'/') {
        return Err("does not start with `/`");
    }
    let mut spelled = Spelled { path: String::with_capacity(raw.len()), kept: false, beyond_ascii: false };
    let mut rest = raw;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let (decoded, tail) = triplet(tail).ok_or("has a `%` without two hexadecimal digits")?;
            rest = tail;
            spelled.encoded(decoded, loosened)?;
        } else {
            rest = tail;
            spelled.plain(byte, loosened)?;
        }
    }
    Ok(spelled)
}

impl Spelled {
    /// A byte as it stood in the path.
    fn plain(&mut self, byte: u8, loosened: Loosened) -> Result<(), &'static str> {
        match byte {
            b'/' => self.path.push('/'),
            b';' if loosened.parameters => self.keep(";"),
            // Cut off per segment by some servers and per path by others (Envoy CVE-2026-73511): `/public/..;/admin`.
            b';' => return Err("has `;`, where some origins cut segments off"),
            b'\\' if loosened.backslash => self.keep("%5C"),
            b'\\' => return Err("has a backslash, which some origins read as `/`"),
            b'#' => return Err("has `#`, where some origins end the path"),
            b'?' => return Err("has `?`, where the path ends"),
            byte if byte.is_ascii_control() || byte == b' ' => {
                return Err("has white space or a control byte");
            }
            byte if !byte.is_ascii() => return Err("has a byte beyond ASCII that is not percent-encoded"),
            byte => push(byte, &mut self.path),
        }
        Ok(())
    }

    /// A byte that stood as a triplet.
    fn encoded(&mut self, byte: u8, loosened: Loosened) -> Result<(), &'static str> {
        match byte {
            b'/' if loosened.encoded_slash => self.keep("%2F"),
            b'\\' if loosened.backslash => self.keep("%5C"),
            // Kept by a router and decoded by an origin, these move the path elsewhere (Envoy CVE-2021-29492,
            // Traefik CVE-2025-66490).
            b'/' | b'\\' => return Err("has an encoded slash or backslash"),
            b';' if loosened.parameters => self.keep("%3B"),
            b'#' if loosened.encoded_delimiters => self.keep("%23"),
            b'?' if loosened.encoded_delimiters => self.keep("%3F"),
            b';' | b'#' | b'?' => return Err("has an encoded `;`, `#` or `?`"),
            byte if byte.is_ascii_control() => return Err("has an encoded control byte"),
            byte => {
                self.beyond_ascii |= !byte.is_ascii();
                push(byte, &mut self.path);
            }
        }
        Ok(())
    }

    fn keep(&mut self, text: &str) {
        self.path.push_str(text);
        self.kept = true;
    }
}

/// Writes one byte in its only spelling: itself if a segment may hold it (RFC 3986 §3.3, `pchar`), else its triplet.
fn push(byte: u8, path: &mut String) {
    if byte.is_ascii_alphanumeric() || b"-._~!$&'()*,=:@".contains(&byte) {
        path.push(char::from(byte));
    } else {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        path.push('%');
        for half in [byte >> 4, byte & 0x0F] {
            path.push(DIGITS.get(usize::from(half)).copied().map_or('0', char::from));
        }
    }
}

fn triplet(tail: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, tail) = tail.split_first_chunk::<2>()?;
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    Some((u8::try_from(high? << 4 | low?).ok()?, tail))
}

/// Whether decoding a second time would decode something: `%252F`, and `%25u002F` for servers that know `%u`.
pub(super) fn decodes_twice(path: &str) -> bool {
    path.match_indices("%25").any(|(at, _)| {
        let after = path.as_bytes().get(at + 3..).unwrap_or_default();
        after.first().is_some_and(|first| first.eq_ignore_ascii_case(&b'u')) || triplet(after).is_some()
    })
}

/// Encoded bytes must be UTF-8: overlong forms spell `/` and `.` for lenient decoders (`%C0%AF`).
pub(super) fn is_text(path: &str) -> Result<(), &'static str> {
    let text =
        percent_encoding::percent_decode_str(path).decode_utf8().map_err(|_| "is not UTF-8 when decoded")?;
    if text.chars().any(char::is_control) { Err("has an encoded control character") } else { Ok(()) }
}
