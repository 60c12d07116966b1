//! Faults of bodies in every form, what the origin said, and what is taken instead.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Branding, Client, Fault, Refusal, Shape, Taken, branding, faults, field, said, text};
use crate::catalogue;

fn payload(faults: Vec<Fault>) -> Refusal {
    Refusal::Payload(said("invalid_payload"), StatusCode::UNPROCESSABLE_ENTITY, faults)
}

fn body(refusal: &Refusal, shape: Shape) -> Value {
    let branding = Branding { shape, ..Branding::default() };
    serde_json::from_str(&text(&Client::Curl.asks(refusal, &branding))).unwrap()
}

/// RFC 9457 §3 has the first form as an example.
#[test]
fn each_shape_lists_what_is_wrong() {
    let listed = json!([
        { "pointer": "/items/0/price", "detail": "must be a number from 0 on" },
        { "pointer": "", "detail": "`email` is required" },
    ]);
    let refusal = payload(faults());
    assert_eq!(body(&refusal, Shape::Problem)["errors"], listed);
    assert_eq!(body(&refusal, Shape::Simple)["errors"], listed);
    assert_eq!(body(&refusal, Shape::Nested)["error"]["errors"], listed);
    for shape in [Shape::Problem, Shape::Simple, Shape::Nested] {
        assert!(!body(&payload(Vec::new()), shape).to_string().contains("errors"));
    }
    let grpc = Client::Grpc.asks(&refusal, &branding());
    assert_eq!(
        field(&grpc, "grpc-message"),
        Some(
            "invalid_payload: What was sent is not what is expected here: /items/0/price must be a number from 0 on; \
             `email` is required"
        )
    );
    let page = text(&Client::Browser.asks(&refusal, &branding()));
    assert!(page.contains("<h2>Was zu berichtigen ist</h2>"), "{page}");
    assert!(page.contains("<li><code>&#x2f;items&#x2f;0&#x2f;price</code> must be"), "{page}");
    assert!(page.contains("<li>`email` is required</li>"), "{page}");
}

#[test]
fn what_is_listed_is_bounded() {
    let long = Fault { pointer: "/ä".repeat(10_000), message: "x".repeat(10_000) };
    let body = body(&payload(vec![long; 1000]), Shape::Problem);
    let errors = body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 16);
    for error in errors {
        assert_eq!(error["pointer"].as_str().unwrap().chars().count(), 200);
        assert_eq!(error["detail"].as_str().unwrap().chars().count(), 200);
    }
    let page = text(&Client::Browser.asks(&payload(vec![faults()[0].clone(); 1000]), &branding()));
    assert_eq!(page.matches("<li>").count(), 16);
}

/// RFC 9110 §15.5.16.
#[test]
fn a_415_says_what_is_taken_instead() {
    let asked =
        |taken| Client::Curl.asks(&Refusal::Unsupported(said("unsupported_media_type"), taken), &branding());
    let types = asked(super::json_types());
    assert_eq!(field(&types, "accept"), Some("application/json, application/*+json"));
    assert_eq!(field(&types, "accept-encoding"), None);
    let uncoded = asked(Taken::Uncoded);
    assert_eq!((field(&uncoded, "accept"), field(&uncoded, "accept-encoding")), (None, Some("identity")));
    assert_eq!(field(&asked(Taken::Types(vec!["a/b\r\nx: y".to_owned()])), "accept"), None);
}

/// RFC 9209 §2.1.4: what the origin said is no refusal of ours, whatever its status.
#[test]
fn what_the_origin_said_is_told_apart_from_ours() {
    for (status, code) in [
        (401, "origin_error"),
        (403, "origin_forbidden"),
        (404, "origin_not_found"),
        (418, "origin_error"),
        (429, "origin_error"),
        (500, "origin_error"),
        (502, "origin_error"),
        (503, "origin_error"),
        (599, "origin_error"),
    ] {
        let refusal = Refusal::OriginSaid(StatusCode::from_u16(status).unwrap());
        assert_eq!((refusal.status().as_u16(), refusal.code()), (status, code));
        let response = Client::Curl.asks(&refusal, &branding());
        assert_eq!(response.status(), status);
        assert_eq!(
            field(&response, "proxy-status"),
            Some(&*format!("portcullis; received-status={status}")),
            "{status}"
        );
        assert!(field(&response, "x-portcullis-ref").is_some());
        assert_eq!(field(&response, "www-authenticate"), None);
        let body: Value = serde_json::from_str(&text(&response)).unwrap();
        assert_eq!((body["status"].as_u64(), body["error"].as_str()), (Some(status.into()), Some(code)));
        assert_eq!(body["type"], format!("https://shop.example/.well-known/portcullis/problems/{code}"));
        assert!(body["detail"].as_str().unwrap().starts_with("The application"), "{body}");
        assert!(body["instance"].is_string());
        let title = refusal.status().canonical_reason().unwrap_or("Error");
        assert_eq!(body["title"], title);
        let page = text(&Client::Browser.asks(&refusal, &branding()));
        assert!(
            page.contains("<h1>Die Anwendung") || page.contains("hat die Anwendung nichts</h1>"),
            "{page}"
        );
        assert!(!page.contains("Sie haben hierauf keinen Zugriff"), "{page}");
    }
}

/// A record that says `origin_…` leads to a page of that name, and so does every fault that `Proxy-Status` knows.
#[test]
fn every_fault_of_an_origin_has_its_page() {
    for (status, codes) in [
        (
            502,
            &[
                "dns_error",
                "destination_not_found",
                "destination_unavailable",
                "connection_refused",
                "connection_terminated",
                "tls_protocol_error",
                "tls_certificate_error",
                "http_protocol_error",
                "http_response_incomplete",
                "http_upgrade_failed",
            ][..],
        ),
        (
            504,
            &[
                "dns_timeout",
                "connection_timeout",
                "connection_read_timeout",
                "connection_write_timeout",
                "http_response_timeout",
            ],
        ),
    ] {
        for code in codes {
            let refusal = match status {
                502 => Refusal::OriginFailed(said(code)),
                _ => Refusal::OriginTimeout(said(code)),
            };
            assert_eq!(catalogue::find(code).map(|page| page.status), Some(status), "{code}");
            let response = Client::Curl.asks(&refusal, &branding());
            assert_eq!(field(&response, "proxy-status"), Some(&*format!("portcullis; error={code}")));
            assert!(text(&response).contains(&format!("problems/{code}\"")), "{code}");
        }
    }
}

#[test]
fn codes_of_the_doors_have_pages_of_their_status() {
    for (code, status) in [
        ("malformed_request", 400),
        ("broken_body", 400),
        ("malformed_payload", 400),
        ("payload_too_deep", 400),
        ("method_override", 400),
        ("head_timeout", 408),
        ("body_timeout", 408),
        ("payload_too_large", 413),
        ("target_too_long", 414),
        ("unsupported_media_type", 415),
        ("invalid_payload", 422),
        ("rate_limited", 429),
        ("head_too_large", 431),
        ("origin_error", 500),
        ("origin_forbidden", 403),
        ("origin_not_found", 404),
    ] {
        assert_eq!(catalogue::find(code).map(|page| page.status), Some(status), "{code}");
    }
}
