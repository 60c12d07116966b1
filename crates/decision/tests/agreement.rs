//! Generated policy sets, worlds and requests: the three ways to decide agree, and nothing is called decided that an
//! unavailable fact could still turn.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use cedar_policy::Authorizer;
use common::{ask, entities, facts, official, policies, record, text, told, world};
use portcullis_decision::{Decision, EntityName, EntityOverlay, Facts, Program, Value};
use proptest::prelude::*;
use proptest::sample::select;

/// An expression of any type: most are boolean, many err.
fn expression() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "true",
        "false",
        "1",
        "9223372036854775807",
        "\"US\"",
        "\"gold\"",
        "principal",
        "resource",
        "action",
        "context",
        "principal.tier",
        "principal.level",
        "principal.friend",
        "principal.friend.tier",
        "resource.owner",
        "resource.owner.tier",
        "resource.public",
        "context.n",
        "context.geo",
        "context.geo.country",
        "context.tags",
        "context.device",
        "context.device.compliant",
        "context.who",
        "context.who.tier",
        "context.nothing",
        "User::\"alice\"",
        "User::\"bob\".tier",
        "User::\"ghost\"",
        "Group::\"staff\"",
        "[\"US\", \"CA\"]",
        "[]",
        "{country: \"US\"}",
        "ip(\"10.0.0.1\")",
        "ip(\"nonsense\")",
        "principal.hasTag(\"t\")",
        "principal has tier",
        "principal has friend.tier",
        "context has geo",
        "context.geo has country",
        "context has geo.country",
        "context has device.compliant",
        "context.device has compliant",
        "context.geo.country == \"US\"",
        "principal.tier == \"gold\"",
        "context.n < 3",
        "principal.level > 2",
        "principal in Group::\"everyone\"",
        "[\"US\"].contains(context.geo.country)",
        "context.tags.contains(\"US\")",
        "context.who == principal",
        "context.device.managed",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let three = (inner.clone(), inner.clone(), inner.clone());
        prop_oneof![
            4 => (two.clone(), select(vec!["&&", "||"])).prop_map(|((a, b), op)| format!("(({a}) {op} ({b}))")),
            2 => inner.clone().prop_map(|a| format!("(!({a}))")),
            2 => (two.clone(), select(vec!["==", "!=", "<", "in", "+"])).prop_map(|((a, b), op)| format!("(({a}) {op} ({b}))")),
            1 => three.prop_map(|(a, b, c)| format!("(if ({a}) then ({b}) else ({c}))")),
            1 => (inner.clone(), select(vec!["tier", "country", "compliant", "owner"])).prop_map(|(a, name)| format!("(({a}) has {name})")),
            1 => (inner.clone(), select(vec!["tier", "country", "compliant", "owner"])).prop_map(|(a, name)| format!("({a}).{name}")),
            1 => two.prop_map(|(a, b)| format!("({a}).contains({b})")),
            1 => inner.clone().prop_map(|a| format!("(({a}) like \"U*\")")),
            1 => inner.clone().prop_map(|a| format!("(({a}) is User)")),
            1 => inner.clone().prop_map(|a| format!("({{compliant: {a}, tier: \"gold\"}}.tier)")),
            1 => inner.prop_map(|a| format!("([{a}].contains(\"US\"))")),
        ]
    })
}

fn scope() -> impl Strategy<Value = String> {
    let principal = select(vec![
        "principal",
        "principal",
        "principal == User::\"alice\"",
        "principal in Group::\"everyone\"",
        "principal is User in Group::\"staff\"",
        "principal is Group",
    ]);
    let action = select(vec![
        "action",
        "action",
        "action == Action::\"view\"",
        "action in [Action::\"read\", Action::\"edit\"]",
    ]);
    let resource =
        select(vec!["resource", "resource", "resource in Folder::\"top\"", "resource == Doc::\"other\""]);
    (principal, action, resource).prop_map(|(p, a, r)| format!("{p}, {a}, {r}"))
}

fn policy_set() -> impl Strategy<Value = String> {
    let condition = (select(vec!["when", "when", "unless"]), expression())
        .prop_map(|(word, body)| format!("{word} {{ {body} }}"));
    let policy =
        (select(vec!["permit", "permit", "forbid"]), scope(), prop::collection::vec(condition, 0..3))
            .prop_map(|(effect, scope, conditions)| format!("{effect}({scope}) {};", conditions.join(" ")));
    prop::collection::vec(policy, 1..5).prop_map(|policies| policies.join("\n"))
}

