//! Cases of threats.md 3, 6, 15 and 19: framing, names and values that readers disagree on.

use http::{HeaderName, HeaderValue, Version};

use super::examine;

fn code(version: Version, fields: &[(&str, &[u8])]) -> Option<&'static str> {
    let (mut head, ()) = http::Request::new(()).into_parts();
    head.version = version;
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        head.headers.append(name, HeaderValue::from_bytes(value).expect("a value"));
    }
    examine(&head).err().map(|fault| fault.code)
}

#[test]
fn one_framing_passes() {
    let plain: [&[(&str, &[u8])]; 5] = [
        &[],
        &[("content-length", b"0")],
        &[("content-length", b"12345")],
        &[("transfer-encoding", b"chunked")],
        &[("transfer-encoding", b"Chunked")],
    ];
    for fields in plain {
        assert_eq!(code(Version::HTTP_11, fields), None, "{fields:?}");
    }
    assert_eq!(code(Version::HTTP_10, &[("content-length", b"5")]), None);
}

/// threats.md 3 and 6.
#[test]
fn two_framings_or_none_are_refused() {
    assert_eq!(code(Version::HTTP_10, &[("transfer-encoding", b"chunked")]), Some("ambiguous_framing"));
    let doubtful: [&[(&str, &[u8])]; 15] = [
        &[("transfer-encoding", b"gzip, chunked")],
        &[("transfer-encoding", b"chunked, chunked")],
        &[("transfer-encoding", b"chunked"), ("transfer-encoding", b"chunked")],
        &[("transfer-encoding", b"identity")],
        &[("transfer-encoding", b"xchunked")],
        &[("transfer-encoding", b"\tchunked")],
        &[("transfer-encoding", b"")],
        &[("transfer-encoding", b"chunked"), ("content-length", b"5")],
        &[("content-length", b"5"), ("content-length", b"5")],
        &[("content-length", b"5, 5")],
        &[("content-length", b"+5")],
        &[("content-length", b"-0")],
        &[("content-length", b"0x5")],
        &[("content-length", b"")],
        &[("content-length", b"99999999999999999999")],
    ];
    for fields in doubtful {
        assert_eq!(code(Version::HTTP_11, fields), Some("ambiguous_framing"), "{fields:?}");
    }
}

/// threats.md 20: what a caller lists in `Connection` is removed, so it must not be what the body is read by.
#[test]
fn the_connection_takes_nothing_of_the_content_away() {
    for options in
        ["content-type", "close, Content-Type", "close,CONTENT-ENCODING\t,te", "content-length", "Host"]
    {
        let fields: [(&str, &[u8]); 1] = [("connection", options.as_bytes())];
        assert_eq!(code(Version::HTTP_11, &fields), Some("ambiguous_framing"), "{options}");
    }
    let split: [(&str, &[u8]); 2] = [("connection", b"close"), ("connection", b"content-type")];
    assert_eq!(code(Version::HTTP_11, &split), Some("ambiguous_framing"));
    for options in
        ["", "close", "keep-alive, Upgrade", "TE", "x-content-type", "content", "transfer-encoding"]
    {
        let fields: [(&str, &[u8]); 1] = [("connection", options.as_bytes())];
        assert_eq!(code(Version::HTTP_11, &fields), None, "{options}");
    }
}

#[test]
fn names_and_values_are_plain() {
    for name in ["x_auth_user", "x.auth.user", "x|y", "x!", "x~y"] {
        assert_eq!(code(Version::HTTP_11, &[(name, b"a")]), Some("bad_header_name"), "{name}");
    }
    assert_eq!(code(Version::HTTP_11, &[("x-a1", b"tab\tand \xC3\xA9")]), None);
}

/// threats.md 15: bytes that are not UTF-8, overlong and surrogate forms included, and line breaks beyond ASCII.
#[test]
fn values_are_text() {
    let values: [&[u8]; 9] = [
        b"\xE9",
        b"caf\xE9",
        b"\xC0\xAF",
        b"\xED\xA0\x80",
        b"\xF5\x80\x80\x80",
        b"\xC3",
        b"a\xC2\x85b",
        b"a\xE2\x80\xA8b",
        b"a\xE2\x80\xA9b",
    ];
    for name in ["user-agent", "authorization", "x-anything"] {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            for value in values {
                assert_eq!(code(version, &[(name, value)]), Some("bad_header_value"), "{name} {value:?}");
            }
        }
        assert_eq!(code(Version::HTTP_11, &[(name, "größe €".as_bytes())]), None);
    }
}

/// What HTTP/2 has its own ways for would come to life in HTTP/1.1 behind us.
#[test]
fn http_2_has_no_connection_specific_fields() {
    let doubtful: [(&str, &[u8]); 9] = [
        ("connection", b"close"),
        ("connection", b""),
        ("keep-alive", b"timeout=5"),
        ("proxy-connection", b"keep-alive"),
        ("transfer-encoding", b"chunked"),
        ("upgrade", b"websocket"),
        ("te", b"gzip"),
        ("te", b"trailers, gzip"),
        ("te", b""),
    ];
    for (name, value) in doubtful {
        assert_eq!(code(Version::HTTP_2, &[(name, value)]), Some("ambiguous_framing"), "{name}: {value:?}");
    }
    for fields in [&[("te", &b"trailers"[..])][..], &[("te", b"Trailers")], &[("content-length", b"5")]] {
        assert_eq!(code(Version::HTTP_2, fields), None, "{fields:?}");
    }
    for length in [&b"5, 5"[..], b"+5", b"", b"x"] {
        assert_eq!(code(Version::HTTP_2, &[("content-length", length)]), Some("ambiguous_framing"));
    }
}

#[test]
fn a_control_byte_that_slipped_through_the_library_is_refused() {
    // The library's own constructors refuse these; the check stands for readers that do not use them.
    for byte in (0..=0x1F_u8).chain([0x7F]).filter(|byte| *byte != b'\t') {
        assert!(HeaderValue::from_bytes(&[b'a', byte]).is_err(), "{byte:#x}");
    }
}

#[test]
fn the_number_of_fields_is_bounded() {
    let many: Vec<(&str, &[u8])> = vec![("accept", b"x"); 101];
    assert_eq!(code(Version::HTTP_11, &many), Some("too_many_headers"));
    assert_eq!(code(Version::HTTP_11, &many[1..]), None);
}
