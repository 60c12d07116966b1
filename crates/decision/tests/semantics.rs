//! What a second evaluator must keep of Cedar, case by case, through both ways of asking.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use cedar_policy::Authorizer;
use common::{Told, ask, entities, facts, official, policies, program, record, text, told, uid, world};
use portcullis_decision::{
    Change, Decision, EntityName, EntityOverlay, Facts, Program, Ticket, Value, World, WorldError,
};

/// Decides both ways, compares both with the official authorizer, and returns the verdict by facts.
fn decide(text: &str, facts: &Facts<'_>) -> Told {
    let set = policies(text);
    let program = Program::compile(&set).expect("compiles");
    let by_facts = ask(&program, &world(&program), facts);
    let (request, entities) = official(facts, &entities());
    let by_request = told(&program.decide(&World::new(&program, &entities), &request));
    let reference = Authorizer::new().is_authorized(&request, &set, &entities);
    let mut reasons: Vec<String> = reference.diagnostics().reason().map(ToString::to_string).collect();
    let mut errors: Vec<String> = reference.diagnostics().errors().map(ToString::to_string).collect();
    reasons.sort();
    errors.sort();
    for verdict in [&by_facts, &by_request] {
        assert_eq!(
            verdict.decision() == Decision::Allow,
            reference.decision() == cedar_policy::Decision::Allow,
            "{text}"
        );
        assert_eq!(verdict.reasons(), reasons, "{text}");
        let mut messages: Vec<_> = verdict.errors().iter().map(|fault| fault.message.clone()).collect();
        messages.sort();
        assert_eq!(messages, errors, "{text}");
    }
    assert_eq!(by_facts.nearest, by_request.nearest, "{text}");
    assert!(by_request.permit.is_none(), "a request without a ticket yields no permit");
    by_facts
}

fn holds(condition: &str) -> bool {
    decide(&format!("permit(principal, action, resource) when {{ {condition} }};"), &facts()).decision()
        == Decision::Allow
}

fn fails(condition: &str) -> bool {
    !decide(&format!("permit(principal, action, resource) when {{ {condition} }};"), &facts())
        .errors()
        .is_empty()
}

#[test]
fn forbids_override_and_every_true_policy_is_a_reason() {
    let permits =
        r#"@id("b") permit(principal, action, resource); @id("a") permit(principal, action, resource);"#;
    let allowed = decide(permits, &facts());
    assert_eq!(
        (allowed.decision(), allowed.reasons()),
        (Decision::Allow, &["a".to_owned(), "b".to_owned()][..])
    );
    let forbids = format!(
        r#"{permits} @id("y") forbid(principal, action, resource); @id("x") forbid(principal, action, resource);"#
    );
    let denied = decide(&forbids, &facts());
    assert_eq!(
        (denied.decision(), denied.reasons()),
        (Decision::Deny, &["x".to_owned(), "y".to_owned()][..])
    );
    assert!(denied.nearest.is_empty(), "only a default denial has near misses");
    assert!(decide("", &facts()).reasons().is_empty());
}

#[test]
fn an_erring_policy_is_skipped_and_reported_whatever_the_decision() {
    let verdict = decide(
        r#"@id("ok") permit(principal, action, resource);
           @id("broken") forbid(principal, action, resource) when { context.nothing };
           @id("odd") permit(principal, action, resource) when { 1 + "a" == 2 };"#,
        &facts(),
    );
    assert_eq!(verdict.decision(), Decision::Allow);
    let erring: Vec<_> = verdict.errors().iter().map(|fault| (fault.policy.as_str(), fault.forbid)).collect();
    assert_eq!(erring, [("broken", true), ("odd", false)]);
    assert!(verdict.permit.is_none(), "the forbid might have refused");
    assert!(verdict.dangerous_permit.is_some());
}

#[test]
fn a_permit_is_bound_to_its_request() {
    let allow = "permit(principal, action, resource);";
    let permit = decide(allow, &facts()).permit().expect("allowed");
    assert!(permit.is_for(Ticket(7)) && !permit.is_for(Ticket(8)));
    let rehearsal = Facts { ticket: None, ..facts() };
    assert!(decide(allow, &rehearsal).permit().is_none());
    assert!(decide("", &facts()).permit().is_none());
}

