//! What is large is decided all the same, and what is too large is said to be.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::collections::{HashMap, HashSet};

use cedar_policy::{Entities, Entity, RestrictedExpression};
use common::{facts, policies, program, uid, world};
use portcullis_decision::{Change, Decision, Program, World};

const MANY: i64 = 100_000;

#[test]
fn an_entity_of_very_many_attributes_is_read_by_name() {
    let attributes: HashMap<String, RestrictedExpression> =
        (0..MANY).map(|number| (format!("a{number}"), RestrictedExpression::new_long(number))).collect();
    let alice = Entity::new(uid("User::\"alice\""), attributes, HashSet::new()).expect("an entity");
    let program = program(
        "permit(principal, action, resource) when { principal.a99999 == 99999 && !(principal has b) };",
    );
    let world = World::new(&program, &Entities::from_entities([alice], None).expect("entities"));
    assert_eq!(program.decide_facts(&world, &facts()).decision(), Decision::Allow);
}

#[test]
fn a_template_of_very_many_links_is_found_by_its_slot() {
    let mut set = policies("permit(principal == ?principal, action, resource) when { context.n == 1 };");
    let template = set.templates().next().expect("one").id().clone();
    for number in 0..MANY / 10 {
        let slot = [(cedar_policy::SlotId::principal(), uid(&format!("User::\"u{number}\"")))];
        let id = cedar_policy::PolicyId::new(format!("link{number}"));
        set.link(template.clone(), id, slot.into()).expect("links");
    }
    let program = Program::compile(&set).expect("compiles");
    let report = program.report();
    assert_eq!(report.found_by.get("principal").copied(), Some(10_000), "{report}");
    assert_eq!(report.nodes, 3, "one condition, however many links");
    let mut with = facts();
    with.principal.id = "u777".into();
    with.context = vec![("n".into(), portcullis_decision::Value::Long(1))];
    let world = world(&program);
    assert_eq!(program.decide_facts(&world, &with).reasons().collect::<Vec<_>>(), ["link777"]);
}

#[test]
fn a_hierarchy_deeper_than_a_stack_is_closed_and_a_cycle_in_it_refused() {
    const DEPTH: usize = 2_000;
    let group = |number: usize| format!("Group::\"g{number}\"");
    let program = program(&format!("permit(principal in {}, action, resource);", group(DEPTH - 1)));
    let empty = World::new(&program, &Entities::empty());
    let chain = (0..DEPTH - 1)
        .map(|number| Change::Upsert(Box::new(common::entity(&group(number), &[], &[&group(number + 1)]))));
    let alice = Change::Upsert(Box::new(common::entity("User::\"alice\"", &[], &[&group(0)])));
    let deep = empty.with(chain.chain([alice])).expect("no cycle");
    assert_eq!(program.decide_facts(&deep, &facts()).decision(), Decision::Allow);
    let back = common::entity(&group(DEPTH - 1), &[], &[&group(0)]);
    let fault = deep.with([Change::Upsert(Box::new(back))]).expect_err("a cycle");
    assert!(fault.to_string().contains("its own ancestor"), "{fault}");
    assert_eq!(program.decide_facts(&deep, &facts()).decision(), Decision::Allow, "the world is as it was");
}

#[test]
fn a_denylist_is_searched_and_not_walked() {
    let set: String = (0..5_000)
        .map(|number| {
            let (high, low) = (number / 250, number % 250);
            format!(
                "forbid(principal, action, resource) when {{ context.ip.isInRange(ip(\"10.{high}.{low}.0/24\")) }};\n"
            )
        })
        .collect();
    let program = program(&set);
    assert_eq!(program.report().found_by.get("value").copied(), Some(5_000));
    let world = world(&program);
    let mut with = facts();
    with.context =
        vec![("ip".into(), portcullis_decision::Value::Address("10.7.77.7".parse().expect("an address")))];
    let verdict = program.decide_facts(&world, &with);
    assert_eq!((verdict.decision(), verdict.reasons().len()), (Decision::Deny, 1));
}
