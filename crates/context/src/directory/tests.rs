use std::collections::BTreeSet;

use miette::{Report, SourceSpan};
use portcullis_identity::PrincipalKind;
use proptest::prelude::*;
use serde_json::json;

use super::Directory;

fn load(text: &str) -> Result<Directory, Vec<Report>> {
    Directory::load(&[("people.toml".to_owned(), text.to_owned())])
}

/// Each finding as `file:line message (underlined text) | help`.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let reports = Directory::load(&files).expect_err("findings");
    reports.iter().map(|report| written(report, &files)).collect()
}

fn written(report: &Report, files: &[(String, String)]) -> String {
    assert!(report.code().unwrap().to_string().starts_with("portcullis::directory::"));
    let help = report.help().map(|help| format!(" | {help}")).unwrap_or_default();
    let Some(label) = report.labels().and_then(|mut labels| labels.next()) else {
        return format!("{report}{help}");
    };
    let span = SourceSpan::new(label.offset().into(), label.len());
    let contents = report.source_code().unwrap().read_span(&span, 0, 0).unwrap();
    let name = contents.name().unwrap();
    let text = &files.iter().find(|(file, _)| file == name).unwrap().1;
    let underlined = &text[label.offset()..label.offset() + label.len()];
    format!("{name}:{} {report} ({underlined}){help}", contents.line() + 1)
}

