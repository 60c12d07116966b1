use portcullis_decision::{Decision, EntityName, EntityOverlay, Facts, Program, Value, World};
use proptest::prelude::*;

use super::*;
use crate::load::tests::{codes, guard};
use crate::{Policies, ReasonStatus, StepUp};

/// The records of a context, each with its fields.
type Fields<'a> = Vec<(&'a str, Vec<(&'a str, Value<'a>)>)>;

/// What a request brings, in the shape of the shipped schema.
fn context<'a>() -> Fields<'a> {
    let text = |text: &'a str| Value::String(text.into());
    vec![
        ("geo", vec![("country", text("US"))]),
        (
            "network",
            vec![
                ("ip", Value::Address("192.0.2.1".parse().expect("an address"))),
                ("zones", Value::Set(vec![text("office")])),
            ],
        ),
        (
            "device",
            vec![
                ("managed", Value::Bool(true)),
                ("compliant", Value::Bool(true)),
                ("last_seen", Value::Datetime(0)),
            ],
        ),
        (
            "auth",
            vec![
                ("method", text("jwt")),
                ("scopes", Value::Set(vec![text("a"), text("b")])),
                ("acr", text("mfa")),
                ("amr", Value::Set(Vec::new())),
                ("time", Value::Datetime(0)),
            ],
        ),
        (
            "request",
            vec![
                ("method", text("GET")),
                ("scheme", text("https")),
                ("host", text("h")),
                ("path", text("/")),
            ],
        ),
        (
            "time",
            vec![
                ("now", Value::Datetime(600_000)),
                ("minute", Value::Long(600)),
                ("weekday", Value::Long(2)),
            ],
        ),
    ]
}

/// What was decided.
#[derive(Debug)]
struct Told {
    decision: Decision,
    reasons: Vec<String>,
    erring: usize,
}

impl Told {
    fn decision(&self) -> Decision {
        self.decision
    }
}

fn decide<'a>(policies: &Policies, principal: EntityName<'a>, change: impl FnOnce(&mut Fields<'a>)) -> Told {
    let mut context = context();
    change(&mut context);
    let record = |fields: Vec<(&'a str, Value<'a>)>| {
        Value::Record(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    };
    let overlay = if principal.kind == "User" {
        vec![EntityOverlay {
            name: principal.clone(),
            attributes: vec![("tier".into(), Value::String("gold".into()))],
            parents: vec![EntityName::new("Role", "admin"), EntityName::new("Group", "staff")],
        }]
    } else {
        Vec::new()
    };
    let facts = Facts {
        principal,
        action: EntityName::new("Action", "GET"),
        resource: EntityName::new("Route", "shop/items"),
        context: context.into_iter().map(|(name, fields)| (name.into(), record(fields))).collect(),
        overlay,
        unavailable: Vec::new(),
        unavailable_principal: Vec::new(),
        ticket: None,
    };
    let program = Program::compile_with_schema(&policies.set, &policies.schema).expect("compiles");
    let entities = policies.schema.action_entities().expect("actions");
    let world = World::new(&program, &entities);
    let verdict = program.decide_facts(&world, &facts);
    Told {
        decision: verdict.decision(),
        reasons: verdict.reasons().map(str::to_owned).collect(),
        erring: verdict.erring().len(),
    }
}

fn alice<'a>() -> EntityName<'a> {
    EntityName::new("User", "alice")
}

fn nobody<'a>() -> EntityName<'a> {
    EntityName::new("Anonymous", "caller")
}

fn items(access: Access, require: Require) -> Vec<Guard> {
    vec![guard(None), Guard { access, require, ..guard(Some("items")) }]
}

fn loaded(guards: &[Guard]) -> Policies {
    let loaded = Policies::load(&[], None, guards);
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    loaded.policies.expect("no findings, so a set")
}

/// Alice passes; after the change she is refused by exactly this requirement.
fn refuses<'a>(require: Require, key: &str, code: &str, change: impl FnOnce(&mut Fields<'a>)) {
    let policies = loaded(&items(Access::Identified, require));
    let verdict = decide(&policies, alice(), |_| {});
    assert_eq!((verdict.decision, verdict.erring), (Decision::Allow, 0), "{key}");
    assert_eq!(verdict.reasons, ["guard.shop.items.access"]);
    let id = format!("guard.shop.items.require.{key}");
    let verdict = decide(&policies, alice(), change);
    assert_eq!((verdict.decision, &verdict.reasons[..]), (Decision::Deny, &[id.clone()][..]), "{key}");
    assert_eq!(verdict.erring, 0);
    assert_eq!(policies.public_reason(&id).code, code);
}

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn without<'a>(record: &'static str, field: &'static str) -> impl Fn(&mut Fields<'a>) {
    move |context| {
        for (_, fields) in context.iter_mut().filter(|(name, _)| *name == record) {
            fields.retain(|(name, _)| *name != field);
        }
    }
}

