use http::header::{CONTENT_TYPE, LOCATION};

use super::*;

const ALL: [Contract; 3] = [Contract::Nginx, Contract::Caddy, Contract::Traefik];

fn reference() -> Reference {
    Reference::from_u128(7)
}

fn whole(status: u16, fields: &[(&'static str, &'static str)], body: &'static str) -> Response<Bytes> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(Bytes::from_static(body.as_bytes())).unwrap()
}

/// threats.md 22, promise P3: no denial looks like leave to go on, whatever status it has itself.
#[test]
fn no_denial_is_a_success() {
    for status in 100..=999 {
        for fields in [&[][..], &[("grpc-status", "7")], &[("grpc-status", "0")], &[("grpc-status", "x")]] {
            for contract in ALL {
                let said = denied(contract, whole(status, fields, "x"), reference());
                let told = said.answer.status();
                assert!(is_refusal(told), "{contract:?} {status} {fields:?}: {told}");
                if contract == Contract::Nginx {
                    assert!([401, 403].contains(&told.as_u16()), "nginx makes 500 of {told}");
                }
            }
        }
    }
}

#[test]
fn nginx_gets_two_statuses_and_fetches_the_rest() {
    for status in [400, 403, 404, 429, 451, 503, 302, 308, 204, 200] {
        let said = denied(Contract::Nginx, whole(status, &[("retry-after", "5")], "why"), reference());
        assert_eq!(said.answer.status(), 403);
        assert_eq!(said.answer.headers()["x-portcullis-status"], status.to_string());
        assert_eq!(said.answer.headers()["x-portcullis-ref"], reference().to_string());
        assert!(said.answer.body().is_empty());
        let fetched = said.fetched.unwrap();
        assert_eq!((fetched.status().as_u16(), fetched.body().as_ref()), (status, b"why".as_slice()));
        assert_eq!(fetched.headers()["retry-after"], "5");
    }
}

#[test]
fn nginx_gets_every_challenge() {
    let challenges = [("www-authenticate", "Bearer realm=\"shop\""), ("www-authenticate", "Basic")];
    let said = denied(Contract::Nginx, whole(401, &challenges, "who"), reference());
    assert_eq!(said.answer.status(), 401);
    let told: Vec<_> = said.answer.headers().get_all(WWW_AUTHENTICATE).iter().collect();
    assert_eq!(told, ["Bearer realm=\"shop\"", "Basic"]);
    assert!(
        !said.fetched.unwrap().headers().contains_key(WWW_AUTHENTICATE),
        "nginx adds its copy to what it fetches"
    );
    let scope = [("www-authenticate", "Bearer error=\"insufficient_scope\"")];
    let said = denied(Contract::Nginx, whole(403, &scope, "scope"), reference());
    assert!(said.fetched.unwrap().headers().contains_key(WWW_AUTHENTICATE), "and copies none of a 403");
}

#[test]
fn leave_to_go_on_has_our_headers_and_nothing_of_a_placeholder() {
    let own =
        || HeaderMap::from_iter([(HeaderName::from_static("x-portcullis-user"), "alice".parse().unwrap())]);
    for (contract, status) in [(Contract::Nginx, 204), (Contract::Caddy, 200), (Contract::Traefik, 200)] {
        let answer = allowed(contract, own());
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers()["x-portcullis-user"], "alice");
        let groups = answer.headers().get("x-portcullis-groups");
        assert_eq!(groups.is_some_and(HeaderValue::is_empty), contract == Contract::Caddy);
    }
}

#[test]
fn what_can_be_passed_on_is_passed_on_whole() {
    for contract in [Contract::Caddy, Contract::Traefik] {
        let moved = [("location", "https://shop.test/"), ("cache-control", "no-store")];
        let said = denied(contract, whole(308, &moved, ""), reference());
        assert_eq!(
            (said.answer.status().as_u16(), &said.answer.headers()[LOCATION]),
            (308, &moved[0].1.parse().unwrap())
        );
        assert!(said.fetched.is_none());
        assert!(!said.answer.headers().contains_key("x-portcullis-ref"), "a hidden one has none");
    }
}

/// A gRPC refusal is HTTP 200, which is leave to go on for each of these proxies.
#[test]
fn a_grpc_refusal_is_fetched_or_translated() {
    let grpc = |status: &'static str| {
        whole(200, &[("grpc-status", status), ("content-type", "application/grpc")], "")
    };
    let said = denied(Contract::Caddy, grpc("7"), reference());
    assert_eq!((said.answer.status().as_u16(), said.fetched.unwrap().status().as_u16()), (403, 200));
    assert_eq!(said.answer.headers()["x-portcullis-status"], "200");
    for (status, expected) in
        [("7", 403), ("16", 401), ("5", 404), ("8", 429), ("14", 503), ("4", 504), ("3", 400)]
    {
        let said = denied(Contract::Traefik, grpc(status), reference());
        assert_eq!(said.answer.status().as_u16(), expected);
        assert_eq!(said.answer.headers()["grpc-status"], status);
        assert_eq!(said.answer.headers()[CONTENT_TYPE], "application/grpc");
    }
}

#[test]
fn a_preflight_is_no_leave_to_go_on() {
    let granted = [("access-control-allow-origin", "https://app.test")];
    let said = denied(Contract::Caddy, whole(204, &granted, ""), reference());
    assert_eq!(said.answer.status(), 403);
    assert!(!said.answer.headers().contains_key("access-control-allow-origin"));
    assert_eq!(said.fetched.unwrap().headers()["access-control-allow-origin"], "https://app.test");
    let said = denied(Contract::Traefik, whole(204, &granted, ""), reference());
    assert_eq!((said.answer.status().as_u16(), said.fetched.is_none()), (403, true));
}

/// A length without its bytes would have the asking proxy wait for them.
#[test]
fn lengths_are_those_of_what_is_sent() {
    let said = denied(Contract::Caddy, whole(403, &[("content-length", "900")], "abc"), reference());
    assert_eq!(said.answer.headers()[CONTENT_LENGTH], "3");
    let said = denied(Contract::Nginx, whole(403, &[("content-length", "900")], ""), reference());
    assert_eq!(said.fetched.unwrap().headers()[CONTENT_LENGTH], "0");
}