#[test]
fn scopes_match_types_entities_and_ancestors() {
    for (scope, admits) in [
        ("principal == User::\"alice\", action, resource", true),
        ("principal == User::\"bob\", action, resource", false),
        ("principal in Group::\"everyone\", action, resource", true),
        ("principal is User in Group::\"staff\", action, resource", true),
        ("principal is Group in Group::\"staff\", action, resource", false),
        ("principal is User, action, resource", true),
        ("principal is Service, action, resource", false),
        ("principal, action == Action::\"view\", resource", true),
        ("principal, action == Action::\"read\", resource", false),
        ("principal, action in Action::\"read\", resource", true),
        ("principal, action in [Action::\"edit\", Action::\"read\"], resource", true),
        ("principal, action in [], resource", false),
        ("principal, action, resource in Folder::\"top\"", true),
        ("principal, action, resource in Folder::\"missing\"", false),
        ("principal, action, resource == Doc::\"plan\"", true),
    ] {
        let decision = decide(&format!("permit({scope});"), &facts()).decision();
        assert_eq!(decision == Decision::Allow, admits, "{scope}");
    }
}

#[test]
fn operators_short_circuit_and_check_types_as_cedar_does() {
    assert!(!holds("false && context.nothing"));
    assert!(!fails("false && context.nothing"));
    assert!(holds("true || context.nothing"));
    assert!(fails("context.nothing || true"));
    assert!(fails("true && 1"));
    assert!(holds("1 != \"1\"") && !fails("1 == User::\"alice\""), "== is total");
    assert!(holds("[1, 2, 2] == [2, 1]"));
    assert!(fails("9223372036854775807 + 1 == 0"));
    assert!(fails("\"a\" < \"b\""));
    assert!(holds("datetime(\"2026-01-01\") < datetime(\"2026-01-02\")"));
    assert!(holds("\"a*b\" like \"a\\*b\"") && holds("\"héllo\" like \"h*o\""));
    assert!(holds("if principal has tier then principal.tier == \"gold\" else false"));
    assert!(fails("ip(\"nonsense\").isLoopback()"));
}

#[test]
fn entities_that_are_missing_have_nothing_and_are_in_themselves_alone() {
    assert!(!holds("User::\"ghost\" has tier"));
    assert!(fails("User::\"ghost\".tier == \"gold\""));
    assert!(holds("User::\"ghost\" in User::\"ghost\""));
    assert!(!holds("User::\"ghost\" in Group::\"staff\""));
    assert!(fails("principal in [Group::\"everyone\", 1]"), "every element is type-checked first");
    assert!(holds("resource.owner == principal && resource.owner.friend has tier"));
    assert!(holds("resource has owner.friend.tier"));
    assert!(fails("resource has public.friend"), "a non-record in the middle is a type error");
}

#[test]
fn links_report_their_own_id_and_templates_without_links_nothing() {
    let mut set = policies("permit(principal == ?principal, action, resource) when { context.nothing };");
    let template = set.templates().next().expect("one").id().clone();
    let alice = [(cedar_policy::SlotId::principal(), uid("User::\"alice\""))];
    set.link(template, cedar_policy::PolicyId::new("for-alice"), alice.into()).expect("links");
    let program = Program::compile(&set).expect("compiles");
    let verdict = ask(&program, &world(&program), &facts());
    assert_eq!(verdict.errors().iter().map(|fault| fault.policy.as_str()).collect::<Vec<_>>(), ["for-alice"]);
    let (request, entities) = official(&facts(), &entities());
    let reference = Authorizer::new().is_authorized(&request, &set, &entities);
    let text = reference.diagnostics().errors().map(ToString::to_string).next().expect("one");
    assert_eq!(verdict.errors().first().map(|fault| fault.message.clone()), Some(text));
}

