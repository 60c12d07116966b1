use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use portcullis_context::{GeoSources, TimeZone, Zones};
use portcullis_gate::ForbidFault;
use portcullis_record::{Door, Entry, PrincipalEntry, RequestEntry, Stage, VerdictEntry, why};
use portcullis_record::{Log, LogSettings, Texts};

use super::*;
use crate::testing::{DAY, NOON, Shop};

const POLICIES: &str = r#"
@id("premium")
permit(principal, action, resource)
when { principal has tier && principal.tier == "premium" };

@id("region")
@reason("region_restricted") @message("Not where you are") @help("https://shop.test/help")
forbid(principal, action, resource)
unless { context.geo has country &&
         ["US", "CA"].contains(context.geo.country) };
"#;

const DIRECTORY: &str = r#"
[[group]]
id = "staff"
[[user]]
id = "alice"
groups = ["staff"]
tier = "premium"
"#;

fn record(facts: serde_json::Value, decision: &str, policies: &[&str]) -> Remembered {
    let entry = Entry {
        reference: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        time: "2026-03-03T12:00:00.000000Z".to_owned(),
        door: Door::Proxy,
        stage: Stage::Decide,
        request: RequestEntry {
            method: "GET".to_owned(),
            scheme: "https".to_owned(),
            host: "shop.test".to_owned(),
            path: "/premium".to_owned(),
            client: "192.0.2.7".to_owned(),
            ..RequestEntry::default()
        },
        app: Some("shop".to_owned()),
        route: Some("premium".to_owned()),
        principal: Some(PrincipalEntry {
            kind: "User".to_owned(),
            id: "alice".to_owned(),
            method: "token".to_owned(),
            issuer: None,
            key: None,
        }),
        absence: None,
        facts: serde_json::from_value(facts).unwrap(),
        missing: [].into(),
        complete: true,
        verdict: Some(VerdictEntry {
            decision: decision.to_owned(),
            policies: policies.iter().map(|policy| (*policy).to_owned()).collect(),
            nearest: Vec::new(),
            errors: Vec::new(),
            undecided: Vec::new(),
        }),
        reason: (decision != "allow").then(|| "region_restricted".to_owned()),
        status: (decision != "allow").then_some(403),
        detail: None,
        snapshot: "v1".to_owned(),
        decided_us: 41,
    };
    Remembered { entry, outcome: None }
}

fn free_from_germany() -> Remembered {
    let facts = serde_json::json!({
        "action": "GET",
        "resource": "Route::\"shop/premium\"",
        "principal.tier": "free",
        "context.geo.country": "DE",
        "context.time.now": "2026-03-03T12:00:00Z",
    });
    record(facts, "deny", &["region"])
}

fn with<T>(version: &str, then: impl FnOnce(&Shop, &Explainer<'_>) -> T) -> T {
    with_policies(POLICIES, version, then)
}

fn with_policies<T>(policies: &str, version: &str, then: impl FnOnce(&Shop, &Explainer<'_>) -> T) -> T {
    let shop = Shop::new(policies, DIRECTORY);
    let directory = Arc::new(shop.directory.clone());
    let situator = Situator::new(GeoSources::default(), Zones::default(), directory, TimeZone::utc());
    let log = tempfile::tempdir().unwrap();
    let explainer = Explainer { rulebook: shop.rulebook(), version, situator: &situator, log: log.path() };
    then(&shop, &explainer)
}

fn next_day() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(NOON + DAY).unwrap())
}