fn overlays() -> impl Strategy<Value = Vec<EntityOverlay<'static>>> {
    let name = select(vec![
        ("User", "alice"),
        ("User", "carol"),
        ("Group", "staff"),
        ("Doc", "plan"),
        ("Folder", "top"),
    ]);
    let attributes = prop::collection::vec(
        (
            select(vec!["tier", "level", "friend", "owner"]),
            select(vec![
                text("gold"),
                text("free"),
                Value::Long(7),
                Value::Entity(EntityName::new("User", "bob")),
                Value::Entity(EntityName::new("User", "carol")),
            ]),
        ),
        0..3,
    )
    .prop_map(|mut attributes| {
        attributes.sort_by_key(|(name, _)| *name);
        attributes.dedup_by_key(|(name, _)| *name);
        attributes.into_iter().map(|(name, value)| (name.into(), value)).collect::<Vec<_>>()
    });
    // Roles are above everything else here, so no overlay makes a cycle.
    let parents = prop::collection::vec(select(vec!["editor", "admin"]), 0..2)
        .prop_map(|ids| ids.into_iter().map(|id| EntityName::new("Role", id)).collect::<Vec<_>>());
    let overlay = (name, attributes, parents).prop_map(|((kind, id), attributes, parents)| EntityOverlay {
        name: EntityName::new(kind, id),
        attributes,
        parents,
    });
    prop::collection::vec(overlay, 0..3)
}

fn context() -> impl Strategy<Value = Vec<(&'static str, Value<'static>)>> {
    let field = |name: &'static str, values: Vec<Value<'static>>| {
        prop::option::of(select(values)).prop_map(move |value| value.map(|value| (name, value)))
    };
    (
        field("n", vec![Value::Long(1), Value::Long(i64::MAX)]),
        field("geo", vec![record([("country", text("US"))]), record([])]),
        field("tags", vec![Value::Set(vec![text("US")]), Value::Set(Vec::new())]),
        field(
            "device",
            vec![
                record([("compliant", Value::Bool(true)), ("managed", Value::Bool(true))]),
                record([("managed", Value::Bool(false))]),
            ],
        ),
        field(
            "who",
            vec![
                Value::Entity(EntityName::new("User", "alice")),
                Value::Entity(EntityName::new("User", "bob")),
            ],
        ),
    )
        .prop_map(|(a, b, c, d, e)| [a, b, c, d, e].into_iter().flatten().collect())
}

fn principal() -> impl Strategy<Value = EntityName<'static>> {
    select(vec!["alice", "alice", "bob", "carol"]).prop_map(|id| EntityName::new("User", id))
}

/// What an unavailable fact may turn out to be; `None` is absence.
fn fillings() -> Vec<Option<Value<'static>>> {
    vec![
        None,
        Some(Value::Bool(true)),
        Some(Value::Bool(false)),
        Some(Value::Long(1)),
        Some(Value::Long(i64::MAX)),
        Some(text("US")),
        Some(text("gold")),
        Some(text("free")),
        Some(Value::Set(vec![text("US")])),
        Some(record([("country", text("US"))])),
        Some(record([("country", text("FR")), ("compliant", Value::Bool(true))])),
        Some(record([("compliant", Value::Bool(false)), ("tier", text("gold"))])),
        Some(record([])),
        Some(Value::Entity(EntityName::new("User", "alice"))),
        Some(Value::Entity(EntityName::new("User", "bob"))),
        Some(Value::Entity(EntityName::new("Group", "staff"))),
    ]
}

