//! Lines of text in the manner of the common log format: plain, combined, with a virtual host before it, with more fields
//! behind it. What comes after the status is told by its looks, so that a `log_format` of one's own is mostly understood
//! without being told.
//!
//! [`glance`] is the hot path: it checks the whole line and allocates nothing. [`entry`] takes the line apart.

use std::borrow::Cow;

use memchr::memchr;

use super::stamp;
use crate::entry::{Entry, Glance, Stamp, is_status, said};

/// The moment last read, kept because neighbouring lines share theirs.
#[derive(Debug, Default)]
pub(crate) struct LastMoment {
    text: [u8; 26],
    stamp: Option<Stamp>,
}

impl LastMoment {
    fn read(&mut self, text: &[u8]) -> Option<Stamp> {
        if self.stamp.is_some() && self.text == text {
            return self.stamp;
        }
        let stamp = stamp::common(text)?;
        self.text = text.try_into().ok()?;
        self.stamp = Some(stamp);
        Some(stamp)
    }
}

/// When and which status, of a line whose every field is where it should be.
pub(crate) fn glance(line: &[u8], last: &mut LastMoment) -> Option<Glance> {
    let open = memchr(b'[', line)?;
    let (before, rest) = line.split_at_checked(open)?;
    // What has a quote before its time is quoted there, or broken: both are for the closer look.
    if !before.ends_with(b" ") || before.first() == Some(&b' ') || memchr(b'"', before).is_some() {
        return None;
    }
    // `[`, 26 bytes of time, `] "`
    let time = last.read(rest.get(1..27)?)?;
    let rest = rest.get(27..)?.strip_prefix(b"] \"")?;
    let rest = rest.get(quote(rest)?..)?;
    let [b'"', b' ', a, b, c, b' ', rest @ ..] = rest else { return None };
    let status = three_digits(*a, *b, *c)?;
    let rest = after_size(rest)?;
    // Common log format ends here; combined has referrer and agent, and perhaps more.
    if !rest.is_empty() {
        let rest = rest.strip_prefix(b" \"")?;
        let rest = rest.get(quote(rest)?..)?.strip_prefix(b"\" \"")?;
        let rest = rest.get(quote(rest)?..)?;
        if !matches!(rest, [b'"'] | [b'"', b' ', ..]) {
            return None;
        }
    }
    Some(Glance { time: Some(time), status })
}

fn three_digits(a: u8, b: u8, c: u8) -> Option<u16> {
    let all = a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit();
    let value = u16::from(a.wrapping_sub(b'0')) * 100
        + u16::from(b.wrapping_sub(b'0')) * 10
        + u16::from(c.wrapping_sub(b'0'));
    (all && is_status(value)).then_some(value)
}

fn after_size(text: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = text.strip_prefix(b"-") {
        return Some(rest);
    }
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 19 { None } else { text.get(digits..) }
}

/// Where the quote is that ends a quoted field: Apache escapes those inside with a backslash.
fn quote(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr(b'"', text.get(from..)?)?;
        let slashes = text.get(..at)?.iter().rev().take_while(|byte| **byte == b'\\').count();
        if slashes % 2 == 0 {
            return Some(at);
        }
        from = at + 1;
    }
}

/// One field of a line: how it was set apart, its name where it was written `name=value`, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Field<'a> {
    kind: Kind,
    name: &'a str,
    text: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Bare,
    Quoted,
    Bracketed,
}

/// Most fields that a line is taken apart into.
const MOST_FIELDS: usize = 64;

fn fields(line: &str) -> Vec<Field<'_>> {
    let mut found = Vec::with_capacity(24);
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() && found.len() < MOST_FIELDS {
        let (field, after) = field(rest);
        found.push(field);
        rest = after.trim_ascii_start();
    }
    found
}

fn field(text: &str) -> (Field<'_>, &str) {
    if let Some(inner) = text.strip_prefix('"') {
        let (text, rest) = quoted(inner);
        return (Field { kind: Kind::Quoted, name: "", text }, rest);
    }
    if let Some(inner) = text.strip_prefix('[')
        && let Some((text, rest)) = inner.split_once(']')
    {
        return (Field { kind: Kind::Bracketed, name: "", text }, rest);
    }
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    if let Some((name, value)) = text.split_once('=')
        && name.len() < end.min(40)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    {
        if let Some(inner) = value.strip_prefix('"') {
            let (text, rest) = quoted(inner);
            return (Field { kind: Kind::Quoted, name, text }, rest);
        }
        let end = value.find([' ', '\t']).unwrap_or(value.len());
        let (text, rest) = value.split_at(end);
        return (Field { kind: Kind::Bare, name, text }, rest);
    }
    let (text, rest) = text.split_at(end);
    (Field { kind: Kind::Bare, name: "", text }, rest)
}

fn quoted(inner: &str) -> (&str, &str) {
    let end = quote(inner.as_bytes()).unwrap_or(inner.len());
    let (text, rest) = inner.split_at_checked(end).unwrap_or((inner, ""));
    (text, rest.strip_prefix('"').unwrap_or(rest))
}

