use super::*;
use crate::guards::{Access, Guard, Require, Scope};

const WRITTEN: &str = r#"
// Premium pages are for those who pay.
@id("premium")
@reason("tier_required") @message("This is part of the premium plan")
forbid(principal, action, resource)
unless { principal has tier && principal.tier == "premium" };

permit(principal in Desk::"front", action, resource) when { principal has tier };
"#;

const SCHEMA: &str = "entity Desk; entity User in [Desk];";

fn text(name: &str, text: &str) -> SourceText {
    SourceText { name: name.to_owned(), text: text.to_owned() }
}

fn loaded() -> Policies {
    let guard = Guard {
        scope: Scope::App("shop".to_owned()),
        access: Access::Identified,
        require: Require { country: vec!["US".to_owned()], ..Require::default() },
        messages: BTreeMap::new(),
        file: "portcullis.toml".to_owned(),
        span: 0..0,
        renders_404: false,
    };
    let schema = text("schema.cedarschema", SCHEMA);
    let loaded = Policies::load(&[text("policies/shop.cedar", WRITTEN)], Some(&schema), &[guard]);
    loaded.policies.unwrap_or_else(|| panic!("{:?}", loaded.findings))
}

#[test]
fn what_was_kept_is_the_same_set_again() {
    let before = loaded();
    let again = Policies::again(before.kept(), schema::SHIPPED, Some(&text("schema.cedarschema", SCHEMA)));
    let again = again.policies.unwrap_or_else(|| panic!("{:?}", again.findings));
    assert_eq!(again.texts, before.texts);
    assert_eq!(again.origins, before.origins);
    assert_eq!(again.reasons, before.reasons);
    assert_eq!(again.forbids, before.forbids);
    let set = |policies: &Policies| {
        let mut shown: Vec<_> = policies
            .set
            .policies()
            .map(|policy| (policy.id().to_string(), policy.to_json().unwrap()))
            .collect();
        shown.sort_by(|one, other| one.0.cmp(&other.0));
        shown
    };
    assert_eq!(set(&again), set(&before));
    assert_eq!(again.kept(), before.kept());
}

#[test]
fn what_no_longer_fits_the_schema_is_a_fault() {
    let again = Policies::again(loaded().kept(), schema::SHIPPED, None);
    assert!(again.policies.is_none());
    assert!(
        again.findings.iter().any(|finding| finding.to_string().contains("Desk")),
        "{:?}",
        again.findings
    );
    // What shipped then counts, and not what ships now.
    let then = schema::SHIPPED.replace("tier?: String", "tier?: Long");
    let again = Policies::again(loaded().kept(), &then, Some(&text("schema.cedarschema", SCHEMA)));
    assert!(again.policies.is_none(), "`principal.tier` was no text then");
}
