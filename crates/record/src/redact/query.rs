//! A query as text, still encoded, cut into parameters the way any server may cut it. Names stay; secret values go.
//!
//! INVARIANT: where two servers would disagree on where a value ends, it ends where the later one says.

use super::names::{Names, Readings};
use super::{REDACTED, cut, mask};

pub(super) fn redact(names: &Names, query: &str) -> String {
    let mut text = String::with_capacity(query.len().min(LONGEST_QUERY));
    for (at, parameter) in query.split('&').enumerate() {
        if at > 0 {
            text.push('&');
        }
        parameters(names, parameter, &mut text);
        if text.len() > LONGEST_QUERY {
            break;
        }
    }
    let text = mask::credentials(&text);
    let text = cut(&text, LONGEST_QUERY);
    if text.chars().any(char::is_control) { text.escape_debug().to_string() } else { text.into_owned() }
}

/// What stands between two `&`. Some servers separate by `;` too, others take it as part of the value: so after a
/// secret parameter everything goes, and any parameter behind a `;` may be a secret one.
fn parameters(names: &Names, parameter: &str, text: &mut String) {
    let mut rest = parameter;
    loop {
        let (part, after) = rest.split_once(';').map_or((rest, None), |(part, after)| (part, Some(after)));
        match part.split_once('=') {
            Some((name, value)) => {
                push_name(names, name, text);
                text.push('=');
                if names.query(name) || hides_secret(names, name) {
                    if !value.is_empty() || after.is_some() {
                        text.push_str(REDACTED);
                    }
                    return;
                }
                text.push_str(if hides_secret(names, value) { REDACTED } else { value });
            }
            None => push_name(names, part, text),
        }
        let Some(after) = after else { return };
        text.push(';');
        rest = after;
    }
}

/// A name, unless it holds a name and a value itself: `?token%3Dabc`.
fn push_name(names: &Names, name: &str, text: &mut String) {
    text.push_str(if hides_secret(names, name) { REDACTED } else { name });
}

/// Whether a text, on any reading, has a secret parameter within: an address with a query, a form, JSON.
fn hides_secret(names: &Names, text: &str) -> bool {
    Readings::of(text).any(|reading| {
        let assigned = reading.match_indices(['=', ':']).any(|(at, _)| {
            let before = reading.get(..at).unwrap_or_default();
            let name = before.rsplit(SEPARATORS).next().unwrap_or_default();
            names.query(name)
        });
        assigned || mask::is_credential_within(&reading)
    })
}

/// What may stand before a name within a value.
const SEPARATORS: [char; 11] = ['?', '&', ';', '#', '/', ',', '{', '=', '\n', ' ', '\t'];

/// Longest query recorded, in bytes.
const LONGEST_QUERY: usize = 2048;
