use proptest::prelude::*;

use super::*;
use crate::setting::Asked;
use crate::setting::testing::Site;

const POLICIES: &str = r#"@id("premium")
permit(principal, action in Action::"read", resource == Route::"shop/premium")
when { principal has tier && principal.tier == "premium" };
@id("region") forbid(principal, action, resource == Route::"shop/premium")
unless { context.geo has country && ["US", "CA"].contains(context.geo.country) };
@id("staff") permit(principal in Group::"staff", action, resource == Route::"shop/orders");
@id("night") forbid(principal, action, resource == Route::"shop/orders") when { context.time.minute < 360 };
@id("home") permit(principal, action in Action::"read", resource == Route::"shop/home");
@id("ci") permit(principal == Service::"ci", action, resource in App::"media");
"#;

fn can(principal: &str, action: &str, resource: &str, facts: &[&str]) -> String {
    let site = Site::new(POLICIES);
    let setting = site.setting();
    let caller = Caller::parse(principal, setting.rulebook.directory).unwrap();
    let Ok(Asked::Of(target)) = setting.find(action, resource) else { panic!("{resource}") };
    let mut given = Given::default();
    for fact in facts {
        setting.give(&caller, &target.action, &mut given, fact).unwrap_or_else(|fault| panic!("{fault}"));
    }
    let brought = Brought::from(["tier".to_owned()]);
    let said = setting.can(&caller, &target, &given, &brought);
    let needs = match (said.can, setting.needs(&target, &said)) {
        (Can::Yes, _) => "-".to_owned(),
        (_, Needs::NothingKnown) => "nothing".to_owned(),
        (_, Needs::NotFound) => "?".to_owned(),
        (_, Needs::Steps(changes)) => said.steps(&changes[0]).join(" and "),
    };
    format!("{} {} [{}] {needs}", said.can.word(), said.policies.join(","), said.depends_on.join(","))
}

#[test]
fn what_is_not_given_is_unknown() {
    let premium = |principal, facts: &[&str]| can(principal, "GET", "shop/premium", facts);
    assert_eq!(
        premium("alice", &[]),
        "depends  [context.geo.country] context.geo.country: one of \"CA\" or \"US\""
    );
    assert_eq!(premium("alice", &["geo.country=US"]), "yes premium [] -");
    assert_eq!(
        premium("alice", &["geo.country=DE"]),
        "no region [] context.geo.country: one of \"CA\" or \"US\" (is \"DE\")"
    );
    assert_eq!(
        premium("alice", &["geo.country="]),
        "no region [] context.geo.country: one of \"CA\" or \"US\" (is absent)"
    );
    assert_eq!(premium("bob", &["geo.country=US"]), "no  [] principal.tier: \"premium\" (is \"free\")");
    assert_eq!(
        premium("bob", &[]),
        "no  [] context.geo.country: one of \"CA\" or \"US\" and principal.tier: \"premium\" (is \"free\")"
    );
    assert_eq!(premium("bob", &["geo.country=US", "tier=premium"]), "yes premium [] -");
    // The directory says nothing of carol's plan, and a credential may bring one.
    assert_eq!(
        premium("carol", &["geo.country=US"]),
        "depends  [principal.tier] principal.tier: \"premium\""
    );
    assert_eq!(can("carol", "GET", "/orders/7", &[]), "depends  [context.time.minute] nothing");
    assert_eq!(can("carol", "GET", "/orders/7", &["at=2026-01-05T12:00:00Z"]), "yes staff [] -");
    assert_eq!(can("stranger", "GET", "/orders/7", &["group=managers", "time.minute=720"]), "yes staff [] -");
    assert_eq!(can("anonymous", "GET", "/", &[]), "yes home [] -");
    assert!(
        can("anonymous", "GET", "shop/premium", &[]).starts_with("no "),
        "who is not known is not asked about"
    );
}

