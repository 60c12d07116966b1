//! Request heads of HTTP/1.x, as bytes on a connection.
//!
//! Holds for every input: a head that passes has strict lines, one host and one framing by a reader of its own kind; the
//! HTTP library's parser and types take it whole; what follows it changes nothing, and nothing shorter passes. Then it is
//! put to `admit`, as the door does.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use portcullis_proxy::wire::{Framing, HeadFault, HeadShape, LONGEST_TARGET, MOST_FIELDS, check_head};
use portcullis_request::{Loosened, TrustedPeers};

use crate::raw_head;

/// What must hold.
pub fn check(input: &[u8]) {
    match check_head(input) {
        Ok(shape) => passed(input, shape),
        Err(fault) => refused(&fault),
    }
}

fn refused(fault: &HeadFault) {
    assert!(HeadFault::CODES.contains(&fault.code), "`{}` is no known code", fault.code);
    assert!([400, 408, 414, 431, 505].contains(&fault.status.as_u16()), "{}", fault.status);
    assert!(fault.detail.len() < 2_000, "a detail of {} bytes", fault.detail.len());
    for told in [Some(&fault.detail), fault.method.as_ref(), fault.target.as_ref(), fault.host.as_ref()] {
        let told = told.map_or("", String::as_str);
        assert!(!told.contains(char::is_control) && told.len() <= 8_192, "{told:?} is not fit for a log");
    }
}

fn passed(input: &[u8], shape: HeadShape) {
    let head = &input[..shape.length];
    assert_eq!(check_head(head), Ok(shape), "what follows a head decides about it");
    let followed = [head, b"GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n"].concat();
    assert_eq!(check_head(&followed), Ok(shape), "what follows a head decides about it");
    for shorter in [head.len() - 1, head.len() - 2, head.len() - 4, head.len() / 2] {
        assert!(check_head(&head[..shorter]).is_err(), "a head that does not end passes");
    }
    let lines = strict_lines(head);
    let (request_line, fields) = lines.split_first().expect("a request line");
    let (method, target, version) = words(request_line);
    let fields: Vec<(String, &[u8])> = fields.iter().map(|line| field(line)).collect();
    assert_eq!(shape.body, framing(&fields, version), "{}", head.escape_ascii());
    let hosts = fields.iter().filter(|(name, _)| name == "host").count();
    assert_eq!(hosts, 1, "{}", head.escape_ascii());
    let upgrade = method == b"CONNECT" || fields.iter().any(|(name, _)| name == "upgrade");
    assert_eq!(shape.upgrade, upgrade);
    library(head, shape.length);
    admitted(method, target, &fields);
}

/// Lines end in CR LF and nothing else does; within them there is no control character but tab. An empty line may come
/// before the first.
fn strict_lines(head: &[u8]) -> Vec<&[u8]> {
    assert!(head.ends_with(b"\r\n\r\n"));
    let mut lines = Vec::new();
    let mut rest = head;
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let line = &rest[..end];
        let plain = line.iter().all(|byte| !byte.is_ascii_control() || *byte == b'\t');
        assert!(plain, "a control character in {}", line.escape_ascii());
        lines.push(line);
        rest = &rest[end + 2..];
    }
    assert!(rest.is_empty(), "{} after the last line", rest.escape_ascii());
    assert_eq!(lines.pop(), Some(&b""[..]), "the head ends in an empty line");
    let before = lines.iter().take_while(|line| line.is_empty()).count();
    assert!(before <= 1, "{before} empty lines before the request line");
    lines.drain(..before);
    assert!(lines.iter().all(|line| !line.is_empty()), "an empty line within the head");
    lines
}

fn words(request_line: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let words: Vec<&[u8]> = request_line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words[..] else { panic!("{} words", words.len()) };
    assert!([&b"HTTP/1.0"[..], b"HTTP/1.1"].contains(&version));
    assert!(!target.is_empty() && target.len() <= LONGEST_TARGET);
    assert!(target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#'));
    (method, target, version)
}

/// A field's name in lower case, and its value without the white space around it.
fn field(line: &[u8]) -> (String, &[u8]) {
    let colon = line.iter().position(|byte| *byte == b':').expect("a field has a colon");
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    assert!(!name.is_empty() && name.iter().all(token), "the name {}", name.escape_ascii());
    (String::from_utf8_lossy(name).to_ascii_lowercase(), value)
}

/// RFC 9112 §6.3 for requests, where only one thing is said about the body's end.
fn framing(fields: &[(String, &[u8])], version: &[u8]) -> Framing {
    let said: Vec<_> =
        fields.iter().filter(|(name, _)| name == "content-length" || name == "transfer-encoding").collect();
    match said[..] {
        [] => Framing::None,
        [(name, value)] if name == "transfer-encoding" => {
            assert!(value.eq_ignore_ascii_case(b"chunked") && version == b"HTTP/1.1");
            Framing::Chunked
        }
        [(_, value)] => {
            assert!(!value.is_empty() && value.iter().all(u8::is_ascii_digit));
            let length = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
            match length.expect("a length that fits") {
                0 => Framing::None,
                length => Framing::Length(length),
            }
        }
        _ => panic!("{} fields about the body's end", said.len()),
    }
}

fn library(head: &[u8], length: usize) {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    assert_eq!(request.parse(head), Ok(httparse::Status::Complete(length)));
}

/// What passed is something that the library's types hold, and `admit` reads it or says why not.
fn admitted(method: &[u8], target: &[u8], fields: &[(String, &[u8])]) {
    Method::from_bytes(method).expect("a method");
    let target = Uri::try_from(target).expect("a target");
    let mut held = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        held.append(name, HeaderValue::from_bytes(value).expect("a value"));
    }
    let host = held.get("host").cloned();
    let peer = SocketAddr::from(([198, 51, 100, 7], 4711));
    let Ok(request) = raw_head::admitted(target, held, peer, &TrustedPeers::default(), Loosened::default())
    else {
        return;
    };
    let host = host.expect("one host");
    let written = host.to_str().expect("a host is text").to_ascii_lowercase();
    assert!(
        written.starts_with(request.host.as_str().trim_matches(['[', ']'])) || written.starts_with('['),
        "{written}"
    );
}
