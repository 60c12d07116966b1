use crate::load::tests::{codes, guard, load_text, shop};
use crate::{Access, Guard, Hours, Policies, Require, SourceText};

fn guards(app: Require, route: Require) -> Vec<String> {
    let guards = [
        Guard { require: app, ..guard(None) },
        Guard { access: Access::Identified, require: route, ..guard(Some("items")) },
    ];
    codes(&Policies::load(&[], None, &guards))
}

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

const CONTRADICTING: [&str; 1] = ["portcullis::policy::contradicting_guards"];

#[test]
fn guards_that_nobody_can_meet() {
    let country = |values: &[&str]| Require { country: list(values), ..Require::default() };
    let not = |values: &[&str]| Require { not_country: list(values), ..Require::default() };
    let both = |yes: &[&str], no: &[&str]| Require { not_country: list(no), ..country(yes) };
    let none = Require::default;
    assert_eq!(guards(none(), both(&["US"], &["US"])), CONTRADICTING);
    assert_eq!(guards(both(&["US"], &["US"]), none()), CONTRADICTING, "once, for the app");
    assert_eq!(guards(country(&["US"]), country(&["CA"])), CONTRADICTING);
    assert_eq!(guards(not(&["US", "CA"]), country(&["CA"])), CONTRADICTING);
    assert_eq!(guards(none(), both(&["US", "CA"], &["US"])), [""; 0]);
    assert_eq!(guards(country(&["US", "CA"]), country(&["CA", "DE"])), [""; 0]);

    let tier = |value: &str| Require { tier: list(&[value]), ..Require::default() };
    assert_eq!(guards(tier("gold"), tier("free")), CONTRADICTING);
    assert_eq!(guards(tier("gold"), tier("gold")), [""; 0]);
    let acr = |value: &str| Require { acr: list(&[value]), ..Require::default() };
    assert_eq!(guards(acr("mfa"), acr("pwd")), CONTRADICTING);
    let role = |value: &str| Require { role: list(&[value]), ..Require::default() };
    assert_eq!(guards(role("a"), role("b")), [""; 0], "a caller may have both roles");
}

#[test]
fn hours_that_never_come() {
    let hours = |from, until, weekdays: &[u8]| Require {
        hours: Some(Hours { from, until, weekdays: weekdays.to_vec() }),
        ..Require::default()
    };
    let none = Require::default;
    assert_eq!(guards(none(), hours(540, 540, &[])), CONTRADICTING);
    assert_eq!(guards(hours(540, 600, &[]), hours(600, 660, &[])), CONTRADICTING);
    assert_eq!(guards(hours(540, 600, &[1]), hours(540, 600, &[2])), CONTRADICTING);
    assert_eq!(guards(hours(1_380, 60, &[7]), hours(0, 30, &[1])), [""; 0], "Sunday night reaches Monday");
    assert_eq!(guards(hours(540, 601, &[]), hours(600, 660, &[])), [""; 0]);
    assert_eq!(guards(none(), hours(0, 1_440, &[])), [""; 0]);
}

#[test]
fn a_public_route_that_requires_identity() {
    let with = |access, require| {
        codes(&Policies::load(&[], None, &[guard(None), Guard { access, require, ..guard(Some("items")) }]))
    };
    let role = Require { role: list(&["admin"]), ..Require::default() };
    assert_eq!(with(Access::Anyone, role.clone()), ["portcullis::policy::public_requires_identity"]);
    assert_eq!(with(Access::Identified, role), [""; 0]);
    let country = Require { country: list(&["US"]), ..Require::default() };
    assert_eq!(with(Access::Anyone, country), [""; 0]);
}

fn lint(text: &str) -> Vec<String> {
    codes(&load_text(text))
}

#[test]
fn policies_that_never_apply() {
    const NEVER: [&str; 1] = ["portcullis::policy::never_applies"];
    assert_eq!(lint("permit (principal, action, resource == Route::\"shop/ghost\");"), NEVER);
    assert_eq!(lint("permit (principal, action, resource in App::\"shopp\");"), NEVER);
    assert_eq!(
        lint("permit (principal, action, resource) when { resource == Route::\"shop/itemz\" };"),
        NEVER
    );
    assert_eq!(lint("permit (principal is Anonymous, action, resource) when { principal has tier };"), NEVER);
    assert_eq!(lint("permit (principal is Device, action, resource);"), NEVER);
    assert_eq!(lint("permit (principal, action, resource == Route::\"shop/items\");"), [""; 0]);
    let loaded = load_text("permit (principal, action, resource == Route::\"shop/itmes\");");
    let help = loaded.findings[0].help().map(|help| help.to_string());
    assert_eq!(help.as_deref(), Some("did you mean `Route::\"shop/items\"`?"));
}