fn finding(text: &str) -> String {
    let found = findings(&[("people.toml", text)]);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

const WHOLE: &str = r#"
[[user]]
id = "ann"
groups = ["finance", "staff"]
roles = ["approver"]
tier = "gold"
attributes = { name = "Ann", age = 44, on_call = true, sites = ["hamburg", "lyon"] }

[[service]]
id = "billing"
groups = ["robots"]
[service.attributes]
name = "Billing"

[[group]]
id = "finance"
groups = ["staff"]
roles = ["reader"]
[[group]]
id = "staff"
[[group]]
id = "robots"

[[role]]
id = "approver"
roles = ["reader"]
[[role]]
id = "reader"

[[device]]
id = "laptop"
owner = "ann"
managed = true
compliant = false
encrypted = true
os = "macos"
os_version = "15.1"
last_seen = "2026-03-01T10:30:00.250+01:00"
[[device]]
id = "box"
"#;

fn names(set: &BTreeSet<String>) -> Vec<&str> {
    set.iter().map(String::as_str).collect()
}

#[test]
fn reads_everything() {
    let directory = load(WHOLE).unwrap();
    let ann = directory.person(PrincipalKind::User, "ann").unwrap();
    assert_eq!(names(&ann.groups), ["finance", "staff"]);
    assert_eq!(names(&ann.roles), ["approver"]);
    assert_eq!(ann.tier.as_deref(), Some("gold"));
    let attributes = serde_json::to_value(&ann.attributes).unwrap();
    assert_eq!(attributes, json!({"name": "Ann", "age": 44, "on_call": true, "sites": ["hamburg", "lyon"]}));
    assert_eq!(directory.services["billing"].attributes["name"], "Billing");
    assert!(directory.person(PrincipalKind::User, "billing").is_none());
    assert_eq!(names(&directory.groups["finance"].groups), ["staff"]);
    assert_eq!(names(&directory.groups["finance"].roles), ["reader"]);
    assert_eq!(names(&directory.roles["approver"].roles), ["reader"]);
    let laptop = &directory.devices["laptop"];
    assert_eq!((laptop.id.as_str(), laptop.owner.as_deref()), ("laptop", Some("ann")));
    assert_eq!((laptop.managed, laptop.compliant, laptop.encrypted), (Some(true), Some(false), Some(true)));
    assert_eq!((laptop.os.as_deref(), laptop.os_version.as_deref()), (Some("macos"), Some("15.1")));
    assert_eq!(laptop.last_seen_ms, Some(1_772_357_400_250));
    assert_eq!(directory.devices["box"].managed, None);
    assert_eq!(directory.groups_of(PrincipalKind::User, "ann").collect::<Vec<_>>(), ["finance", "staff"]);
    assert_eq!(directory.groups_of(PrincipalKind::User, "nobody").count(), 0);
    assert_eq!(directory.people().map(|(_, id, _)| id).collect::<Vec<_>>(), ["ann", "billing"]);
}

#[test]
fn files_are_one_directory_in_any_order() {
    let group = ("groups.toml".to_owned(), "[[group]]\nid = \"staff\"".to_owned());
    let user = ("users.toml".to_owned(), "[[user]]\nid = \"ann\"\ngroups = [\"staff\"]".to_owned());
    let one = Directory::load(&[group.clone(), user.clone()]).unwrap();
    assert_eq!(one, Directory::load(&[user, group]).unwrap());
    assert_eq!(Directory::load(&[]).unwrap(), Directory::default());
    assert_eq!(load("# nobody yet\n").unwrap(), Directory::default());
}

#[test]
fn all_findings_at_once_in_the_order_of_the_files() {
    let found = findings(&[
        ("a.toml", "[[user]]\nid = \"ann\"\ngrups = []\ngroups = [\"finanse\"]\n[[user]]\ntier = 3\n"),
        ("b.toml", "[[group]]\nid = \"finance\"\n[[user]]\nid = \"ann\"\n[[usr]]\nid = \"x\"\n"),
    ]);
    assert_eq!(
        found,
        [
            "a.toml:3 unknown key `grups` in a user (grups) | did you mean `groups`?",
            "a.toml:4 group `finanse` is not declared (\"finanse\") | did you mean `finance`?",
            "a.toml:5 a user without `id` ([[user]]) | write `id = \"…\"`: the name that tokens and policies use",
            "a.toml:6 `tier` must be text (3) | put it in quotes",
            "b.toml:4 user `ann` is declared twice (\"ann\") | it is first declared at a.toml:2: keep one of the two",
            "b.toml:5 unknown kind of entry `usr` (usr) | did you mean `[[user]]`?",
        ]
    );
}

#[test]
fn syntax_errors_are_placed_and_prove_nothing_about_references() {
    let found = findings(&[
        ("a.toml", "[[group]]\nid = \"staff\n"),
        ("b.toml", "[[user]]\nid = \"ann\"\ngroups = [\"staff\"]\nroles = 1\n"),
    ]);
    assert!(found[0].starts_with("a.toml:2 "), "{found:#?}");
    assert_eq!(
        found.last().unwrap(),
        "b.toml:4 `roles` must be a list of names (1) | write `roles = [\"…\"]`"
    );
    assert!(!found.iter().any(|finding| finding.contains("not declared")), "{found:#?}");
}

#[test]
fn cycles_are_named() {
    assert_eq!(
        finding(
            "[[group]]\nid = \"a\"\ngroups = [\"b\"]\n[[group]]\nid = \"b\"\ngroups = [\"c\"]\n\
             [[group]]\nid = \"c\"\ngroups = [\"b\"]\n"
        ),
        "people.toml:9 groups contain each other: `b` in `c` in `b` (\"b\") | remove one of these memberships: a \
         group cannot be inside itself"
    );
    assert!(
        finding("[[role]]\nid = \"a\"\nroles = [\"a\"]\n").contains("roles contain each other: `a` in `a`")
    );
    // Two ways to the same group are no circle.
    load(
        "[[group]]\nid = \"a\"\ngroups = [\"b\", \"c\"]\n[[group]]\nid = \"b\"\ngroups = [\"d\"]\n\
         [[group]]\nid = \"c\"\ngroups = [\"d\"]\n[[group]]\nid = \"d\"\n",
    )
    .unwrap();
}

#[test]
fn a_chain_as_long_as_the_directory_is_walked_without_recursion() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for index in 0..20_000 {
        writeln!(text, "[[group]]\nid = \"g{index}\"\ngroups = [\"g{}\"]", (index + 1) % 20_000).unwrap();
    }
    assert!(finding(&text).contains("in 19992 more in"));
}

