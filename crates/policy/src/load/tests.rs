use std::collections::BTreeMap;

use miette::{Report, Severity};

use super::*;
use crate::{Access, ReasonStatus, Require, Scope};

pub(crate) fn source(name: &str, text: &str) -> SourceText {
    SourceText { name: name.to_owned(), text: text.to_owned() }
}

/// An empty guard on `shop`, or on one of its routes.
pub(crate) fn guard(route: Option<&str>) -> Guard {
    Guard {
        scope: match route {
            Some(route) => Scope::Route { app: "shop".to_owned(), route: route.to_owned() },
            None => Scope::App("shop".to_owned()),
        },
        access: Access::Policies,
        require: Require::default(),
        messages: BTreeMap::new(),
        file: "portcullis.toml".to_owned(),
        span: 0..0,
        renders_404: true,
    }
}

/// `shop` with a route `items`.
pub(crate) fn shop() -> Vec<Guard> {
    vec![guard(None), guard(Some("items"))]
}

pub(crate) fn load_text(text: &str) -> Loaded {
    Policies::load(&[source("policies/shop.cedar", text)], None, &shop())
}

pub(crate) fn codes(loaded: &Loaded) -> Vec<String> {
    loaded
        .findings
        .iter()
        .map(|finding| finding.code().map_or_else(String::new, |code| code.to_string()))
        .collect()
}

/// What a finding underlines.
pub(crate) fn underlined(finding: &Report, text: &str) -> String {
    let label = finding.labels().and_then(|mut labels| labels.next()).expect("a label");
    text[label.offset()..label.offset() + label.len()].to_owned()
}

pub(crate) fn good(text: &str) -> Policies {
    let loaded = load_text(text);
    assert!(loaded.findings.is_empty(), "{text}\n{:?}", loaded.findings);
    loaded.policies.expect("no findings, so a set")
}

#[test]
fn written_policies_keep_their_text_place_and_id() {
    let text = "// A comment.\n\n@id(\"mine\")\npermit (principal, action, resource);\n  forbid (principal is Service, action, resource);\n";
    let policies = good(text);
    assert_eq!(policies.set.num_of_policies(), 2);
    assert_eq!(policies.texts.keys().collect::<Vec<_>>(), ["mine", "shop.2"]);
    assert_eq!(policies.texts["mine"], "@id(\"mine\")\npermit (principal, action, resource);");
    let origin = Origin::Written { file: "policies/shop.cedar".to_owned(), line: 5, column: 3 };
    assert_eq!(policies.origins["shop.2"], origin);
    assert_eq!(policies.forbids.iter().collect::<Vec<_>>(), ["shop.2"]);
    assert_eq!(policies.public_reason("mine").code, "access_denied");
}

#[test]
fn every_file_is_read_and_every_fault_in_it_is_found() {
    let broken = "permit (principal, action);\nforbid (principal, action, resource) when { 1 + };\n";
    let loaded = Policies::load(
        &[
            source("a.cedar", broken),
            source("b.cedar", "permit (principal, action, resource) when { principal.nothing };"),
            source("c.cedar", "@id(\"x\") permit (principal is User, action, resource);"),
            source("d.cedar", "@id(\"x\") permit (principal is Service, action, resource);"),
        ],
        Some(&source("schema.cedarschema", "entity User { name: Long };")),
        &shop(),
    );
    assert!(loaded.policies.is_none());
    let codes = codes(&loaded);
    assert_eq!(
        codes.first().map(String::as_str),
        Some("portcullis::schema::conflict"),
        "in order of files: {codes:?}"
    );
    assert!(codes.contains(&"portcullis::policy::parse".to_owned()), "{codes:?}");
    assert_eq!(codes.last().map(String::as_str), Some("portcullis::policy::duplicate_id"));
    let duplicate = loaded.findings.last().expect("one").to_string();
    assert!(duplicate.contains("first in c.cedar:1"), "{duplicate}");
}

#[test]
fn a_parse_error_is_shown_where_it_is() {
    let text = "permit (principal, action, resource)\nwhen { principal.tier = \"gold\" };";
    let loaded = load_text(text);
    assert_eq!(codes(&loaded), ["portcullis::policy::parse"]);
    let finding = &loaded.findings[0];
    assert!(underlined(finding, text).contains('='), "{finding:?}");
    assert!(format!("{finding:?}").contains("policies/shop.cedar"), "the file is named: {finding:?}");
    assert!(finding.help().is_some() || !finding.to_string().is_empty());
}

#[test]
fn a_validation_error_is_shown_where_it_is() {
    let text = "permit (principal is User, action, resource) when { principal.teir == \"gold\" };";
    let loaded = load_text(text);
    assert_eq!(codes(&loaded), ["portcullis::policy::validate"]);
    assert_eq!(underlined(&loaded.findings[0], text), "principal.teir");
}

