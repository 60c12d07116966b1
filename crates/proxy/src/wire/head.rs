//! The rules of a whole head, and what is said about one that breaks them. Paths and hosts are read by the gate's
//! `admit`, from what passes here.
//!
//! INVARIANT: a head that passes is one that the HTTP library reads too, with the same body length: it never has to
//! refuse or repair one itself.

use std::mem::MaybeUninit;

use http::{Method, StatusCode, Uri};
use httparse::{ParserConfig, Request};
use portcullis_request::discreet;

use super::scan::Scan;

/// What a head that passed says about the rest of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadShape {
    /// Bytes of the head, with its last line end and an empty line before it.
    pub length: usize,
    /// Where the body ends.
    pub body: Framing,
    /// Whether it asks to leave HTTP: `CONNECT`, or any `Upgrade` field. The library takes `Upgrade` for a wish without
    /// looking at `Connection`, so here it counts alone too.
    pub upgrade: bool,
}

/// Where a request's body ends (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After this many bytes, at least one.
    Length(u64),
    /// After the last chunk and its trailers.
    Chunked,
}

/// Why a head is refused. Everything of the caller's in it is escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct HeadFault {
    /// Stable public code, one of [`HeadFault::CODES`].
    pub code: &'static str,
    /// What it is answered with: 400, 408, 414, 431 or 505. The connection closes.
    pub status: StatusCode,
    /// For the operator: what was seen. It repeats no value that may be a secret.
    pub detail: String,
    /// The method, as far as one can be told from what came.
    pub method: Option<String>,
    /// The target, likewise and with its secrets: use [`portcullis_request::discreet`] before it is kept.
    pub target: Option<String>,
    /// The first `Host` field, likewise.
    pub host: Option<String>,
}

impl HeadFault {
    /// Every code that a fault may have. The first four are of this door alone, the others mean what they mean in
    /// [`portcullis_request::Ambiguity::CODES`].
    pub const CODES: &[&str] = &[
        "malformed_request",
        "head_too_large",
        "target_too_long",
        "head_timeout",
        "unsupported_version",
        "too_many_headers",
        "bad_header_name",
        "bad_header_value",
        "ambiguous_framing",
        "repeated_header",
        "ambiguous_target",
        "missing_host",
        "invalid_host",
    ];
}

/// Examines the head at the start of `bytes`; what follows it is not looked at. Pure, of any bytes.
///
/// # Errors
/// [`HeadFault`], also where the head has no end.
pub fn check_head(bytes: &[u8]) -> Result<HeadShape, HeadFault> {
    let mut scan = Scan::default();
    scan.advance(bytes)
        .and_then(|end| end.ok_or_else(Found::cut_short))
        .and_then(|end| examine(bytes.get(scan.start()..end).unwrap_or_default(), end))
        .map_err(|found| found.within(bytes, scan.start()))
}

/// The rules that need all fields. `head` has passed a [`Scan`], which found its end at `length`.
pub(super) fn examine(head: &[u8], length: usize) -> Result<HeadShape, Found> {
    let mut places = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut request = Request::new(&mut []);
    let parsed = ParserConfig::default().parse_request_with_uninit_headers(&mut request, head, &mut places);
    match parsed {
        Ok(httparse::Status::Complete(end)) if end == head.len() => {}
        Ok(_) => return Err(Found::malformed("the head ends elsewhere for the HTTP library".to_owned())),
        Err(fault) => return Err(unreadable(fault, head)),
    }
    let method = request.method.unwrap_or_default();
    target(request.path.unwrap_or_default().as_bytes())?;
    if Method::from_bytes(method.as_bytes()).is_err() {
        return Err(Found::malformed(format!(
            "the method {} is none",
            shown(method.as_bytes(), LONGEST_QUOTE)
        )));
    }
    let mut fields = Fields::default();
    for field in request.headers.iter() {
        fields.add(field.name, field.value)?;
    }
    Ok(HeadShape {
        length,
        body: fields.framing(request.version == Some(1))?,
        upgrade: fields.upgrade || method == "CONNECT",
    })
}

