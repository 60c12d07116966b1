//! threats.md 22, promise P3: leave to go on is given for a recorded permit and for nothing else.

use std::net::SocketAddr;

use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::world::door;

const NAMES: [&str; 17] = [
    "x-original-method",
    "x-original-uri",
    "x-forwarded-method",
    "x-forwarded-uri",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-for",
    "x-real-ip",
    "forwarded",
    "host",
    "x-api-key",
    "authorization",
    "cookie",
    "connection",
    "content-type",
    "origin",
    "access-control-request-method",
];

/// Values of which some combinations are good, and bytes of which none is.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let plausible = [
        "GET",
        "OPTIONS",
        "HEAD",
        "CONNECT",
        "/open/x",
        "/known/x",
        "/closed/x",
        "/secret/x",
        "//open/x",
        "/open/../known/x",
        "/open/x#/known",
        "*",
        "/.well-known/portcullis/problems/403",
        "shop.test",
        "SHOP.test:443",
        "shop.test,other.test",
        "other.test",
        "https",
        "http",
        "ws",
        "203.0.113.7",
        "127.0.0.1, 10.0.0.1",
        "for=1.2.3.4",
        "Bearer e30.e30.e30",
        "application/grpc",
        "https://app.test",
        "PUT",
        "",
    ];
    prop_oneof![
        8 => proptest::sample::select(plausible.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(prop_oneof![Just(b'\t'), 32..=126_u8, 128..=255_u8], 0..40),
    ]
}

#[derive(Debug, Clone)]
struct Asking {
    path: &'static str,
    /// Whether a whole and good telling stands there first.
    whole: bool,
    fields: Vec<(usize, Vec<u8>)>,
}

fn asking() -> impl Strategy<Value = Asking> {
    let path = proptest::sample::select(vec![
        "/auth/nginx",
        "/auth/caddy",
        "/auth/traefik",
        "/auth",
        "/auth/nginx/",
    ]);
    let fields = proptest::collection::vec((0..NAMES.len(), value()), 0..8);
    (path, any::<bool>(), fields).prop_map(|(path, whole, fields)| Asking { path, whole, fields })
}

#[tokio::test(flavor = "multi_thread")]
async fn leave_is_given_for_exactly_one_recorded_permit() {
    let door = door(&["127.0.0.0/8"]).await;
    let auth = std::sync::Arc::clone(&door.auth);
    let runtime = tokio::runtime::Handle::current();
    let given = tokio::task::spawn_blocking(move || {
        let given = std::sync::Mutex::new(Vec::new());
        let mut runner = TestRunner::new(Config { cases: 3000, ..Config::default() });
        let peer: SocketAddr = "127.0.0.1:1".parse().unwrap();
        runner
            .run(&asking(), |asking| {
                let mut request = Request::builder().uri(asking.path);
                let headers = request.headers_mut().unwrap();
                if asking.whole {
                    // What one proxy says is another's caller's own word, and refused as such.
                    let own: [(&'static str, &'static str); 2] = match asking.path {
                        "/auth/nginx" => [("x-original-method", "GET"), ("x-original-uri", "/open/x")],
                        _ => [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/open/x")],
                    };
                    for (name, value) in own.into_iter().chain([
                        ("x-forwarded-host", "shop.test"),
                        ("x-forwarded-proto", "https"),
                        ("x-forwarded-for", "203.0.113.7"),
                    ]) {
                        headers.insert(name, HeaderValue::from_static(value));
                    }
                }
                for (name, value) in &asking.fields {
                    headers.append(
                        HeaderName::from_static(NAMES[*name]),
                        HeaderValue::from_bytes(value).unwrap(),
                    );
                }
                let head = request.body(()).unwrap().into_parts().0;
                let answer = runtime.block_on(auth.answer(&head, peer));
                let status = answer.status();
                prop_assert!(!status.is_informational());
                if asking.path == "/auth/nginx" {
                    prop_assert!([204, 401, 403].contains(&status.as_u16()), "nginx makes 500 of {status}");
                }
                if status.is_success() {
                    given
                        .lock()
                        .unwrap()
                        .push(answer.headers()["x-portcullis-ref"].to_str().unwrap().to_owned());
                }
                Ok(())
            })
            .unwrap();
        given.into_inner().unwrap()
    })
    .await
    .unwrap();
    assert!(given.len() > 100, "only {} of the askings were good ones", given.len());
    let permits: Vec<_> = door
        .ended()
        .await
        .into_iter()
        .filter(|(entry, _)| entry.status.is_none())
        .map(|(entry, _)| {
            assert_eq!(entry.verdict.unwrap().decision, "allow");
            assert!(entry.request.path.starts_with("/open/"), "{}", entry.request.path);
            entry.reference.parse::<portcullis_request::Reference>().unwrap().to_string()
        })
        .collect();
    assert_eq!(given, permits, "each leave has its permit, in order, and each permit its leave");
}
