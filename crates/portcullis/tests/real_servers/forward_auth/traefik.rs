//! Traefik's contract. Neither Debian nor the package registries have the server, so this is a client that asks as its
//! source does (`pkg/middlewares/auth/forward.go` of version 3), set up as `traefik.yml` of the book says.

use std::net::SocketAddr;

use super::example;
use super::site::Site;
use crate::support::{exchange, header};

/// Never told on: hop-by-hop, and what Traefik says itself where `trustForwardHeader` is false.
const TAKEN_AWAY: [&str; 8] =
    ["connection", "keep-alive", "te", "trailers", "transfer-encoding", "upgrade", "x-real-ip", "host"];

/// What Traefik sends to the address of the middleware, of a caller's request.
fn asking(path: &str, method: &str, target: &str, caller: &[(&str, &str)]) -> String {
    let listed: Vec<_> = caller
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
        .flat_map(|(_, names)| names.split(',').map(|name| name.trim().to_ascii_lowercase()))
        .collect();
    let mut head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    for (name, value) in caller {
        let name = name.to_ascii_lowercase();
        if !TAKEN_AWAY.contains(&&*name) && !name.starts_with("x-forwarded-") && !listed.contains(&name) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head + &format!(
        "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Method: {method}\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n\
         X-Forwarded-Host: shop.test\r\nX-Forwarded-Uri: {target}\r\n\r\n"
    )
}

#[test]
fn traefik_as_its_source_asks() {
    let text = example("traefik.yml");
    let setting = |name: &str| {
        text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": ")).unwrap().to_owned()
    };
    assert_eq!(setting("trustForwardHeader"), "false", "a caller's own X-Forwarded-Uri would be told on");
    assert_eq!(
        setting("authResponseHeadersRegex"),
        "^X-Portcullis-",
        "taken from callers, and set from the answer"
    );
    let address = setting("address");
    let path = address.strip_prefix("http://127.0.0.1:8082").unwrap();

    let site = Site::start();
    let door: SocketAddr = ([127, 0, 0, 1], site.door).into();
    let ask = |method: &str, target: &str, caller: &[(&str, &str)]| {
        exchange(door, &asking(path, method, target, caller))
    };
    let known = ("X-API-Key", &*site.key);
    let leave = ask("GET", "/known/x", &[known, ("X-Portcullis-User", "root")]);
    assert!(
        leave.starts_with("HTTP/1.1 200") && header(&leave, "X-Portcullis-User") == Some("robot"),
        "{leave}"
    );
    let nobody = ask("GET", "/open/x", &[("X-Portcullis-User", "root")]);
    assert!(nobody.starts_with("HTTP/1.1 200") && header(&nobody, "X-Portcullis-User").is_none(), "{nobody}");
    for (method, target, caller, status) in [
        ("GET", "/known/x", &[][..], "401"),
        ("POST", "/closed/x", &[known], "451"),
        ("GET", "/secret/x", &[known], "404"),
        ("GET", "/closed/x", &[known, ("X-Forwarded-Uri", "/open/x")], "451"),
        ("GET", "/known/x", &[known, ("Connection", "X-API-Key")], "401"),
        ("GET", "/known/x", &[("Content-Type", "application/grpc")], "401"),
        (
            "OPTIONS",
            "/known/x",
            &[("Origin", "https://app.test"), ("Access-Control-Request-Method", "PUT")],
            "403",
        ),
    ] {
        let answer = ask(method, target, caller);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{method} {target}: {answer}");
    }
}
