//! Which form an answer takes: what the caller's headers prefer, by RFC 9110 §12 and the Fetch metadata.
//!
//! Only preferences are read here; no text is chosen and nothing is refused. A header that is not in the form of its
//! kind counts as absent: content negotiation never makes an error of its own.

use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A page, for a person who navigated here.
    Html,
    /// A JSON body, for every other client.
    Json,
    /// A gRPC status in the header block of a 200.
    Grpc,
}

/// The form this caller reads.
///
/// A page only for a browser's navigation: `Sec-Fetch-Mode: navigate`, or, where no Fetch metadata comes, an `Accept`
/// that prefers `text/html` to JSON. A script's fetch must get something that it can parse.
#[must_use]
pub fn form(headers: &HeaderMap) -> Form {
    if grpc(headers).is_some() {
        return Form::Grpc;
    }
    let page = match headers.get(SEC_FETCH_MODE) {
        Some(mode) => mode.as_bytes() == b"navigate",
        None => prefers_page(headers),
    };
    if page { Form::Html } else { Form::Json }
}

/// The gRPC dialect of the request: the content type to answer with.
pub(crate) fn grpc(headers: &HeaderMap) -> Option<&'static str> {
    let sent = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim();
    let is = |name: &str| {
        sent.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            && matches!(sent.as_bytes().get(name.len()), None | Some(b'+'))
    };
    ["application/grpc", "application/grpc-web", "application/grpc-web-text"]
        .into_iter()
        .find(|name| is(name))
}

fn prefers_page(headers: &HeaderMap) -> bool {
    let ranges = weighted(headers, ACCEPT);
    let json = quality(&ranges, "application", "problem+json").max(quality(&ranges, "application", "json"));
    quality(&ranges, "text", "html") > json
}

/// The weight of a media type: that of the most specific range that covers it (RFC 9110 §12.5.1), in thousandths.
fn quality(ranges: &[(&str, u16)], kind: &str, subtype: &str) -> u16 {
    let specificity = |range: &str| {
        let (range_kind, range_subtype) = range.split_once('/')?;
        match (range_kind, range_subtype) {
            ("*", "*") => Some(0),
            (only, "*") if only.eq_ignore_ascii_case(kind) => Some(1),
            (one, other) if one.eq_ignore_ascii_case(kind) && other.eq_ignore_ascii_case(subtype) => Some(2),
            _ => None,
        }
    };
    ranges
        .iter()
        .filter_map(|(range, weight)| Some((specificity(range)?, *weight)))
        .max_by_key(|(specific, _)| *specific)
        .map_or(0, |(_, weight)| weight)
}

/// The position in `offered` of the language the caller likes best (RFC 4647 §3.4 look-up, weights by RFC 9110
/// §12.5.4); 0 where none fits. Of equal weights the one named first counts.
#[must_use]
pub fn language(headers: &HeaderMap, offered: &[&str]) -> usize {
    let ranges = weighted(headers, ACCEPT_LANGUAGE);
    let mut best = (0, 0);
    for (range, weight) in &ranges {
        let position = if *range == "*" { Some(0) } else { look_up(range, offered) };
        if let Some(position) = position
            && *weight > best.1
        {
            best = (position, *weight);
        }
    }
    best.0
}

/// `de-AT-1996`, `de-AT`, `de`: from the particular to the general until one is offered.
fn look_up(range: &str, offered: &[&str]) -> Option<usize> {
    let mut range = range;
    loop {
        if let Some(found) = offered.iter().position(|one| one.eq_ignore_ascii_case(range)) {
            return Some(found);
        }
        range = range.rsplit_once('-')?.0;
    }
}

/// The elements of a list-valued header with their weights in thousandths, in the order sent.
fn weighted(headers: &HeaderMap, name: HeaderName) -> Vec<(&str, u16)> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| outside_quotes(line, b','))
        .filter_map(element)
        .take(MOST_ELEMENTS)
        .collect()
}

fn element(text: &str) -> Option<(&str, u16)> {
    let mut parts = outside_quotes(text, b';');
    let name = parts.next()?.trim();
    let mut weight = 1000;
    for parameter in parts {
        let Some((key, value)) = parameter.split_once('=') else { continue };
        if key.trim().eq_ignore_ascii_case("q") {
            weight = thousandths(value.trim())?;
        }
    }
    (!name.is_empty()).then_some((name, weight))
}

/// `qvalue` of RFC 9110 §12.4.2: `0` to `1` with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals = format!("{decimals:0<3}").parse::<u16>().ok()?;
    match (whole, decimals) {
        ("0", decimals) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// The pieces between separators that stand outside quoted strings (RFC 9110 §5.6.4).
fn outside_quotes(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ => return byte == separator && !quoted,
            }
            false
        });
        rest = end.and_then(|end| text.get(end + 1..));
        end.map_or(Some(text), |end| text.get(..end))
    })
}

/// Whether a browser sends this for a navigation, a fetch, or something else (Fetch Metadata Request Headers §2.2).
pub(crate) const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Browsers send fewer than ten.
const MOST_ELEMENTS: usize = 64;

#[cfg(test)]
mod tests;
