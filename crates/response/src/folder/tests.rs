use std::time::UNIX_EPOCH;

use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY};
use http::{HeaderMap, HeaderValue, Method};
use portcullis_request::Reference;

use crate::{Asked, Branding, Refusal, Renderer, Said, TemplateError};

fn folder(files: &[(&str, &str)]) -> Result<Renderer, Vec<TemplateError>> {
    Renderer::with_folder(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
}

/// What is wrong, one line each.
#[track_caller]
fn wrong(files: &[(&str, &str)]) -> String {
    let errors = folder(files).err().expect("should not pass");
    errors.iter().map(|error| format!("{error} ({})\n", error.hint)).collect()
}

/// The page of a 403, its security policy, and its status.
fn page(renderer: &Renderer, code: &str, language: &'static str) -> (u16, String, String) {
    let method = Method::GET;
    let headers = HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("text/html")),
        (ACCEPT_LANGUAGE, HeaderValue::from_static(language)),
    ]);
    let asked = Asked { method: &method, headers: &headers, base: "", reference: Reference::new(UNIX_EPOCH) };
    let said = Said { code: code.to_owned(), message: None, help: None };
    let response = renderer.render(&Refusal::Forbidden(said), &asked, &Branding::default());
    let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    (response.status().as_u16(), policy, String::from_utf8(response.into_body().to_vec()).unwrap())
}

#[test]
fn a_page_of_ones_own() {
    let own = folder(&[
        ("page.html", "<!doctype html><style>{{ style }}</style>{% include \"part.html\" %}<p>{{ message }}"),
        ("part.html", "<b>{{ status }}</b>"),
        ("page.css", "p { color: red }"),
    ])
    .unwrap();
    let (status, policy, page) = page(&own, "tier_required", "en");
    assert_eq!(status, 403);
    assert_eq!(
        page,
        "<!doctype html><style>p { color: red }</style><b>403</b><p>This is part of another plan"
    );
    // printf 'p { color: red }' | openssl dgst -sha256 -binary | base64
    assert!(policy.contains("style-src 'sha256-ngewhhP73WDIbgwseeu52VAAJgKdGUsu1IUQQsAm8m4='"), "{policy}");
}

#[test]
fn a_style_sheet_alone_serves_the_programs_pages() {
    let own = folder(&[("page.css", "h1 { color: red }")]).unwrap();
    assert!(page(&own, "x", "en").2.contains("<style>h1 { color: red }</style>"));
}

#[test]
fn texts_and_further_languages() {
    let own = folder(&[
        ("messages.de.toml", "[message]\ntier_required = \"Nur mit Abo\""),
        ("messages.fr.toml", "[message]\n403 = \"Accès refusé\"\n[label]\nreference = \"Référence\""),
    ])
    .unwrap();
    assert!(page(&own, "tier_required", "de").2.contains("<h1>Nur mit Abo</h1>"));
    assert!(page(&own, "tier_required", "en").2.contains("<h1>This is part of another plan</h1>"));
    let french = page(&own, "house_rule", "fr-CA").2;
    assert!(french.contains("<html lang=\"fr\">") && french.contains("<h1>Accès refusé</h1>"));
    assert!(french.contains(">Référence</h2>"), "{french}");
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    insta::assert_snapshot!(wrong(&[
        ("page.html", "<p>\n{{ message }\n"),
        ("problem.html", "<p>\n<SCRIPT>\n"),
        ("page.css", "x\n</style><p>"),
        ("messages.de.toml", "[message]\n403 = 1\n"),
        ("messages.e n.toml", ""),
        ("messages.fr.toml", "[label]\nrefernce = \"R\"\n"),
        ("messages.es.toml", "[texts]\na = \"b\"\n"),
        ("logo.png", ""),
    ]));
}

#[test]
fn samples_find_what_parsing_does_not() {
    let pages = [
        "a\nb {{ messag }}",
        "{{ message|safe }}",
        "{% include \"/etc/passwd\" %}",
        "x\n{%-  autoescape false %}{{ message }}{% endautoescape %}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}",
        "<style>.x{content:'{{ status }}'}</style>",
        "{% include \"page.html\" %}",
    ];
    let found: String = pages.iter().map(|page| wrong(&[("page.html", page)])).collect();
    insta::assert_snapshot!(found);
}

#[test]
fn a_folder_is_bounded() {
    let large = "x".repeat(300 * 1024);
    assert!(wrong(&[("page.html", &large)]).contains("at most"));
    let many: Vec<_> = (0..300).map(|at| (format!("p{at}.html"), String::new())).collect();
    assert_eq!(Renderer::with_folder(many).err().unwrap().len(), 1);
}

#[test]
fn a_template_that_fails_later_gives_way_and_the_status_stays() {
    let own = folder(&[("page.html", "own {% if code == \"rare\" %}{{ nothing }}{% endif %}")]).unwrap();
    assert_eq!(page(&own, "usual", "en").2, "own ");
    let (status, policy, page) = page(&own, "rare", "en");
    assert_eq!(status, 403);
    assert!(page.contains("<h1>You do not have access to this</h1>"));
    assert!(policy.contains("sha256-"), "{policy}");
}

#[test]
fn escaping_cannot_be_avoided() {
    let tricks = "{{ code }}{% set x %}{{ code }}{% endset %}{{ x }}{{ code|upper }}\
                  {{ code|replace('a', '<') }}{{ [code]|join('<') }}{{ '<' ~ code }}";
    let own = folder(&[("page.html", tricks)]).unwrap();
    let page = page(&own, "<a>", "en").2;
    assert!(!page.contains('<'), "{page}");
}

#[test]
fn the_book_names_what_a_template_can_use() {
    let chapter = include_str!("../templates/templates.md");
    for template in [include_str!("../templates/page.html"), include_str!("../templates/problem.html")] {
        let used = template.split("{{ ").skip(1).filter_map(|rest| rest.split([' ', '.', '[', '|']).next());
        for name in used
            .filter(|name| !["fault", "group", "run", "section", "specification", "labels"].contains(name))
        {
            assert!(chapter.contains(&format!("`{name}`")), "{name}");
        }
    }
    for (_, label) in
        crate::words::Words::embedded()[0].keys().into_iter().filter(|(table, _)| *table == "label")
    {
        assert!(chapter.contains(&format!("`{label}`")), "{label}");
    }
}
