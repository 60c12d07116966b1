//! What a request head says about itself: its fields' names and values, and where its body ends. Which fields hold one
//! value is in `single`. The HTTP library refuses most of this too; its word is not taken for it (RUSTSEC-2021-0020).

use http::header::{self, CONTENT_LENGTH, HeaderMap, HeaderName, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Version};

use crate::ambiguity::quoted;
use crate::{Ambiguity, single};

/// Examines names, values, body length and repetition, in this order.
pub(crate) fn examine(head: &Parts) -> Result<(), Ambiguity> {
    let headers = &head.headers;
    if headers.len() > MOST_HEADERS {
        let detail = format!("{} header fields, at most {MOST_HEADERS} are read", headers.len());
        return Err(Ambiguity::new("too_many_headers", detail));
    }
    for (name, value) in headers {
        name_is_plain(name)?;
        value_is_plain(name, value)?;
        single::is_no_list(name, value)?;
    }
    if head.version == Version::HTTP_2 {
        connection_specific(headers)?;
    }
    connection_options(headers)?;
    transfer_encoding(head)?;
    content_length(headers)?;
    single::stands_once(head)
}

/// Names are letters, digits and `-`. RFC 9110 allows more, but servers that turn `_` or `.` into `-` then read one
/// field where we read another (oauth2-proxy CVE-2025-64484, Traefik CVE-2026-39858).
fn name_is_plain(name: &HeaderName) -> Result<(), Ambiguity> {
    if name.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(());
    }
    let detail = format!(
        "the header name {} has other characters than letters, digits and `-`",
        quoted(name.as_str())
    );
    Err(Ambiguity::new("bad_header_name", detail))
}

/// Control characters end lines, strings or fields early in some reader (RFC 9110 §5.5); tab is white space. Bytes beyond
/// ASCII have no meaning of their own there: one reader takes them for Latin-1, another for UTF-8, and a third breaks
/// (Envoy CVE-2023-27488 let requests in by it). So they pass only as UTF-8, which all readers can carry unchanged, and
/// without what is a line break beyond ASCII (U+0085, U+2028, U+2029).
fn value_is_plain(name: &HeaderName, value: &HeaderValue) -> Result<(), Ambiguity> {
    let bytes = value.as_bytes();
    // To the end, whatever is found: without an early way out, the compiler has sixteen bytes looked at at a time.
    if bytes.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~' | b'\t')) {
        return Ok(());
    }
    let fault = match str::from_utf8(bytes) {
        Err(_) => "has bytes that are not UTF-8",
        Ok(text) if text.chars().any(ends_something) => "has a control character",
        Ok(_) => return Ok(()),
    };
    Err(Ambiguity::new("bad_header_value", format!("the value of `{name}` {fault}")))
}

fn ends_something(character: char) -> bool {
    character != '\t' && (character.is_control() || matches!(character, '\u{2028}' | '\u{2029}'))
}

/// RFC 9113 §8.2.2: HTTP/2 has its own way to say each of these. Where a request is turned into HTTP/1.1 behind us they
/// would come to life (request smuggling by downgrade).
fn connection_specific(headers: &HeaderMap) -> Result<(), Ambiguity> {
    if let Some(name) = CONNECTION_SPECIFIC.iter().find(|name| headers.contains_key(*name)) {
        return Err(Ambiguity::new("ambiguous_framing", format!("`{name}` in an HTTP/2 request")));
    }
    let trailers = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"trailers");
    if headers.get_all(header::TE).iter().all(trailers) {
        return Ok(());
    }
    Err(Ambiguity::new("ambiguous_framing", "a `TE` other than `trailers` in an HTTP/2 request"))
}

/// RFC 9110 §7.6.1: what says how the content is read, and for whom it is, is for every recipient and so no option of a
/// connection. Were it taken away on the caller's word, the origin would guess at a body that was checked by its
/// `Content-Type`.
fn connection_options(headers: &HeaderMap) -> Result<(), Ambiguity> {
    let options = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    for option in options.map(<[u8]>::trim_ascii) {
        let of_content = option.get(..CONTENT.len()).is_some_and(|start| start.eq_ignore_ascii_case(CONTENT));
        if of_content || option.eq_ignore_ascii_case(b"host") {
            let detail = format!("`Connection` names {}, which is for the origin", quoted(option));
            return Err(Ambiguity::new("ambiguous_framing", detail));
        }
    }
    Ok(())
}

/// RFC 9112 §6.1 and §6.3. Pingora CVE-2026-2835: codings on HTTP/1.0, lists and repetitions each made two servers
/// disagree on where the body ends, so the one value accepted is `chunked`.
fn transfer_encoding(head: &Parts) -> Result<(), Ambiguity> {
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return Ok(()) };
    let fault = if head.version == Version::HTTP_10 {
        "`Transfer-Encoding` in an HTTP/1.0 request"
    } else if codings.next().is_some() {
        "several `Transfer-Encoding` fields"
    } else if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        "a `Transfer-Encoding` other than exactly `chunked`"
    } else if head.headers.contains_key(CONTENT_LENGTH) {
        "`Transfer-Encoding` and `Content-Length` together"
    } else {
        return Ok(());
    };
    Err(Ambiguity::new("ambiguous_framing", fault))
}

/// RFC 9110 §8.6: digits and nothing else, once.
fn content_length(headers: &HeaderMap) -> Result<(), Ambiguity> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let Some(length) = lengths.next() else { return Ok(()) };
    if lengths.next().is_some() {
        return Err(Ambiguity::new("ambiguous_framing", "several `Content-Length` fields"));
    }
    let bytes = length.as_bytes();
    let digits = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    if !digits || str::from_utf8(bytes).ok().and_then(|text| text.parse::<u64>().ok()).is_none() {
        let detail = format!("the `Content-Length` {} is no number of bytes", quoted(bytes));
        return Err(Ambiguity::new("ambiguous_framing", detail));
    }
    Ok(())
}

/// `TE` may stand there, for trailers.
static CONNECTION_SPECIFIC: [HeaderName; 5] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What the names of fields about the content begin with.
const CONTENT: &[u8] = b"content-";

/// Most header fields in one request. Browsers send about thirty, and the widely used servers stop at 100, as does the
/// HTTP library of the proxy.
const MOST_HEADERS: usize = 100;

#[cfg(test)]
mod tests;