/// RFC 9112 §3.2: visible ASCII, no fragment. A raw `#` ends the path for one reader and not for the next (Envoy
/// CVE-2021-32779, oauth2-proxy CVE-2026-41059).
fn target(target: &[u8]) -> Result<(), Found> {
    if target.len() > LONGEST_TARGET {
        let detail = format!("the target has {} bytes, at most {LONGEST_TARGET} are read", target.len());
        return Err(Found { code: "target_too_long", status: StatusCode::URI_TOO_LONG, detail });
    }
    let ambiguous = |why: String| Err(Found::bad_request("ambiguous_target", why));
    if let Some(byte) = target.iter().find(|byte| !byte.is_ascii_graphic() || **byte == b'#') {
        return ambiguous(format!(
            "the target {} has the byte `{}`, which must be percent-encoded",
            shown_discreet(target),
            byte.escape_ascii()
        ));
    }
    // The library reads it with this very parser; asked only where there may be a doubt, since it copies.
    let usual = target.first() == Some(&b'/') && target.iter().all(|byte| is_usual(*byte));
    if !usual && let Err(fault) = Uri::try_from(target) {
        return ambiguous(format!("the target {} is none: {fault}", shown_discreet(target)));
    }
    Ok(())
}

/// Bytes that the library's parser takes in path and query alike.
fn is_usual(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%?".contains(&byte)
}

/// What the fields that matter here say.
#[derive(Default)]
struct Fields<'a> {
    hosts: usize,
    length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
    upgrade: bool,
}

impl<'a> Fields<'a> {
    fn add(&mut self, name: &str, value: &'a [u8]) -> Result<(), Found> {
        let framing = |fault: &str| Err(Found::bad_request("ambiguous_framing", fault.to_owned()));
        if name.len() > LONGEST_NAME {
            let detail = format!("a header name of {} bytes, at most {LONGEST_NAME} are read", name.len());
            return Err(Found::bad_request("bad_header_name", detail));
        }
        if name.eq_ignore_ascii_case("host") {
            self.hosts += 1;
            return host(self.hosts, value);
        } else if name.eq_ignore_ascii_case("content-length") {
            if self.length.replace(value).is_some() {
                return framing("several `Content-Length` fields");
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if self.coding.replace(value).is_some() {
                return framing("several `Transfer-Encoding` fields");
            }
        } else if name.eq_ignore_ascii_case("upgrade") {
            self.upgrade = true;
        }
        Ok(())
    }

    /// RFC 9112 §6.1 to §6.3, without what makes two servers disagree on it (Pingora CVE-2026-2835): codings on
    /// HTTP/1.0, lists, repetitions, both kinds at once.
    fn framing(&self, version_1_1: bool) -> Result<Framing, Found> {
        let ambiguous = |detail: String| Err(Found::bad_request("ambiguous_framing", detail));
        if self.hosts == 0 {
            // RFC 9112 §3.2 asks it of HTTP/1.1 alone, but no route could be found without it.
            return Err(Found::bad_request("missing_host", "the request has no `Host` field".to_owned()));
        }
        match (self.coding, self.length) {
            (None, None) => Ok(Framing::None),
            (Some(_), Some(_)) => ambiguous("`Transfer-Encoding` and `Content-Length` together".to_owned()),
            (Some(_), None) if !version_1_1 => {
                ambiguous("`Transfer-Encoding` in an HTTP/1.0 request".to_owned())
            }
            (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
            (Some(coding), None) => ambiguous(format!(
                "the `Transfer-Encoding` {} is not exactly `chunked`",
                shown(coding, LONGEST_QUOTE)
            )),
            (None, Some(digits)) => match number(digits) {
                Some(0) => Ok(Framing::None),
                Some(length) => Ok(Framing::Length(length)),
                None => ambiguous(format!(
                    "the `Content-Length` {} is no number of bytes",
                    shown(digits, LONGEST_QUOTE)
                )),
            },
        }
    }
}

/// One field with one authority. Whether it names a host is for `admit`.
fn host(count: usize, value: &[u8]) -> Result<(), Found> {
    if count > 1 {
        return Err(Found::bad_request("repeated_header", "`host` stands more than once".to_owned()));
    }
    if value.iter().all(|byte| byte.is_ascii_graphic() && *byte != b',') {
        return Ok(());
    }
    Err(Found::bad_request("invalid_host", format!("`Host` is {}, not one host", shown_discreet(value))))
}

/// RFC 9110 §8.6: digits and nothing else. Nineteen digits always fit, and no body is longer.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > MOST_LENGTH_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Says what the library's parser could not read.
fn unreadable(fault: httparse::Error, head: &[u8]) -> Found {
    match fault {
        httparse::Error::Version => Found {
            code: "unsupported_version",
            status: StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            detail: "the version is neither HTTP/1.1 nor HTTP/1.0".to_owned(),
        },
        httparse::Error::TooManyHeaders => {
            let detail = format!("more than {MOST_FIELDS} header fields, at most {MOST_FIELDS} are read");
            Found::bad_request("too_many_headers", detail)
        }
        httparse::Error::HeaderName => bad_line(head),
        httparse::Error::HeaderValue => Found::bad_request("bad_header_value", fault.to_string()),
        other => Found::malformed(format!("the request line is unreadable: {other}")),
    }
}

/// The first line that is no field. A line without a name is not repeated, since it may be a part of a secret value.
fn bad_line(head: &[u8]) -> Found {
    for (number, line) in head.split(|byte| *byte == b'\n').enumerate().skip(1) {
        let colon = line.iter().position(|byte| *byte == b':');
        let name = line.get(..colon.unwrap_or_default()).unwrap_or_default();
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return Found::malformed(format!("line {number} of the fields begins with white space"));
        } else if colon.is_none() && line.len() > b"\r".len() {
            return Found::malformed(format!("line {number} of the fields has no `:`"));
        } else if colon.is_some() && (name.is_empty() || !name.iter().all(|byte| is_token(*byte))) {
            let detail = format!("the header name {} is none", shown(name, LONGEST_QUOTE));
            return Found::bad_request("bad_header_name", detail);
        }
    }
    Found::malformed("a field is unreadable".to_owned())
}

/// RFC 9110 §5.6.2.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A fault, before it is known what the head was about.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) code: &'static str,
    pub(super) status: StatusCode,
    pub(super) detail: String,
}

