use miette::{Severity, SourceSpan};
use proptest::prelude::*;

use super::*;
use crate::setting::testing::Site;

const POLICIES: &str = r#"@id("premium")
@otherwise("tier_required")
permit(principal, action in Action::"read", resource == Route::"shop/premium")
when { principal has tier && principal.tier == "premium" };

@id("region")
@reason("region_restricted")
forbid(principal, action, resource == Route::"shop/premium")
unless { context.geo has country && ["US", "CA"].contains(context.geo.country) };

@id("staff") permit(principal in Group::"staff", action, resource)
when { context.network.zones.contains("office") };

@id("night") @reason("outside_hours") forbid(principal, action, resource)
when { context.time.minute < 360 };

@id("hide") @hide forbid(principal, action, resource in App::"shop")
when { resource == Route::"shop/hidden" };
@id("home") permit(principal, action, resource == Route::"shop/home");
"#;

/// `@hide` needs an app whose 404 is ours, which a guard would say.
fn site() -> Site {
    Site::new(&POLICIES.replace("@hide ", ""))
}

const FIXTURES: &str = r#"
[fixture.premium-page]
action = "GET"
resource = "shop/premium"
[fixture.in-us]
facts = { "context.geo.country" = "US" }
[fixture.alice]
principal = "alice"
"#;

fn load(setting: &Setting<'_>, text: &str) -> (Suite, Vec<String>) {
    let (suite, findings) =
        Suite::load(setting, &[("a.test.toml".to_owned(), text.to_owned())], Severity::Error);
    let words = findings.iter().map(|report| {
        let label = report.labels().and_then(|mut labels| labels.next());
        let span = label.map_or(SourceSpan::from(0), |label| *label.inner());
        let line = report.source_code().map_or(0, |code| code.read_span(&span, 0, 0).unwrap().line() + 1);
        let code = report.code().unwrap().to_string();
        let code = code.strip_prefix("portcullis::test::").unwrap();
        format!("{line} {code}: {report} | {}", report.help().unwrap())
    });
    (suite, words.collect())
}

/// Each failing test with its differences.
fn failures(tests: &str) -> Vec<String> {
    let site = site();
    let setting = site.setting();
    let text = format!(
        "{FIXTURES}{tests}\n[[test]]\nname = \"uses all\"\ngiven = [\"alice\", \"premium-page\", \"in-us\"]\nexpect = {{ decision = \"allow\" }}"
    );
    let (suite, findings) = load(&setting, &text);
    assert_eq!(findings, Vec::<String>::new());
    let ran = suite.run(&setting);
    let failed = ran.iter().filter(|ran| !ran.passed()).map(|ran| {
        let differ: Vec<_> = ran.mismatches.iter().map(ToString::to_string).collect();
        format!("{}: {}", ran.case.name, differ.join("; "))
    });
    failed.collect()
}

#[test]
fn what_is_as_expected_passes() {
    let failed = failures(
        r#"
[[test]]
name = "premium in the US"
given = ["alice", "premium-page", "in-us"]
expect = { decision = "allow", policies = ["premium"] }

[[test]]
name = "a country that is not served"
given = ["alice", "premium-page", "in-us"]
facts.context.geo.country = "DE"
expect = { decision = "deny", status = 403, reason = "region_restricted", policies = { contains = ["region"] } }

[[test]]
name = "no country known"
given = ["alice", "premium-page", "in-us"]
absent = ["context.geo"]
expect = { status = 403, reason = "region_restricted" }

[[test]]
name = "no database"
given = ["alice", "premium-page"]
unavailable = ["context.geo"]
expect = { decision = "undecided", status = 503, reason = "cannot_decide" }

[[test]]
name = "the free plan"
given = ["alice", "premium-page", "in-us"]
tier = "free"
expect = { decision = "deny", reason = "tier_required", policies = [], nearest = "premium" }

[[test]]
name = "no plan at all, whatever the directory says"
given = ["alice", "premium-page", "in-us"]
absent = ["principal.tier"]
expect = { decision = "deny", reason = "tier_required" }

[[test]]
name = "managers are staff, and the office is a zone"
principal = "carol"
action = "DELETE"
resource = "https://shop.test/premium/x"
facts = { "context.network.ip" = "192.0.2.7", "context.geo.country" = "CA" }
expect = { decision = "allow", policies = ["staff"] }

[[test]]
name = "four in the morning where the shop is"
given = ["alice", "premium-page", "in-us"]
at = 2026-06-01T02:00:00Z
expect = { decision = "deny", reason = "outside_hours" }

[[test]]
name = "strangers are asked who they are"
principal = "anonymous"
action = "GET"
resource = "/premium/x"
expect = { decision = "deny", status = 401, reason = "credentials_required", policies = [] }

[[test]]
name = "but not at home"
principal = "anonymous"
action = "GET"
resource = "/"
expect = { decision = "allow", policies = ["home"] }

[[test]]
name = "ambiguous, unknown and misdirected requests end before"
principal = "alice"
action = "GET"
resource = "/premium/..%2fadmin"
expect = { status = 400, reason = "ambiguous_path" }
"#,
    );
    assert_eq!(failed, Vec::<String>::new());
}