fn set<'a>(record: &'static str, field: &'static str, value: Value<'a>) -> impl Fn(&mut Fields<'a>) {
    move |context| {
        for (_, fields) in context.iter_mut().filter(|(name, _)| *name == record) {
            fields.retain(|(name, _)| *name != field);
            fields.push((field, value.clone()));
        }
    }
}

#[test]
fn access_says_who_is_let_in() {
    for (access, identified, anyone) in
        [(Access::Policies, false, false), (Access::Identified, true, false), (Access::Anyone, true, true)]
    {
        let policies = loaded(&items(access, Require::default()));
        let allows = |principal| decide(&policies, principal, |_| {}).decision() == Decision::Allow;
        assert_eq!((allows(alice()), allows(nobody())), (identified, anyone), "{access:?}");
    }
}

#[test]
fn a_route_is_never_opened_by_its_app() {
    let app = Guard { access: Access::Anyone, ..guard(None) };
    let policies = loaded(&[app.clone(), guard(Some("items"))]);
    assert_eq!(decide(&policies, alice(), |_| {}).decision(), Decision::Deny);
    assert!(loaded(&[app]).texts.contains_key("guard.shop.access"));
}

#[test]
fn each_requirement_refuses_for_its_own_reason() {
    let text = |text: &'static str| Value::String(text.into());
    refuses(
        Require { country: list(&["US", "CA"]), ..Require::default() },
        "country",
        "region_restricted",
        set("geo", "country", text("FR")),
    );
    refuses(
        Require { country: list(&["US"]), ..Require::default() },
        "country",
        "region_restricted",
        without("geo", "country"),
    );
    refuses(
        Require { not_country: list(&["FR"]), ..Require::default() },
        "not_country",
        "region_restricted",
        set("geo", "country", text("FR")),
    );
    refuses(
        Require { network: list(&["vpn", "office"]), ..Require::default() },
        "network",
        "network_restricted",
        set("network", "zones", Value::Set(Vec::new())),
    );
    let device = DeviceNeeds { managed: true, compliant: true, encrypted: false, seen_within_days: Some(1) };
    let device = Require { device, ..Require::default() };
    refuses(device.clone(), "device", "device_untrusted", set("device", "compliant", Value::Bool(false)));
    refuses(device.clone(), "device", "device_untrusted", without("device", "managed"));
    refuses(device, "device", "device_untrusted", set("device", "last_seen", Value::Datetime(-86_400_000)));
    refuses(
        Require { scope: list(&["a", "b"]), ..Require::default() },
        "scope",
        "insufficient_scope",
        set("auth", "scopes", Value::Set(vec![text("a")])),
    );
    refuses(
        Require { acr: list(&["mfa"]), ..Require::default() },
        "acr",
        "step_up_required",
        without("auth", "acr"),
    );
    refuses(
        Require { max_age: Some(600), ..Require::default() },
        "max_age",
        "step_up_required",
        set("time", "now", Value::Datetime(600_001)),
    );
    refuses(
        Require { max_age: Some(600), ..Require::default() },
        "max_age",
        "step_up_required",
        without("auth", "time"),
    );
    let office = Hours { from: 540, until: 1_020, weekdays: vec![1, 2, 3, 4, 5] };
    let office = Require { hours: Some(office), ..Require::default() };
    refuses(office.clone(), "hours", "outside_hours", set("time", "minute", Value::Long(1_020)));
    refuses(office, "hours", "outside_hours", set("time", "weekday", Value::Long(6)));
}