/// Puts a value at a path of the context, making records on the way.
fn put<'a>(
    context: &mut Vec<(std::borrow::Cow<'a, str>, Value<'a>)>,
    path: &[&'a str],
    value: Option<Value<'a>>,
) {
    let Some((first, rest)) = path.split_first() else { return };
    let at = context.iter().position(|(name, _)| name == first);
    if rest.is_empty() {
        context.retain(|(name, _)| name != first);
        context.extend(value.map(|value| ((*first).into(), value)));
    } else if let Some((_, Value::Record(inner))) = at.and_then(|at| context.get_mut(at)) {
        put(inner, rest, value);
    } else if at.is_none() && value.is_some() {
        let mut inner = Vec::new();
        put(&mut inner, rest, value);
        context.push(((*first).into(), Value::Record(inner)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn facts_requests_and_the_official_authorizer_agree(
        set in policy_set(),
        overlay in overlays(),
        context in context(),
        principal in principal(),
    ) {
        let facts = Facts {
            principal,
            overlay,
            context: context.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            ..facts()
        };
        let set = policies(&set);
        let program = Program::compile(&set).expect("compiles");
        let by_facts = ask(&program, &world(&program), &facts);
        let (request, entities) = official(&facts, &entities());
        let reference = Authorizer::new().is_authorized(&request, &set, &entities);
        let by_request = told(&program.decide(&portcullis_decision::World::new(&program, &entities), &request));

        let mut reasons: Vec<String> = reference.diagnostics().reason().map(ToString::to_string).collect();
        reasons.sort();
        let mut errors: Vec<String> = reference.diagnostics().errors().map(ToString::to_string).collect();
        errors.sort();
        for verdict in [&by_facts, &by_request] {
            prop_assert_eq!(verdict.decision() == Decision::Allow, reference.decision() == cedar_policy::Decision::Allow);
            prop_assert_eq!(verdict.reasons(), &reasons[..]);
            let mut messages: Vec<_> = verdict.errors().iter().map(|fault| fault.message.clone()).collect();
            prop_assert!(verdict.errors().is_sorted_by(|a, b| a.policy < b.policy));
            messages.sort();
            prop_assert_eq!(&messages, &errors);
            prop_assert!(verdict.undecided().is_empty());
        }
        prop_assert_eq!(&by_facts.nearest, &by_request.nearest);
        prop_assert_eq!(
            by_facts.permit.is_some(),
            by_facts.decision == Decision::Allow && !by_facts.forbid_erred
        );
    }

    #[test]
    fn nothing_is_decided_that_an_unavailable_fact_could_turn(
        set in policy_set(),
        overlay in overlays(),
        context in context(),
        paths in prop::collection::vec(select(vec![
            vec!["geo"], vec!["geo", "country"], vec!["n"], vec!["device", "compliant"], vec!["device"],
            vec!["who"], vec!["tags"],
        ]), 0..3),
        attribute in prop::option::of(select(vec!["tier", "level", "friend"])),
        picks in prop::collection::vec(0usize..16, 12),
    ) {
        let known = Facts {
            overlay,
            context: context.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            ..facts()
        };
        let mut unknown = known.clone();
        unknown.unavailable =
            paths.iter().map(|path| path.iter().map(|name| (*name).into()).collect()).collect();
        unknown.unavailable_principal = attribute.iter().map(|name| (*name).into()).collect();
        let set = policies(&set);
        let program = Program::compile(&set).expect("compiles");
        let verdict = ask(&program, &world(&program), &unknown);
        prop_assert!(verdict.undecided.is_empty() || verdict.permit.is_none());

        let base = entities();
        let fillings = fillings();
        // Every single filling for the first fact, with the others picked at random.
        for round in 0..fillings.len() {
            let mut filled = known.clone();
            let mut at = round;
            let mut next = || {
                let value = fillings.get(at % fillings.len()).cloned().flatten();
                at = picks.get(at % picks.len()).copied().unwrap_or_default() + round;
                value
            };
            // Shorter paths first: what lies in a record that is filled is part of that filling.
            let mut paths = paths.clone();
            paths.sort_by_key(|path| path.len());
            for path in &paths {
                let value = next();
                if !paths.iter().any(|other| other.len() < path.len() && path.starts_with(other)) {
                    put(&mut filled.context, path, value);
                }
            }
            let mut base = base.clone();
            if let Some(name) = attribute {
                for overlay in &mut filled.overlay {
                    if overlay.name == filled.principal {
                        overlay.attributes.retain(|(known, _)| known != name);
                    }
                }
                let (uid, mut attributes, _) =
                    base.get(&common::uid("User::\"alice\"")).expect("she is there").clone().into_inner();
                attributes.remove(name);
                attributes.extend(next().map(|value| (name.to_owned(), common::expression(&value))));
                let staff = [common::uid("Group::\"staff\"")].into();
                let alice = cedar_policy::Entity::new(uid, attributes, staff).expect("an entity");
                base = base.upsert_entities([alice], None).expect("no cycle");
            }
            let (request, entities) = official(&filled, &base);
            let reference = Authorizer::new().is_authorized(&request, &set, &entities);
            if verdict.undecided().is_empty() {
                prop_assert_eq!(
                    verdict.decision() == Decision::Allow,
                    reference.decision() == cedar_policy::Decision::Allow,
                    "{:?}", filled
                );
                for reason in verdict.reasons() {
                    prop_assert!(reference.diagnostics().reason().any(|id| id.to_string() == *reason));
                }
            }
        }
    }
}