#[test]
fn an_overlay_adds_attributes_and_ancestors_without_touching_the_world() {
    let set = r#"permit(principal, action, resource)
                 when { principal in Group::"everyone" && principal.level == 9 && principal has tier };"#;
    let mut with = facts();
    with.principal = EntityName::new("User", "carol");
    assert_eq!(decide(set, &with).decision(), Decision::Deny);
    with.overlay = vec![EntityOverlay {
        name: EntityName::new("User", "carol"),
        attributes: vec![("level".into(), Value::Long(9)), ("tier".into(), text("x"))],
        parents: vec![EntityName::new("Group", "staff")],
    }];
    assert_eq!(decide(set, &with).decision(), Decision::Allow);
    with.overlay = Vec::new();
    assert_eq!(decide(set, &with).decision(), Decision::Deny, "nothing stays behind");
}

#[test]
fn an_overlay_on_a_group_reaches_its_members_and_a_cycle_is_undecided() {
    let set = r#"permit(principal in Role::"editor", action, resource);"#;
    let mut with = facts();
    with.overlay = vec![EntityOverlay {
        name: EntityName::new("Group", "everyone"),
        attributes: Vec::new(),
        parents: vec![EntityName::new("Role", "editor")],
    }];
    assert_eq!(decide(set, &with).decision(), Decision::Allow);
    with.overlay.push(EntityOverlay {
        name: EntityName::new("Role", "editor"),
        attributes: Vec::new(),
        parents: vec![EntityName::new("Group", "staff")],
    });
    let program = program(set);
    let verdict = ask(&program, &world(&program), &with);
    assert_eq!(verdict.decision(), Decision::Deny);
    assert_eq!(verdict.undecided().len(), 1);
    assert!(verdict.errors().iter().any(|fault| fault.message.contains("its own ancestor")));
}

#[test]
fn a_request_that_reaches_very_many_entities_is_decided_all_the_same() {
    let names: Vec<String> = (0..2_000).map(|number| format!("User::\"u{number}\"")).collect();
    let chain: Vec<_> = names
        .windows(2)
        .filter_map(|pair| Some(common::entity(pair.first()?, &[("next", pair.get(1)?)], &[])))
        .collect();
    let program = program(
        "permit(principal, action, resource) when { principal.next.next has next && principal.x == 1 };",
    );
    let world = World::new(&program, &cedar_policy::Entities::from_entities(chain, None).expect("entities"));
    let mut with = facts();
    with.principal = EntityName::new("User", "u0");
    with.overlay = vec![EntityOverlay {
        name: with.principal.clone(),
        attributes: vec![("x".into(), Value::Long(1))],
        parents: Vec::new(),
    }];
    assert_eq!(ask(&program, &world, &with).decision(), Decision::Allow);
}

#[test]
fn near_misses_count_the_clauses_that_failed() {
    let verdict = decide(
        r#"@id("far") permit(principal, action, resource)
             when { principal.tier == "free" && principal.level > 9 } unless { context has a || principal has tier };
           @id("near") permit(principal, action, resource) when { principal.level == 5 } when { context.nothing };
           @id("also") permit(principal, action, resource) unless { principal has tier && principal has level };
           @id("elsewhere") permit(principal, action == Action::"edit", resource) when { false };
           @id("never") forbid(principal, action, resource) when { false };"#,
        &facts(),
    );
    let miss = |policy: &str, failed, clauses| (policy.to_owned(), failed, clauses);
    assert_eq!(verdict.nearest, [miss("also", 1, 1), miss("near", 1, 2), miss("far", 3, 4)]);
}

