//! The pages a template folder is checked with: every kind of refusal, with and without what may be missing.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, Method, StatusCode};
use portcullis_request::Reference;

use crate::answer::Answer;
use crate::html::{PROBLEM, Pages, ProblemPage, REFUSAL};
use crate::words::{Speaker, Words};
use crate::{Asked, Branding, Challenge, Fault, Refusal, Said, Taken, catalogue};

/// Renders every sample in every language.
pub(super) fn pages(pages: &Pages, words: &[Words]) -> Vec<(&'static str, Result<String, minijinja::Error>)> {
    let (method, headers) = (Method::GET, HeaderMap::new());
    let asked = Asked {
        method: &method,
        headers: &headers,
        base: "https://shop.example",
        reference: Reference::new(UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
    };
    let bare = Branding::default();
    let branded = Branding {
        name: "The Corner Shop".to_owned(),
        contact: Some("help@shop.example".to_owned()),
        ..Branding::default()
    };
    let mut rendered = Vec::new();
    let Some(fallback) = words.first() else { return rendered };
    for words in words {
        for refusal in &refusals() {
            for branding in [&bare, &branded] {
                let answer = Answer::new(refusal, &asked, Speaker { words, fallback, branding });
                rendered.push((REFUSAL, pages.refusal(&answer.page())));
            }
        }
    }
    for page in catalogue::all() {
        rendered.push((PROBLEM, pages.problem(&ProblemPage::new(page, &branded.name))));
    }
    rendered
}

/// One of each kind.
fn refusals() -> Vec<Refusal> {
    let said = |code: &str| Said { code: code.to_owned(), message: None, help: None };
    let full = Said {
        code: "region_restricted".to_owned(),
        message: Some("Content unavailable in your location".to_owned()),
        help: Some("https://shop.example/help".to_owned()),
    };
    let wait = Duration::from_secs(5);
    let step_up = Challenge::StepUp { acr_values: vec!["mfa".to_owned()], max_age: Some(900) };
    let fault =
        Fault { pointer: "/items/0/price".to_owned(), message: "must be a number from 0 on".to_owned() };
    vec![
        Refusal::Forbidden(full.clone()),
        Refusal::Forbidden(said("access_denied")),
        Refusal::InsufficientScope(said("insufficient_scope"), "orders:write".to_owned()),
        Refusal::Ambiguous(said("ambiguous_path")),
        Refusal::MalformedCredential(said("credentials_malformed")),
        Refusal::Unauthenticated(said("credentials_required"), Challenge::Credentials),
        Refusal::Unauthenticated(said("step_up_required"), step_up),
        Refusal::Hidden,
        Refusal::NoRoute,
        Refusal::Misdirected(said("misdirected")),
        Refusal::TooMany(said("rate_limited"), wait),
        Refusal::Legal(full, Some("https://court.example/orders/117".to_owned())),
        Refusal::Legal(said("legal_restriction"), Some("Landgericht Musterstadt".to_owned())),
        Refusal::Unreadable(said("head_too_large"), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        Refusal::Payload(said("invalid_payload"), StatusCode::UNPROCESSABLE_ENTITY, vec![fault]),
        Refusal::Unsupported(said("unsupported_media_type"), Taken::Uncoded),
        Refusal::OriginSaid(StatusCode::INTERNAL_SERVER_ERROR),
        Refusal::OriginFailed(said("bad_gateway")),
        Refusal::OriginTimeout(said("gateway_timeout")),
        Refusal::Unavailable(said("cannot_decide"), wait),
    ]
}
