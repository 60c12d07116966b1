//! What a caller must see, whichever server stands before the application.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::site::Site;
use crate::support::{header, stderr, stdout};

/// One answer with its head, as curl prints it.
pub(super) fn curl(port: u16, target: &str, fields: &[&str], arguments: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.args(["-sS", "-i", "--path-as-is", "--max-time", "20", "-H", "Host: shop.test"]);
    command.args(fields.iter().flat_map(|field| ["-H", field])).args(arguments);
    let output = command.arg(format!("http://127.0.0.1:{port}{target}")).output().unwrap();
    assert!(output.status.success(), "curl {target} {arguments:?}: {}", stderr(&output));
    stdout(&output)
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

/// Head fields that are there, as often as they are.
fn count(answer: &str, name: &str) -> usize {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
    head.lines().filter(|line| line.starts_with(&format!("{name}: "))).count()
}

/// Everything that holds behind every server.
pub(super) fn sees_what_it_should(site: &Site, port: u16) {
    let key = format!("X-API-Key: {}", site.key);
    leave_and_identity(site, port, &key);
    refusals(site, port, &key);
    forgeries(site, port, &key);
    bodies(site, port, &key);
    tunnels(site, port, &key);
}

fn leave_and_identity(site: &Site, port: u16, key: &str) {
    let known =
        curl(port, "/known/x?page=2", &[key, "X-Portcullis-User: root", "X-Portcullis-Groups: admin"], &[]);
    assert!(status(&known) == "200" && known.contains("get /known/x?page=2 "), "{known}");
    assert!(known.contains("x-portcullis-user: robot\r\n"), "{known}");
    assert!(!known.contains("admin") && !known.contains("root"), "{known}");
    assert!(!known.to_ascii_lowercase().contains("x-api-key"), "the credential ends at the gate: {known}");
    let open = curl(port, "/open/x", &["X-Portcullis-User: root"], &[]);
    assert!(status(&open) == "200" && !open.contains("x-portcullis-user"), "nobody has no name: {open}");
    assert!(!open.contains('{'), "no placeholder reaches the application: {open}");
    let reference = open.lines().find_map(|line| line.strip_prefix("x-portcullis-ref: ")).unwrap();
    assert!(site.why(reference).contains("/open/x"), "{}", site.why(reference));
}

/// contracts.md: nginx knows two statuses and no bodies; the caller sees neither.
fn refusals(site: &Site, port: u16, key: &str) {
    let before = site.application.asked();
    for (target, fields, expected, code) in [
        ("/known/x", &[][..], "401", "credentials_required"),
        ("/known/x", &["X-API-Key: wrong"], "401", ""),
        ("/closed/x", &[key], "451", "legal_restriction"),
        ("/known/%2e%2e/x", &[key], "400", "ambiguous_path"),
        ("//known/x", &[key], "400", "ambiguous_path"),
    ] {
        let answer = curl(port, target, fields, &[]);
        assert_eq!(status(&answer), expected, "{target}: {answer}");
        assert!(answer.contains(code), "{target}: {answer}");
        assert_eq!(count(&answer, "www-authenticate"), usize::from(expected == "401"), "{answer}");
        assert_eq!(header(&answer, "Cache-Control"), Some("no-store"), "{answer}");
        assert!(header(&answer, "X-Portcullis-Ref").is_some(), "{answer}");
    }
    assert!(
        header(&curl(port, "/closed/x", &[key], &[]), "Link").is_some_and(|link| link.contains("court.test"))
    );
    let lasting = |answer: String| {
        let lines = answer.lines().filter(|line| !line.to_ascii_lowercase().starts_with("date:"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let hidden = curl(port, "/secret/x", &[key], &[]);
    assert!(status(&hidden) == "404" && header(&hidden, "X-Portcullis-Ref").is_none(), "{hidden}");
    assert_eq!(
        lasting(hidden),
        lasting(curl(port, "/nowhere", &[key], &[])),
        "hidden is as if it were not there"
    );
    let page = curl(port, "/known/x", &["Accept: text/html", "Sec-Fetch-Mode: navigate"], &[]);
    assert!(status(&page) == "401" && page.contains("<html"), "{page}");
    let preflight = ["Origin: https://app.test", "Access-Control-Request-Method: PUT"];
    let granted = curl(port, "/known/x", &preflight, &["-X", "OPTIONS"]);
    assert_eq!(
        (status(&granted), header(&granted, "Access-Control-Allow-Origin")),
        ("204", Some("https://app.test"))
    );
    let head = curl(port, "/known/x", &[], &["-I"]);
    assert_eq!(status(&head), "401", "{head}");
    assert_eq!(site.application.asked(), before, "no refused request reached the application");
}

/// threats.md 18, 22 and 25: nothing that a caller writes decides about another request than its own, and what the
/// server asks with is not for callers.
fn forgeries(site: &Site, port: u16, key: &str) {
    let before = site.application.asked();
    for forged in [
        "X-Forwarded-Uri: /open/x",
        "X-Original-URI: /open/x",
        "X-Original-URL: /open/x",
        "X-Rewrite-URL: /open/x",
        "X-Forwarded-Host: other.test",
        "X-Forwarded-Method: OPTIONS",
        "X-Original-Method: OPTIONS",
        "Forwarded: for=10.0.0.1;host=other.test",
        "Connection: X-Forwarded-Uri, X-Original-URI, X-API-Key",
        "X-Portcullis-Status: 200",
        "X-Portcullis-Ref: 06BQX7-M2K4T-8V3NR-1C5ZD-9WEHG",
    ] {
        let answer = curl(port, "/closed/x", &[key, forged], &[]);
        assert!(["451", "401"].contains(&status(&answer)), "{forged}: {answer}");
    }
    for inside in
        ["/.portcullis/ask", "/auth/nginx", "/auth/caddy", "/deny?ref=06BQX7-M2K4T-8V3NR-1C5ZD-9WEHG"]
    {
        let answer = curl(port, inside, &[key], &[]);
        assert_eq!(status(&answer), "404", "{inside}: {answer}");
    }
    assert_eq!(site.application.asked(), before, "nothing forged reached the application");
    let seen = curl(
        port,
        "/open/x",
        &["X-Forwarded-For: 10.0.0.1", "X-Real-IP: 10.0.0.1", "X-Forwarded-Uri: /evil"],
        &[],
    );
    assert!(status(&seen) == "200" && !seen.contains("10.0.0.1") && !seen.contains("/evil"), "{seen}");
}

/// threats.md 1: a refused request's body is neither forwarded nor read as the next request.
fn bodies(site: &Site, port: u16, key: &str) {
    let allowed = curl(port, "/known/x", &[key], &["--data", "a=1&b=2"]);
    assert!(status(&allowed) == "200" && allowed.ends_with("a=1&b=2"), "{allowed}");
    let before = site.application.asked();
    let refused =
        curl(port, "/closed/x", &[key], &["--data", "GET /open/x HTTP/1.1\r\nHost: shop.test\r\n\r\n"]);
    assert_eq!(status(&refused), "451", "{refused}");
    assert_eq!(site.application.asked(), before);
}

/// A WebSocket's handshake is decided like any request, and its bytes flow once it was.
fn tunnels(site: &Site, port: u16, key: &str) {
    let shake = |fields: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        write!(stream, "GET /known/socket HTTP/1.1\r\nHost: shop.test\r\n{handshake}{fields}\r\n").unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            head.push(byte[0]);
        }
        (stream, String::from_utf8(head).unwrap())
    };
    let (mut stream, head) = shake(&format!("{key}\r\n"));
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    stream.write_all(b"hello").unwrap();
    let mut echoed = [0; 5];
    stream.read_exact(&mut echoed).unwrap();
    assert_eq!(&echoed, b"olleh");
    let before = site.application.asked();
    let (_, head) = shake("");
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    assert_eq!(site.application.asked(), before);
}

/// Without Portcullis nobody decides, so nothing passes.
pub(super) fn fails_closed(mut site: Site, port: u16) {
    let key = format!("X-API-Key: {}", site.key);
    assert_eq!(status(&curl(port, "/open/x", &[], &[])), "200");
    let before = site.application.asked();
    site.lose_portcullis();
    for fields in [&[][..], &[&*key]] {
        let answer = curl(port, "/open/x", fields, &[]);
        assert!(["500", "502"].contains(&status(&answer)), "{answer}");
    }
    assert_eq!(site.application.asked(), before);
}
