//! What each option lets in, and what holds under all 128 combinations of them: cases of threats.md 7, 8 and 9.

use proptest::prelude::*;

use super::{CanonicalPath, respell};
use crate::{Loosened, PathPattern};

/// With these options.
fn with(names: &str) -> Loosened {
    let mut loosened = Loosened::default();
    for name in names.split_whitespace() {
        let (_, set) = Loosened::OPTIONS.iter().find(|(known, _)| *known == name).expect("an option");
        set(&mut loosened);
    }
    loosened
}

fn every_combination() -> impl Iterator<Item = Loosened> {
    (0..1_u32 << Loosened::OPTIONS.len()).map(|chosen| {
        let mut loosened = Loosened::default();
        for (at, (_, set)) in Loosened::OPTIONS.iter().enumerate() {
            if chosen >> at & 1 == 1 {
                set(&mut loosened);
            }
        }
        loosened
    })
}

fn read(raw: &str, loosened: Loosened) -> Result<String, String> {
    CanonicalPath::parse_loosened(raw, loosened).map(|path| path.0).map_err(|fault| fault.detail)
}

/// threats.md 7 and 8: each option lets in what it names, in one spelling.
#[test]
fn each_option_lets_in_what_it_names() {
    for (options, raw, expected) in [
        ("encoded_slash", "/repos/group%2fproject/files", "/repos/group%2Fproject/files"),
        ("backslash", "/a%5cb", "/a%5Cb"),
        ("backslash", "/a\\b", "/a%5Cb"),
        ("dot_segments", "/a/../b", "/b"),
        ("dot_segments", "/a/b/..", "/a/"),
        ("dot_segments", "/a/b/../", "/a/"),
        ("dot_segments", "/a/./b/.", "/a/b/"),
        ("dot_segments", "/a/%2e%2E/b", "/b"),
        ("dot_segments", "/.", "/"),
        ("dot_segments", "/a/..", "/"),
        ("dot_segments", "/a/b/../../c", "/c"),
        ("double_encoding", "/a%252Fb", "/a%252Fb"),
        ("double_encoding", "/a%25%32%66b", "/a%252fb"),
        ("double_encoding", "/25%25up", "/25%25up"),
        ("parameters", "/a;v=1/b;w", "/a;v=1/b;w"),
        ("parameters", "/a%3bv", "/a%3Bv"),
        ("parameters", "/a;", "/a;"),
        ("empty_segments", "//a///b//", "/a/b/"),
        ("empty_segments", "//", "/"),
        ("encoded_delimiters", "/%23channel/a%3fb", "/%23channel/a%3Fb"),
        ("dot_segments empty_segments", "/a//b/../c", "/a/c"),
        ("dot_segments encoded_slash", "/a/b%2Fc/../d", "/a/d"),
        ("dot_segments parameters", "/a/b;v=1/../d", "/a/d"),
        ("encoded_slash empty_segments", "/fetch/https:%2F%2Fa.example", "/fetch/https:%2F%2Fa.example"),
    ] {
        assert_eq!(read(raw, with(options)), Ok(expected.to_owned()), "{options}: {raw}");
        assert!(CanonicalPath::parse(raw).is_err(), "{raw} needs no option");
    }
}

/// threats.md 7 to 9: no combination of options lets these in.
#[test]
fn nothing_lets_in_what_no_option_names() {
    for raw in [
        "/..",
        "/../a",
        "/a/../..",
        "/%2e%2e/a",
        "//..",
        "/a//../b",
        "/a/.//../b",
        "/public/..;/admin",
        "/public/..;v=1/admin",
        "/public/..%3B/admin",
        "/public/..%3bx/admin",
        "/public/.;/admin",
        "/;/admin",
        "/;v=1/admin",
        "/%3Bv/admin",
        "/a/..%2Fadmin",
        "/a/..%2fadmin",
        "/a/b%2F..%2F..%2Fadmin",
        "/a/..%5Cadmin",
        "/a/..\\admin",
        "/a/%2e%2e%5cadmin",
        "/a/%252e%252e/admin",
        "/a/%252e%252e%252fadmin",
        "/a/..%252fadmin",
        "/a/..%253Bx/admin",
        "/a/..%23",
        "/a/..%3Fx",
        "/a/%25u002e%25u002e%25u002fadmin",
        "/a%2500",
        "/a%250d%250ab",
        "/a%25C0%25AFb",
        "/a%25252525252Fb",
        "/a#b",
        "/a?b",
        "/a%00",
        "/a%7F",
        "/a%C2%85",
        "/a%C0%AFb",
        "/a%E0%80%AFb",
        "/a%FF",
        "/a\tb",
        "/a b",
        "/é",
        "/a%",
        "/a%u002f",
        "a",
        "",
    ] {
        for loosened in every_combination() {
            assert!(read(raw, loosened).is_err(), "{raw} under {loosened:?}");
        }
    }
}