#[test]
fn what_is_too_large_or_too_deep_is_refused_and_nothing_crashes() {
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        let body = format!("{}{inner}{}", open.repeat(times), close.repeat(times));
        format!("permit (principal, action, resource) when {{ {body} }};")
    };
    for deep in [
        nested("(", "true", ")", 10_000),
        nested("[", "1", "]", 10_000),
        nested("!", "true", "", 10_000),
        nested("true && ", "true", "", 10_000),
        nested("if true then ", "true", " else false", 10_000),
        nested("if true then true else ", "true", "", 10_000),
        nested("{a: ", "1", "}", 10_000),
        nested("principal", "", ".a", 10_000),
        nested("\"", "", "\"", 3) + &nested("(", "", "", 10_000),
        "(".repeat(100_000),
    ] {
        assert_eq!(codes(&load_text(&deep)), ["portcullis::policy::too_deep"], "{}", &deep[..60]);
    }
    let large = format!("// {}", "x".repeat(FILE_LIMIT));
    assert_eq!(codes(&load_text(&large)), ["portcullis::policy::too_large"]);
    let extension =
        source("schema.cedarschema", &format!("type X = {}Long{};", "Set<".repeat(9_000), ">".repeat(9_000)));
    assert_eq!(codes(&Policies::load(&[], Some(&extension), &[])), ["portcullis::policy::too_deep"]);
}

#[test]
fn what_is_just_within_the_bounds_is_read() {
    let chain = vec!["context.request.path == \"/a\""; 900].join(" || ");
    let nested = format!("{}true{}", "(".repeat(90), ")".repeat(90));
    for body in [chain, nested] {
        let loaded = load_text(&format!("permit (principal, action, resource) when {{ {body} }};"));
        assert!(loaded.policies.is_some(), "{:?}", loaded.findings);
    }
    let many: String = (0..3_000)
        .map(|number| format!("permit (principal == User::\"u{number}\", action, resource);\n"))
        .collect();
    assert_eq!(good(&many).set.num_of_policies(), 3_000);
}

#[test]
fn findings_are_bounded() {
    let many = "permit (principal is Nobody, action, resource);\n".repeat(3_000);
    let loaded = load_text(&many);
    assert_eq!(loaded.findings.len(), 1_001);
    assert_eq!(
        loaded.findings.last().and_then(|last| last.code()).map(|code| code.to_string()).as_deref(),
        Some("portcullis::policy::more")
    );
}

#[test]
fn ids_are_readable_and_never_a_guards() {
    for id in ["", "a b", "a\\nb", "guard.shop.access"] {
        let loaded = load_text(&format!("@id(\"{id}\") permit (principal, action, resource);"));
        assert_eq!(codes(&loaded), ["portcullis::policy::id"], "{id}");
    }
}

#[test]
fn guards_come_with_their_place_and_findings_in_them_are_shown() {
    let configuration = source("portcullis.toml", "# one\n[[app]]\nname = \"shop\"\n");
    let mut open = guard(None);
    open.access = Access::Identified;
    open.span = 6..13;
    let loaded =
        Policies::load_with(&[], None, std::slice::from_ref(&open), std::slice::from_ref(&configuration));
    let policies = loaded.policies.expect("a set");
    assert_eq!(
        policies.origins["guard.shop.access"],
        Origin::Guard {
            scope: "shop".to_owned(),
            key: "access".to_owned(),
            file: "portcullis.toml".to_owned(),
            line: 2
        }
    );
    open.require.country = vec!["Germany".to_owned()];
    let loaded =
        Policies::load_with(&[], None, std::slice::from_ref(&open), std::slice::from_ref(&configuration));
    assert_eq!(codes(&loaded), ["portcullis::policy::guard_value"]);
    assert_eq!(underlined(&loaded.findings[0], &configuration.text), "[[app]]");
    open.span = 5..100_000;
    assert!(Policies::load_with(&[], None, &[open], &[configuration]).policies.is_none());
}

#[test]
fn an_empty_set_is_a_set_that_lets_nobody_in() {
    let loaded = Policies::load(&[], None, &[]);
    assert!(loaded.findings.is_empty());
    assert!(loaded.policies.expect("a set").set.is_empty());
}

#[test]
fn warnings_do_not_stand_in_the_way() {
    let loaded = load_text("permit (principal, action, resource == Route::\"shop/itms\");");
    assert!(loaded.policies.is_some());
    assert!(loaded.findings.iter().all(|finding| finding.severity() == Some(Severity::Warning)));
    let text = "@id(\"a\") @reason(\"not_here\") @help(\"https://example.org/\") forbid (principal, action, resource == Route::\"shop/items\") when { context.geo has country };";
    assert_eq!(good(text).public_reason("a").status, ReasonStatus::Forbidden);
}

#[test]
fn a_policy_of_every_annotation_loads() {
    let policies = good(
        "@id(\"a\") @hide forbid (principal, action, resource in App::\"shop\") unless { principal in Group::\"staff\" };
         @id(\"b\") @status(\"451\") @blocked_by(\"https://court.example/1\") @message(\"Withheld\")
         forbid (principal, action in Action::\"read\", resource) when { context.geo has country && context.geo.country == \"DE\" };",
    );
    assert_eq!(policies.public_reason("a").status, ReasonStatus::Hidden);
    let legal = policies.public_reason("b");
    assert_eq!((legal.code.as_str(), legal.message.as_deref()), ("legal_restriction", Some("Withheld")));
}
