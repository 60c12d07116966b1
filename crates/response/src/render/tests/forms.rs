//! Shapes, languages, scripts from other origins, texts of an app, and reference pages.

use http::{HeaderMap, HeaderValue, Method};

use super::{
    Asked, Branding, Client, REFERENCE, Reference, Refusal, Renderer, Said, Shape, branding, field, refusals,
    said, text,
};
use crate::catalogue;

fn region() -> Refusal {
    Refusal::Forbidden(Said {
        message: Some("Content unavailable in your location".to_owned()),
        ..said("region_restricted")
    })
}

#[test]
fn the_simple_shape_is_exactly_this() {
    let branding = Branding { shape: Shape::Simple, ..Branding::default() };
    let response = Client::Curl.asks(&region(), &branding);
    assert_eq!(field(&response, "content-type"), Some("application/json"));
    assert_eq!(
        text(&response),
        r#"{"error": "region_restricted", "message": "Content unavailable in your location"}"#
    );
}

#[test]
fn the_nested_shape_is_exactly_this() {
    let branding = Branding { shape: Shape::Nested, ..Branding::default() };
    let response = Client::Curl.asks(&region(), &branding);
    assert_eq!(
        text(&response),
        r#"{"error": {"code": 403, "message": "Not available in this region", "details": "Content unavailable in your location"}}"#
    );
}

#[test]
fn a_problem_points_at_a_page_that_exists_and_has_its_status() {
    for (name, refusal) in refusals() {
        let body: serde_json::Value =
            serde_json::from_str(&text(&Client::Curl.asks(&refusal, &branding()))).unwrap();
        let key = body["type"].as_str().unwrap();
        let key = key.strip_prefix("https://shop.example/.well-known/portcullis/problems/").unwrap();
        assert_eq!(catalogue::find(key).unwrap().status, refusal.status().as_u16(), "{name}");
        assert_eq!(body["status"], refusal.status().as_u16(), "{name}");
    }
}