#[test]
fn what_is_not_as_expected_says_what_it_is() {
    let failed = failures(
        r#"
[[test]]
name = "one"
given = ["alice", "premium-page", "in-us"]
expect = { decision = "deny", status = 403, reason = "tier_required", policies = ["region"], nearest = "staff" }
[[test]]
name = "two"
given = ["alice", "premium-page"]
expect = { decision = "allow", policies = { contains = ["premium", "staff"] } }
"#,
    );
    assert_eq!(
        failed,
        [
            "one: decision: expected deny, got allow; status: expected 403, got the origin's; reason: expected \
             `tier_required`, got none; policies: expected `region`, got `premium`; nearest: expected `staff`, got none",
            "two: decision: expected allow, got deny; policies: expected `premium`, `staff` among them, got `region`",
        ]
    );
}

#[test]
fn everything_wrong_is_told_with_its_line() {
    let site = site();
    let (suite, findings) = load(
        &site.setting(),
        r#"[fixture.used]
principal = "alice"
[fixture.unused]
tier = "free"
[tests]
[[test]]
name = "keys"
gives = ["used"]
context.geo.country = "US"
[[test]]
name = "names"
given = ["usd"]
action = "GET"
resource = "shop/premum"
expect = { decision = "alow" }
[[test]]
name = "facts"
given = ["used"]
action = "GET"
resource = "shop/premium"
facts = { "context.geo.contry" = "US", "context.geo.asn" = "1", tier = 1 }
absent = ["context.network.ip"]
expect = { decision = "allow" }
[[test]]
name = "twice"
given = ["used"]
action = "GET"
resource = "shop/premium"
facts = { "context.geo.country" = "US" }
absent = ["context.geo.country"]
expect = {}
[[test]]
name = "allowed"
given = ["used"]
action = "GET"
resource = "shop/premium"
device = "bobs"
expect = { decision = "allow" }
[[test]]
name = "allowed"
given = ["used"]
action = "GET"
resource = "shop/premium"
expect = { decision = "allow", status = 200 }
"#,
    );
    assert_eq!(suite.cases.len(), 0);
    assert_eq!(
        findings,
        [
            "3 unused: no test uses the fixture `unused` | name it in `given = [\"unused\"]`, or remove it",
            "5 unknown_key: unknown key `tests` in a file of policy tests | did you mean `test`?",
            "6 missing: a test that expects nothing | write `expect = { decision = \"allow\" }`, or `[test.expect]` below it",
            "8 unknown_key: unknown key `gives` in a test | did you mean `given`?",
            "9 unknown_key: unknown key `context` in a test | facts have a table of their own: `facts = { \"context\" = … }`",
            "15 expect: `alow` is no decision | did you mean `allow`?",
            "21 fact: `tier` names no fact | write `principal.tier` or `context.geo.country`",
            "30 twice: `context.geo.country` is said twice | a fact is given, absent or unavailable, once",
            "31 missing: a test that expects nothing | say at least one of decision, status, reason, policies, nearest",
            "37 device: there is no device `bobs` in the directory | there are `alices`",
            "44 type: `status` must be the status of a refusal | write `status = 403`",
        ]
    );
}

