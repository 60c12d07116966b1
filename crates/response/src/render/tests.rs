use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use portcullis_request::Reference;

use super::{Asked, Branding, Renderer, Shape};
use crate::{Challenge, Fault, Refusal, Said, Taken};

mod forms;
mod further;
mod hostile;

const REFERENCE: u128 = 0x0198_f3a2_7c4e_7d11_9a55_0f1e_2d3c_4b5a;

static EMBEDDED: LazyLock<Renderer> = LazyLock::new(Renderer::embedded);

/// Five ways to ask for the same.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Client {
    Browser,
    Curl,
    Fetch,
    Head,
    Grpc,
}

const CLIENTS: [Client; 5] = [Client::Browser, Client::Curl, Client::Fetch, Client::Head, Client::Grpc];

impl Client {
    fn method(self) -> Method {
        if self == Self::Head { Method::HEAD } else { Method::GET }
    }

    fn headers(self) -> HeaderMap {
        let pairs: &[(&str, &str)] = match self {
            Self::Browser => &[
                ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
                ("sec-fetch-mode", "navigate"),
                ("accept-language", "de-DE,de;q=0.9,en;q=0.5"),
            ],
            Self::Curl | Self::Head => &[("accept", "*/*")],
            Self::Fetch => &[
                ("accept", "*/*"),
                ("sec-fetch-mode", "cors"),
                ("origin", "https://app.example"),
                ("accept-language", "en"),
            ],
            Self::Grpc => &[("content-type", "application/grpc+proto")],
        };
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn asks(self, refusal: &Refusal, branding: &Branding) -> Response<Bytes> {
        self.asks_at(refusal, branding, REFERENCE)
    }

    fn asks_at(self, refusal: &Refusal, branding: &Branding, reference: u128) -> Response<Bytes> {
        let (method, headers) = (self.method(), self.headers());
        let asked = Asked {
            method: &method,
            headers: &headers,
            base: "https://shop.example",
            reference: Reference::from_u128(reference),
        };
        EMBEDDED.render(refusal, &asked, branding)
    }
}

fn branding() -> Branding {
    Branding {
        name: "The Corner Shop".to_owned(),
        contact: Some("help@shop.example".to_owned()),
        cors_origins: vec!["https://app.example".to_owned()],
        ..Branding::default()
    }
}

fn said(code: &str) -> Said {
    Said { code: code.to_owned(), message: None, help: None }
}

fn faults() -> Vec<Fault> {
    let fault =
        |pointer: &str, message: &str| Fault { pointer: pointer.to_owned(), message: message.to_owned() };
    vec![fault("/items/0/price", "must be a number from 0 on"), fault("", "`email` is required")]
}

fn json_types() -> Taken {
    Taken::Types(vec!["application/json".to_owned(), "application/*+json".to_owned()])
}

/// One of each kind, with its name.
fn refusals() -> Vec<(&'static str, Refusal)> {
    let wait = Duration::from_secs(5);
    let region = Said {
        code: "region_restricted".to_owned(),
        message: Some("Content unavailable in your location".to_owned()),
        help: Some("https://shop.example/help".to_owned()),
    };
    let invalid = Challenge::InvalidToken { description: "The access token expired".to_owned() };
    let step_up = Challenge::StepUp { acr_values: vec!["mfa".to_owned()], max_age: Some(900) };
    let order = Some("https://court.example/orders/117".to_owned());
    vec![
        ("ambiguous", Refusal::Ambiguous(said("ambiguous_path"))),
        ("malformed_credential", Refusal::MalformedCredential(said("credentials_repeated"))),
        ("no_credentials", Refusal::Unauthenticated(said("credentials_required"), Challenge::Credentials)),
        ("invalid_token", Refusal::Unauthenticated(said("token_expired"), invalid)),
        ("step_up", Refusal::Unauthenticated(said("step_up_required"), step_up)),
        ("forbidden", Refusal::Forbidden(region)),
        ("forbidden_own_code", Refusal::Forbidden(said("house_rule"))),
        (
            "insufficient_scope",
            Refusal::InsufficientScope(said("insufficient_scope"), "orders:write".to_owned()),
        ),
        ("hidden", Refusal::Hidden),
        ("no_route", Refusal::NoRoute),
        ("misdirected", Refusal::Misdirected(said("misdirected"))),
        ("too_many", Refusal::TooMany(said("rate_limited"), Duration::from_millis(1500))),
        ("legal", Refusal::Legal(said("legal_restriction"), order)),
        ("unreadable", Refusal::Unreadable(said("head_timeout"), StatusCode::REQUEST_TIMEOUT)),
        (
            "not_served",
            Refusal::Unreadable(said("unsupported_version"), StatusCode::HTTP_VERSION_NOT_SUPPORTED),
        ),
        ("payload", Refusal::Payload(said("invalid_payload"), StatusCode::UNPROCESSABLE_ENTITY, faults())),
        ("too_large", Refusal::Payload(said("payload_too_large"), StatusCode::PAYLOAD_TOO_LARGE, Vec::new())),
        ("unsupported", Refusal::Unsupported(said("unsupported_media_type"), json_types())),
        ("origin_said", Refusal::OriginSaid(StatusCode::INTERNAL_SERVER_ERROR)),
        ("origin_said_forbidden", Refusal::OriginSaid(StatusCode::FORBIDDEN)),
        ("origin_failed", Refusal::OriginFailed(said("bad_gateway"))),
        ("origin_timeout", Refusal::OriginTimeout(said("gateway_timeout"))),
        ("unavailable", Refusal::Unavailable(said("cannot_decide"), wait)),
    ]
}

fn text(response: &Response<Bytes>) -> String {
    String::from_utf8(response.body().to_vec()).unwrap()
}

fn field<'a>(response: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// Status, fields in order of their names, body; of a page what stands between `<main>` and `</main>`.
fn written(response: &Response<Bytes>) -> String {
    let mut out = format!("{}\n", response.status());
    let mut fields: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    fields.sort();
    for field in fields {
        writeln!(out, "{field}").unwrap();
    }
    let body = text(response);
    let main =
        body.split_once("<main").and_then(|(_, rest)| rest.split_once("</main>")).map(|(main, _)| main);
    writeln!(out, "\n{}", main.unwrap_or(&body).trim()).unwrap();
    out
}

#[test]
fn every_refusal_for_every_client() {
    for (name, refusal) in refusals() {
        let mut out = String::new();
        for client in CLIENTS {
            write!(out, "--- {client:?}\n{}", written(&client.asks(&refusal, &branding()))).unwrap();
        }
        insta::assert_snapshot!(name, out);
    }
}

#[test]
fn statuses_are_those_of_the_standards() {
    let expected = [
        400, 400, 401, 401, 401, 403, 403, 403, 404, 404, 421, 429, 451, 408, 505, 422, 413, 415, 500, 403,
        502, 504, 503,
    ];
    let grpc = [
        "3", "3", "16", "16", "16", "7", "7", "7", "5", "5", "9", "8", "7", "4", "12", "3", "8", "3", "13",
        "7", "14", "4", "14",
    ];
    assert_eq!((refusals().len(), grpc.len()), (expected.len(), expected.len()));
    for (((name, refusal), status), grpc) in refusals().into_iter().zip(expected).zip(grpc) {
        for client in CLIENTS {
            let response = client.asks(&refusal, &branding());
            if client == Client::Grpc {
                assert_eq!(response.status(), 200, "{name}");
                assert_eq!(field(&response, "grpc-status"), Some(grpc), "{name}");
                assert!(response.body().is_empty(), "{name}");
            } else {
                assert_eq!(response.status(), status, "{name} {client:?}");
            }
        }
    }
}

#[test]
fn what_holds_for_all_of_them() {
    for (name, refusal) in refusals() {
        for client in CLIENTS {
            let response = client.asks(&refusal, &branding());
            let silent = matches!(refusal, Refusal::Hidden | Refusal::NoRoute);
            assert_eq!(field(&response, "cache-control"), Some("no-store"), "{name}");
            assert_eq!(field(&response, "x-content-type-options"), Some("nosniff"), "{name}");
            assert_eq!(field(&response, "referrer-policy"), Some("no-referrer"), "{name}");
            assert!(!field(&response, "vary").unwrap().contains('*'), "{name}");
            assert_eq!(field(&response, "proxy-status").is_none(), silent, "{name}");
            assert_eq!(field(&response, "x-portcullis-ref").is_none(), silent, "{name}");
            assert_eq!(
                text(&response).contains(&Reference::from_u128(REFERENCE).to_string()[..6]),
                !silent && matches!(client, Client::Browser | Client::Curl | Client::Fetch),
                "{name} {client:?}"
            );
            let challenged = field(&response, "www-authenticate").is_some();
            assert!(refusal.status() != 401 || challenged, "{name}: 401 without a challenge");
            assert_eq!(
                field(&response, "retry-after").is_some(),
                matches!(refusal.status().as_u16(), 429 | 503),
                "{name}"
            );
            assert_eq!(
                field(&response, "content-security-policy").is_some(),
                client == Client::Browser,
                "{name}"
            );
        }
    }
}

#[test]
fn hidden_is_no_route_byte_for_byte() {
    for client in CLIENTS {
        for shape in [Shape::Problem, Shape::Simple, Shape::Nested] {
            let branding = Branding { shape, ..branding() };
            let hidden = client.asks_at(&Refusal::Hidden, &branding, 1);
            let no_route = client.asks_at(&Refusal::NoRoute, &branding, u128::MAX);
            assert_eq!(hidden.status(), no_route.status());
            assert_eq!(format!("{:?}", hidden.headers()), format!("{:?}", no_route.headers()), "{client:?}");
            assert_eq!(hidden.body(), no_route.body(), "{client:?}");
        }
    }
}

#[test]
fn head_has_the_fields_of_get_and_no_body() {
    for (name, refusal) in refusals() {
        let head = Client::Head.asks(&refusal, &branding());
        let get = Client::Curl.asks(&refusal, &branding());
        assert!(head.body().is_empty() && !get.body().is_empty(), "{name}");
        assert_eq!(head.headers(), get.headers(), "{name}");
        assert_eq!(field(&get, "content-length"), Some(&*get.body().len().to_string()), "{name}");
    }
}