/// The official library closes memberships by recursion: a chain of ten thousand once ended the process.
#[test]
fn nesting_has_a_bound() {
    for (key, kind) in [("groups", "group"), ("roles", "role")] {
        let chain = |length: usize| -> String {
            (0..length)
                .map(|index| format!("[[{kind}]]\nid = \"{index}\"\n{key} = [\"{}\"]\n", index + 1))
                .chain([format!("[[{kind}]]\nid = \"{length}\"\n")])
                .collect()
        };
        load(&chain(100)).unwrap();
        for length in [101, 10_000] {
            let found = finding(&chain(length));
            assert!(found.contains(&format!("{kind}s are nested more than 100 deep")), "{found}");
        }
    }
}

#[test]
fn references_must_be_declared() {
    assert!(
        finding("[[user]]\nid = \"a\"\nroles = [\"x\"]").contains("declare it: `[[role]]` with `id = \"x\"`")
    );
    assert!(finding("[[group]]\nid = \"a\"\nroles = [\"x\"]").contains("role `x` is not declared"));
    assert!(finding("[[role]]\nid = \"a\"\nroles = [\"x\"]").contains("role `x` is not declared"));
    // A group is no role of the same name.
    assert!(finding("[[group]]\nid = \"x\"\n[[user]]\nid = \"a\"\nroles = [\"x\"]").contains("role `x`"));
    assert_eq!(
        finding("[[user]]\nid = \"anna\"\n[[device]]\nid = \"d\"\nowner = \"ann\""),
        "people.toml:5 owner `ann` is not declared (\"ann\") | did you mean `anna`?"
    );
    let both = "[[user]]\nid = \"a\"\n[[service]]\nid = \"a\"\n";
    load(both).unwrap();
    assert!(
        finding(&format!("{both}[[device]]\nid = \"d\"\nowner = \"a\""))
            .contains("both a user and a service")
    );
}

#[test]
fn last_seen_is_an_instant_in_rfc_3339() {
    let device = |written: &str| format!("[[device]]\nid = \"d\"\nlast_seen = {written}\n");
    for good in ["2026-03-01T09:30:00Z", "\"2026-03-01T09:30:00Z\"", "\"2026-03-01T10:30:00+01:00\""] {
        assert_eq!(load(&device(good)).unwrap().devices["d"].last_seen_ms, Some(1_772_357_400_000), "{good}");
    }
    for bad in [
        "2026-03-01T09:30:00",
        "2026-03-01",
        "09:30:00",
        "\"yesterday\"",
        "\"\"",
        "\"2026-02-30T09:30:00Z\"",
        "\"2026-03-01T09:30:00Z[Europe/Berlin]\"",
        "1772357400",
        "true",
    ] {
        let found = findings(&[("people.toml", &device(bad))]);
        assert!(found.iter().any(|finding| finding.contains("people.toml:3")), "{bad}: {found:#?}");
    }
}

