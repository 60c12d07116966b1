//! The last net: credentials known by their looks, wherever they stand. Signed tokens (they begin with `eyJ`, which is
//! `{"` in base64) and our own API keys (`pk_`, eight characters, `_`, and the secret).
//!
//! INVARIANT: works on JSON text too: what is replaced has no quote, backslash or brace in it, nor has what replaces it.

use std::borrow::Cow;

use super::REDACTED;

/// The text with everything that looks like a credential replaced.
pub(crate) fn credentials(text: &str) -> Cow<'_, str> {
    if text.len() < SHORTEST_TOKEN {
        return Cow::Borrowed(text);
    }
    let Some(first) = next(text) else { return Cow::Borrowed(text) };
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = Some(first);
    while let Some((start, end)) = found {
        masked.push_str(rest.get(..start).unwrap_or_default());
        masked.push_str(REDACTED);
        rest = rest.get(end..).unwrap_or_default();
        found = next(rest);
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

/// Whether anything in the text looks like a credential.
pub(super) fn is_credential_within(text: &str) -> bool {
    next(text).is_some()
}

/// The first credential: where it starts and ends.
fn next(text: &str) -> Option<(usize, usize)> {
    let token = find(text, "eyJ", |token| token.len() >= SHORTEST_TOKEN);
    let key = find(text, "pk_", |token| token.get(11) == Some(&b'_') && token.len() >= SHORTEST_KEY);
    token.into_iter().chain(key).min()
}

/// The first run of token characters that begins with the mark and looks like a whole credential.
fn find(text: &str, mark: &str, looks: impl Fn(&[u8]) -> bool) -> Option<(usize, usize)> {
    // Most texts have no mark, and `contains` finds that out several bytes at a time.
    if !text.contains(mark) {
        return None;
    }
    text.match_indices(mark).find_map(|(start, _)| {
        let rest = text.as_bytes().get(start..)?;
        let length = rest.iter().take_while(|byte| is_token(**byte)).count();
        looks(rest.get(..length)?).then_some((start, start + length))
    })
}

/// A character of a token: base64 in either alphabet, its padding, and the dots between the parts of a signed one.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'/' | b'=' | b'~')
}

/// `eyJhbGciOiJFUzI1` is `{"alg":"ES2`: shorter ones tell nothing yet.
const SHORTEST_TOKEN: usize = 16;

/// With eight characters of its secret: the public prefix alone may be recorded.
const SHORTEST_KEY: usize = 20;