#[test]
fn a_code_of_the_catalogue_with_another_status_points_at_the_status() {
    let body = text(&Client::Curl.asks(&Refusal::Forbidden(said("token_expired")), &branding()));
    assert!(body.contains("problems/403\"") && body.contains(r#""title": "Forbidden""#), "{body}");
}

#[test]
fn an_apps_text_in_the_callers_language_comes_first() {
    let mut branding = branding();
    branding.texts.insert("region_restricted".to_owned(), "for all".to_owned());
    branding.texts.insert("label.reference".to_owned(), "Vorgang".to_owned());
    branding.texts.insert("advice.region_restricted".to_owned(), String::new());
    let of_the_author = text(&Client::Browser.asks(&region(), &branding));
    assert!(of_the_author.contains("<h1>Content unavailable in your location</h1>"));
    let unsaid = Refusal::Forbidden(said("region_restricted"));
    let page = text(&Client::Browser.asks(&unsaid, &branding));
    assert!(page.contains("<h1>for all</h1>") && page.contains(">Vorgang</h2>"));
    assert!(!page.contains("angenommen wurde"), "an empty text removes the advice");
    branding.texts.insert("region_restricted.de".to_owned(), "auf deutsch".to_owned());
    assert!(text(&Client::Browser.asks(&region(), &branding)).contains("<h1>auf deutsch</h1>"));
    assert!(text(&Client::Curl.asks(&region(), &branding)).contains("Content unavailable in your location"));
}

#[test]
fn scripts_of_listed_origins_can_read_refusals_and_others_cannot() {
    let allowed = Client::Fetch.asks(&region(), &branding());
    assert_eq!(field(&allowed, "access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(field(&allowed, "access-control-allow-credentials"), Some("true"));
    assert_eq!(
        field(&allowed, "access-control-expose-headers"),
        Some("WWW-Authenticate, X-Portcullis-Ref, Retry-After")
    );
    assert!(field(&allowed, "vary").unwrap().contains("Origin"));
    for listed in ["*", "https://app.example.evil", "https://app", "HTTPS://APP.EXAMPLE", "null"] {
        let branding = Branding { cors_origins: vec![listed.to_owned()], ..branding() };
        let refused = Client::Fetch.asks(&region(), &branding);
        assert_eq!(field(&refused, "access-control-allow-origin"), None, "{listed}");
        assert!(field(&refused, "vary").unwrap().contains("Origin"), "{listed}");
    }
    let none = Client::Fetch.asks(&region(), &Branding::default());
    assert!(!field(&none, "vary").unwrap().contains("Origin"));
}

/// Asks with headers of the test's own.
fn ask(
    renderer: &Renderer,
    refusal: &Refusal,
    headers: &HeaderMap,
    branding: &Branding,
) -> http::Response<bytes::Bytes> {
    let asked = Asked { method: &Method::GET, headers, base: "", reference: Reference::from_u128(REFERENCE) };
    renderer.render(refusal, &asked, branding)
}

#[test]
fn a_sandboxed_document_is_nobody() {
    let headers = HeaderMap::from_iter([(http::header::ORIGIN, HeaderValue::from_static("null"))]);
    let branding = Branding { cors_origins: vec!["null".to_owned()], ..Branding::default() };
    let response = ask(&Renderer::embedded(), &region(), &headers, &branding);
    assert_eq!(field(&response, "access-control-allow-origin"), None);
}

#[test]
fn an_origin_sends_no_proxy_status() {
    let response = ask(&Renderer::embedded().as_origin(), &region(), &HeaderMap::new(), &branding());
    assert_eq!(field(&response, "proxy-status"), None);
}

#[test]
fn faults_of_the_origin_are_named() {
    for (refusal, expected) in [
        (Refusal::OriginFailed(said("connection_refused")), "connection_refused"),
        (Refusal::OriginFailed(said("bad_gateway")), "destination_unavailable"),
        (Refusal::OriginFailed(said("x; error=y")), "destination_unavailable"),
        (Refusal::OriginTimeout(said("connection_timeout")), "connection_timeout"),
        (Refusal::OriginTimeout(said("gateway_timeout")), "http_response_timeout"),
    ] {
        let response = Client::Curl.asks(&refusal, &branding());
        assert_eq!(field(&response, "proxy-status"), Some(&*format!("portcullis; error={expected}")));
    }
}

#[test]
fn a_demand_of_somebody_without_address_is_named_and_not_linked() {
    let legal = Refusal::Legal(said("legal_restriction"), Some("Landgericht <Musterstadt>".to_owned()));
    let response = Client::Browser.asks(&legal, &branding());
    assert_eq!(field(&response, "link"), None);
    assert!(text(&response).contains("<p>Landgericht &lt;Musterstadt&gt;</p>"));
}

#[test]
fn reference_pages_for_people_and_for_terminals() {
    let page = catalogue::find("region_restricted").unwrap();
    let clients =
        [(Client::Browser, "text/html"), (Client::Curl, "text/plain"), (Client::Head, "text/plain")];
    for (client, kind) in clients {
        let (method, headers) = (client.method(), client.headers());
        let reference = Reference::from_u128(REFERENCE);
        let asked = Asked { method: &method, headers: &headers, base: "", reference };
        let response = Renderer::embedded().problem_page(page, &asked, &branding());
        assert_eq!(response.status(), 200);
        assert!(field(&response, "content-type").unwrap().starts_with(kind));
        assert_eq!(response.body().is_empty(), client == Client::Head);
        assert_ne!(field(&response, "content-length"), Some("0"));
        assert_eq!(field(&response, "content-security-policy").is_some(), client == Client::Browser);
        if client == Client::Browser {
            let body = text(&response);
            assert!(body.contains("<h1>Not available in this region</h1>"));
            assert!(body.contains("<code>trusted_peers</code>"));
        }
    }
}

#[test]
fn every_reference_page_renders() {
    let (method, headers) = (Client::Browser.method(), Client::Browser.headers());
    let reference = Reference::from_u128(REFERENCE);
    let asked = Asked { method: &method, headers: &headers, base: "", reference };
    let renderer = Renderer::embedded();
    for page in catalogue::all() {
        let body = text(&renderer.problem_page(page, &asked, &Branding::default())).replace("&#x2f;", "/");
        assert!(body.contains("</main>") && body.contains(page.specifications[0].1), "{}", page.key);
    }
}

#[test]
fn the_reference_can_be_read_aloud() {
    let page = text(&Client::Browser.asks(&region(), &branding()));
    let grouped = Reference::from_u128(REFERENCE).to_string();
    let spoken: Vec<String> = grouped
        .split('-')
        .map(|group| group.chars().map(String::from).collect::<Vec<_>>().join(" "))
        .collect();
    assert!(page.contains(&format!("<span class=\"spoken\">{}</span>", spoken.join(", "))), "{page}");
}

#[test]
fn a_page_asks_for_nothing_else() {
    for (name, refusal) in refusals() {
        let page = text(&Client::Browser.asks(&refusal, &branding()));
        for outside in ["<script", "<img", "src=", "@import", "url(", "<form", "<iframe", " style="] {
            assert!(!page.contains(outside), "{name} has {outside}");
        }
        assert_eq!(page.matches("<link").count(), 1, "{name}");
        for landmark in ["<html lang=\"de\">", "<header>", "<main", "<footer>", "<h1>", "<title>"] {
            assert_eq!(page.matches(landmark).count(), 1, "{name}: {landmark}");
        }
    }
}
