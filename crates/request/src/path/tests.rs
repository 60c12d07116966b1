//! Cases of threats.md 7 to 11: spellings that a router and an origin read differently.

use proptest::prelude::*;

use super::CanonicalPath;

mod loosened;

fn canonical(raw: &str) -> String {
    CanonicalPath::parse(raw).unwrap_or_else(|fault| panic!("{raw}: {fault}")).as_str().to_owned()
}

#[test]
fn each_path_has_one_spelling() {
    for (raw, expected) in [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b/"),
        ("/%41%7e%2d%5F", "/A~-_"),
        ("/users/%40me", "/users/@me"),
        ("/a%20b", "/a%20b"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/c++", "/c%2B%2B"),
        ("/c%2b%2B", "/c%2B%2B"),
        ("/100%25", "/100%25"),
        ("/a|b{c}", "/a%7Cb%7Bc%7D"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a..b/...", "/a..b/..."),
        ("/*", "/*"),
    ] {
        assert_eq!(canonical(raw), expected, "{raw}");
    }
}

/// threats.md 7, 8, 9 and 11.
#[test]
fn a_path_with_two_readings_is_refused() {
    for (raw, why) in [
        ("", "start"),
        ("admin", "start"),
        ("*", "start"),
        ("/a%2Fb", "slash"),
        ("/a%2fb", "slash"),
        ("/a%5Cb", "slash"),
        ("/a\\b", "backslash"),
        ("//admin/x", "`//`"),
        ("/a//b", "`//`"),
        ("/a/b//", "`//`"),
        ("//", "`//`"),
        ("/a%00", "control"),
        ("/a%0d%0aHost:x", "control"),
        ("/a%7F", "control"),
        ("/a%C2%85", "control"),
        ("/a\tb", "control"),
        ("/a b", "white space"),
        ("/public;/admin", "`;`"),
        ("/public/..;/admin", "`;`"),
        ("/a%3Bb", "`;`"),
        ("/a#b", "`#`"),
        ("/a%23b", "`#`"),
        ("/a%3Fb", "`?`"),
        ("/a?b", "`?`"),
        ("/.", "dot segment"),
        ("/..", "dot segment"),
        ("/../", "dot segment"),
        ("/a/../b", "dot segment"),
        ("/a/./b", "dot segment"),
        ("/a/%2e%2E/b", "dot segment"),
        ("/a/.%2e", "dot segment"),
        ("/a/%252e%252e/b", "twice"),
        ("/a%252Fb", "twice"),
        ("/a%25%32%66b", "twice"),
        ("/a%25u002fb", "twice"),
        ("/a%252525", "twice"),
        ("/a%C0%AFb", "UTF-8"),
        ("/a%C0%AE%C0%AE", "UTF-8"),
        ("/a%ED%A0%80", "UTF-8"),
        ("/a%FF", "UTF-8"),
        ("/a%C3", "UTF-8"),
        ("/a%", "hexadecimal"),
        ("/a%4", "hexadecimal"),
        ("/a%4g", "hexadecimal"),
        ("/a%u002f", "hexadecimal"),
        ("/a%+4", "hexadecimal"),
        ("/é", "beyond ASCII"),
    ] {
        let fault = CanonicalPath::parse(raw).expect_err(raw);
        assert_eq!((fault.code, fault.status()), ("ambiguous_path", 400), "{raw}");
        assert!(fault.detail.contains(why), "{raw}: {}", fault.detail);
    }
}

#[test]
fn length_is_bounded() {
    let longest = format!("/{}", "a".repeat(super::LONGEST_PATH - 1));
    assert!(CanonicalPath::parse(&longest).is_ok());
    assert_eq!(CanonicalPath::parse(&format!("{longest}a")).expect_err("too long").code, "path_too_long");
    // What grows beyond the bound when it is encoded would not be read by whoever reads it next.
    let growing = format!("/{}", "+".repeat(super::LONGEST_PATH - 1));
    assert_eq!(CanonicalPath::parse(&growing).expect_err("grows").code, "path_too_long");
}

#[test]
fn a_detail_quotes_the_path_escaped_and_cut() {
    let fault = CanonicalPath::parse(&format!("/\u{1b}[31m{}", "x".repeat(500))).expect_err("control byte");
    assert!(fault.detail.contains("\\x1b"), "{}", fault.detail);
    assert!(fault.detail.len() < 200, "{}", fault.detail);
}

/// Encodes some bytes of a path, in upper or lower case: another spelling of the same path.
fn respell(path: &str, choices: &[u8]) -> String {
    let mut spelled = String::new();
    let mut choices = choices.iter().cycle();
    for byte in path.bytes() {
        match choices.next().copied().unwrap_or(0) % 3 {
            _ if byte == b'/' => spelled.push('/'),
            0 => spelled.push_str(&format!("%{byte:02X}")),
            1 => spelled.push_str(&format!("%{byte:02x}")),
            _ => spelled.push(char::from(byte)),
        }
    }
    spelled
}

proptest! {
    #[test]
    fn canonicalising_is_idempotent_and_safe(raw in "/[a-z/.%;0-9A-F+ \\\\#é|@:-]{0,24}") {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            prop_assert_eq!(&canonical(path.as_str()), path.as_str());
            let decoded = percent_encoding::percent_decode_str(path.as_str()).decode_utf8().expect("text");
            for reading in [path.as_str(), &decoded] {
                prop_assert!(!reading.contains("//") && !reading.contains(['\\', ';', '#', '?']), "{}", reading);
                prop_assert!(reading.split('/').all(|segment| segment != "." && segment != ".."), "{}", reading);
            }
            let twice = percent_encoding::percent_decode_str(&decoded).collect::<Vec<u8>>();
            prop_assert_eq!(twice.as_slice(), decoded.as_bytes());
            prop_assert_eq!(path.as_str().matches('/').count(), decoded.matches('/').count());
        }
    }

    #[test]
    fn every_spelling_of_a_path_is_one_path(
        segments in prop::collection::vec("[a-zA-Z0-9_~!$&'()*,=:@+|-][a-zA-Z0-9._~!$&'()*,=:@+|-]{0,6}", 0..5),
        choices in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let path = format!("/{}", segments.join("/"));
        prop_assert_eq!(canonical(&path), canonical(&respell(&path, &choices)));
    }

    #[test]
    fn no_input_panics(raw in ".*") {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            prop_assert!(path.as_str().starts_with('/'));
            prop_assert!(path.as_str().is_ascii());
        }
    }
}
