use cedar_policy_core::ast::Name;
use proptest::prelude::*;
use proptest::sample::select;

use super::{is_plain, is_type_name};

proptest! {
    /// Whatever is taken for a type without asking the parser is one, and written as Cedar writes it.
    #[test]
    fn plain_names_are_names(
        parts in prop::collection::vec(
            select(vec![
                "User", "a", "A9", "", "9", "_a", "__cedar", "in", "is", "if", "then", "else", "like", "has", "true",
                "false", "principal", "action", "resource", "context", "permit", "forbid", "when", "unless", "a b",
                "é", "a:", "Record", "Set", "String", "Long", "Bool", "ipaddr",
            ]),
            1..4,
        ),
    ) {
        let kind = parts.join("::");
        let official = kind.parse::<Name>().is_ok_and(|name| name.to_string() == kind);
        prop_assert!(!is_plain(&kind) || official, "{}", kind);
        prop_assert_eq!(is_type_name(&kind), official, "{}", kind);
    }
}