#[test]
fn worlds_change_by_replacement() {
    let program = program(r#"permit(principal in Group::"staff", action, resource);"#);
    let before = world(&program);
    let removed = before.with([Change::Remove(uid("Group::\"staff\""))]).expect("consistent");
    let bob = common::entity("User::\"alice\"", &[], &["Group::\"staff\""]);
    let back = removed.with([Change::Upsert(Box::new(bob))]).expect("consistent");
    let decisions = [&before, &removed, &back].map(|world| ask(&program, world, &facts()).decision());
    assert_eq!(decisions, [Decision::Allow, Decision::Deny, Decision::Allow]);
    assert_eq!((before.len(), removed.len(), back.is_empty()), (8, 7, false));
    let cycle = common::entity("Group::\"everyone\"", &[], &["Group::\"staff\""]);
    let fault = before.with([Change::Upsert(Box::new(cycle))]).expect_err("a cycle");
    assert!(matches!(fault, WorldError::Cycle { .. }));
}

#[test]
fn every_kind_of_value_reaches_cedar() {
    let mut with = facts();
    with.context = vec![
        ("ip".into(), Value::Address("10.1.2.3".parse().expect("an address"))),
        ("price".into(), Value::Decimal("12.50".into())),
        ("at".into(), Value::Datetime(1_767_225_600_000)),
        ("before".into(), Value::Datetime(-1)),
        ("age".into(), Value::Duration(-90_000)),
        ("who".into(), Value::Entity(EntityName::new("User", "bob"))),
        ("tags".into(), Value::Set(vec![text("a"), text("b"), text("a")])),
        ("deep".into(), record([("inner", record([("x", Value::Bool(true))]))])),
    ];
    let verdict = decide(
        r#"permit(principal, action, resource) when {
             context.ip.isInRange(ip("10.0.0.0/8")) && context.price.lessThan(decimal("13.0")) &&
             context.at == datetime("2026-01-01") && context.before < datetime("1970-01-01") &&
             context.age == duration("-1m30s") && context.who.tier == "free" &&
             context.tags == ["b", "a"] && context.deep.inner.x };"#,
        &with,
    );
    assert_eq!(verdict.decision(), Decision::Allow);
}

#[test]
fn what_is_no_cedar_is_unavailable_only_where_it_matters() {
    let reads = r#"permit(principal, action, resource) when { context.price.lessThan(decimal("13.0")) };"#;
    let mut with = facts();
    with.context = vec![
        ("price".into(), Value::Decimal("a lot".into())),
        ("twice".into(), Value::Bool(true)),
        ("twice".into(), Value::Bool(false)),
    ];
    let program_reading = program(reads);
    let verdict = ask(&program_reading, &world(&program_reading), &with);
    assert_eq!(verdict.undecided(), ["context.price"]);
    assert_eq!(verdict.errors().iter().filter(|fault| fault.policy.is_empty()).count(), 2);
    let open = program("permit(principal, action, resource);");
    assert!(ask(&open, &world(&open), &with).permit().is_some());
    for bad in ["", "no type", "A::", "principal == 1"] {
        let nameless = Facts { principal: EntityName::new(bad, "x"), ..facts() };
        let verdict = ask(&open, &world(&open), &nameless);
        assert_eq!(
            (verdict.decision(), verdict.undecided()),
            (Decision::Deny, &["principal".to_owned()][..])
        );
        assert!(verdict.permit().is_none());
    }
}

#[test]
fn every_comparison_of_a_fact_with_a_constant_is_cedars() {
    let facts = Facts {
        context: vec![
            ("number".into(), Value::Long(3)),
            ("flag".into(), Value::Bool(true)),
            ("text".into(), text("beginning-2")),
            ("address".into(), Value::Address([10, 1, 2, 3].into())),
            ("who".into(), Value::Entity(facts().principal)),
            ("record".into(), record([("text", text("")), ("number", Value::Long(-1))])),
        ],
        ..facts()
    };
    let asked = [
        "FACT",
        "FACT == 3",
        "FACT == true",
        r#"FACT == "beginning-2""#,
        r#""gold" == FACT"#,
        "FACT == principal",
        "FACT < 3",
        "FACT <= 3",
        "FACT > 3",
        "-1 >= FACT",
        // All begin alike, and one is the other's beginning.
        r#"["beginning-1", "beginning-2", "beginning", "beginnin"].contains(FACT)"#,
        r#"["", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "gold", "n", "o"].contains(FACT)"#,
        r#"["", 3].contains(FACT)"#,
        r#"FACT.isInRange(ip("10.1.0.0/16"))"#,
        "principal in FACT",
        "FACT has text",
        "FACT has record.text",
    ];
    let read = [
        "context.number",
        "context.flag",
        "context.text",
        "context.address",
        "context.who",
        "context.who.tier",
        "context.record",
        "context.record.text",
        "context.record.number",
        "context.record.absent",
        "context.absent.text",
        "principal.tier",
        "principal.absent",
        "resource.tier",
        "context",
    ];
    let condition = |asked: &str, fact: &str| asked.replace("FACT", fact);
    let policies = asked.iter().flat_map(|asked| {
        read.iter().flat_map(move |fact| {
            let condition = condition(asked, fact);
            [
                format!("permit(principal, action, resource) when {{ {condition} }};"),
                format!("forbid(principal, action, resource) when {{ !({condition}) }};"),
            ]
        })
    });
    decide(&policies.collect::<Vec<_>>().join("\n"), &facts);
}

