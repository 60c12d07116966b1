use super::*;
use crate::load::tests::{codes, good, guard, load_text, underlined};
use crate::{Policies, SourceText};

/// The reason of a policy with these annotations, on the shop's route.
fn reason(annotations: &str, effect: &str) -> PublicReason {
    let text = format!(
        "@id(\"x\") {annotations} {effect} (principal, action, resource == Route::\"shop/items\") when {{ context.geo has country }};"
    );
    good(&text).public_reason("x").clone()
}

/// The one finding that these annotations make: its code, what it underlines, and its hint.
fn fault(annotations: &str, effect: &str) -> (String, String, String) {
    let text = format!(
        "@id(\"x\") {annotations} {effect} (principal, action, resource == Route::\"shop/items\") when {{ context.geo has country }};"
    );
    let loaded = load_text(&text);
    assert!(loaded.policies.is_none(), "{annotations}");
    let codes = codes(&loaded);
    assert_eq!(codes.len(), 1, "{annotations}: {:?}", loaded.findings);
    let finding = &loaded.findings[0];
    (
        codes[0].clone(),
        underlined(finding, &text),
        finding.help().map_or_else(String::new, |help| help.to_string()),
    )
}

#[test]
fn a_forbid_says_why_it_refuses() {
    let plain = reason("", "forbid");
    assert_eq!(plain, *ACCESS_DENIED);
    let said = reason(
        "@reason(\"region_restricted\") @message(\"Not here\") @help(\"https://example.org/why\")",
        "forbid",
    );
    assert_eq!((said.code.as_str(), said.message.as_deref()), ("region_restricted", Some("Not here")));
    assert_eq!(
        (said.status, said.help.as_deref()),
        (ReasonStatus::Forbidden, Some("https://example.org/why"))
    );
    assert_eq!(reason("@message(\"No\")", "forbid").code, "access_denied");
    assert_eq!(reason("@status(\"403\") @reason(\"x9_\")", "forbid").status, ReasonStatus::Forbidden);
}

#[test]
fn statuses_bring_their_own_codes() {
    let legal = reason("@status(\"451\") @blocked_by(\"https://court.example/1\")", "forbid");
    let by = ReasonStatus::Legal { blocked_by: Some("https://court.example/1".to_owned()) };
    assert_eq!((legal.code.as_str(), legal.status), ("legal_restriction", by));
    assert_eq!(reason("@status(\"451\")", "forbid").status, ReasonStatus::Legal { blocked_by: None });
    let hidden = reason("@hide", "forbid");
    assert_eq!((hidden.code.as_str(), hidden.status), ("not_found", ReasonStatus::Hidden));
    let scope = reason("@scope(\"a:read b\")", "forbid");
    assert_eq!(
        (scope.code.as_str(), scope.status),
        ("insufficient_scope", ReasonStatus::InsufficientScope { scope: "a:read b".to_owned() })
    );
    let step_up = reason("@step_up(\"acr=mfa hw;max_age=300\")", "forbid");
    let asked = StepUp { acr_values: vec!["mfa".to_owned(), "hw".to_owned()], max_age: Some(300) };
    assert_eq!((step_up.code.as_str(), step_up.status), ("step_up_required", ReasonStatus::StepUp(asked)));
    let age = reason("@reason(\"sign_in_again\") @step_up(\"max_age=60\")", "forbid");
    assert_eq!(age.status, ReasonStatus::StepUp(StepUp { acr_values: Vec::new(), max_age: Some(60) }));
    assert_eq!(age.code, "sign_in_again");
}

#[test]
fn a_permit_says_what_its_absence_means() {
    let otherwise = reason(
        "@otherwise(\"tier_required\") @otherwise_message(\"Upgrade\") @help(\"mailto:help@shop.example\")",
        "permit",
    );
    assert_eq!((otherwise.code.as_str(), otherwise.message.as_deref()), ("tier_required", Some("Upgrade")));
    assert!(matches!(reason("@step_up(\"acr=mfa\")", "permit").status, ReasonStatus::StepUp(_)));
}

#[test]
fn annotations_of_the_authors_own_mean_nothing() {
    let free =
        "@owner(\"platform\") @ticket(\"SEC-1\") @description(\"why\") @note @reviewed(\"2026-01-01\")";
    assert_eq!(reason(free, "forbid"), *ACCESS_DENIED);
}

