//! Pages: data into templates, with escaping that no template can switch off.
//!
//! INVARIANT: nothing that came from a caller, a policy or a configuration enters a page unescaped; the only unescaped
//! text is our own style sheet, which the Content-Security-Policy names by its hash.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::Page;
use crate::catalogue::text::{self, Block};
use crate::json::ShownFault;

/// The templates of one origin (embedded, or a folder's), compiled.
pub(crate) struct Pages {
    environment: Environment<'static>,
    style: Value,
    /// The whole policy, ready to send.
    pub(crate) security_policy: String,
}

/// What a refusal's page draws from.
#[derive(Serialize)]
pub(crate) struct RefusalPage<'a> {
    pub(crate) language: &'a str,
    pub(crate) brand: &'a str,
    pub(crate) status: u16,
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
    pub(crate) advice: Option<&'a str>,
    /// What is wrong with which part of the body.
    pub(crate) faults: &'a [ShownFault],
    /// In groups.
    pub(crate) reference: Option<&'a str>,
    /// Character by character, a pause after each group.
    pub(crate) reference_spoken: Option<String>,
    pub(crate) help: Option<&'a str>,
    /// Who demands it, by law.
    pub(crate) blocked_by: Option<&'a str>,
    /// The same, if it is an address.
    pub(crate) blocked_by_link: Option<&'a str>,
    pub(crate) contact: Option<&'a str>,
    /// Where the contact leads, if it is an address.
    pub(crate) contact_link: Option<String>,
    /// The reference page of this problem.
    pub(crate) kind: &'a str,
    pub(crate) labels: BTreeMap<&'a str, &'a str>,
}

/// What a reference page draws from.
#[derive(Serialize)]
pub(crate) struct ProblemPage<'a> {
    pub(crate) brand: &'a str,
    pub(crate) key: &'a str,
    pub(crate) title: &'a str,
    pub(crate) status: u16,
    pub(crate) reason: &'a str,
    pub(crate) sections: Vec<Section>,
    pub(crate) specifications: &'a [(&'static str, &'static str)],
}

/// One headed part of a reference page.
#[derive(Serialize)]
pub(crate) struct Section {
    pub(crate) heading: &'static str,
    pub(crate) blocks: Vec<Block>,
}

impl<'a> ProblemPage<'a> {
    /// A page of the catalogue.
    pub(crate) fn new(page: &'a Page, brand: &'a str) -> Self {
        Self {
            brand,
            key: page.key,
            title: page.title,
            status: page.status,
            reason: page.reason_phrase(),
            sections: page
                .sections()
                .map(|(heading, written)| Section { heading, blocks: text::blocks(written) })
                .collect(),
            specifications: &page.specifications,
        }
    }
}

impl Pages {
    /// The program's own.
    ///
    /// # Errors
    /// None, as the tests show.
    pub(crate) fn embedded() -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.remove_filter("safe");
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        for (name, text) in EMBEDDED {
            environment.add_template(name, text)?;
        }
        let security_policy = security_policy(&[STYLE]);
        Ok(Self { environment, style: Value::from_safe_string(STYLE.to_owned()), security_policy })
    }

    /// Puts a template in front of the program's of that name.
    ///
    /// # Errors
    /// A template that does not parse.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> Result<(), minijinja::Error> {
        self.environment.add_template_owned(name.to_owned(), text.to_owned())
    }

    /// Replaces the style sheet.
    pub(crate) fn set_style(&mut self, style: &str) {
        self.style = Value::from_safe_string(style.to_owned());
    }

    /// A refusal's page.
    ///
    /// # Errors
    /// What a custom template may do wrong at this refusal and not at the samples it was checked with.
    pub(crate) fn refusal(&self, page: &RefusalPage<'_>) -> Result<String, minijinja::Error> {
        self.render(REFUSAL, Value::from(Serde(page)))
    }

    /// A reference page.
    ///
    /// # Errors
    /// As [`Pages::refusal`].
    pub(crate) fn problem(&self, page: &ProblemPage<'_>) -> Result<String, minijinja::Error> {
        self.render(PROBLEM, Value::from(Serde(page)))
    }

    fn render(&self, name: &str, page: Value) -> Result<String, minijinja::Error> {
        self.environment
            .get_template(name)?
            .render(minijinja::context! { style => self.style.clone(), ..page })
    }
}

/// The policy that lets a page do nothing but show itself in these style sheets. Images only from within the page, for
/// a logo; `data:` also keeps browsers from asking for an icon, which would be refused in turn.
pub(crate) fn security_policy(styles: &[&str]) -> String {
    let mut policy = "default-src 'none'; img-src data:; style-src".to_owned();
    for style in styles {
        policy.push_str(" 'sha256-");
        STANDARD.encode_string(digest(&SHA256, style.as_bytes()), &mut policy);
        policy.push('\'');
    }
    policy.push_str("; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    policy
}

/// The page of every refusal.
pub(crate) const REFUSAL: &str = "page.html";

/// The page of every reference entry.
pub(crate) const PROBLEM: &str = "problem.html";

/// The style sheet of both.
pub(crate) const STYLE: &str = include_str!("templates/page.css");

const EMBEDDED: [(&str, &str); 2] =
    [(REFUSAL, include_str!("templates/page.html")), (PROBLEM, include_str!("templates/problem.html"))];

/// About this many template steps or 64 bytes of output each: a page of ours takes a tenth of it, and no page can
/// become larger than 1.3 MB.
const FUEL: u64 = 20_000;
