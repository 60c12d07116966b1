//! What a request head says about itself: its fields' names and values, which may stand once only, and where its body
//! ends. The HTTP library refuses most of this too; its word is not taken for it (RUSTSEC-2021-0020).

use http::header::{self, CONTENT_LENGTH, HeaderMap, HeaderName, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Version};

use crate::Ambiguity;
use crate::ambiguity::quoted;

/// Examines names, values, repetition and body length, in this order.
pub(crate) fn examine(head: &Parts) -> Result<(), Ambiguity> {
    let headers = &head.headers;
    if headers.len() > MOST_HEADERS {
        let detail = format!("{} header fields, at most {MOST_HEADERS} are read", headers.len());
        return Err(Ambiguity::new("too_many_headers", detail));
    }
    for (name, value) in headers {
        name_is_plain(name)?;
        value_is_plain(name, value)?;
    }
    transfer_encoding(head)?;
    content_length(headers)?;
    single_valued(headers)
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

/// Control bytes end lines, strings or fields early in some reader (RFC 9110 §5.5). Tab is white space.
fn value_is_plain(name: &HeaderName, value: &HeaderValue) -> Result<(), Ambiguity> {
    if value.as_bytes().iter().all(|byte| !byte.is_ascii_control() || *byte == b'\t') {
        return Ok(());
    }
    Err(Ambiguity::new("bad_header_value", format!("the value of `{name}` has a control byte")))
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

fn single_valued(headers: &HeaderMap) -> Result<(), Ambiguity> {
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    match SINGLE_VALUED.iter().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        Some(name) => Err(Ambiguity::new("repeated_header", format!("`{name}` stands more than once"))),
        None => Ok(()),
    }
}

/// Fields that hold one value by their definition. Sent twice, the first counts for one reader, the last for another
/// and the joined list for a third (Envoy CVE-2026-26308), so what we decided on need not be what the origin acts on.
static SINGLE_VALUED: [HeaderName; 24] = [
    header::HOST,
    // Who asks, as we and the origin read it.
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    header::FROM,
    header::USER_AGENT,
    // From where it was asked: cross-site defences rest on these.
    header::ORIGIN,
    header::REFERER,
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("sec-fetch-dest"),
    HeaderName::from_static("sec-fetch-user"),
    header::ACCESS_CONTROL_REQUEST_METHOD,
    // How the body is read.
    header::CONTENT_TYPE,
    header::CONTENT_LOCATION,
    header::CONTENT_RANGE,
    header::EXPECT,
    // Whether and which part is answered.
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
    header::RANGE,
    header::MAX_FORWARDS,
    header::DATE,
    header::SEC_WEBSOCKET_KEY,
];

/// Most header fields in one request. Browsers send about thirty, and the widely used servers stop at 100, as does the
/// HTTP library of the proxy.
const MOST_HEADERS: usize = 100;

#[cfg(test)]
mod tests;
