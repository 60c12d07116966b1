use proptest::prelude::*;

use super::*;
use crate::testing::{Shop, alice};

const GROUPS: &str = r#"
[[group]]
id = "support"
groups = ["staff"]
[[group]]
id = "staff"
[[group]]
id = "blocked"
[[role]]
id = "editor"
"#;

fn offered(policies: &str) -> Vec<String> {
    offered_to(policies, &alice())
}

fn offered_to(policies: &str, question: &Question) -> Vec<String> {
    let shop = Shop::new(policies, GROUPS);
    let search = smallest(&shop.rulebook(), question);
    holds(&shop, question, &search);
    search
        .changes
        .iter()
        .map(|change| change.steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))
        .collect()
}

/// Every change turns the answer, and no part of one does.
fn holds(shop: &Shop, question: &Question, search: &Search) {
    let rulebook = shop.rulebook();
    for change in &search.changes {
        let whole = change.made(question, &shop.directory, |_| true).expect("it can be made");
        assert!(rulebook.answer(&whole).is_allowed(), "{change:?} does not turn the answer");
        for part in 0..(1_u32 << change.steps.len()) - 1 {
            if let Some(less) = change.made(question, &shop.directory, |at| part & (1 << at) != 0) {
                assert!(!rulebook.answer(&less).is_allowed(), "part {part:b} of {change:?} is enough");
            }
        }
    }
}

#[test]
fn a_plan_that_is_too_small() {
    assert_eq!(
        offered(
            r#"permit(principal, action, resource) when { principal has tier && principal.tier == "premium" };"#
        ),
        ["principal.tier: \"premium\" (is \"free\")"]
    );
}

#[test]
fn a_country_that_is_one_of_several() {
    let policies = r#"
        permit(principal, action, resource);
        forbid(principal, action, resource) unless { context.geo has country && ["US", "CA"].contains(context.geo.country) };
    "#;
    assert_eq!(offered(policies), ["context.geo.country: one of \"CA\" or \"US\" (is \"DE\")"]);
}

#[test]
fn alternatives_that_meet_another_forbid_are_not_offered() {
    let policies = r#"
        permit(principal, action, resource);
        forbid(principal, action, resource) unless { context.geo has country && ["US", "CA"].contains(context.geo.country) };
        forbid(principal, action, resource) when { context.geo has country && context.geo.country == "CA" };
    "#;
    assert_eq!(offered(policies), ["context.geo.country: \"US\" (is \"DE\")"]);
}