#[test]
fn without_configuration_no_name_is_missing() {
    let source = SourceText {
        name: "p.cedar".to_owned(),
        text: "permit (principal, action, resource == Route::\"a/b\");".to_owned(),
    };
    assert!(Policies::load(&[source], None, &[]).findings.is_empty());
}

#[test]
fn templates_apply_to_nothing() {
    assert_eq!(
        lint("permit (principal == ?principal, action, resource);"),
        ["portcullis::policy::unlinked_template"]
    );
}

#[test]
fn permits_under_a_forbid() {
    const COVERED: [&str; 1] = ["portcullis::policy::covered_permit"];
    let under = |permit: &str, forbid: &str| lint(&format!("permit ({permit};\nforbid ({forbid};"));
    let us = "when { context.geo has country && context.geo.country == \"US\" }";
    for (permit, forbid) in [
        (
            "principal is User, action, resource == Route::\"shop/items\")",
            "principal, action, resource == Route::\"shop/items\")",
        ),
        ("principal == User::\"a\", action, resource)", "principal is User, action, resource)"),
        ("principal in Group::\"g\", action, resource)", "principal in Group::\"g\", action, resource)"),
        (
            "principal is User in Group::\"g\", action, resource)",
            "principal in Group::\"g\", action, resource)",
        ),
        (
            "principal, action, resource == Route::\"shop/items\")",
            "principal, action, resource in App::\"shop\")",
        ),
        (
            "principal, action == Action::\"GET\", resource)",
            "principal, action in Action::\"read\", resource)",
        ),
        (
            "principal, action in [Action::\"GET\", Action::\"PUT\"], resource)",
            "principal, action in [Action::\"read\", Action::\"write\"], resource)",
        ),
    ] {
        assert_eq!(under(permit, forbid), COVERED, "{permit} / {forbid}");
        assert_eq!(under(&format!("{permit} {us}"), forbid), COVERED);
        assert_eq!(
            under(&format!("{permit} {us} unless {{ principal is Service }}"), &format!("{forbid} {us}")),
            COVERED
        );
        assert_eq!(under(permit, &format!("{forbid} {us}")), [""; 0]);
        if permit != forbid {
            assert_eq!(under(forbid, permit), [""; 0], "the wider is not covered: {forbid} / {permit}");
        }
    }
    assert_eq!(under("principal, action, resource)", "principal is User, action, resource)"), [""; 0]);
    assert_eq!(
        under(
            "principal is User in Group::\"a\", action, resource)",
            "principal in Group::\"b\", action, resource)"
        ),
        [""; 0]
    );
    assert_eq!(
        under(
            "principal, action == Action::\"POST\", resource)",
            "principal, action in Action::\"read\", resource)"
        ),
        [""; 0]
    );
}

#[test]
fn optional_attributes_without_has() {
    const OPTIONAL: [&str; 1] = ["portcullis::policy::optional_without_has"];
    let text = "forbid (principal is User, action, resource) when { principal.tier == \"free\" };";
    let loaded = load_text(text);
    assert_eq!(codes(&loaded), OPTIONAL);
    assert_eq!(loaded.findings[0].to_string(), "`principal.tier` is optional and is read without `has`");
    let help = loaded.findings[0].help().map_or_else(String::new, |help| help.to_string());
    assert!(help.contains("principal has tier &&"), "{help}");
    assert_eq!(
        lint("permit (principal, action, resource) when { context.geo.country == \"US\" };"),
        OPTIONAL
    );
    assert_eq!(
        lint(
            "forbid (principal is User, action, resource) when { principal has tier && principal.tier == \"free\" };"
        ),
        [""; 0]
    );
}

#[test]
fn policies_that_nothing_finds() {
    let forbid = |number: usize| {
        format!(
            "forbid (principal, action, resource) when {{ context.request.path like \"*/{number}/*\" }};\n"
        )
    };
    let few: String = (0..16).map(forbid).collect();
    assert_eq!(lint(&few), [""; 0], "a handful has to be looked at anyway");
    let many: String = (0..17).map(forbid).collect();
    let loaded = load_text(&many);
    assert_eq!(codes(&loaded), ["portcullis::policy::unindexed"]);
    let message = loaded.findings[0].to_string();
    assert!(message.starts_with("17 policies") && message.ends_with("and 7 more"), "{message}");
    let pinned = many.replace("resource)", "resource == Route::\"shop/items\")");
    assert_eq!(lint(&pinned), [""; 0], "these are found by their route");
}

#[test]
fn a_good_set_has_no_findings() {
    assert!(codes(&Policies::load(&[], None, &shop())).is_empty());
}