#[test]
fn more_facts_than_have_places_are_read_all_the_same() {
    let names: Vec<String> = (0..50).map(|number| format!("number{number}")).collect();
    let context = names.iter().zip(0..).map(|(name, number)| (name.as_str().into(), Value::Long(number)));
    let facts = Facts { context: context.collect(), ..facts() };
    // One policy a fact: the official evaluator has no stack for a condition of so many.
    let permit = |name: &String, number: i64| {
        format!("permit(principal, action, resource) when {{ context.{name} == {number} }};")
    };
    let permits: Vec<String> = names.iter().zip(0..).map(|(name, number)| permit(name, number)).collect();
    assert_eq!(decide(&permits.join("\n"), &facts).reasons().len(), 50);
    let again = Facts {
        context: [facts.context.clone(), vec![("number49".into(), Value::Long(1))]].concat(),
        ..facts
    };
    let program = program(&permit(&names[49], 49));
    assert_eq!(ask(&program, &world(&program), &again).undecided(), ["context.number49"]);
}

#[test]
fn a_very_long_condition_is_decided() {
    let any = vec!["context has x"; 3_000].join(" || ");
    let all = vec!["principal has tier"; 3_000].join(" && ");
    let set = format!("permit(principal, action, resource) when {{ {all} }} when {{ {any} }};");
    let program = program(&set);
    let mut with = facts();
    let verdict = ask(&program, &world(&program), &with);
    assert_eq!((verdict.decision(), verdict.errors()), (Decision::Deny, &[][..]));
    assert_eq!(verdict.nearest.first().map(|(_, failed, clauses)| (*failed, *clauses)), Some((1, 3_001)));
    with.unavailable = vec![vec!["x".into()]];
    assert_eq!(ask(&program, &world(&program), &with).undecided(), ["context.x"]);
    with.unavailable = Vec::new();
    with.context = vec![("x".into(), Value::Bool(true))];
    assert!(ask(&program, &world(&program), &with).permit().is_some());
}

#[test]
fn a_very_deep_condition_is_decided_or_an_error_and_never_a_crash() {
    let deep = (0..400).fold("context has x".to_owned(), |inner, _| {
        format!("(context has y || (principal has tier && !!({inner})))")
    });
    let set = format!("permit(principal, action, resource) when {{ {deep} }};");
    let verdicts = std::thread::scope(|scope| {
        let roomy = std::thread::Builder::new().stack_size(256 * 1024 * 1024);
        let set = policies_of(scope, roomy, &set);
        let program = Program::compile(&set).expect("compiles");
        let known = ask(&program, &world(&program), &facts());
        let unknown = Facts { unavailable: vec![vec!["x".into()]], ..facts() };
        [known, ask(&program, &world(&program), &unknown)]
    });
    assert!(verdicts.iter().all(|verdict| verdict.permit.is_none()));
}

/// Parsing recurses too, and is given more room than deciding has.
fn policies_of<'s>(
    scope: &'s std::thread::Scope<'s, '_>,
    roomy: std::thread::Builder,
    text: &str,
) -> cedar_policy::PolicySet {
    let text = text.to_owned();
    roomy.spawn_scoped(scope, move || policies(&text)).expect("a thread").join().expect("parses")
}
