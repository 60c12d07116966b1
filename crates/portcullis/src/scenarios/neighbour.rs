//! A proxy that asks at the forward-auth door, as `docs/examples/forward-auth/Caddyfile` has Caddy do it: it takes away
//! what callers may not say, tells of the request, passes refusals on, and fetches those it cannot pass on.

use std::net::SocketAddr;

use super::ask::{Answer, exchange};
use super::case::Case;

/// What the caller at the address `from` gets of its proxy, if that may not go on; else what the proxy got.
pub(super) async fn ask(door: SocketAddr, line: &str, caller: &[(String, String)], from: &str) -> Answer {
    let (method, target) = line.split_once(' ').unwrap();
    let field = |name: &str| {
        caller.iter().find(|(there, _)| there.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let mut told: Vec<_> = caller.iter().filter(|(name, _)| !taken_away(name)).cloned().collect();
    for (name, value) in [
        ("Host", "127.0.0.1"),
        ("X-Forwarded-Method", method),
        ("X-Forwarded-Uri", target),
        ("X-Forwarded-Host", &field("Host").unwrap_or_default()),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-For", from),
    ] {
        told.push((name.to_owned(), value.to_owned()));
    }
    let mut answer = exchange(door, "GET /auth/caddy", &told, "").await;
    if answer.header("x-portcullis-status").is_some() {
        let target = format!("GET /deny?ref={}", answer.header("x-portcullis-ref").unwrap());
        answer = exchange(door, &target, &[("Host".to_owned(), "127.0.0.1".to_owned())], "").await;
    }
    if method == "HEAD" {
        answer.body.clear();
    }
    answer
}

/// Leave to go on, with what the scenario expects the origin to be told of the caller.
pub(super) fn leave(case: &Case, answer: &Answer) -> Vec<String> {
    let mut faults = Vec::new();
    if answer.status != 200 {
        faults.push(format!("no leave to go on, but {}: {}", answer.status, answer.body));
    }
    let Some(expect) = &case.expect.origin_saw else { return faults };
    for (name, value) in expect.headers.iter().filter(|(name, _)| name.starts_with("x-portcullis-")) {
        if answer.header(name) != Some(value) {
            faults.push(format!("`{name}` is told as {:?} instead of `{value}`", answer.header(name)));
        }
    }
    for name in expect.absent.iter().filter(|name| name.starts_with("x-portcullis-")) {
        // Caddy finds every name, and an empty value of those that there is nothing to say of.
        if answer.header(name).is_some_and(|value| !value.is_empty()) {
            faults.push(format!("`{name}` is told"));
        }
    }
    faults
}

fn taken_away(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["x-portcullis-", "x-forwarded-", "x-original-"].iter().any(|prefix| name.starts_with(prefix))
        || [
            "host",
            "connection",
            "upgrade",
            "forwarded",
            "x-real-ip",
            "x-rewrite-url",
            "x-http-method",
            "x-http-method-override",
            "x-method-override",
            "x-host",
            "proxy",
        ]
        .contains(&name.as_str())
}