#[test]
fn wrong_types_and_values_are_findings() {
    let cases = [
        ("user = 3", "`user` must be a list of tables (3)"),
        ("[user]\nid = \"a\"", "`user` must be a list of tables"),
        ("user = [\"ann\"]", "`user` must be a table (\"ann\")"),
        ("[[user]]\nid = 3", "`id` must be text (3)"),
        ("[[user]]\nid = \"\"", "`id` must have 1 to 256 bytes"),
        ("[[user]]\nid = \"a\\nb\"", "no control characters"),
        ("[[user]]\nid = \"a\"\ngroups = \"staff\"", "`groups` must be a list of names (\"staff\")"),
        ("[[user]]\nid = \"a\"\ngroups = [1]", "`groups` must be text (1)"),
        ("[[user]]\nid = \"a\"\nattributes = 1", "`attributes` must be a table (1)"),
        ("[[user]]\nid = \"a\"\nattributes = { x = 1.5 }", "`x` must be something a policy can read (1.5)"),
        ("[[user]]\nid = \"a\"\nattributes = { x = [1] }", "`x` must be something a policy can read"),
        ("[[user]]\nid = \"a\"\nattributes = { x = { y = 1 } }", "`x` must be something a policy can read"),
        ("[[user]]\nid = \"a\"\nattributes = { x = 2026-01-01 }", "write dates and fractions as text"),
        ("[[user]]\nid = \"a\"\nattributes = { tier = \"gold\" }", "`tier` has its own key (tier)"),
        ("[[user]]\nid = \"a\"\nemail = \"a@b\"", "goes into `attributes = { email = … }`"),
        ("[[role]]\nid = \"a\"\ngroups = []", "unknown key `groups` in a role (groups)"),
        ("[[device]]\nid = \"a\"\nmanaged = \"yes\"", "`managed` must be true or false (\"yes\")"),
        ("[[device]]\nid = \"a\"\nmanged = true", "did you mean `managed`?"),
    ];
    for (text, expected) in cases {
        let found = finding(text);
        assert!(found.contains(expected), "{found}\ndoes not contain\n{expected}");
    }
}

#[test]
fn findings_are_bounded() {
    let many = "[[user]]\n".repeat(250);
    let found = findings(&[("people.toml", &many)]);
    assert_eq!(found.len(), 101);
    assert_eq!(found[100], "150 more findings are not shown");
    let long = format!("[[user]]\nid = \"{}\"", "x".repeat(257));
    assert!(finding(&long).contains("1 to 256 bytes"));
    let groups = format!("[[user]]\nid = \"a\"\ngroups = [{}]", "\"g\", ".repeat(1_001));
    assert!(finding(&groups).contains("at most 1000 names"));
    let attributes = |count: usize| -> String {
        let each: String = (0..count).map(|index| format!("a{index} = 1\n")).collect();
        format!("[[user]]\nid = \"a\"\n[user.attributes]\n{each}")
    };
    load(&attributes(64)).unwrap();
    assert!(finding(&attributes(65)).contains("`attributes` may have at most 64"));
    assert!(finding(&attributes(100_000)).contains("`attributes` may have at most 64"));
}

proptest! {
    #[test]
    fn damaged_files_are_findings_not_panics(
        cut in 0..WHOLE.len(),
        length in 0..40_usize,
        instead in "[\\[\\]{}=\"a-z0-9\n.]{0,12}",
    ) {
        let mut text = WHOLE.to_owned();
        text.replace_range(cut..(cut + length).min(WHOLE.len()), &instead);
        if let Err(reports) = load(&text) {
            prop_assert!(!reports.is_empty());
            let files = [("people.toml".to_owned(), text)];
            for report in &reports {
                written(report, &files);
            }
        }
    }

    #[test]
    fn nesting_is_accepted_exactly_when_it_ends(
        edges in proptest::collection::btree_set((0..7_usize, 0..7_usize), 0..12),
    ) {
        let text: String = (0..7)
            .map(|from| {
                let to: Vec<_> = edges.iter().filter(|(start, _)| *start == from).map(|(_, to)| format!("\"{to}\"")).collect();
                format!("[[group]]\nid = \"{from}\"\ngroups = [{}]\n", to.join(", "))
            })
            .collect();
        // Take away groups that are in nothing left, until none is: what remains is on or before a circle.
        let mut left = edges.clone();
        while let Some(edge) = left.iter().find(|(_, to)| !left.iter().any(|(from, _)| from == to)).copied() {
            left.remove(&edge);
        }
        prop_assert_eq!(load(&text).is_ok(), left.is_empty(), "{}", text);
    }
}
