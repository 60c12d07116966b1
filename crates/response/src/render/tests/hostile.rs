//! Texts that want to be more than texts. Authors of policies are not attackers, but what they write may quote one.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{
    Asked, Branding, CLIENTS, Challenge, Client, Fault, Reference, Refusal, Renderer, Said, Shape, Taken,
    field, refusals, text,
};

const HOSTILE: &str = "x\"'><script>alert(1)</script>\r\nSet-Cookie: a=b\r\n\r\n<h1>{{ 7*7 }}";

fn everywhere(hostile: &str) -> (Vec<Refusal>, Branding) {
    let said = || Said {
        code: hostile.to_owned(),
        message: Some(hostile.to_owned()),
        help: Some(hostile.to_owned()),
    };
    let fault = Fault { pointer: hostile.to_owned(), message: hostile.to_owned() };
    let step_up = Challenge::StepUp { acr_values: vec![hostile.to_owned()], max_age: None };
    let refusals = vec![
        Refusal::Ambiguous(said()),
        Refusal::MalformedCredential(said()),
        Refusal::Unauthenticated(said(), Challenge::InvalidToken { description: hostile.to_owned() }),
        Refusal::Unauthenticated(said(), step_up),
        Refusal::InsufficientScope(said(), hostile.to_owned()),
        Refusal::Forbidden(said()),
        Refusal::Legal(said(), Some(hostile.to_owned())),
        Refusal::Payload(said(), StatusCode::UNPROCESSABLE_ENTITY, vec![fault]),
        Refusal::Unsupported(said(), Taken::Types(vec![hostile.to_owned()])),
        Refusal::Unreadable(said(), StatusCode::URI_TOO_LONG),
        Refusal::OriginFailed(said()),
        Refusal::Unavailable(said(), Duration::MAX),
    ];
    let branding = Branding {
        name: hostile.to_owned(),
        realm: Some(hostile.to_owned()),
        contact: Some(hostile.to_owned()),
        texts: [("label.reference".to_owned(), hostile.to_owned())].into(),
        cors_origins: vec![hostile.to_owned()],
        ..Branding::default()
    };
    (refusals, branding)
}

#[test]
fn hostile_texts_stay_texts() {
    let (refusals, branding) = everywhere(HOSTILE);
    for refusal in &refusals {
        for client in CLIENTS {
            let response = client.asks(refusal, &branding);
            assert_eq!(field(&response, "set-cookie"), None);
            for value in response.headers().values() {
                assert!(value.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte)), "{value:?}");
            }
        }
        let page = text(&Client::Browser.asks(refusal, &branding));
        assert!(!page.contains("<script") && !page.contains("<h1>49") && !page.contains("<h1>{{"), "{page}");
        assert!(page.contains("&lt;script&gt;"));
        assert!(!page.contains("href=\"x"), "{page}");
    }
}

#[test]
fn links_that_run_scripts_are_no_links() {
    let said = Said { code: "c".to_owned(), message: None, help: Some("javascript:alert(1)".to_owned()) };
    let refusal = Refusal::Legal(said, Some("JavaScript:alert(2)".to_owned()));
    let branding = Branding { contact: Some("data:text/html,x".to_owned()), ..Branding::default() };
    let response = Client::Browser.asks(&refusal, &branding);
    assert_eq!(field(&response, "link"), None);
    let page = text(&response).to_lowercase();
    assert!(!page.contains("href=\"javascript") && !page.contains("href=\"data:text"), "{page}");
}

proptest! {
    #[test]
    fn json_is_json_and_says_what_was_said(
        code in any::<String>(),
        message in any::<String>(),
        which in 0..3_usize,
    ) {
        let shape = [Shape::Problem, Shape::Simple, Shape::Nested][which];
        let branding = Branding { shape, ..Branding::default() };
        let said = Said { code: code.clone(), message: Some(message.clone()), help: None };
        let response = Client::Curl.asks(&Refusal::Forbidden(said), &branding);
        let body: serde_json::Value = serde_json::from_str(&text(&response)).unwrap();
        let pointer = ["/detail", "/message", "/error/details"][which];
        prop_assert_eq!(body.pointer(pointer).unwrap().as_str().unwrap(), message);
        if shape != Shape::Nested {
            prop_assert_eq!(body["error"].as_str().unwrap(), code);
        }
    }

    #[test]
    fn whatever_is_written_the_answer_keeps_its_status_and_form(hostile in any::<String>()) {
        let (refusals, branding) = everywhere(&hostile);
        for refusal in &refusals {
            let page = Client::Browser.asks(refusal, &branding);
            prop_assert_eq!(page.status(), refusal.status());
            let body = text(&page);
            prop_assert_eq!(body.matches("<h1").count(), 1);
            prop_assert_eq!(body.matches("<script").count(), 0);
            prop_assert!(body.ends_with("</html>"));
            let grpc = Client::Grpc.asks(refusal, &branding);
            prop_assert!(grpc.headers().values().all(|value| value.len() <= 4096));
        }
    }

    #[test]
    fn the_status_depends_on_the_refusal_alone(
        accept in "[ -~]{0,60}",
        language in "[ -~]{0,30}",
        reference in any::<u128>(),
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_str(&accept).unwrap());
        headers.insert("accept-language", HeaderValue::from_str(&language).unwrap());
        let reference = Reference::from_u128(reference);
        let asked = Asked { method: &Method::GET, headers: &headers, base: "", reference };
        let renderer = Renderer::embedded();
        for (_, refusal) in refusals() {
            let response = renderer.render(&refusal, &asked, &Branding::default());
            prop_assert_eq!(response.status(), refusal.status());
        }
    }
}