#[test]
fn roles_groups_and_tiers_are_the_principals() {
    type Case = (&'static str, &'static str, fn(Vec<String>) -> Require, &'static str);
    let cases: [Case; 3] = [
        ("role", "role_required", |role| Require { role, ..Require::default() }, "admin"),
        ("group", "group_required", |group| Require { group, ..Require::default() }, "staff"),
        ("tier", "tier_required", |tier| Require { tier, ..Require::default() }, "gold"),
    ];
    for (key, code, require, has) in cases {
        let passes = loaded(&items(Access::Identified, require(list(&["other", has]))));
        assert_eq!(decide(&passes, alice(), |_| {}).decision(), Decision::Allow, "{key}");
        let refused = loaded(&items(Access::Identified, require(list(&["other"]))));
        let id = format!("guard.shop.items.require.{key}");
        assert_eq!(decide(&refused, alice(), |_| {}).reasons, std::slice::from_ref(&id));
        assert_eq!(refused.public_reason(&id).code, code);
    }
}

#[test]
fn requirements_bind_callers_who_did_not_say_who_they_are() {
    let everything = Require {
        role: list(&["admin"]),
        group: list(&["staff"]),
        tier: list(&["gold"]),
        country: list(&["CA"]),
        network: list(&["vpn"]),
        device: DeviceNeeds { encrypted: true, ..DeviceNeeds::default() },
        scope: list(&["c"]),
        acr: list(&["hardware"]),
        max_age: Some(1),
        hours: Some(Hours { from: 0, until: 1, weekdays: Vec::new() }),
        not_country: list(&["US"]),
    };
    let loaded = Policies::load(&[], None, &items(Access::Anyone, everything));
    let verdict = decide(&loaded.policies.expect("only a warning"), nobody(), |_| {});
    assert_eq!(verdict.reasons.len(), 11, "{verdict:?}");
    assert_eq!(verdict.erring, 0);
}

#[test]
fn hours_that_cross_midnight_belong_to_the_day_they_open() {
    let night = Hours { from: 1_320, until: 360, weekdays: vec![7] };
    let policies = loaded(&items(Access::Identified, Require { hours: Some(night), ..Require::default() }));
    for (weekday, minute, open) in [
        (7, 1_320, true),
        (7, 1_319, false),
        (1, 359, true),
        (1, 360, false),
        (7, 100, false),
        (1, 1_400, false),
    ] {
        let verdict = decide(&policies, alice(), |context| {
            set("time", "weekday", Value::Long(weekday))(context);
            set("time", "minute", Value::Long(minute))(context);
        });
        assert_eq!(verdict.decision() == Decision::Allow, open, "{weekday} {minute}");
    }
}

#[test]
fn what_goes_out_with_a_refusal_is_what_was_asked() {
    let require = Require {
        acr: list(&["mfa", "hw"]),
        max_age: Some(300),
        scope: list(&["x", "y", "x"]),
        ..Require::default()
    };
    let mut guards = items(Access::Identified, require);
    guards[1].messages.insert("acr".to_owned(), "Please \"confirm\"".to_owned());
    let policies = loaded(&guards);
    let asked = ReasonStatus::StepUp(StepUp { acr_values: list(&["mfa", "hw"]), max_age: Some(300) });
    let acr = policies.public_reason("guard.shop.items.require.acr");
    assert_eq!((&acr.status, acr.message.as_deref()), (&asked, Some("Please \"confirm\"")));
    let age = policies.public_reason("guard.shop.items.require.max_age");
    assert_eq!((&age.status, &age.message), (&asked, &None));
    let scope = &policies.public_reason("guard.shop.items.require.scope").status;
    assert_eq!(*scope, ReasonStatus::InsufficientScope { scope: "x y".to_owned() });
}

#[test]
fn the_text_is_what_a_person_would_write() {
    let mut guards =
        items(Access::Identified, Require { country: list(&["US", "CA"]), ..Require::default() });
    guards[1].messages.insert("country".to_owned(), "Content unavailable in your location".to_owned());
    let policies = loaded(&guards);
    assert_eq!(
        policies.texts["guard.shop.items.require.country"],
        r#"@id("guard.shop.items.require.country")
@reason("region_restricted")
@message("Content unavailable in your location")
forbid (
    principal,
    action,
    resource == Route::"shop/items"
)
unless { context.geo has country && ["US", "CA"].contains(context.geo.country) };"#
    );
}

#[test]
fn values_that_mean_nothing_are_findings() {
    let bad = [
        Require { country: list(&["us"]), ..Require::default() },
        Require { not_country: list(&["U\u{405}"]), ..Require::default() },
        Require { role: list(&[""]), ..Require::default() },
        Require { scope: list(&["a b"]), ..Require::default() },
        Require { acr: list(&["a;b"]), ..Require::default() },
        Require { acr: list(&[""]), ..Require::default() },
        Require { hours: Some(Hours { from: 1_440, until: 10, weekdays: Vec::new() }), ..Require::default() },
        Require { hours: Some(Hours { from: 0, until: 10, weekdays: vec![0] }), ..Require::default() },
    ];
    for require in bad {
        let loaded = Policies::load(&[], None, &items(Access::Identified, require.clone()));
        assert!(codes(&loaded).contains(&"portcullis::policy::guard_value".to_owned()), "{require:?}");
        assert!(loaded.policies.is_none());
    }
    let mut guards = items(Access::Identified, Require::default());
    guards[1].messages =
        [("contry".to_owned(), "x".to_owned()), ("country".to_owned(), "x".to_owned())].into();
    let loaded = Policies::load(&[], None, &guards);
    assert_eq!(codes(&loaded), ["portcullis::policy::message"; 2]);
    assert!(loaded.findings[0].help().is_some_and(|help| help.to_string().contains("`country`")));
}

#[test]
fn a_guard_that_stands_twice_is_a_finding() {
    let open = Guard { access: Access::Anyone, ..guard(None) };
    assert_eq!(
        codes(&Policies::load(&[], None, &[open.clone(), open])),
        ["portcullis::policy::duplicate_id"]
    );
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,12}",
        any::<String>().prop_filter("not empty", |text| !text.is_empty() && !text.contains('/')),
        Just("\"); permit (principal, action, resource); //".replace('/', "")),
        Just("\\\" || true || \"\u{202e}\u{0}\n\\u{41}".to_owned()),
    ]
    .prop_filter("a name", |text| !text.contains('/'))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn hostile_names_stay_names(
        app in hostile(),
        route in hostile(),
        values in prop::collection::vec(hostile(), 1..4),
    ) {
        let require = Require {
            role: values.clone(),
            group: values.clone(),
            tier: values.clone(),
            network: values.clone(),
            ..Require::default()
        };
        let route_guard = Guard {
            scope: Scope::Route { app: app.clone(), route: route.clone() },
            access: Access::Identified,
            require,
            ..guard(None)
        };
        let app_guard = Guard { scope: Scope::App(app.clone()), ..guard(None) };
        let loaded = Policies::load(&[], None, &[app_guard, route_guard]);
        let errors: Vec<_> = loaded
            .findings
            .iter()
            .filter(|finding| finding.severity() != Some(Severity::Warning))
            .collect();
        prop_assert!(errors.is_empty(), "{:?}", errors);
        let policies = loaded.policies.expect("no errors, so a set");
        prop_assert_eq!(policies.set.num_of_policies(), 5);
        for (id, text) in &policies.texts {
            let prefix = format!("guard.{app}.{route}.");
            prop_assert!(id.starts_with(&prefix));
            prop_assert!(!text.chars().any(|character| character.is_control() && character != '\n'));
            let policy = cedar_policy::Policy::parse(None, text).expect("what is shown parses");
            prop_assert_eq!(policy.annotation("id"), Some(id.as_str()));
            let names: Vec<String> = policy.entity_literals().iter().map(|name| AsRef::<str>::as_ref(name.id()).to_owned()).collect();
            let own = format!("{app}/{route}");
            prop_assert!(names.iter().all(|name| *name == own || values.contains(name)));
        }
    }
}