#[test]
fn an_option_lets_in_no_more_than_it_names() {
    for (options, raw, why) in [
        ("encoded_slash", "/a%2F%2Fb", "beside another"),
        ("encoded_slash", "/%2Fa", "beside another"),
        ("encoded_slash", "/a%5Cb", "backslash"),
        ("encoded_slash", "/a%252Fb", "twice"),
        ("backslash", "/a%2Fb", "slash"),
        ("empty_segments", "/a%2F%2Fb", "slash"),
        ("dot_segments", "/a//b", "`//`"),
        ("dot_segments", "/../a", "leaves the root"),
        ("dot_segments empty_segments", "/a//../b", "after `//`"),
        ("parameters", "/public/..;/admin", "cuts further"),
        ("parameters", "/;v/admin", "parameters alone"),
        ("encoded_delimiters", "/a#b", "`#`"),
        ("double_encoding", "/a%2500", "control"),
        ("double_encoding", "/a%25u002fb", "%u"),
        ("double_encoding", "/a%2525252525b", "four times"),
    ] {
        let fault = read(raw, with(options)).expect_err(raw);
        assert!(fault.contains(why), "{options}: {raw}: {fault}");
    }
}

/// threats.md 8: what servers that cut parameters serve for a path is what was decided.
#[test]
fn routes_speak_of_segments_without_parameters_and_of_no_other_part() {
    let all = every_combination().last().expect("all of them");
    let covers = |pattern: &str, raw: &str| {
        let path = CanonicalPath::parse_loosened(raw, all).unwrap_or_else(|fault| panic!("{raw}: {fault}"));
        PathPattern::parse(pattern).expect("a pattern").matches(&path)
    };
    for raw in ["/admin", "/admin;v=1", "/admin;", "/admin%3Bv", "/admin;a;b/"] {
        assert!(covers("/admin", raw) && covers("/admin/**", raw) && covers("/*", raw), "{raw}");
    }
    assert!(covers("/admin/users", "/admin;v/users;w"));
    for raw in ["/admin%2Fx", "/admin%5Cx", "/admin%23x", "/admin%3Fx", "/admin%252Fx", "/admins;v"] {
        assert!(!covers("/admin", raw) && !covers("/admin/**", raw) && covers("/*", raw), "{raw}");
    }
    assert!(!covers("/admin/x", "/admin%2Fx"));
}

/// Pieces of paths that servers read differently.
fn raw_path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/", "/", "/", "a", "admin", ".", "..", "%2e", "%2E%2e", "%2F", "%2f", "%5C", "\\", ";", ";v=1",
        "%3B", "%23", "%3f", "%25", "%252F", "%252e", "%2525", "%C3%A9", "%c3%A9", "%C0%AF", "%00", "#", "+",
        "%20", "u002f", "2F",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

/// Every text that decoding may make of a path, this one first.
fn decodings(path: &str) -> Vec<String> {
    let mut found = vec![path.to_owned()];
    for _ in 0..8 {
        let last = found.last().expect("never empty");
        let further = percent_encoding::percent_decode_str(last).decode_utf8().expect("text").into_owned();
        if further == *last {
            break;
        }
        found.push(further);
    }
    found
}