impl Found {
    pub(super) fn bad_request(code: &'static str, detail: String) -> Self {
        Self { code, status: StatusCode::BAD_REQUEST, detail }
    }

    pub(super) fn malformed(detail: String) -> Self {
        Self::bad_request("malformed_request", detail)
    }

    pub(super) fn cut_short() -> Self {
        Self::malformed("the head ends before its last line".to_owned())
    }

    /// With what `bytes`, in which a head begins at `start`, tell of the request. Read leniently, for the record alone.
    pub(super) fn within(self, bytes: &[u8], start: usize) -> HeadFault {
        let Self { code, status, detail } = self;
        let mut lines = bytes
            .get(start..)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii_end)
            .take(MOST_FIELDS + 1);
        let mut words = lines.next().unwrap_or_default().split(|byte| *byte == b' ');
        let method = words.next().filter(|word| !word.is_empty() && word.iter().all(|byte| is_token(*byte)));
        let target = words.next().filter(|word| method.is_some() && !word.is_empty());
        let host = lines.take_while(|line| !line.is_empty()).find_map(|line| {
            let (name, value) = line.split_at_checked(HOST.len())?;
            name.eq_ignore_ascii_case(HOST).then(|| value.trim_ascii())
        });
        let told = |part: &[u8]| escaped(part, LONGEST_TOLD);
        HeadFault {
            code,
            status,
            detail,
            method: method.map(told),
            target: target.map(told),
            host: host.map(told),
        }
    }
}

/// The caller's bytes, fit for a log line: escaped, in backticks, cut.
pub(super) fn shown(bytes: &[u8], most: usize) -> String {
    format!("`{}`", escaped(bytes, most))
}

/// Likewise, without what may be a secret in a target or a host.
pub(super) fn shown_discreet(bytes: &[u8]) -> String {
    // Cut first, lest a long target cost us more than it cost its sender; what is cut off is not looked at for an `@`.
    let discreet = discreet(&escaped(bytes, LONGEST_TOLD));
    match discreet.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("`{}…`", discreet.get(..end).unwrap_or_default()),
        None => format!("`{discreet}`"),
    }
}

fn escaped(bytes: &[u8], most: usize) -> String {
    let start = bytes.get(..most).unwrap_or(bytes);
    let more = if bytes.len() > most { "…" } else { "" };
    format!("{}{more}", start.escape_ascii())
}

/// Most fields in one head or trailer section: browsers send about thirty, the widely used servers stop at 100, and so
/// does the HTTP library.
pub const MOST_FIELDS: usize = 100;

/// Longest target, bytes: the longest path and the longest query that are admitted (8 and 16 KiB), and room for an
/// authority. The library stops at 64 KiB.
pub const LONGEST_TARGET: usize = 32 * 1024;

/// Longest name of a field, bytes. The longest in IANA's registry has 47.
const LONGEST_NAME: usize = 256;

/// Digits of the longest `Content-Length`.
const MOST_LENGTH_DIGITS: usize = 19;

/// Bytes of the caller's text that a detail repeats.
const LONGEST_QUOTE: usize = 80;

/// Bytes of method, target and host that are told apart from the detail.
const LONGEST_TOLD: usize = 1024;

const HOST: &[u8] = b"host:";

#[cfg(test)]
pub(super) mod tests;
