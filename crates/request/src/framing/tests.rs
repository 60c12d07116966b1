//! Cases of threats.md 3, 6, 14 and 19: framing, repetition and names that readers disagree on.

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

#[test]
fn single_valued_headers_stand_once() {
    for name in super::SINGLE_VALUED.iter().map(HeaderName::as_str) {
        assert_eq!(
            code(Version::HTTP_11, &[(name, b"a"), ("accept", b"x"), (name, b"a")]),
            Some("repeated_header"),
            "{name}"
        );
        assert_eq!(
            code(Version::HTTP_11, &[(name, b"a"), ("accept", b"x"), ("accept", b"y")]),
            None,
            "{name}"
        );
    }
}

#[test]
fn names_and_values_are_plain() {
    for name in ["x_auth_user", "x.auth.user", "x|y", "x!", "x~y"] {
        assert_eq!(code(Version::HTTP_11, &[(name, b"a")]), Some("bad_header_name"), "{name}");
    }
    assert_eq!(code(Version::HTTP_11, &[("x-a1", b"tab\tand \xC3\xA9")]), None);
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
