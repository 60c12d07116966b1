use crate::SourceText;
use crate::load::tests::{codes, underlined};
use crate::{Loaded, Policies};

use super::*;

fn with(extension: &str, policy: &str) -> Loaded {
    let source = |name: &str, text: &str| SourceText { name: name.to_owned(), text: text.to_owned() };
    Policies::load(&[source("p.cedar", policy)], Some(&source("schema.cedarschema", extension)), &[])
}

#[test]
fn the_shipped_schema_stands_and_has_its_actions() {
    let schema = extended(None).expect("it ships");
    assert_eq!(schema.action_entities().expect("actions").len(), 12);
    assert!(schema.principals().any(|kind| kind.to_string() == "Anonymous"));
}

#[test]
fn an_extension_adds_attributes_parents_types_and_entities() {
    let loaded = with(
        "type Office = { city: String };
         entity Department in [Group];
         entity User in [Department] { department?: String, office?: Office, name?: String };
         entity Service { owner?: User };
         namespace Shop { entity Order { owner: User }; action refund appliesTo { principal: [User], resource: [Order] }; }",
        "permit (principal in Department::\"sales\", action, resource)
         when { principal has office && principal.office.city == \"Bonn\" && principal has tier && principal.tier == \"gold\" };
         permit (principal is User, action == Shop::Action::\"refund\", resource is Shop::Order) when { resource.owner == principal };",
    );
    assert!(loaded.policies.is_some(), "{:?}", loaded.findings);
}

#[test]
fn what_ships_cannot_be_declared_differently() {
    for (extension, spot) in [
        ("entity User { tier?: Long };", "User"),
        ("entity   User\n{ clearance: Long };", "User"),
        ("entity Anonymous;", "Anonymous"),
        ("entity Userx; entity Anonymous enum [\"x\"];", "Anonymous"),
        ("type Geo = { country?: Long };", "Geo"),
        ("action GET appliesTo { principal: [User], resource: [App] };", "GET"),
    ] {
        let loaded = with(extension, "");
        assert_eq!(codes(&loaded), ["portcullis::schema::conflict"], "{extension}");
        assert_eq!(underlined(&loaded.findings[0], extension), spot);
        assert!(loaded.findings[0].help().is_some());
        assert!(loaded.policies.is_none());
    }
}

#[test]
fn saying_the_same_again_is_no_conflict() {
    let loaded =
        with("entity Role in [Role]; entity User in [Group, Role] { email?: String }; entity Device;", "");
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    assert!(with(SHIPPED, "").policies.is_some());
}

#[test]
fn headers_that_policies_read_are_declared() {
    let loaded = with(
        "type RequestHeaders = { \"x-tenant\"?: String, \"accept\"?: Set<String> };",
        "@id(\"p\") permit (principal, action, resource) when {
           context.request.headers has \"x-tenant\" && context.request.headers[\"x-tenant\"] == \"acme\" };",
    );
    let header = |name: &str, once| ReadHeader { name: name.to_owned(), once };
    let policies = loaded.policies.expect("no errors");
    assert_eq!(policies.headers, [header("accept", false), header("x-tenant", true)]);
    assert_eq!(with(SHIPPED, "").policies.expect("no errors").headers, []);
    let undeclared =
        with("", "permit (principal, action, resource) when { context.request.headers has \"x-a\" };");
    assert!(!undeclared.findings.is_empty());
}

#[test]
fn headers_that_mean_nothing_are_refused_where_they_are_declared() {
    for (declared, spot) in [
        ("\"X-Tenant\"?: String", "\"X-Tenant\""),
        ("\"x_tenant\"?: String", "\"x_tenant\""),
        ("x_tenant?: String", "x_tenant"),
        ("\"\"?: String", "\"\""),
        ("authorization?: String", "authorization"),
        ("\"x-session-id\"?: Set<String>", "\"x-session-id\""),
        ("\"x-tenant\": String", "\"x-tenant\""),
        ("\"x-age\"?: Long", "\"x-age\""),
        ("\"x-list\"?: Set<Long>", "\"x-list\""),
        ("\"x-list\"?: { a: String }", "\"x-list\""),
    ] {
        let extension = format!("type RequestHeaders = {{ {declared} }};");
        let loaded = with(&extension, "");
        assert_eq!(codes(&loaded), ["portcullis::schema::header"], "{extension}");
        assert_eq!(underlined(&loaded.findings[0], &extension), spot);
    }
    let loaded = with("type RequestHeaders = Set<String>;", "");
    assert_eq!(codes(&loaded), ["portcullis::schema::conflict"]);
}

#[test]
fn faults_are_found_and_named() {
    let text = "entity User { department? String };";
    let loaded = with(text, "");
    assert_eq!(codes(&loaded), ["portcullis::schema::parse"]);
    assert!(loaded.findings[0].labels().is_some(), "{:?}", loaded.findings);
    let loaded = with("entity User { boss?: Bos };", "");
    assert_eq!(codes(&loaded), ["portcullis::schema::invalid"]);
    assert!(loaded.findings[0].to_string().contains("Bos"), "{}", loaded.findings[0]);
    assert!(extended(Some(&SourceText { name: "s".to_owned(), text: text.to_owned() })).is_err());
}

#[test]
fn without_a_schema_the_rest_is_still_checked() {
    let loaded = with("entity {", "@reson(\"x\") permit (principal, action, resource);");
    let codes = codes(&loaded);
    assert!(codes.contains(&"portcullis::policy::unknown_annotation".to_owned()), "{codes:?}");
}
