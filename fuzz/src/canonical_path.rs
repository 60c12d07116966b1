//! Paths: three lines, the loosenings (one letter each), the path, and a pattern over paths.
//!
//! Holds for every input: a canonical path is spelled one way, has no dot or empty segment under any reading that the
//! app did not ask for, names what the raw one named, reads as itself, and is what comes out of a whole request;
//! patterns agree with a slow matcher.

use std::net::SocketAddr;

use http::Uri;
use percent_encoding::percent_decode_str;
use portcullis_request::{CanonicalPath, Loosened, PathPattern, TrustedPeers};

use crate::raw_head;

/// What must hold.
pub fn check(input: &[u8]) {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let loosened = loosened(lines.next().unwrap_or_default());
    let Ok(raw) = std::str::from_utf8(lines.next().unwrap_or_default()) else { return };
    let pattern = std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();

    let path = CanonicalPath::parse_loosened(raw, loosened);
    if let Ok(strict) = CanonicalPath::parse(raw) {
        assert_eq!(path.as_ref(), Ok(&strict), "a loosening changed {raw:?}, which needs none");
    }
    if let Ok(path) = &path {
        well_formed(path.as_str(), loosened);
        assert_eq!(CanonicalPath::parse_loosened(path.as_str(), loosened).as_ref(), Ok(path));
        if !loosened.dot_segments && !loosened.empty_segments {
            let (before, after) = (percent_decode_str(raw), percent_decode_str(path.as_str()));
            assert!(before.eq(after), "{raw:?} became another path, {path}");
        }
        patterns(path, pattern, loosened);
    }
    whole_request(raw, loosened);
}

/// The loosenings that these letters stand for.
fn loosened(letters: &[u8]) -> Loosened {
    let mut loosened = Loosened::default();
    for letter in letters {
        match letter {
            b's' => loosened.encoded_slash = true,
            b'b' => loosened.backslash = true,
            b'd' => loosened.dot_segments = true,
            b'e' => loosened.double_encoding = true,
            b'p' => loosened.parameters = true,
            b'm' => loosened.empty_segments = true,
            b'l' => loosened.encoded_delimiters = true,
            _ => {}
        }
    }
    loosened
}

fn well_formed(path: &str, loosened: Loosened) {
    assert!(path.starts_with('/') && path.len() <= LONGEST);
    assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\#?+".contains(&byte)), "{path}");
    assert!(!path.contains("//"), "{path} has an empty segment");
    assert!(loosened.parameters || !path.contains(';'), "{path} has `;`");
    one_spelling(path, loosened);
    for segment in path.split('/') {
        let once: Vec<u8> = percent_decode_str(segment).collect();
        let text = std::str::from_utf8(&once).unwrap_or_else(|_| panic!("{path} is not UTF-8 when decoded"));
        assert!(!text.contains(char::is_control), "{path} has a control character");
        assert!(loosened.encoded_slash || !text.contains('/'), "{path} has a hidden slash");
        assert!(loosened.backslash || !text.contains('\\'), "{path} has a hidden backslash");
        assert!(loosened.parameters || !text.contains(';'), "{path} has a hidden `;`");
        assert!(loosened.encoded_delimiters || !text.contains(['#', '?']), "{path} has a hidden delimiter");
        // However an origin reads on: parameters cut off, and slashes it should not see taken for slashes.
        let whole = text.split(['/', '\\']);
        for part in whole.flat_map(|part| [part, part.split(';').next().unwrap_or_default()]) {
            assert!(part != "." && part != "..", "{path} has a dot segment for some reader");
        }
        if !loosened.double_encoding {
            let twice: Vec<u8> = percent_decode_str(text).collect();
            assert_eq!(twice, once, "{path} is encoded twice");
        }
    }
}

/// Every character in its only spelling: bare if a segment may hold it, else a triplet in upper case.
fn one_spelling(path: &str, loosened: Loosened) {
    for (at, _) in path.match_indices('%') {
        let digits = path.get(at + 1..at + 3).unwrap_or_default();
        let byte = u8::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("{path} has half a triplet"));
        assert!(!digits.contains(|digit: char| digit.is_ascii_lowercase()), "{path} has lower case digits");
        let bare = byte.is_ascii_alphanumeric() || b"-._~!$&'()*,=:@".contains(&byte);
        assert!(!bare, "{path} has {digits} where it needs no encoding");
        let allowed = match byte {
            b'/' => loosened.encoded_slash,
            b'\\' => loosened.backslash,
            b';' => loosened.parameters,
            b'#' | b'?' => loosened.encoded_delimiters,
            other => !other.is_ascii_control(),
        };
        assert!(allowed, "{path} has {digits}, which nobody allowed");
    }
}

fn patterns(path: &CanonicalPath, written: &str, loosened: Loosened) {
    let Ok(pattern) = PathPattern::parse(written) else { return };
    assert_eq!(pattern.as_str(), written);
    let matches = pattern.matches(path);
    // Parameters make no difference to a pattern.
    let named = |segment: &str| {
        let cut = segment.find(';').into_iter().chain(segment.find("%3B")).min();
        segment[..cut.unwrap_or(segment.len())].to_owned()
    };
    let asked: Vec<String> = segments(path.as_str()).into_iter().map(named).collect();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    assert_eq!(matches, slowly(&segments(written), &asked), "{written} and {path}");
    // A final slash makes no difference.
    let other = match path.as_str().strip_suffix('/') {
        Some(without) => without.to_owned(),
        None => format!("{path}/"),
    };
    if let Ok(other) = CanonicalPath::parse_loosened(&other, loosened) {
        assert_eq!(pattern.matches(&other), matches, "{written} tells {path} from {other}");
    }
}

fn segments(path: &str) -> Vec<&str> {
    path.trim_matches('/').split('/').filter(|segment| !segment.is_empty()).collect()
}

fn slowly(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) | (["**"], _) => true,
        (["*", pattern @ ..], [_, path @ ..]) => slowly(pattern, path),
        ([literal, pattern @ ..], [segment, path @ ..]) => literal == segment && slowly(pattern, path),
        _ => false,
    }
}

/// The same path within a request, and what is forwarded admitted once more.
fn whole_request(raw: &str, loosened: Loosened) {
    let Ok(target) = Uri::try_from(raw) else { return };
    let trusted = TrustedPeers::default();
    let peer = SocketAddr::from(([198, 51, 100, 7], 4711));
    let admit = |target| raw_head::admitted(target, http::HeaderMap::new(), peer, &trusted, loosened);
    let Ok(request) = admit(target) else { return };
    well_formed(request.path.as_str(), loosened);
    assert_eq!(request.client, peer.ip());
    if raw.starts_with('/') && !raw.contains(['?', '#']) {
        assert_eq!(CanonicalPath::parse_loosened(raw, loosened).as_ref(), Ok(&request.path));
    }
    let forwarded = match &request.query {
        Some(query) => format!("{}?{query}", request.path),
        None => request.path.to_string(),
    };
    let forwarded = Uri::try_from(forwarded).expect("what was admitted can be forwarded");
    let again = admit(forwarded).expect("what was admitted is admitted again");
    assert_eq!((again.path, again.query), (request.path, request.query));
}

/// A path up to this length is read, as it is written and once it is canonical.
const LONGEST: usize = 8 * 1024;