/// Takes a line apart.
pub(crate) fn entry(line: &str) -> Option<Entry<'_>> {
    let fields = fields(line);
    let at = fields
        .iter()
        .position(|field| field.kind == Kind::Bracketed && stamp::read(field.text.as_bytes()).is_some())?;
    let (before, rest) = fields.split_at_checked(at)?;
    let mut entry = Entry { time: stamp::read(rest.first()?.text.as_bytes()), ..Entry::default() };
    who(before, &mut entry);
    let mut rest = rest.iter().skip(1).peekable();
    let request = rest.find(|field| field.kind == Kind::Quoted && field.name.is_empty())?;
    split_request(Cow::Borrowed(request.text), &mut entry);
    let status = rest.find(|field| field.kind == Kind::Bare)?;
    entry.status = status.text.parse().ok().filter(|status| is_status(*status))?;
    if let Some(size) = rest.peek().filter(|field| field.kind == Kind::Bare && field.name.is_empty()) {
        entry.size = size.text.parse().ok();
        if entry.size.is_some() || size.text == "-" {
            rest.next();
        }
    }
    // Combined: the first two quoted fields without a name are referrer and agent, in this order.
    let mut unnamed = 0;
    for field in rest {
        if field.kind == Kind::Quoted && field.name.is_empty() && unnamed < 2 {
            unnamed += 1;
            let target = if unnamed == 1 { &mut entry.referrer } else { &mut entry.agent };
            *target = Cow::Borrowed(said(field.text));
        } else {
            extra(field, &mut entry);
        }
    }
    Some(entry)
}

/// What stands before the time: `address ident user`, perhaps behind a virtual host or the prefix of a log daemon.
fn who<'a>(before: &[Field<'a>], entry: &mut Entry<'a>) {
    let address = before.iter().rposition(|field| is_address(field.text));
    let address = address.unwrap_or(before.len().saturating_sub(3));
    if let Some(field) = before.get(address) {
        entry.address = Cow::Borrowed(said(without_port(field.text)));
    }
    let after = before.get(address + 1..).unwrap_or_default();
    entry.user = match after {
        // Account names may hold spaces, which nobody escapes: the last part is kept.
        [_, .., user] => Cow::Borrowed(said(user.text)),
        _ => Cow::Borrowed(""),
    };
    if address == 1
        && let Some(host) = before.first()
    {
        entry.host = Cow::Borrowed(without_port(host.text));
    }
}

/// `GET /path HTTP/1.1` in its parts. What is no request line is kept whole as the target.
pub(crate) fn split_request<'a>(request: Cow<'a, str>, entry: &mut Entry<'a>) {
    fn parts(request: &str) -> Option<(&str, &str, &str)> {
        let (method, rest) = request.split_once(' ')?;
        let (target, protocol) = rest.rsplit_once(' ').unwrap_or((rest, ""));
        let plain =
            !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
        (plain && method.len() <= 24).then_some((method, target, protocol))
    }
    match request {
        Cow::Borrowed(request) => match parts(request) {
            Some((method, target, protocol)) => {
                entry.method = Cow::Borrowed(method);
                entry.target = Cow::Borrowed(of_origin(target));
                entry.protocol = Cow::Borrowed(protocol);
            }
            None => entry.target = Cow::Borrowed(said(request)),
        },
        Cow::Owned(request) => match parts(&request) {
            Some((method, target, protocol)) => {
                entry.method = Cow::Owned(method.to_owned());
                entry.target = Cow::Owned(of_origin(target).to_owned());
                entry.protocol = Cow::Owned(protocol.to_owned());
            }
            None => entry.target = Cow::Owned(request),
        },
    }
}

/// The path of `https://host:443/path`, which balancers write; anything else as it is.
fn of_origin(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://").filter(|(scheme, _)| scheme.len() <= 5) else {
        return target;
    };
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// A field behind the usual ones, by its name or its looks.
fn extra<'a>(field: &Field<'a>, entry: &mut Entry<'a>) {
    let value = said(field.text);
    if value.is_empty() {
        return;
    }
    let name = field.name;
    if !name.is_empty() {
        super::names::put(name, Cow::Borrowed(value), entry);
        return;
    }
    let node = value.strip_prefix("http://").or_else(|| value.strip_prefix("https://")).unwrap_or(value);
    if entry.upstream.is_empty() && node.contains(':') && is_address(node) {
        entry.upstream = Cow::Borrowed(node.trim_end_matches('/'));
    } else if let Some(milliseconds) = value.strip_suffix("ms").and_then(|number| number.parse::<u64>().ok())
    {
        entry.duration = Some(milliseconds.saturating_mul(1_000));
    }
}

/// Whether a field is an address, with or without port.
pub(crate) fn is_address(text: &str) -> bool {
    text.len() >= 3 && without_port(text).parse::<std::net::IpAddr>().is_ok()
}

/// An address or host without its port and brackets; the first of a list.
pub(crate) fn without_port(text: &str) -> &str {
    let text = text.split(',').next().unwrap_or(text).trim();
    if let Some(inner) = text.strip_prefix('[') {
        return inner.split(']').next().unwrap_or(inner);
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => text,
    }
}
