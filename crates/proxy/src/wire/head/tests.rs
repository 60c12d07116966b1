use portcullis_request::Ambiguity;
use proptest::prelude::*;

use super::*;

/// Every fault of a whole head: what is sent, and the code it is refused with.
pub(in crate::wire) const BAD: &[(&[u8], &str)] = &[
    // How lines end: threats.md 5.
    (b"GET / HTTP/1.1\nHost: a\n\n", "malformed_request"),
    (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/1.1\r\nHost: a\r\n\n", "malformed_request"),
    (b"GET / HTTP/1.1\r\nHost: a\r\rX: b\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/1.1\rHost: a\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/1.1\r\nX: a\r\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    // White space where none may be.
    (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", "bad_header_name"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX\t: b\r\n\r\n", "bad_header_name"),
    (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "bad_header_name"),
    (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    // The request line.
    (b"GET /\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET / http/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/11\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/1.x\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "malformed_request"),
    (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", "malformed_request"),
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n", "malformed_request"),
    (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", "unsupported_version"),
    (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "unsupported_version"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "unsupported_version"),
    // The target: threats.md 9 (raw `#`).
    (b"GET /#/admin HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous_target"),
    (b"GET /public#/../admin HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous_target"),
    (b"GET /?a#b HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous_target"),
    (b"GET http://a/#b HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous_target"),
    (b"GET # HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous_target"),
    (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous_target"),
    (b"GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET /<x> HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous_target"),
    (b"GET /a\\^` HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous_target"),
    (b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous_target"),
    (b"CONNECT a:b:c HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous_target"),
    // Control bytes.
    (b"GE\0T / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_request"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n", "bad_header_name"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n", "bad_header_value"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x1b[31m\r\n\r\n", "bad_header_value"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\x7f\r\n\r\n", "bad_header_value"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", "bad_header_value"),
    // At once, whether or not a whole head ever comes.
    (b"GE\0", "malformed_request"),
    (b"GET / HTTP/1.1\r\nX\0", "bad_header_name"),
    (b"GET / HTTP/1.1\r\nX: b\0", "bad_header_value"),
    // Names.
    (b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", "bad_header_name"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n", "bad_header_name"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xa9: b\r\n\r\n", "bad_header_name"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX(: b\r\n\r\n", "bad_header_name"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "malformed_request"),
    // Host.
    (b"GET / HTTP/1.1\r\n\r\n", "missing_host"),
    (b"GET / HTTP/1.0\r\n\r\n", "missing_host"),
    (b"GET http://a/ HTTP/1.1\r\nX: a\r\n\r\n", "missing_host"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "repeated_header"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n", "repeated_header"),
    (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "invalid_host"),
    (b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "invalid_host"),
    (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "invalid_host"),
    (b"GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n", "invalid_host"),
    // Framing: threats.md 3 and 6.
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\na", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\na", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\na", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n", "ambiguous_framing"),
    (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", "ambiguous_framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", "ambiguous_framing"),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "ambiguous_framing",
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        "ambiguous_framing",
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "ambiguous_framing",
    ),
];

/// Heads that pass, and what they say of the rest.
pub(in crate::wire) const GOOD: &[(&[u8], Framing, bool)] = &[
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Framing::None, false),
    (b"GET / HTTP/1.0\r\nHost: a\r\n\r\n", Framing::None, false),
    (b"\r\nGET / HTTP/1.1\r\nHost:a\r\n\r\n", Framing::None, false),
    (b"GET /a%23\"?b=[c]|{d} HTTP/1.1\r\nHost:\t a:80 \t\r\nX:\r\nY: a\tb\xff\r\n\r\n", Framing::None, false),
    (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Framing::None, false),
    (b"GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", Framing::None, false),
    (b"M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", Framing::None, false),
    (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", Framing::None, false),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", Framing::None, false),
    (b"POST / HTTP/1.0\r\nHost: a\r\ncontent-length: 0012 \r\n\r\n", Framing::Length(12), false),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", Framing::Chunked, false),
    (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", Framing::None, true),
    (b"GET / HTTP/1.1\r\nHost: a\r\nUPGRADE: h2c\r\n\r\n", Framing::None, true),
    // Refused by `admit`, but read here: threats.md 16.
    (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", Framing::None, true),
];

fn code(head: &[u8]) -> Result<HeadShape, &'static str> {
    check_head(head).map_err(|fault| fault.code)
}

#[test]
fn every_fault_is_refused_with_its_code() {
    for (head, expected) in BAD {
        assert_eq!(code(head), Err(*expected), "{}", head.escape_ascii());
    }
}

#[test]
fn good_heads_say_where_their_message_ends() {
    for (head, body, upgrade) in GOOD {
        let shape = HeadShape { length: head.len(), body: *body, upgrade: *upgrade };
        assert_eq!(code(head), Ok(shape), "{}", head.escape_ascii());
        let followed = [head, b"\0\nwhatever".as_slice()].concat();
        assert_eq!(code(&followed), Ok(shape), "{}", head.escape_ascii());
    }
}

#[test]
fn no_part_of_a_head_passes_for_one() {
    for (head, ..) in GOOD {
        for end in 0..head.len() {
            assert_eq!(code(&head[..end]), Err("malformed_request"), "{}", head[..end].escape_ascii());
        }
    }
}

#[test]
fn a_list_or_a_fold_can_not_smuggle_a_coding_past_threats_md_3_and_6() {
    for value in ["chunked", "CHUNKED", " chunked ", "\tchunked"] {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:{value}\r\n\r\n");
        assert_eq!(code(head.as_bytes()).map(|shape| shape.body), Ok(Framing::Chunked), "{value}");
        let old = head.replace("HTTP/1.1", "HTTP/1.0");
        assert_eq!(code(old.as_bytes()), Err("ambiguous_framing"), "{value}");
    }
    for name in ["Transfer-Encoding ", "Transfer_Encoding", "Transfer-Encodin\u{67}\0", " Transfer-Encoding"]
    {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{name}: chunked\r\n\r\n");
        let body = code(head.as_bytes()).map(|shape| shape.body);
        assert!(body.is_err() || body == Ok(Framing::None), "{name}");
    }
}

#[test]
fn fields_names_and_targets_have_bounds() {
    let fields = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    assert!(code(fields(MOST_FIELDS).as_bytes()).is_ok());
    assert_eq!(code(fields(MOST_FIELDS + 1).as_bytes()), Err("too_many_headers"));

    let named = |length: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}: y\r\n\r\n", "x".repeat(length));
    assert!(code(named(LONGEST_NAME).as_bytes()).is_ok());
    assert_eq!(code(named(LONGEST_NAME + 1).as_bytes()), Err("bad_header_name"));

    let target = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(length - 1));
    assert!(code(target(LONGEST_TARGET).as_bytes()).is_ok());
    let fault = check_head(target(LONGEST_TARGET + 1).as_bytes()).unwrap_err();
    assert_eq!((fault.code, fault.status.as_u16()), ("target_too_long", 414));
}

#[test]
fn a_fault_tells_what_the_request_was_about() {
    let fault = check_head(b"GET /a#b HTTP/1.1\r\nX: y\r\nHost:  shop\x7e \r\n\r\n").unwrap_err();
    assert_eq!(fault.method.as_deref(), Some("GET"));
    assert_eq!(fault.target.as_deref(), Some("/a#b"));
    assert_eq!(fault.host.as_deref(), Some("shop~"));
    assert_eq!(fault.detail, "the target `/a#b` has the byte `#`, which must be percent-encoded");

    let fault = check_head(b"\x16\x03\x01 /\r\n").unwrap_err();
    assert_eq!((fault.method, fault.target, fault.host), (None, None, None));
    let long = format!("GET /{} HTTP/1.1\r\nHost: {},\r\n\r\n", "\u{1}x".repeat(4_000), "h".repeat(9_000));
    let fault = check_head(long.as_bytes()).unwrap_err();
    let target = fault.target.unwrap();
    assert!(target.starts_with("/\\x01x") && target.ends_with('…') && target.len() < 5_000, "{target}");
}

#[test]
fn details_repeat_no_secret() {
    for head in [
        "GET /?token=hunter2#x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://user:hunter2@[ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /;token=hunter2 HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer\r\n hunter2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer\r\nhunter2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2\u{1}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: user:hunter2@a,b\r\n\r\n",
    ] {
        let fault = check_head(head.as_bytes()).unwrap_err();
        assert!(!fault.detail.contains("hunter2"), "{}", fault.detail);
    }
}

#[test]
fn codes_shared_with_the_gate_are_the_gates() {
    let (own, shared) = HeadFault::CODES.split_at(4);
    assert!(shared.iter().all(|code| Ambiguity::CODES.contains(code)));
    assert!(!own.iter().any(|code| Ambiguity::CODES.contains(code)));
    assert!(BAD.iter().all(|(_, code)| HeadFault::CODES.contains(code)));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(shape) = check_head(&bytes) {
            prop_assert!(shape.length <= bytes.len());
        }
    }

    /// threats.md 15: bytes beyond ASCII and control bytes in fields are one reading or none.
    #[test]
    fn any_bytes_in_a_field_are_read_without_panic(
        name in proptest::collection::vec(any::<u8>(), 0..20),
        value in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let line = [name.as_slice(), b": ", &value].concat();
        let head = [b"GET / HTTP/1.1\r\nHost: a\r\n", line.as_slice(), b"\r\n\r\n"].concat();
        // A line end among the bytes makes several fields of them, or ends the head.
        if check_head(&head).is_ok() && !line.contains(&b'\n') {
            // The name ends at the first colon, which may be among the bytes too.
            let colon = line.iter().position(|byte| *byte == b':').unwrap();
            let (name, value) = line.split_at(colon);
            prop_assert!(!name.is_empty() && name.iter().all(|byte| is_token(*byte)));
            prop_assert!(!value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t'));
        }
    }
}
