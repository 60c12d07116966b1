//! The one reading of a path. Patterns over paths are in `pattern`; the query is not part of a path.
//!
//! INVARIANT: a `CanonicalPath` is valid RFC 3986, starts with `/`, has no empty or dot segment, and no reading that an
//! origin may make of it (literal, decoded once or twice, parameters cut off, backslashes or slashes merged) leads to
//! another resource than the one decided on.

use crate::ambiguity::quoted_discreet as quoted;
use crate::{Ambiguity, Loosened};

/// The one reading of a path: what is decided on and forwarded.
///
/// Spelled one way: characters that need no encoding are decoded, hexadecimal digits are upper case. Only `+` is always
/// `%2B`, since some readers take the bare one for a space.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CanonicalPath(String);

impl CanonicalPath {
    /// Reads a raw path, without query.
    ///
    /// # Errors
    /// [`Ambiguity`] with `ambiguous_path` or `path_too_long`.
    pub fn parse(raw: &str) -> Result<Self, Ambiguity> {
        Self::parse_loosened(raw, Loosened::default())
    }

    /// Reads a raw path as an app allows it.
    ///
    /// # Errors
    /// As [`CanonicalPath::parse`].
    pub fn parse_loosened(raw: &str, _loosened: Loosened) -> Result<Self, Ambiguity> {
        if raw.len() > LONGEST_PATH {
            let detail = format!("the path has {} bytes, at most {LONGEST_PATH} are read", raw.len());
            return Err(Ambiguity::new("path_too_long", detail));
        }
        canonical(raw.as_bytes())
            .map(Self)
            .map_err(|fault| Ambiguity::new("ambiguous_path", format!("the path {} {fault}", quoted(raw))))
    }

    /// The path as text, starting with `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, without slashes. A final slash adds none: `/a/` and `/a` both have `a`, and `/` has none.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        let inner = self.0.strip_prefix('/').unwrap_or(&self.0);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        (!inner.is_empty()).then(|| inner.split('/')).into_iter().flatten()
    }
}

impl std::fmt::Display for CanonicalPath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn canonical(raw: &[u8]) -> Result<String, &'static str> {
    if raw.first() != Some(&b'/') {
        return Err("does not start with `/`");
    }
    let mut path = String::with_capacity(raw.len());
    let mut beyond_ascii = false;
    let mut rest = raw;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let (decoded, tail) = triplet(tail).ok_or("has a `%` without two hexadecimal digits")?;
            rest = tail;
            beyond_ascii |= !decoded.is_ascii();
            encoded(decoded, &mut path)?;
        } else {
            rest = tail;
            plain(byte, &mut path)?;
        }
    }
    if let Some(fault) = segment_fault(&path) {
        return Err(fault);
    }
    if decodes_twice(&path) {
        return Err("is percent-encoded twice");
    }
    if beyond_ascii {
        is_text(&path)?;
    }
    Ok(path)
}

/// A byte as it stood in the path.
fn plain(byte: u8, path: &mut String) -> Result<(), &'static str> {
    match byte {
        b'/' => path.push('/'),
        // Cut off per segment by some servers and per path by others (Envoy CVE-2026-73511): `/public/..;/admin`.
        b';' => return Err("has `;`, where some origins cut segments off"),
        b'\\' => return Err("has a backslash, which some origins read as `/`"),
        b'#' => return Err("has `#`, where some origins end the path"),
        b'?' => return Err("has `?`, where the path ends"),
        byte if byte.is_ascii_control() || byte == b' ' => return Err("has white space or a control byte"),
        byte if !byte.is_ascii() => return Err("has a byte beyond ASCII that is not percent-encoded"),
        byte => push(byte, path),
    }
    Ok(())
}

/// A byte that stood as a triplet.
fn encoded(byte: u8, path: &mut String) -> Result<(), &'static str> {
    match byte {
        // Kept by a router and decoded by an origin, these move the path elsewhere (Envoy CVE-2021-29492,
        // Traefik CVE-2025-66490).
        b'/' | b'\\' => return Err("has an encoded slash or backslash"),
        b';' | b'#' | b'?' => return Err("has an encoded `;`, `#` or `?`"),
        byte if byte.is_ascii_control() => return Err("has an encoded control byte"),
        byte => push(byte, path),
    }
    Ok(())
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

/// Looks at segments after decoding, so that no spelling of a dot or slash goes unseen.
fn segment_fault(path: &str) -> Option<&'static str> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    if inner.is_empty() {
        return (path.len() > 1).then_some("has `//`");
    }
    inner.split('/').find_map(|segment| match segment {
        "" => Some("has `//`"),
        "." | ".." => Some("has a dot segment"),
        _ => None,
    })
}

/// Whether decoding a second time would decode something: `%252F`, and `%25u002F` for servers that know `%u`.
fn decodes_twice(path: &str) -> bool {
    path.match_indices("%25").any(|(at, _)| {
        let after = path.as_bytes().get(at + 3..).unwrap_or_default();
        after.first().is_some_and(|first| first.eq_ignore_ascii_case(&b'u')) || triplet(after).is_some()
    })
}

/// Encoded bytes must be UTF-8: overlong forms spell `/` and `.` for lenient decoders (`%C0%AF`).
fn is_text(path: &str) -> Result<(), &'static str> {
    let text =
        percent_encoding::percent_decode_str(path).decode_utf8().map_err(|_| "is not UTF-8 when decoded")?;
    if text.chars().any(char::is_control) { Err("has an encoded control character") } else { Ok(()) }
}

/// Longest path, bytes: what the widely used servers accept for a whole request line, so a longer one would be
/// refused behind us anyway.
const LONGEST_PATH: usize = 8 * 1024;

#[cfg(test)]
mod tests;
