//! What became of policies: what finds them, and what each was made into.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::{facts, policies, program, world};
use portcullis_decision::{Decision, Program, Value};

/// Policies with a number in place of `#`.
fn many(count: usize, policy: &str) -> String {
    (0..count).map(|number| policy.replace('#', &number.to_string())).collect::<Vec<_>>().join("\n")
}

fn found_by(set: &str) -> Vec<(String, usize)> {
    let program = program(set);
    let report = program.report();
    let mut found: Vec<(String, usize)> = report.found_by.clone().into_iter().collect();
    found.push(("nothing".to_owned(), report.unindexed.len()));
    found
}

fn only(key: &str, count: usize) -> Vec<(String, usize)> {
    vec![(key.to_owned(), count), ("nothing".to_owned(), 0)]
}

#[test]
fn policies_are_found_by_what_tells_them_apart() {
    let by = |policy: &str| found_by(&many(40, policy));
    assert_eq!(by("permit(principal, action, resource == Doc::\"#\");"), only("resource", 40));
    assert_eq!(by("permit(principal in Group::\"#\", action, resource);"), only("principal", 40));
    assert_eq!(by("permit(principal, action == Action::\"#\", resource);"), only("action", 40));
    assert_eq!(by("permit(principal is T#, action, resource);"), only("type of principal", 40));
    assert_eq!(
        by("forbid(principal, action, resource) when { context.ip.isInRange(ip(\"10.0.#.0/24\")) };"),
        only("value", 40)
    );
    assert_eq!(
        by("forbid(principal, action, resource) when { context has n && context.n == # };"),
        only("value", 40)
    );
    assert_eq!(
        by("forbid(principal, action, resource) when { context.path like \"/#*\" };"),
        [("nothing".to_owned(), 40)]
    );
}

#[test]
fn thousands_on_one_resource_are_told_apart_by_the_principal() {
    let set = many(1_000, "permit(principal in Group::\"#\", action, resource == Doc::\"plan\");");
    assert_eq!(found_by(&set), only("principal", 1_000));
}

#[test]
fn an_operand_that_fails_makes_all_of_its_policies_fail() {
    let set =
        many(30, "forbid(principal, action, resource) when { context.ip.isInRange(ip(\"10.0.#.0/24\")) };");
    let program = program(&set);
    let world = world(&program);
    let missing = facts();
    assert_eq!(program.decide_facts(&world, &missing).erring().len(), 30);
    let mut text = facts();
    text.context = vec![("ip".into(), common::text("10.0.1.7"))];
    assert_eq!(program.decide_facts(&world, &text).erring().len(), 30, "a text is no address");
    let mut found = facts();
    found.context = vec![("ip".into(), Value::Address("10.0.7.7".parse().expect("an address")))];
    let verdict = program.decide_facts(&world, &found);
    assert_eq!((verdict.decision(), verdict.reasons().len(), verdict.erring().len()), (Decision::Deny, 1, 0));
    assert_eq!(verdict.first_errors(3), []);
    assert_eq!(program.decide_facts(&world, &missing).first_errors(3).len(), 3);
}

#[test]
fn every_form_of_a_policy_is_shown() {
    let program = program(
        r#"@id("p") permit(principal in Group::"staff", action in [Action::"read", Action::"edit"], resource is Doc)
           when { context.geo.country == "US" && ["a", "b"].contains(principal.tier) } unless { context has x };"#,
    );
    let shown = program.show("p").expect("it is there");
    assert!(program.show("q").is_none());
    for line in [
        "permit `p`",
        "scope: principal in Group::\"staff\"",
        "scope: action in [Action::\"read\", Action::\"edit\"]",
        "scope: resource is Doc",
        "context.geo.country",
        "[\"a\", \"b\"]",
        "has x",
        "found by: nothing",
    ] {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
}

#[test]
fn what_repeats_is_there_once() {
    let set = many(
        200,
        "permit(principal in Group::\"#\", action, resource) when { context.a.b < 3 && context has x };",
    );
    let program = program(&set);
    // `3`, `context.a.b`, the comparison, `context`, `has`.
    assert_eq!(program.report().nodes, 5);
    assert!(program.report().bytes < 200 * 400, "{}", program.report());
}

#[test]
fn a_policy_nested_too_deep_is_left_to_the_reference_and_said_so() {
    let deep = (0..140).fold("true".to_owned(), |inner, _| format!("(if {inner} then true else false)"));
    let set = format!("@id(\"deep\") permit(principal, action, resource) when {{ {deep} }};");
    let parsed = std::thread::Builder::new().stack_size(256 * 1024 * 1024).spawn(move || {
        let program = Program::compile(&policies(&set)).expect("compiles");
        let handed = program.report().handed.iter().map(|handed| handed.policy.clone()).collect::<Vec<_>>();
        let decision = program.decide_facts(&world(&program), &facts()).decision();
        (handed, decision)
    });
    let (handed, decision) = parsed.expect("a thread").join().expect("it ends");
    assert_eq!((handed, decision), (vec!["deep".to_owned()], Decision::Allow));
}
