//! Which facts a policy set names.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::program;
use portcullis_decision::program::Named;

/// Every path below a record, sorted; one that is read as a whole ends in `*`.
fn paths(named: &Named) -> Vec<String> {
    if named.members().next().is_none() {
        return if named.is_nothing() { Vec::new() } else { vec!["*".to_owned()] };
    }
    let below = |name: &str| {
        let below = named.member(name).map(paths).unwrap_or_default();
        below
            .into_iter()
            .map(|path| if path == "*" { name.to_owned() } else { format!("{name}.{path}") })
            .collect::<Vec<_>>()
    };
    named.members().flat_map(below).collect()
}

fn read(conditions: &str) -> [Vec<String>; 3] {
    let program = program(&format!("permit(principal, action, resource) when {{ {conditions} }};"));
    let reads = program.reads();
    [paths(&reads.principal), paths(&reads.context), paths(&reads.elsewhere)]
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn members_are_named_by_themselves() {
    assert_eq!(
        read(
            "principal.tier == \"gold\" && context.geo has country && context.geo.country == \"US\" && context.flag"
        ),
        [names(&["tier"]), names(&["flag", "geo.country"]), names(&[])]
    );
    assert_eq!(read("context has geo.country"), [names(&[]), names(&["geo.country"]), names(&[])]);
    assert_eq!(read("principal has tier"), [names(&["tier"]), names(&[]), names(&[])]);
}

#[test]
fn what_is_compared_whole_is_read_whole() {
    assert_eq!(read("context.geo == {country: \"US\"}"), [names(&[]), names(&["geo"]), names(&[])]);
    assert_eq!(read("context == {}"), [names(&[]), names(&["*"]), names(&[])]);
    assert_eq!(
        read("context.geo == {} || context.geo.country == \"US\""),
        [names(&[]), names(&["geo"]), names(&[])]
    );
    assert_eq!(read("(if principal has tier then context else {}) has geo")[1], names(&["*"]));
}

#[test]
fn an_entity_come_by_otherwise_may_be_the_principal() {
    assert_eq!(read("resource.owner.tier == \"gold\"")[2], names(&["tier"]));
    assert_eq!(read("User::\"alice\".tier == \"gold\"")[2], names(&["tier"]));
    assert_eq!(read("(if context.flag then principal else resource).tier == 1")[2], names(&["tier"]));
    assert_eq!(read("principal.friend.tier == \"gold\""), [names(&["friend"]), names(&[]), names(&["tier"])]);
    assert_eq!(read("principal in Group::\"staff\""), [names(&[]), names(&[]), names(&[])]);
}
