//! Segments of a path: empty ones and dots, and what an origin could make of the text that options keep in one.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::Loosened;

/// Merges and resolves what the options allow, and refuses the rest. Segments are seen after decoding, so that no
/// spelling of a dot or slash goes unseen.
pub(super) fn resolve(path: String, loosened: Loosened) -> Result<String, &'static str> {
    let inner = path.strip_prefix('/').unwrap_or(&path);
    // A final slash is no segment.
    let inside = inner.strip_suffix('/').unwrap_or(inner);
    if inner.is_empty() || !inside.split('/').any(is_empty_or_dots) {
        return Ok(path);
    }
    let mut open: Vec<&str> = Vec::new();
    for segment in inside.split('/') {
        match segment {
            "" if !loosened.empty_segments => return Err("has `//`"),
            "." | ".." if !loosened.dot_segments => return Err("has a dot segment"),
            ".." => match open.pop() {
                None => return Err("has a dot segment that leaves the root"),
                // Who merges first goes back by one segment more than who resolves first.
                Some("") => {
                    return Err("has a dot segment after `//`, where servers go back differently far");
                }
                Some(_) => {}
            },
            "." => {}
            segment => open.push(segment),
        }
    }
    let mut resolved = String::with_capacity(path.len());
    for segment in open.into_iter().filter(|segment| !segment.is_empty()) {
        resolved.push('/');
        resolved.push_str(segment);
    }
    if resolved.is_empty() || inner.rsplit('/').next().is_some_and(is_empty_or_dots) {
        resolved.push('/');
    }
    Ok(resolved)
}

fn is_empty_or_dots(segment: &str) -> bool {
    matches!(segment, "" | "." | "..")
}

/// Looks at kept text as origins might that break an option's assumption: decoded further, split at what is a slash
/// then, parameters and what follows `#` or `?` cut off. An assumption that does not hold may lead to a neighbour of
/// what was decided, never out of the folder: no reading has a dot segment, and each is text without control characters.
pub(super) fn examine_kept(path: &str, loosened: Loosened) -> Result<(), &'static str> {
    path.split('/').filter(|segment| segment.contains(['%', ';'])).try_for_each(|segment| {
        let mut reading = Cow::Borrowed(segment);
        for _ in 0..MOST_ENCODED {
            examine_pieces(&reading, loosened)?;
            let further =
                percent_decode_str(&reading).decode_utf8().map_err(|_| "is not UTF-8 when decoded")?;
            if *further == *reading {
                return Ok(());
            }
            if further.chars().any(char::is_control) {
                return Err("has an encoded control character");
            }
            if has_wide_triplet(&further) {
                return Err("has `%u` before four hexadecimal digits, which some origins decode");
            }
            reading = Cow::Owned(further.into_owned());
        }
        Err("is percent-encoded more than four times")
    })
}

fn examine_pieces(segment: &str, loosened: Loosened) -> Result<(), &'static str> {
    segment.split(['/', '\\']).try_for_each(|piece| {
        let cut = piece.find([';', '#', '?']);
        let name = cut.and_then(|at| piece.get(..at)).unwrap_or(piece);
        match name {
            "." | ".." => Err("has a dot segment where an origin decodes or cuts further"),
            "" if piece.starts_with(';') => {
                Err("has a segment of parameters alone, `//` where they are cut off")
            }
            "" if cut.is_none() && !loosened.empty_segments => Err("has an encoded slash beside another"),
            _ => Ok(()),
        }
    })
}

/// `%u002F`: not of any standard, and decoded by some servers all the same.
fn has_wide_triplet(text: &str) -> bool {
    text.match_indices('%').any(|(at, _)| {
        let after = text.as_bytes().get(at + 1..).unwrap_or_default();
        after.first().is_some_and(|first| first.eq_ignore_ascii_case(&b'u'))
            && after.get(1..5).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Decodings that are followed: more rounds than any chain of proxies makes, and few enough that a path of nothing but
/// `%25252525…` costs no more than a few passes. The last one must find nothing left to decode.
const MOST_ENCODED: usize = 5;