#[test]
fn one_that_is_nearly_ours_is_an_error_with_a_suggestion() {
    for (written, meant) in [
        ("reson", "reason"),
        ("Reason", "reason"),
        ("mesage", "message"),
        ("stepup", "step_up"),
        ("blockedBy", "blocked_by"),
        ("hidden_", ""),
        ("otherwize", "otherwise"),
        ("otherwise_mesage", "otherwise_message"),
        ("otherwise_help", "otherwise_message"),
        ("scopes", "scope"),
        ("statuss", "status"),
    ] {
        if meant.is_empty() {
            assert_eq!(reason(&format!("@{written}(\"x\")"), "forbid"), *ACCESS_DENIED);
            continue;
        }
        let (code, _, help) = fault(&format!("@{written}(\"x\")"), "forbid");
        assert_eq!(code, "portcullis::policy::unknown_annotation", "{written}");
        assert!(help.contains(&format!("`@{meant}`")), "{written}: {help}");
    }
}

#[test]
fn what_cannot_be_said_is_an_error_where_it_stands() {
    for (annotations, effect) in [
        ("@reason(\"Region\")", "forbid"),
        ("@reason(\"\")", "forbid"),
        ("@reason(\"9a\")", "forbid"),
        ("@reason(\"a-b\")", "forbid"),
        ("@message(\"\")", "forbid"),
        ("@message(\"a\\nb\")", "forbid"),
        ("@status(\"404\")", "forbid"),
        ("@status", "forbid"),
        ("@blocked_by(\"https://court.example\")", "forbid"),
        ("@status(\"451\") @blocked_by(\"court\")", "forbid"),
        ("@status(\"451\") @blocked_by(\"https://a>b\")", "forbid"),
        ("@status(\"451\") @hide", "forbid"),
        ("@scope(\"a\") @step_up(\"acr=x\")", "forbid"),
        ("@scope(\"a  b\")", "forbid"),
        ("@scope(\"a\\\"b\")", "forbid"),
        ("@step_up(\"\")", "forbid"),
        ("@step_up(\"level=3\")", "forbid"),
        ("@step_up(\"max_age=-1\")", "forbid"),
        ("@step_up(\"acr=\")", "forbid"),
        ("@help(\"javascript:alert(1)\")", "forbid"),
        ("@help(\"https://a b\")", "forbid"),
        ("@hide @message(\"x\")", "forbid"),
        ("@hide @help(\"https://x.example\")", "forbid"),
        ("@otherwise(\"x\")", "forbid"),
        ("@reason(\"x\")", "permit"),
        ("@message(\"x\")", "permit"),
        ("@status(\"451\")", "permit"),
        ("@hide", "permit"),
    ] {
        let (code, spot, help) = fault(annotations, effect);
        assert_eq!(code, "portcullis::policy::annotation", "{annotations}");
        assert!(annotations.contains(&spot) && !spot.is_empty(), "{annotations}: `{spot}`");
        assert!(!help.is_empty());
    }
}

#[test]
fn hiding_needs_an_app_whose_404_is_ours() {
    let hide = |resource: &str, renders_404: bool| {
        let text =
            format!("@hide forbid (principal, action, {resource}) when {{ context.geo has country }};");
        let mut guards = vec![guard(None), guard(Some("items"))];
        for guard in &mut guards {
            guard.renders_404 = renders_404;
        }
        let source = SourceText { name: "p.cedar".to_owned(), text };
        codes(&Policies::load(&[source], None, &guards))
    };
    let needs = ["portcullis::policy::hide_needs_404"];
    assert_eq!(hide("resource == Route::\"shop/items\"", true), [""; 0]);
    assert_eq!(hide("resource in App::\"shop\"", true), [""; 0]);
    assert_eq!(hide("resource is Route in App::\"shop\"", true), [""; 0]);
    assert_eq!(hide("resource == Route::\"shop/items\"", false), needs);
    assert_eq!(hide("resource in App::\"shop\"", false), needs);
    assert_eq!(hide("resource", true), needs);
    assert_eq!(hide("resource is Route", true), needs);
    assert_eq!(hide("resource in App::\"other\"", true).first().map(String::as_str), Some(needs[0]));
}
