//! Why: which clause held or did not, where it is written, and what it read.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::{facts, program, record, text, world};
use portcullis_decision::explain::{CameTo, Explained, Part};
use portcullis_decision::{Facts, Value};

fn explained(set: &str, facts: &Facts<'_>) -> Vec<Explained> {
    let program = program(set);
    program.explain(&world(&program), facts).policies
}

/// Policy, part, and of each clause what it is, what it came to and what it read.
fn told(policies: &[Explained]) -> Vec<String> {
    let mut lines = Vec::new();
    for policy in policies {
        lines.push(format!("{} {:?}", policy.policy, policy.part));
        for clause in &policy.clauses {
            let not = if clause.negated { "not " } else { "" };
            let reads: Vec<String> = clause
                .reads
                .iter()
                .map(|read| match (&read.value, read.unavailable) {
                    (Some(value), _) => format!("{} = {value}", read.path),
                    (None, true) => format!("{} is unavailable", read.path),
                    (None, false) => format!("{} is missing", read.path),
                })
                .collect();
            lines.push(format!("  {not}{}: {:?}; {}", clause.text, clause.came_to, reads.join(", ")));
        }
    }
    lines
}

#[test]
fn near_permits_say_which_clauses_failed_and_what_they_saw() {
    let set = r#"@id("gold")
permit(principal, action, resource)
when { principal.tier == "platinum" && context.geo has country }
unless { context.device.managed || principal.level > 9 };
@id("elsewhere") permit(principal, action == Action::"edit", resource);"#;
    let with =
        Facts { context: vec![("device".into(), record([("managed", Value::Bool(true))]))], ..facts() };
    assert_eq!(
        told(&explained(set, &with)),
        [
            "gold Near",
            "  principal.tier == \"platinum\": DoesNotHold; principal.tier = \"gold\"",
            "  context.geo has country: Fault; context.geo.country is missing",
            "  not context.device.managed: DoesNotHold; context.device.managed = true",
            "  not principal.level > 9: Holds; principal.level = 5",
        ]
    );
}

#[test]
fn a_forbid_that_held_is_shown_with_its_place() {
    let set = "permit(principal, action, resource);\n\n@id(\"no\")\nforbid(principal, action, resource)\n  when { context.n < 3 };";
    let with = Facts { context: vec![("n".into(), Value::Long(1))], ..facts() };
    let policies = explained(set, &with);
    assert_eq!(told(&policies), ["no Determining", "  context.n < 3: Holds; context.n = 1"]);
    let policy = policies.first().expect("one");
    let place = policy.place.expect("it was read from a text");
    assert_eq!((place.line, place.column), (3, 1));
    let clause = policy.clauses.first().and_then(|clause| clause.place).expect("a place");
    assert_eq!((clause.line, clause.column), (5, 10));
    assert_eq!(set.get(clause.start..clause.end), Some("context.n < 3"));
    assert!(policy.forbid);
}

#[test]
fn what_erred_is_shown_with_the_words_of_the_reference() {
    let set = r#"@id("broken") forbid(principal, action, resource) when { context.nothing == 1 };"#;
    let policies = explained(set, &facts());
    let broken = policies.first().expect("one");
    assert_eq!(
        (broken.part, broken.clauses.first().map(|clause| clause.came_to)),
        (Part::Erring, Some(CameTo::Fault))
    );
    let words = broken.fault.as_deref().expect("words");
    assert!(words.contains("error while evaluating policy `broken`") && words.contains("nothing"), "{words}");
}

#[test]
fn what_an_unavailable_fact_leaves_open_is_named() {
    let set = r#"@id("held") permit(principal, action, resource) when { context has geo };
@id("stands") forbid(principal, action, resource) when { principal.tier == "gold" };
@id("open") forbid(principal, action, resource) when { context.geo.country == "US" };"#;
    let with = Facts { unavailable: vec![vec!["geo".into()]], ..facts() };
    let policies = explained(set, &with);
    assert_eq!(
        told(&policies),
        ["stands Determining", "  principal.tier == \"gold\": Holds; principal.tier = \"gold\""]
    );
}

#[test]
fn the_nearest_come_first_and_are_few() {
    let set: String = (0..20)
        .map(|number| {
            let clauses = vec!["principal.level == 0"; number % 4 + 1].join(" && ");
            format!("@id(\"p{number:02}\") permit(principal, action, resource) when {{ {clauses} }};\n")
        })
        .collect();
    let policies = explained(&set, &facts());
    let ids: Vec<&str> = policies.iter().map(|policy| policy.policy.as_str()).collect();
    assert_eq!(ids, ["p00", "p04", "p08", "p12", "p16", "p01", "p05", "p09"]);
}

#[test]
fn texts_of_links_are_those_of_their_template() {
    let mut set =
        common::policies("permit(principal == ?principal, action, resource) when { context.n > 1 };");
    let template = set.templates().next().expect("one").id().clone();
    let alice = [(cedar_policy::SlotId::principal(), common::uid("User::\"alice\""))];
    set.link(template, cedar_policy::PolicyId::new("for-alice"), alice.into()).expect("links");
    let program = portcullis_decision::Program::compile(&set).expect("compiles");
    let with = Facts { context: vec![("n".into(), text("two"))], ..facts() };
    let policies = program.explain(&world(&program), &with).policies;
    assert_eq!(told(&policies), ["for-alice Erring", "  context.n > 1: Fault; context.n = \"two\"",]);
}

#[test]
fn clauses_are_written_in_the_order_in_which_they_are_tried() {
    let set = "@id(\"gold\")\npermit(principal, action, resource)\nwhen { principal.tier == \"platinum\" &&\n  context.geo has country }\nunless { context.device.managed || principal.level > 9 };";
    let written = program(set).written_clauses("gold");
    let told: Vec<_> = written
        .iter()
        .map(|clause| (clause.place.map_or(0, |place| place.line), clause.negated, clause.text.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (3, false, "principal.tier == \"platinum\""),
            (4, false, "context.geo has country"),
            (5, true, "context.device.managed"),
            (5, true, "principal.level > 9"),
        ]
    );
    assert!(program(set).written_clauses("nobody").is_empty());
}