#[test]
fn names_and_facts_are_checked_against_routes_and_schema() {
    let site = site();
    let test = |lines: &str| {
        let text = format!("[[test]]\nname = \"a\"\n{lines}\nexpect = {{ decision = \"allow\" }}\n");
        let (suite, findings) = load(&site.setting(), &text);
        assert!(suite.cases.is_empty(), "{lines}");
        findings.join("\n")
    };
    let alice = "principal = \"alice\"\naction = \"GET\"\nresource = \"shop/premium\"\n";
    for (lines, expected) in [
        ("given = [\"x\"]", "3 fixture: there is no fixture `x` | there is none\n2 missing"),
        ("action = \"GET\"", "2 missing: it is not said who asks"),
        ("principal = \"alice\"\naction = \"GET\"", "2 missing: it is not said what is asked for"),
        (
            "principal = \"alice\"\naction = \"PUT\"\nresource = \"shop/orders\"",
            "5 resource: the route `shop/orders` does not cover `PUT`",
        ),
        (
            &format!("{alice}facts = {{ \"context.geo.contry\" = \"US\" }}"),
            "6 fact: the schema declares no `context.geo.contry` | did you mean `country`?",
        ),
        (
            &format!("{alice}facts = {{ \"context.geo.asn\" = \"1\" }}"),
            "6 fact: `context.geo.asn` has another type | it is a whole number",
        ),
        (
            &format!("{alice}absent = [\"context.network.ip\"]"),
            "6 fact: `context.network.ip` is never absent",
        ),
        (
            &format!(
                "{alice}unavailable = [\"context.geo\"]\nfacts = {{ \"context.geo.country\" = \"US\" }}"
            ),
            "7 fact: `context.geo.country` lies in `context.geo`, which is unavailable",
        ),
        (
            "principal = \"anonymous\"\naction = \"GET\"\nresource = \"shop/home\"\ntier = \"gold\"",
            "6 fact: the schema declares no `principal.tier`: a caller without identity has no attributes",
        ),
    ] {
        let found = test(lines);
        let mut sorted: Vec<&str> = found.lines().collect();
        sorted.sort_unstable();
        let wanted: Vec<&str> = expected.lines().collect();
        for wanted in wanted {
            assert!(sorted.iter().any(|one| one.starts_with(wanted)), "{lines}\n{found}");
        }
    }
}

#[test]
fn explanations_show_clauses_and_what_they_saw() {
    let site = site();
    let setting = site.setting();
    let (suite, _) = load(
        &setting,
        &format!(
            "{FIXTURES}[[test]]\nname = \"a\"\ngiven = [\"alice\", \"premium-page\", \"in-us\"]\ntier = \"free\"\nexpect = {{ decision = \"allow\" }}"
        ),
    );
    assert_eq!(
        explained(&setting, &suite.cases[0]),
        [
            "permit `premium` came near, policies/shop.cedar:1",
            "  holds: principal has tier   [principal.tier = \"free\"]",
            "  does not hold: principal.tier == \"premium\"   [principal.tier = \"free\"]",
        ]
    );
    let xml = junit(&setting, &suite.run(&setting), 0.5);
    assert!(xml.contains("<testsuite name=\"a.test.toml\" tests=\"1\" failures=\"1\">"), "{xml}");
    assert!(xml.contains("does not hold: principal.tier == &quot;premium&quot;"), "{xml}");
}

