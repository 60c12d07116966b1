//! Matching, order and the advice in errors.

use proptest::prelude::*;

use super::{PathPattern, PathPatternError};
use crate::CanonicalPath;

fn pattern(text: &str) -> PathPattern {
    PathPattern::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn path(text: &str) -> CanonicalPath {
    CanonicalPath::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

#[test]
fn patterns_cover_what_they_say() {
    for (written, covered, not) in [
        ("/", vec!["/"], vec!["/a"]),
        ("/a/b", vec!["/a/b", "/a/b/", "/%61/b"], vec!["/a", "/a/bc", "/a/b/c", "/A/b", "/"]),
        ("/a/*", vec!["/a/b", "/a/b/", "/a/*"], vec!["/a", "/a/", "/a/b/c", "/b/a"]),
        ("/*/b", vec!["/a/b"], vec!["/b", "/a/b/c"]),
        ("/a/**", vec!["/a", "/a/", "/a/b", "/a/b/c/"], vec!["/ab", "/", "/b/a"]),
        ("/**", vec!["/", "/a", "/a/b"], vec![]),
        ("/a/*/c/**", vec!["/a/b/c", "/a/b/c/d/e"], vec!["/a/c", "/a/b/d"]),
        ("/c%2B%2B", vec!["/c++", "/c%2b+"], vec!["/c"]),
    ] {
        for each in covered {
            assert!(pattern(written).matches(&path(each)), "{written} covers {each}");
        }
        for each in not {
            assert!(!pattern(written).matches(&path(each)), "{written} does not cover {each}");
        }
    }
}

#[test]
fn the_most_specific_comes_first() {
    let ordered = ["/a/b/c", "/a/b", "/a/b/**", "/a/*/c", "/a/*", "/a", "/a/**", "/*", "/", "/**"];
    for (at, left) in ordered.iter().enumerate() {
        for right in &ordered[at + 1..] {
            assert!(pattern(left).specificity() < pattern(right).specificity(), "{left} before {right}");
        }
    }
}

#[test]
fn errors_say_what_to_write() {
    for (written, hint) in [
        ("a/b", "does not start with `/`"),
        ("/a/../b", "dot segment"),
        ("/a;b", "`;`"),
        ("/%61", "write `/a`"),
        ("/c++", "write `/c%2B%2B`"),
        ("/a/", "write `/a`, which covers both, or `/a/**`"),
        ("/a*", "one whole segment"),
        ("/a/**/b", "at the end only"),
        ("/***", "one whole segment"),
    ] {
        let fault = PathPattern::parse(written).expect_err(written);
        assert!(fault.to_string().contains(hint), "{written}: {fault}");
    }
    assert!(matches!(PathPattern::parse("/a/**/b"), Err(PathPatternError::Wildcard { .. })));
}

proptest! {
    #[test]
    fn order_agrees_with_cover(left in "(/[ab*]){1,3}(/\\*\\*)?", right in "(/[ab*]){1,3}(/\\*\\*)?", asked in "(/[ab]){1,4}") {
        // Where two patterns cover a path, the one asked first never covers the other as a literal path would.
        let (left, right, asked) = (pattern(&left), pattern(&right), path(&asked));
        if left.matches(&asked) && right.matches(&asked) && left.as_str() == asked.as_str() && left != right {
            prop_assert!(left.specificity() < right.specificity(), "{} {}", left, right);
        }
    }

    #[test]
    fn a_literal_pattern_covers_its_own_path(text in "(/[a-z0-9._-]*[a-z0-9]){1,4}") {
        prop_assert!(pattern(&text).matches(&path(&text)));
    }
}