#[test]
fn facts_are_given_by_the_names_that_people_use() {
    let site = Site::new(POLICIES);
    let setting = site.setting();
    let alice = Caller::User("alice".to_owned());
    let give = |text: &str| {
        let said = setting.give(&alice, "GET", &mut Given::default(), text);
        said.map_err(|fault| format!("{}; {}", fault.message, fault.help))
    };
    for good in [
        "tier=x",
        "principal.tier=x",
        "context.geo.asn=1",
        "device=alices",
        "role=admin",
        "device.managed=true",
    ] {
        assert_eq!(give(good), Ok(()), "{good}");
    }
    for (wrong, told) in [
        ("tier", "`tier` gives no fact"),
        ("geo.contry=US", "did you mean `country`?"),
        ("geo.asn=x", "it is a whole number"),
        ("device=x", "no device `x`"),
        ("at=noon", "`noon` is no instant"),
        ("=x", "names no fact"),
    ] {
        let fault = give(wrong).unwrap_err();
        assert!(fault.contains(told), "{wrong}: {fault}");
    }
}

fn condition() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("true".to_owned()),
        (0..2_usize)
            .prop_map(|at| format!("principal has tier && principal.tier == {:?}", ["premium", "free"][at])),
        (0..2_usize).prop_map(|at| format!(
            "context.geo has country && context.geo.country == {:?}",
            ["US", "DE"][at]
        )),
        (0..3_usize)
            .prop_map(|at| format!("principal in Group::{:?}", ["staff", "customers", "managers"][at])),
        (0..24_u32).prop_map(|hour| format!("context.time.minute < {}", hour * 60)),
        Just("context.device has compliant && context.device.compliant".to_owned()),
    ]
}

fn policy() -> impl Strategy<Value = String> {
    let resource = prop::sample::select(vec![
        "resource",
        "resource == Route::\"shop/home\"",
        "resource == Route::\"shop/orders\"",
        "resource in App::\"media\"",
    ]);
    (prop::bool::weighted(0.6), resource, condition(), prop::bool::ANY).prop_map(
        |(permit, resource, condition, read)| {
            let effect = if permit { "permit" } else { "forbid" };
            let action = if read { "action in Action::\"read\"" } else { "action" };
            format!("{effect}(principal, {action}, {resource}) when {{ {condition} }};\n")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// `who` and `what` list exactly what `can` says yes or depends to; and what depends is decided either way once the
    /// facts it depends on are given.
    #[test]
    fn who_what_and_can_agree(policies in prop::collection::vec(policy(), 1..6), country in prop::option::of(0..2_usize)) {
        let site = Site::new(&policies.concat());
        let setting = site.setting();
        let brought = Brought::from(["tier".to_owned()]);
        let mut given = Given::default();
        if let Some(at) = country {
            let fact = format!("geo.country={}", ["US", "DE"][at]);
            setting.give(&Caller::Anonymous, "GET", &mut given, &fact).unwrap();
        }
        let directory = setting.rulebook.directory;
        let mut everybody = vec![Caller::Anonymous];
        everybody.extend(directory.users.keys().map(|id| Caller::User(id.clone())));
        everybody.extend(directory.services.keys().map(|id| Caller::Service(id.clone())));
        let mut by_what: BTreeSet<(Caller, String, String)> = BTreeSet::new();
        for caller in &everybody {
            for (target, said) in setting.what(caller, None, &given, &brought) {
                prop_assert_eq!(&setting.can(caller, &target, &given, &brought), &said);
                by_what.insert((caller.clone(), target.method.clone(), target.entity.clone()));
            }
        }
        let mut by_who: BTreeSet<(Caller, String, String)> = BTreeSet::new();
        for (app, route) in setting.routes() {
            for method in methods_of(route) {
                let target = setting.of_route(app, route, &method);
                for (caller, said) in setting.who(&target, &given, &brought) {
                    prop_assert_eq!(&setting.can(&caller, &target, &given, &brought), &said);
                    prop_assert_ne!(said.can, Can::No);
                    by_who.insert((caller, target.method.clone(), target.entity.clone()));
                }
                for caller in &everybody {
                    let said = setting.can(caller, &target, &given, &brought);
                    let listed = by_who.contains(&(caller.clone(), target.method.clone(), target.entity.clone()));
                    prop_assert_eq!(listed, said.can != Can::No);
                    if said.can == Can::Yes {
                        prop_assert!(said.answer.is_allowed());
                    }
                    if let (Can::Depends, Needs::Steps(changes)) = (said.can, setting.needs(&target, &said)) {
                        prop_assert!(!changes.is_empty());
                    }
                }
            }
        }
        prop_assert_eq!(by_what, by_who);
    }
}