proptest! {
    /// threats.md 10: one string is decided and forwarded, and reading it again changes nothing.
    #[test]
    fn canonicalising_is_idempotent_under_every_combination(raw in raw_path()) {
        for loosened in every_combination() {
            if let Ok(path) = read(&raw, loosened) {
                prop_assert_eq!(read(&path, loosened), Ok(path.clone()), "{:?}", loosened);
            }
        }
    }

    #[test]
    fn what_is_read_strictly_is_read_the_same_under_every_combination(raw in raw_path()) {
        if let Ok(strict) = CanonicalPath::parse(&raw) {
            for loosened in every_combination() {
                prop_assert_eq!(read(&raw, loosened), Ok(strict.0.clone()), "{:?}", loosened);
            }
        }
    }

    /// However often an origin decodes, and whatever it splits at and cuts off, it never climbs.
    #[test]
    fn no_reading_of_what_is_kept_climbs(raw in raw_path()) {
        for loosened in every_combination() {
            let Ok(path) = read(&raw, loosened) else { continue };
            prop_assert!(path.starts_with('/') && path.is_ascii() && !path.contains("//"), "{}", path);
            for reading in decodings(&path) {
                prop_assert!(!reading.chars().any(char::is_control), "{:?}", reading);
                for piece in reading.split(['/', '\\']) {
                    let name = piece.split([';', '#', '?']).next();
                    prop_assert!(!matches!(name, Some("." | "..")), "{} from {} under {:?}", reading, raw, loosened);
                }
            }
        }
    }

    /// What an option does not name is not in the path, so that each assumption is about its own option only.
    #[test]
    fn only_what_was_allowed_is_kept(raw in raw_path()) {
        for loosened in every_combination() {
            let Ok(path) = read(&raw, loosened) else { continue };
            prop_assert!(!path.contains(['#', '?', '\\']));
            for (allowed, kept) in [
                (loosened.encoded_slash, "%2F"),
                (loosened.backslash, "%5C"),
                (loosened.parameters, ";"),
                (loosened.parameters, "%3B"),
                (loosened.encoded_delimiters, "%23"),
                (loosened.encoded_delimiters, "%3F"),
            ] {
                // `%252F` holds no encoded slash but an encoded `%`.
                prop_assert!(allowed || !path.replace("%25", "").contains(kept), "{} in {}", kept, path);
            }
            let once = &decodings(&path)[1..];
            prop_assert!(loosened.double_encoding || once.len() <= 1, "{}", path);
        }
    }

    /// `..` goes back by one written segment, and never beyond the first.
    #[test]
    fn resolving_follows_the_standard(segments in prop::collection::vec("a|b|[.]|[.][.]|%2e%2e", 0..10), folder: bool) {
        let raw = format!("/{}{}", segments.join("/"), if folder && !segments.is_empty() { "/" } else { "" });
        let mut open = Some(Vec::new());
        for segment in &segments {
            open = open.and_then(|mut open: Vec<&str>| match segment.as_str() {
                "." => Some(open),
                ".." | "%2e%2e" => open.pop().map(|_| open),
                name => { open.push(name); Some(open) }
            });
        }
        let ends_in_dots = segments.last().is_some_and(|last| last.starts_with(['.', '%']));
        let expected = open.map(|open| {
            let slash = if (folder || ends_in_dots) && !open.is_empty() { "/" } else { "" };
            format!("/{}{slash}", open.join("/"))
        });
        prop_assert_eq!(read(&raw, with("dot_segments")).ok(), expected, "{}", raw);
    }

    #[test]
    fn merging_and_resolving_agree_in_any_order(raw in "/[ab./]{0,12}") {
        if let Ok(both) = read(&raw, with("dot_segments empty_segments")) {
            let mut merged = raw.clone();
            while merged.contains("//") {
                merged = merged.replace("//", "/");
            }
            prop_assert_eq!(read(&merged, with("dot_segments")), Ok(both), "{}", raw);
        }
    }

    #[test]
    fn every_spelling_is_one_path_under_every_combination(
        segments in prop::collection::vec("[a-z0-9_~-]{1,5}", 0..4),
        choices in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let path = format!("/{}", segments.join("/"));
        for loosened in every_combination() {
            prop_assert_eq!(read(&respell(&path, &choices), loosened), Ok(path.clone()));
        }
    }

    #[test]
    fn patterns_cover_a_path_with_parameters_as_one_without(
        names in prop::collection::vec("[ab]{1,2}", 1..4),
        parameters in prop::collection::vec("|;|;v=1|%3Bv|;v;w", 3),
        pattern in "(/([ab]{1,2}|\\*)){1,3}(/\\*\\*)?",
    ) {
        let plain = format!("/{}", names.join("/"));
        let with_parameters: String =
            names.iter().zip(&parameters).map(|(name, parameters)| format!("/{name}{parameters}")).collect();
        let pattern = PathPattern::parse(&pattern).expect("a pattern");
        let read = |raw: &str| CanonicalPath::parse_loosened(raw, with("parameters")).expect("a path");
        prop_assert_eq!(pattern.matches(&read(&plain)), pattern.matches(&read(&with_parameters)));
    }

    #[test]
    fn no_input_panics_under_any_combination(raw in ".*") {
        for loosened in every_combination() {
            if let Ok(path) = read(&raw, loosened) {
                prop_assert!(path.starts_with('/') && path.is_ascii());
            }
        }
    }
}
