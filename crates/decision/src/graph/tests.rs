use cedar_policy_core::ast::PatternElem;
use proptest::prelude::*;
use proptest::sample::select;

use super::Pattern;

proptest! {
    /// The official matcher goes letter by letter and back; ours goes part by part.
    #[test]
    fn patterns_match_what_cedar_matches(
        elements in prop::collection::vec(select(vec!["*", "a", "b", "é", "\u{1f600}"]), 0..8),
        text in "[abé\u{1f600}]{0,10}",
    ) {
        let elements = elements.iter().map(|element| match *element {
            "*" => PatternElem::Wildcard,
            letter => PatternElem::Char(letter.chars().next().unwrap_or('a')),
        });
        let official = cedar_policy_core::ast::Pattern::from_iter(elements);
        let ours: Pattern = crate::lower::parts(&official);
        prop_assert_eq!(ours.matches(&text), official.wildcard_match(&text));
    }
}