#[test]
fn a_denial_is_told_clause_by_clause_with_what_would_turn_it() {
    let told = with("v1", |_, explainer| {
        let remembered = free_from_germany();
        why::tell(&remembered, &explainer.beside(&remembered, next_day()))
    });
    for part in [
        "region (policies/shop.cedar:6)",
        "line 9: unless context.geo has country && [\"US\", \"CA\"].contains(context.geo.country)",
        "is not so, and so it holds: context.geo.country is \"DE\"",
        "the support desk: context.geo.country: one of \"CA\" or \"US\" (is \"DE\") and principal.tier: \"premium\" (is \"free\")",
        "at 2026-03-04T12:00:00Z it would still be refused with 403 region_restricted",
        "principal.tier: \"free\" then, \"premium\" now",
        "principal in: absent then, Group::\"staff\" now",
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    assert!(!told.contains("they are not those of then"), "{told}");
}

#[test]
fn other_policies_than_those_of_then_are_called_so() {
    let told = with("v2", |_, explainer| {
        let mut remembered = free_from_germany();
        remembered.entry.verdict.as_mut().unwrap().decision = "allow".to_owned();
        why::tell(&remembered, &explainer.beside(&remembered, next_day()))
    });
    assert!(told.contains("they are not those of then (snapshot v1)"), "{told}");
    assert!(told.contains("on the facts of then they come to something else"), "{told}");
}

#[test]
fn a_decision_is_explained_by_the_policies_that_made_it() {
    let log = tempfile::tempdir().unwrap();
    let then = Shop::new(POLICIES, DIRECTORY);
    let content = past::keep(then.rulebook().policies, None, ForbidFault::Unavailable).unwrap();
    let texts = Texts { content, rest: [1; 32] };
    let settings = LogSettings::new(log.path().to_owned());
    Log::open(settings).unwrap().decides_by(&texts).unwrap();
    let mut remembered = free_from_germany();
    remembered.entry.snapshot = texts.version();

    // Since then a line was put in before it, and the rule was turned: Germany is let in by now.
    let changed = format!("// New.\n{}", POLICIES.replace("[\"US\", \"CA\"]", "[\"DE\"]"));
    let shop = Shop::new(&changed, DIRECTORY);
    let directory = Arc::new(shop.directory.clone());
    let situator = Situator::new(GeoSources::default(), Zones::default(), directory, TimeZone::utc());
    let explainer =
        Explainer { rulebook: shop.rulebook(), version: "v2", situator: &situator, log: log.path() };
    let told = why::tell(&remembered, &explainer.beside(&remembered, next_day()));
    for part in [
        "region (policies/shop.cedar:6)",
        "line 9: unless context.geo has country && [\"US\", \"CA\"].contains(context.geo.country)",
        "one of \"CA\" or \"US\" (is \"DE\")",
        "they have changed since: clauses and changes are told of those that decided",
        "by those of now the request would be refused with 403 access_denied",
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    let json = why::to_json(&remembered, &explainer.beside(&remembered, next_day()));
    assert_eq!((&json["same_policies"], &json["explained_by_policies_of"]), (&false.into(), &"then".into()));
    assert_eq!(json["by_policies_of_now"]["reason"], "access_denied");

    // The same policies in a snapshot that differs in something else have not changed.
    let explainer =
        Explainer { rulebook: then.rulebook(), version: "v3", situator: &situator, log: log.path() };
    let told = why::tell(&remembered, &explainer.beside(&remembered, next_day()));
    assert!(!told.contains("changed since:"), "{told}");
}

#[test]
fn what_the_record_does_not_say_is_unknown_and_nothing_is_offered() {
    let mut remembered = free_from_germany();
    remembered.entry.complete = false;
    remembered.entry.facts.remove("context.geo.country");
    with("v2", |_, explainer| {
        let why = explainer.explain(&remembered, next_day()).unwrap();
        let unknown: Vec<_> = why.question.unknown.keys().map(ToString::to_string).collect();
        assert_eq!(unknown, ["context.geo.country"]);
        // A plan would be needed wherever it is, and does not suffice.
        assert_eq!((why.answer.decision, why.search.changes.len()), ("deny", 0));
        let told = why::tell(&remembered, &explainer.beside(&remembered, next_day()));
        assert!(told.contains("holds whatever context.geo.country may be"), "{told}");
    });
}

#[test]
fn a_value_that_was_replaced_in_the_record_is_unknown() {
    let mut remembered = free_from_germany();
    remembered.entry.facts.insert("principal.tier".to_owned(), "REDACTED".into());
    let why = with("v1", |_, explainer| explainer.explain(&remembered, next_day()).unwrap());
    assert_eq!(why.question.unknown.keys().map(ToString::to_string).collect::<Vec<_>>(), ["principal.tier"]);
    // The forbid holds whatever the plan is.
    assert_eq!(why.answer.decision, "deny");
}

#[test]
fn what_never_came_to_the_policies_is_told_by_its_record_alone() {
    let mut remembered = free_from_germany();
    remembered.entry.verdict = None;
    remembered.entry.stage = Stage::Identify;
    with("v1", |_, explainer| {
        assert!(explainer.explain(&remembered, next_day()).is_err());
        assert!(explainer.beside(&remembered, next_day()).parts.is_empty());
    });
}

#[test]
fn the_caller_hears_what_was_written_for_them_and_nothing_else() {
    let letter = with("v1", |shop, _| for_caller(&free_from_germany(), Some(shop.rulebook().policies)));
    for part in [
        "GET https://shop.test/premium",
        "403, region_restricted",
        "Not where you are",
        "https://shop.test/help",
        "Reference: 01H4",
    ] {
        assert!(letter.contains(part), "{part:?} is not in\n{letter}");
    }
    for inside in ["region (", "context.", "principal", "\"US\"", "shop.cedar", "tier"] {
        assert!(!letter.contains(inside), "{inside:?} is in\n{letter}");
    }
}

#[test]
fn of_what_is_hidden_the_caller_hears_nothing() {
    let mut remembered = free_from_germany();
    (remembered.entry.reason, remembered.entry.status) = (Some("hidden".to_owned()), Some(404));
    let letter = for_caller(&remembered, None);
    assert!(letter.contains("nothing was found"), "{letter}");
    assert!(!letter.contains("hidden") && !letter.contains("Reference"), "{letter}");
}

#[test]
fn programs_get_the_same() {
    let told = with("v1", |_, explainer| {
        let remembered = free_from_germany();
        why::to_json(&remembered, &explainer.beside(&remembered, next_day()))
    });
    assert_eq!(told["explanation"][0]["policy"], "region");
    assert_eq!(told["explanation"][0]["clauses"][0]["came_to"], "holds");
    assert_eq!(told["changes"][0]["steps"][0]["fact"], "context.geo.country");
    assert_eq!(told["changes"][0]["owner"], "support_desk");
    assert_eq!(told["now"]["answer"]["reason"], "region_restricted");
    assert_eq!(told["now"]["differences"][0]["fact"], "principal in");
}

#[test]
fn of_a_pseudonym_nobody_can_say_whether_it_is_whom_a_policy_names() {
    let mut remembered = free_from_germany();
    remembered.entry.principal.as_mut().unwrap().id = format!("~{}", "0a".repeat(16));
    with("v1", |_, explainer| {
        assert!(explainer.explain(&remembered, next_day()).is_ok(), "no policy is about people by name");
    });
    for named in [
        "forbid(principal == User::\"mallory\", action, resource);",
        "forbid(principal, action, resource) when { principal == User::\"mallory\" };",
    ] {
        with_policies(&format!("{POLICIES}{named}"), "v1", |_, explainer| {
            let told = why::tell(&remembered, &explainer.beside(&remembered, next_day()));
            assert!(told.contains("names the principal by a pseudonym"), "{told}");
            assert!(!told.contains("Smallest change"), "{told}");
        });
    }
}
