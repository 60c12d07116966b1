//! Fields that hold one value by their definition. What the value means is read elsewhere.
//!
//! INVARIANT: an admitted request says each of these once. Said twice, the first counts for one reader, the last for
//! another and the joined list for a third (Envoy CVE-2026-26308), so what was decided on need not be what the origin
//! acts on. A list in one line is the same as repetition (RFC 9110 §5.3), so it is refused wherever no value has a comma.

use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Version};

use crate::Ambiguity;

/// Refuses a second line of any of these fields.
///
/// `Cookie` too, except in HTTP/2, which may split it (RFC 9113 §8.2.3) and obliges whoever leaves HTTP/2 to join it.
pub(crate) fn stands_once(head: &Parts) -> Result<(), Ambiguity> {
    let headers = &head.headers;
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    let repeated = |name: &HeaderName| headers.get_all(name).iter().nth(1).is_some();
    let cookie = (head.version != Version::HTTP_2 && repeated(&header::COOKIE)).then_some(&header::COOKIE);
    match cookie.or_else(|| SINGLE.iter().map(|(name, _)| name).find(|name| repeated(name))) {
        Some(name) => Err(Ambiguity::new("repeated_header", format!("`{name}` stands more than once"))),
        None => Ok(()),
    }
}

/// Refuses a list in a field of one value.
pub(crate) fn is_no_list(name: &HeaderName, value: &HeaderValue) -> Result<(), Ambiguity> {
    let bytes = value.as_bytes();
    if !bytes.contains(&b',') {
        return Ok(());
    }
    let Some((_, commas)) = SINGLE.iter().find(|(single, _)| single == name) else { return Ok(()) };
    let is_list = match commas {
        Commas::Any => false,
        Commas::Address => bytes.windows(2).any(|pair| matches!(pair, b", " | b",\t")),
        Commas::Date => outside_quotes(bytes).is_none_or(|commas| commas > 1),
        Commas::Quoted => outside_quotes(bytes).is_none_or(|commas| commas > 0),
    };
    if is_list {
        let detail = format!("`{name}` holds one value and has a list");
        return Err(Ambiguity::new("repeated_header", detail));
    }
    Ok(())
}

/// Refuses a second line of a field that policies read as one value. Other spellings of its name do not get as far.
///
/// # Errors
/// [`Ambiguity`], `repeated_header`.
pub fn read_once(headers: &HeaderMap, name: &str) -> Result<(), Ambiguity> {
    match headers.get_all(name).iter().nth(1) {
        Some(_) => {
            let detail = format!("`{name}` stands more than once, and policies read it as one value");
            Err(Ambiguity::new("repeated_header", detail))
        }
        None => Ok(()),
    }
}

/// Joins the lines of `Cookie` that HTTP/2 may have split into the one that every origin reads (RFC 9113 §8.2.3).
pub(crate) fn join_cookies(headers: &mut HeaderMap) -> Result<(), Ambiguity> {
    if headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return Ok(());
    }
    let crumbs: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let joined = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
        .map_err(|_| Ambiguity::new("bad_header_value", "the lines of `cookie` cannot be joined"))?;
    headers.insert(header::COOKIE, joined);
    Ok(())
}

/// Where a single value may have commas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Commas {
    /// Anywhere: a list looks like one value.
    Any,
    /// Not before white space, which an address (RFC 3986) has nowhere.
    Address,
    /// Once outside quoted strings: `Sun, 06 Nov 1994 08:49:37 GMT`.
    Date,
    /// Within quoted strings only.
    Quoted,
}

/// Commas outside quoted strings (RFC 9110 §5.6.4); `None` where a quote does not end, which hides what follows from
/// some readers and not from others.
fn outside_quotes(bytes: &[u8]) -> Option<usize> {
    let (mut commas, mut quoted, mut escaped) = (0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => commas += 1,
            _ => {}
        }
    }
    (!quoted).then_some(commas)
}

static SINGLE: [(HeaderName, Commas); 24] = [
    // A host with a comma is no host, and refused as such.
    (header::HOST, Commas::Any),
    // Who asks, as we and the origin read it. Credentials may have parameters, and a key may be any text.
    (header::AUTHORIZATION, Commas::Any),
    (header::PROXY_AUTHORIZATION, Commas::Any),
    (HeaderName::from_static("x-api-key"), Commas::Any),
    (header::FROM, Commas::Quoted),
    // Comments of browsers have commas.
    (header::USER_AGENT, Commas::Any),
    // From where it was asked: cross-site defences rest on these.
    (header::ORIGIN, Commas::Quoted),
    (header::REFERER, Commas::Address),
    (HeaderName::from_static("sec-fetch-site"), Commas::Quoted),
    (HeaderName::from_static("sec-fetch-mode"), Commas::Quoted),
    (HeaderName::from_static("sec-fetch-dest"), Commas::Quoted),
    (HeaderName::from_static("sec-fetch-user"), Commas::Quoted),
    (header::ACCESS_CONTROL_REQUEST_METHOD, Commas::Quoted),
    // How the body is read.
    (header::CONTENT_TYPE, Commas::Quoted),
    (header::CONTENT_LOCATION, Commas::Address),
    (header::CONTENT_RANGE, Commas::Quoted),
    // A list by its grammar (RFC 9110 §10.1.1), of which one member is defined.
    (header::EXPECT, Commas::Quoted),
    // Whether and which part is answered.
    (header::IF_MODIFIED_SINCE, Commas::Date),
    (header::IF_UNMODIFIED_SINCE, Commas::Date),
    (header::IF_RANGE, Commas::Date),
    // One field of several ranges: `bytes=0-1, 5-6`.
    (header::RANGE, Commas::Any),
    (header::MAX_FORWARDS, Commas::Quoted),
    (header::DATE, Commas::Date),
    (header::SEC_WEBSOCKET_KEY, Commas::Quoted),
];

#[cfg(test)]
mod tests;