#[test]
fn a_group_that_the_scope_or_a_condition_asks_for() {
    assert_eq!(
        offered(r#"permit(principal in Group::"support", action, resource);"#),
        ["principal: in Group::\"support\""]
    );
    assert_eq!(
        offered(r#"permit(principal, action, resource) when { principal in Role::"editor" };"#),
        ["principal: in Role::\"editor\""]
    );
}

#[test]
fn a_group_that_has_to_be_left_and_whatever_leads_to_it() {
    let mut question = alice();
    question.parents.insert(("Group".to_owned(), "support".to_owned()));
    let policies = r#"
        permit(principal, action, resource);
        forbid(principal in Group::"staff", action, resource);
    "#;
    assert_eq!(offered_to(policies, &question), ["principal: not in Group::\"staff\""]);
}

#[test]
fn a_device_whose_last_report_is_too_old() {
    let policies = r#"
        permit(principal, action, resource) when {
            context.device has last_seen
            && context.time.now.durationSince(context.device.last_seen) < duration("7d")
        };
    "#;
    assert_eq!(
        offered(policies),
        [
            "context.device.last_seen: 2026-02-24T12:00:00.001Z or later (is 2026-02-22T12:00:00Z, 9 days before)"
        ]
    );
}

#[test]
fn obstacles_behind_each_other_are_told_together() {
    let policies = r#"
        permit(principal in Group::"support", action, resource) when { context.device has compliant && context.device.compliant };
        forbid(principal, action, resource) when { !context.auth.amr.contains("mfa") };
    "#;
    assert_eq!(
        offered(policies),
        ["context.auth.amr: with \"mfa\" in it (is []) and principal: in Group::\"support\" \
          and context.device.compliant: true (is false)"]
    );
}

#[test]
fn hours_scopes_zones_and_networks() {
    let of =
        |condition: &str| offered(&format!("permit(principal, action, resource) when {{ {condition} }};"));
    assert_eq!(
        of("context.time.minute < 480"),
        ["context.time.minute: at most 479, which is 07:59 (is 720)"]
    );
    assert_eq!(
        of("context.auth.scopes.containsAll([\"read\", \"write\"])"),
        ["context.auth.scopes: with \"write\" in it (is [\"read\"])"]
    );
    assert_eq!(
        of("context.network.zones.contains(\"office\")"),
        ["context.network.zones: with \"office\" in it (is [])"]
    );
    assert_eq!(
        of("context.network.ip.isInRange(ip(\"10.0.0.0/8\"))"),
        ["context.network.ip: in 10.0.0.0/8 (is 192.0.2.7)"]
    );
}

#[test]
fn what_was_asked_is_not_to_be_changed_and_where_nothing_helps_nothing_is_said() {
    assert!(
        offered("permit(principal, action, resource) when { context.request.path == \"/free\" };").is_empty()
    );
    assert!(offered("permit(principal == User::\"bob\", action, resource);").is_empty());
    assert!(offered("permit(principal, action, resource == Route::\"shop/other\");").is_empty());
    assert!(offered("permit(principal, action, resource); forbid(principal, action, resource);").is_empty());
}

#[test]
fn whoever_is_asked_first_comes_first() {
    let policies = r#"
        permit(principal, action, resource) when { principal has tier && principal.tier == "premium" };
        permit(principal, action, resource) when { context.auth has acr && context.auth.acr == "mfa" };
    "#;
    assert_eq!(
        offered(policies),
        ["context.auth.acr: \"mfa\" (is absent)", "principal.tier: \"premium\" (is \"free\")"]
    );
}

#[test]
fn nothing_is_offered_while_facts_are_unknown() {
    let mut question = alice();
    let path: crate::question::FactPath = "context.geo.country".parse().unwrap();
    question.remove(&path);
    question.unknown.insert(path, "no database".to_owned());
    let policies = "permit(principal, action, resource) when { context.geo has country && context.geo.country == \"US\" };";
    assert!(offered_to(policies, &question).is_empty());
}

/// Conditions of the kinds that policies have, over the facts of the shop.
fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0..3_usize).prop_map(|at| format!("(principal has tier && principal.tier == {:?})", ["free", "premium", "gold"][at])),
        (0..3_usize).prop_map(|at| format!("(context.geo has country && [\"US\", {:?}].contains(context.geo.country))", ["DE", "CA", "FR"][at])),
        Just("(context.device has compliant && context.device.compliant)".to_owned()),
        Just("(context.device has encrypted && context.device.encrypted)".to_owned()),
        (0..4_usize).prop_map(|at| format!("principal in Group::{:?}", ["support", "staff", "blocked", "other"][at])),
        (0..3_usize).prop_map(|at| format!("context.auth.scopes.contains({:?})", ["read", "write", "admin"][at])),
        (0..24_u32).prop_map(|hour| format!("context.time.minute < {}", hour * 60)),
        (0..24_u32).prop_map(|hour| format!("context.time.minute >= {}", hour * 60)),
        (1..20_i64).prop_map(|days| format!(
            "(context.device has last_seen && context.time.now.durationSince(context.device.last_seen) < duration(\"{days}d\"))"
        )),
        Just("context.network.ip.isInRange(ip(\"192.0.2.0/24\"))".to_owned()),
        Just("context.request.path like \"/premium*\"".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(if {a} then {b} else {c})")),
        ]
    })
}

fn policy() -> impl Strategy<Value = String> {
    let scope = prop_oneof![
        3 => Just("principal".to_owned()),
        1 => (0..3_usize).prop_map(|at| format!("principal in Group::{:?}", ["support", "staff", "blocked"][at])),
    ];
    (prop::bool::weighted(0.6), scope, condition()).prop_map(|(permit, scope, condition)| {
        let effect = if permit { "permit" } else { "forbid" };
        format!("{effect}({scope}, action, resource) when {{ {condition} }};\n")
    })
}

proptest! {
    /// Every change that is offered turns the answer, and has none inside that does.
    #[test]
    fn offered_changes_turn_the_answer_and_are_smallest(
        policies in prop::collection::vec(policy(), 1..6),
        groups in prop::collection::btree_set(0..3_usize, 0..3),
    ) {
        let shop = Shop::new(&policies.concat(), GROUPS);
        let mut question = alice();
        for group in groups {
            question.parents.insert(("Group".to_owned(), ["support", "staff", "blocked"][group].to_owned()));
        }
        let search = smallest(&shop.rulebook(), &question);
        holds(&shop, &question, &search);
    }
}
