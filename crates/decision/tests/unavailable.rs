//! Facts whose source does not work: when they leave a request undecided, and when they do not matter.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::{Told, ask, facts, program, record, text, world};
use portcullis_decision::{Decision, Facts, Value};

fn decide(text: &str, facts: &Facts<'_>) -> Told {
    let program = program(text);
    ask(&program, &world(&program), facts)
}

/// The geo source does not work; the rest of the context is there.
fn without_geo<'a>() -> Facts<'a> {
    Facts {
        context: vec![("device".into(), record([("managed", Value::Bool(false))]))],
        unavailable: vec![vec!["geo".into()]],
        ..facts()
    }
}

const GEO: &str = r#"context.geo has country && context.geo.country == "US""#;

#[test]
fn a_fact_that_could_flip_the_decision_leaves_it_undecided() {
    let permit = decide(&format!("permit(principal, action, resource) when {{ {GEO} }};"), &without_geo());
    assert_eq!((permit.decision(), permit.undecided()), (Decision::Deny, &["context.geo".to_owned()][..]));
    assert!(permit.permit.is_none() && permit.nearest.is_empty() && permit.reasons().is_empty());
    let forbid = format!(
        "permit(principal, action, resource); forbid(principal, action, resource) unless {{ {GEO} }};"
    );
    assert_eq!(decide(&forbid, &without_geo()).undecided(), ["context.geo"]);
}

#[test]
fn a_forbid_that_holds_decides_whatever_is_unknown() {
    let set = format!(
        r#"permit(principal, action, resource) when {{ {GEO} }};
           @id("no") forbid(principal, action, resource) when {{ principal.tier == "gold" || {GEO} }};"#
    );
    let verdict = decide(&set, &without_geo());
    assert_eq!(verdict.reasons(), ["no"]);
    assert!(verdict.undecided().is_empty());
}

#[test]
fn a_permit_that_cannot_hold_leaves_nothing_open() {
    for condition in [
        format!("principal.tier == \"free\" && {GEO}"),
        format!("{GEO} && principal.tier == \"free\""),
        format!("!({GEO} || principal.tier == \"gold\")"),
        format!("if {GEO} then principal.tier == \"free\" else false"),
        "context.geo has country && context.geo.country == \"US\" && context.nothing".to_owned(),
    ] {
        let verdict =
            decide(&format!("permit(principal, action, resource) when {{ {condition} }};"), &without_geo());
        assert!(verdict.undecided().is_empty(), "{condition}");
        assert_eq!(verdict.decision(), Decision::Deny);
        assert_eq!(verdict.nearest.len(), 1, "a default denial: {condition}");
    }
}

#[test]
fn a_forbid_that_cannot_hold_does_not_stand_in_the_way() {
    let set = format!(
        r#"permit(principal, action, resource);
           forbid(principal, action, resource) when {{ {GEO} && principal.tier == "free" }};
           forbid(principal, action == Action::"edit", resource) when {{ {GEO} }};
           permit(principal, action, resource) when {{ {GEO} }};"#
    );
    let verdict = decide(&set, &without_geo());
    assert_eq!(verdict.decision(), Decision::Allow);
    assert!(verdict.permit().is_some());
}

#[test]
fn only_the_route_that_reads_the_fact_waits_for_it() {
    let set = format!(
        r#"permit(principal, action, resource);
           forbid(principal, action, resource == Doc::"secret") unless {{ {GEO} }};"#
    );
    assert!(decide(&set, &without_geo()).permit().is_some());
    let mut secret = without_geo();
    secret.resource = portcullis_decision::EntityName::new("Doc", "secret");
    assert_eq!(decide(&set, &secret).undecided(), ["context.geo"]);
}

#[test]
fn a_record_of_which_one_field_is_unavailable_is_known_otherwise() {
    let mut with = without_geo();
    with.unavailable = vec![vec!["device".into(), "compliant".into()]];
    let allowed = |condition: &str| {
        let verdict = decide(&format!("permit(principal, action, resource) when {{ {condition} }};"), &with);
        (verdict.decision() == Decision::Allow, verdict.undecided().to_vec())
    };
    assert_eq!(allowed("context.device has managed"), (true, vec![]));
    assert_eq!(allowed("context.device has os"), (false, vec![]));
    assert_eq!(allowed("context has device.managed"), (true, vec![]));
    let waits = (false, vec!["context.device.compliant".to_owned()]);
    assert_eq!(allowed("context.device has compliant"), waits, "neither absent nor present");
    assert_eq!(allowed("!(context.device has compliant)"), waits);
    assert_eq!(allowed("context has device.compliant"), waits);
    assert_eq!(allowed("context.device == {managed: false}"), waits);
    assert_eq!(allowed("(if context.device.managed then {a: 1} else context.device) has compliant"), waits);
}

#[test]
fn an_attribute_of_the_principal_is_unavailable_by_whatever_way_it_is_read() {
    let mut with = facts();
    with.unavailable_principal = vec!["tier".into()];
    for condition in [
        "principal.tier == \"gold\"",
        "principal has tier",
        "!(principal has tier)",
        "resource.owner.tier == \"gold\"",
        "User::\"alice\".tier == \"gold\"",
        "{ who: principal }.who.tier == \"gold\"",
        "resource has owner.tier",
    ] {
        let verdict = decide(&format!("permit(principal, action, resource) when {{ {condition} }};"), &with);
        assert_eq!(verdict.undecided(), ["principal.tier"], "{condition}");
    }
    let other =
        decide("permit(principal, action, resource) when { principal.friend.tier == \"free\" };", &with);
    assert_eq!(other.decision(), Decision::Allow, "another's attribute is known");
}

#[test]
fn a_value_that_came_along_with_an_unavailable_fact_does_not_decide() {
    let mut with = without_geo();
    with.context.push(("geo".into(), record([("country", text("US"))])));
    let verdict = decide(&format!("permit(principal, action, resource) when {{ {GEO} }};"), &with);
    assert_eq!(verdict.undecided(), ["context.geo"]);
    with.unavailable = vec![vec!["geo".into(), "country".into(), "name".into()]];
    let verdict = decide(&format!("permit(principal, action, resource) when {{ {GEO} }};"), &with);
    assert_eq!(verdict.undecided(), ["context.geo.country"], "what the path leads through is no record");
}

#[test]
fn an_operator_that_takes_no_record_fails_on_one_that_is_partly_unavailable() {
    let set = "permit(principal, action, resource); forbid(principal, action, resource) when { !!context == true };";
    let verdict = decide(set, &without_geo());
    assert_eq!(verdict.decision(), Decision::Allow);
    assert!(verdict.forbid_erred && verdict.undecided().is_empty());
}

#[test]
fn every_path_that_matters_is_named() {
    let mut with = without_geo();
    with.unavailable_principal = vec!["tier".into()];
    let set = format!(
        r#"permit(principal, action, resource) when {{ principal.tier == "gold" }};
           forbid(principal, action, resource) unless {{ {GEO} }};"#
    );
    assert_eq!(decide(&set, &with).undecided(), ["context.geo", "principal.tier"]);
}

#[test]
fn nested_conditions_do_not_take_exponential_time() {
    let mut condition = "context.geo.country == \"US\"".to_owned();
    for _ in 0..60 {
        condition = format!("if context.geo has x then {condition} else context.geo.y");
    }
    let verdict =
        decide(&format!("permit(principal, action, resource) when {{ {condition} }};"), &without_geo());
    assert_eq!(verdict.undecided(), ["context.geo"]);
}