#[test]
fn coverage_names_what_no_test_tried() {
    let site = site();
    let setting = site.setting();
    let (suite, findings) = load(
        &setting,
        &format!(
            "{FIXTURES}[[test]]\nname = \"a\"\ngiven = [\"alice\", \"premium-page\", \"in-us\"]\nexpect = {{ decision = \"allow\" }}"
        ),
    );
    assert_eq!(findings, Vec::<String>::new());
    let coverage = coverage::coverage(&setting, &suite);
    let untried: Vec<_> =
        coverage.untried.iter().map(|one| (one.written_at.as_str(), one.policy.as_str())).collect();
    assert_eq!(untried, [("policies/shop.cedar:11", "staff"), ("policies/shop.cedar:19", "home")]);
    let one_sided: Vec<_> = coverage
        .one_sided
        .iter()
        .map(|one| {
            format!(
                "{} {} {} {}{}",
                one.written_at,
                one.policy,
                one.clause,
                u8::from(one.held),
                u8::from(one.did_not_hold)
            )
        })
        .collect();
    assert_eq!(
        one_sided,
        [
            "policies/shop.cedar:4 premium principal has tier 10",
            "policies/shop.cedar:4 premium principal.tier == \"premium\" 10",
            "policies/shop.cedar:9 region not (context.geo has country && [\"US\", \"CA\"].contains(context.geo.country)) 01",
            "policies/shop.cedar:15 night context.time.minute < 360 01",
            "policies/shop.cedar:18 hide resource == Route::\"shop/hidden\" 01",
        ]
    );
    assert_eq!((coverage.seen, coverage.of, coverage.percent()), (9, 18, 50));
}

#[test]
fn a_recorded_decision_becomes_a_test_that_passes() {
    let entry = serde_json::json!({
        "reference": "019a0000-0000-7000-8000-000000000000", "time": "2026-03-03T12:00:00Z",
        "door": "proxy", "stage": "decide",
        "request": {
            "method": "GET", "scheme": "https", "host": "shop.test", "path": "/premium/x", "client": "192.0.2.7",
        },
        "app": "shop", "route": "premium",
        "principal": { "kind": "User", "id": "alice", "method": "jwt" },
        "facts": {
            "action": "GET", "resource": "Route::\"shop/premium\"",
            "principal.tier": "free", "principal.in (directory)": ["Group::\"customers\""],
            "principal.in": ["Role::\"admin\""],
            "context.geo.country": "US", "context.network.ip": "192.0.2.7", "context.network.zones": ["office"],
            "context.time.minute": 780, "context.time.now": "2026-03-03T12:00:00Z", "context.auth.scopes": ["a b", "c"],
        },
        "missing": { "context.geo.region": "unavailable: the database is stale" },
        "verdict": { "decision": "deny", "nearest": [["premium", 1, 2]] },
        "reason": "tier_required", "status": 403, "snapshot": "", "decided_us": 1,
    });
    let entry: portcullis_record::Entry = serde_json::from_value(entry).unwrap();
    let setting = SITE.setting();
    let question = Question::recorded(&entry, setting.rulebook.program.reads()).unwrap();
    let text = recorded(&entry, &question).unwrap();
    // Alice is on the premium plan by now; the record says what she was on.
    for line in [
        "directory = false",
        "\"principal.tier\" = \"free\"",
        "groups = [\"customers\"]",
        "unavailable = [\"context.geo.region\"]",
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    let (suite, findings) = load(&setting, &text);
    assert_eq!(findings, Vec::<String>::new(), "{text}");
    let ran = suite.run(&setting);
    assert!(ran.len() == 1 && ran[0].passed(), "{:?}\n{text}", ran[0].mismatches);
}

static SITE: std::sync::LazyLock<Site> = std::sync::LazyLock::new(site);

proptest! {
    /// Whatever is in a test file, reading it ends with tests or with findings, in bounds.
    #[test]
    fn no_text_stops_the_reader(text in ".{0,200}", key in "[a-z]{1,12}", value in prop_oneof!["\"[a-z:/.]{0,9}\"", "[0-9]{1,20}", Just("[[]]".to_owned()), Just("{ a = { b = 1979-05-27 } }".to_owned())]) {
        let setting = SITE.setting();
        load(&setting, &text);
        for key in [key.as_str(), "facts", "absent", "given", "expect", "at", "principal", "attributes", "action", "name", "resource"] {
            let (suite, findings) = load(&setting, &format!("[[test]]\nname = \"a\"\n{key} = {value}\n"));
            prop_assert!(suite.cases.len() <= 1 && !(suite.cases.is_empty() && findings.is_empty()));
        }
    }
}
