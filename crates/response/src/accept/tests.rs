use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::{Just, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{Form, SEC_FETCH_MODE, element, form, language, outside_quotes, thousandths};

fn with(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_bytes(value.as_bytes()).unwrap())])
}

#[test]
fn a_page_is_for_navigations_only() {
    let chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
    let cases = [
        (chrome, Form::Html),
        ("text/html", Form::Html),
        ("text/*;q=0.5, application/json;q=0.4", Form::Html),
        ("text/html;q=0.5, */*;q=0.4", Form::Html),
        ("TEXT/HTML", Form::Html),
        ("text/html;level=\"1,2\";q=0.9, application/json;q=0.8", Form::Html),
        ("*/*", Form::Json),
        ("", Form::Json),
        ("application/json, text/plain, */*", Form::Json),
        ("text/html, application/json", Form::Json),
        ("text/html;q=0.5, application/problem+json;q=0.6", Form::Json),
        ("text/html;q=0", Form::Json),
        ("text/html;q=1.5", Form::Json),
        ("text/html;q=nonsense", Form::Json),
        ("text/plain", Form::Json),
    ];
    for (accept, expected) in cases {
        assert_eq!(form(&with(ACCEPT, accept)), expected, "{accept}");
    }
    assert_eq!(form(&HeaderMap::new()), Form::Json);
}

#[test]
fn fetch_metadata_comes_before_accept() {
    let mut fetch = with(SEC_FETCH_MODE, "cors");
    fetch.insert(ACCEPT, HeaderValue::from_static("text/html"));
    assert_eq!(form(&fetch), Form::Json);
    assert_eq!(form(&with(SEC_FETCH_MODE, "navigate")), Form::Html);
}

#[test]
fn grpc_is_known_by_its_content_type() {
    for (sent, expected) in [
        ("application/grpc", Form::Grpc),
        ("application/grpc+proto", Form::Grpc),
        ("Application/gRPC; charset=x", Form::Grpc),
        ("application/grpc-web+proto", Form::Grpc),
        ("application/grpcfoo", Form::Json),
        ("text/application/grpc", Form::Json),
    ] {
        assert_eq!(form(&with(CONTENT_TYPE, sent)), expected, "{sent}");
    }
}

#[test]
fn the_language_that_is_liked_best() {
    for (asked, expected) in [
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE-at-1996", "de"),
        ("fr, de;q=0.5", "de"),
        ("en;q=0.5, de;q=0.6", "de"),
        ("en, de", "en"),
        ("de, en", "de"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=0", "en"),
        ("fr", "en"),
        ("*, de;q=0.9", "en"),
        ("pt-BR", "pt-BR"),
        ("deutsch", "en"),
    ] {
        let offered = ["en", "de", "pt-BR"];
        assert_eq!(offered[language(&with(ACCEPT_LANGUAGE, asked), &offered)], expected, "{asked}");
    }
}

#[test]
fn weights_are_those_of_the_standard() {
    for (text, expected) in [
        ("0", Some(0)),
        ("1", Some(1000)),
        ("0.5", Some(500)),
        ("0.05", Some(50)),
        ("1.000", Some(1000)),
        ("0.", Some(0)),
        ("1.001", None),
        ("0.1234", None),
        ("-1", None),
        ("+1", None),
        ("", None),
        ("2", None),
    ] {
        assert_eq!(thousandths(text), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200), which in 0..3_usize) {
        let name = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE][which].clone();
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            let headers = HeaderMap::from_iter([(name, value)]);
            prop_assert!([Form::Html, Form::Json, Form::Grpc].contains(&form(&headers)));
            prop_assert!(language(&headers, &["en", "de"]) < 2);
        }
    }

    #[test]
    fn pieces_put_together_are_the_text(text in "[a\",;\\\\ =]{0,40}") {
        let pieces: Vec<&str> = outside_quotes(&text, b',').collect();
        prop_assert_eq!(pieces.join(","), text);
    }

    #[test]
    fn a_weight_survives_spelling(thousandth in 0..=1000_u16, space in prop_oneof![Just(""), Just(" "), Just("\t")]) {
        let spelled = format!("text/html{space};{space}q={}.{:03}", thousandth / 1000, thousandth % 1000);
        prop_assert_eq!(element(&spelled), Some(("text/html", thousandth)));
    }

    #[test]
    fn html_wins_exactly_if_it_weighs_more(html in 0..=1000_u16, json in 0..=1000_u16, first in any::<bool>()) {
        let part = |name: &str, weight: u16| format!("{name};q={}.{:03}", weight / 1000, weight % 1000);
        let mut parts = [part("text/html", html), part("application/json", json)];
        if first {
            parts.reverse();
        }
        let expected = if html > json { Form::Html } else { Form::Json };
        prop_assert_eq!(form(&with(ACCEPT, &parts.join(", "))), expected);
    }
}
