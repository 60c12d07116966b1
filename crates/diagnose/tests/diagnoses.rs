//! Whole diagnoses against servers of the test's own: real sockets, the command as it is run, its JSON.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "that is how tests fail"
)]

mod server;

use clap::Parser;
use portcullis_diagnose::command::{Doctor, Exit, run};
use serde_json::Value;
use server::{Asked, Server, reply};

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    doctor: Doctor,
}

fn doctor(words: &[&str]) -> (Exit, String, String) {
    let words = ["doctor", "--quiet"].iter().chain(words);
    let cli = Cli::try_parse_from(words).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(&cli.doctor, &mut out, &mut err);
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn json(words: &[&str]) -> (Exit, Value) {
    let (exit, out, err) = doctor(&[&["--json"], words].concat());
    (exit, serde_json::from_str(&out).unwrap_or_else(|fault| panic!("{fault}: {out} {err}")))
}

fn first(report: &Value) -> &str {
    report["causes"][0]["id"].as_str().unwrap_or_default()
}

const NGINX: &str = "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n\
                     <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

fn nginx(status: u16) -> String {
    reply(
        status,
        &[("Server", "nginx"), ("Content-Type", "text/html")],
        if status == 403 { NGINX } else { "<h1>hello</h1>" },
    )
}

#[test]
fn a_directory_without_index() {
    let server = Server::start(|asked: &Asked| match asked.path.as_str() {
        "/" => nginx(200),
        "/media/" => nginx(403),
        "/media" => reply(301, &[("Server", "nginx"), ("Location", "/media/")], ""),
        _ => nginx(404),
    });
    let (exit, report) = json(&[&server.url("/media/")]);
    assert_eq!((exit, first(&report)), (Exit::Diagnosed, "nginx.no-index-autoindex-off"), "{report:#}");
    assert_eq!(report["answered_by"]["layer"], "nginx");
    assert!(server.seen().len() <= 8, "{:?}", server.seen());
}

#[test]
fn a_user_agent_is_refused() {
    let server = Server::start(|asked: &Asked| {
        nginx(if asked.header("user-agent").contains("python") { 403 } else { 200 })
    });
    let (_, report) = json(&["-H", "User-Agent: python-requests/2.32", &server.url("/")]);
    assert_eq!(first(&report), "nginx.ua-block", "{report:#}");
}

/// The reporter did not say which client was used; ours passes, curl's does not.
#[test]
fn the_name_of_curl_is_tried_where_none_was_given() {
    let server = Server::start(|asked: &Asked| {
        nginx(if asked.header("user-agent").starts_with("curl") { 403 } else { 200 })
    });
    let (_, report) = json(&[&server.url("/")]);
    assert_eq!(first(&report), "nginx.ua-block", "{report:#}");
}

#[test]
fn other_answers_are_no_403_problem() {
    for status in [200, 401, 404, 429, 503] {
        let server = Server::start(move |_: &Asked| nginx(status));
        let (exit, report) = json(&[&server.url("/403-forbidden")]);
        assert_eq!((exit, report["causes"].as_array().map(Vec::len)), (Exit::Diagnosed, Some(0)), "{status}");
        assert!(report["message"].as_str().unwrap().starts_with("this is not a 403 problem"), "{status}");
        assert!(server.seen().len() <= 4, "{status}: {:?}", server.seen());
    }
}

/// The difference goes away by itself, so it is no difference.
#[test]
fn one_node_of_three_is_bad() {
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_: &Asked| {
        let turn = turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        nginx(if turn.is_multiple_of(3) { 403 } else { 200 })
    });
    let (_, report) = json(&["-H", "Cookie: a=b", "-A", "test/1", &server.url("/home")]);
    assert_eq!(first(&report), "lb.one-bad-backend", "{report:#}");
}

/// What changes things is not sent, and nothing secret is shown, whatever the form of the report.
#[test]
fn nothing_is_changed_and_nothing_given_away() {
    let server = Server::start(|asked: &Asked| {
        let body = format!("{{\"error\":\"token {} lacks the role admin\"}}", asked.header("authorization"));
        reply(403, &[("Server", "gunicorn"), ("Content-Type", "application/json")], &body)
    });
    let words = [
        "-X",
        "POST",
        "-d",
        "password=hunter2hunter2",
        "-H",
        "Authorization: Bearer s3cr3t-s3cr3t-s3cr3t",
        "-b",
        "sid=c00kie-c00kie",
    ];
    let url = server.url("/admin?token=t0ken-t0ken-t0ken");
    for form in ["--json", "--markdown", "--budget=12", "--dry-run"] {
        let (_, out, err) = doctor(&[&[form], words.as_slice(), &[&url]].concat());
        for secret in ["hunter2", "s3cr3t", "c00kie", "t0ken-t0ken"] {
            assert!(!out.contains(secret) && !err.contains(secret), "{form} shows {secret}: {out}{err}");
        }
    }
    assert!(server.seen().iter().all(|line| line.starts_with("GET ")), "{:?}", server.seen());
}

#[test]
fn an_unsafe_method_is_repeated_only_on_leave() {
    let server = Server::start(|asked: &Asked| {
        if asked.method == "POST" {
            reply(
                403,
                &[("Server", "gunicorn")],
                "<h1>Forbidden</h1><p>CSRF verification failed. Request aborted.</p>",
            )
        } else {
            reply(200, &[("Server", "gunicorn")], "<form><input name=csrfmiddlewaretoken></form>")
        }
    });
    let (_, report) = json(&["-X", "POST", "-d", "a=b", &server.url("/contact")]);
    assert_eq!(first(&report), "app.csrf", "{report:#}");
    assert!(server.seen().iter().all(|line| !line.starts_with("POST")));
    let (exit, report) = json(&["--repeat-unsafe", "-X", "POST", "-d", "a=b", &server.url("/contact")]);
    assert_eq!((exit, first(&report)), (Exit::Diagnosed, "app.csrf"), "{report:#}");
    assert!(server.seen().iter().any(|line| line.starts_with("POST")));
}

#[test]
fn our_own_refusals_lead_to_why() {
    let server = Server::start(|_: &Asked| {
        reply(
            403,
            &[
                ("Date", "Fri, 27 Nov 2026 12:00:00 GMT"),
                ("Proxy-Status", "portcullis; error=http_request_denied"),
                ("X-Portcullis-Ref", "06BQX7-M2K4T-TEST"),
                ("Content-Type", "application/problem+json"),
            ],
            "{\"title\":\"no\"}",
        )
    });
    let (_, report) = json(&[&server.url("/")]);
    assert_eq!(first(&report), "portcullis.refused");
    assert!(report["notes"].to_string().contains("portcullis why 06BQX7-M2K4T-TEST"), "{report:#}");

    // Who may ask is told; who may not is told that, and keeps the advice.
    let admin = Server::start(|asked: &Asked| {
        let allowed = asked.header("authorization") == "Bearer operators-token";
        let known = asked.path == "/decisions/06BQX7-M2K4T-TEST/why";
        let (status, text) = match (allowed, known) {
            (true, true) => (200, "403 by policy `embargo`"),
            (true, false) => (404, "unknown"),
            (false, _) => (401, "who are you?"),
        };
        reply(status, &[("Content-Type", "text/plain")], text)
    });
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let token_file = token.to_str().unwrap();
    for (written, why, advised) in
        [("operators-token\n", "403 by policy `embargo`".into(), false), ("another-token", Value::Null, true)]
    {
        std::fs::write(&token, written).unwrap();
        let (_, report) = json(&["--admin", &admin.url("/"), "--admin-token", token_file, &server.url("/")]);
        assert_eq!(report["why"], why, "{report:#}");
        assert_eq!(report["notes"].to_string().contains("run `portcullis why"), advised, "{report:#}");
        assert!(!report.to_string().contains(written.trim()), "{report:#}");
    }
    let (exit, _, err) =
        doctor(&["--admin", "http://gate.test:8081", "--admin-token", token_file, "http://a.test/"]);
    assert!(exit == Exit::Usage && err.contains("in the clear"), "{err}");
}

/// The same request is told the same whether it is asked, saved or in a HAR.
#[test]
fn saved_exchanges_are_read_offline() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.txt");
    std::fs::write(&saved, "> GET / HTTP/1.1\n> Host: a.test\n>\n< HTTP/1.1 403 Forbidden\n< Server: cloudflare\n< CF-RAY: 1-FRA\n<\nerror code: 1020\n").unwrap();
    let (exit, report) = json(&["--exchange", saved.to_str().unwrap()]);
    assert_eq!((exit, first(&report)), (Exit::Diagnosed, "cdn.cloudflare-waf"), "{report:#}");
    let har = folder.path().join("page.har");
    std::fs::write(&har, r#"{"log":{"entries":[{"request":{"method":"GET","url":"https://a.test/","headers":[]},"response":{"status":403,"headers":[{"name":"server","value":"cloudflare"},{"name":"cf-ray","value":"1-FRA"}],"content":{"text":"error code: 1009"}}}]}}"#).unwrap();
    let (_, report) = json(&["--har", har.to_str().unwrap()]);
    assert_eq!(first(&report), "cdn.cloudflare-ip-ban", "{report:#}");
}

#[test]
fn what_cannot_be_asked_is_said() {
    assert_eq!(doctor(&["http://127.0.0.1:1/"]).0, Exit::Unreachable);
    assert_eq!(doctor(&["http://nothing.invalid/"]).0, Exit::Unreachable);
    assert_eq!(doctor(&["ftp://a.test/"]).0, Exit::Usage);
    assert_eq!(doctor(&[]).0, Exit::Usage);
    assert_eq!(doctor(&["explain", "no.such"]).0, Exit::Usage);
    assert!(doctor(&["explain", "app.csrf"]).1.contains("app.csrf"));
    assert!(doctor(&["--list"]).1.lines().count() > 160);
}

/// A server that never ends, one that says nothing, a header without bounds, redirects in a circle: each ends, and is said.
#[test]
fn hostile_servers_are_bounded() {
    let endless = Server::raw(|stream| {
        use std::io::Write as _;
        drop(stream.write_all(b"HTTP/1.1 403 Forbidden\r\nServer: x\r\n\r\n"));
        while stream.write_all(&[b'a'; 65536]).is_ok() {}
    });
    let (_, report) = json(&["--time", "8", "--budget", "2", &endless.url("/")]);
    assert_eq!(report["probes"][0]["status"], 403, "{report:#}");
    let head = Server::raw(|stream| {
        use std::io::Write as _;
        drop(stream.write_all(b"HTTP/1.1 403 Forbidden\r\n"));
        while stream.write_all(b"X-A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n").is_ok() {}
    });
    let (exit, report) = json(&["--time", "5", &head.url("/")]);
    assert_eq!(exit, Exit::Unreachable);
    assert!(report["message"].as_str().unwrap().contains("header"), "{report:#}");
    let rubbish = Server::raw(|stream| {
        use std::io::Write as _;
        drop(stream.write_all(b"SSH-2.0-OpenSSH\r\n"));
    });
    assert_eq!(json(&["--time", "5", &rubbish.url("/")]).0, Exit::Unreachable);
    let circle = Server::start(|asked: &Asked| {
        let to = if asked.path == "/a" { "/b" } else { "/a" };
        reply(302, &[("Location", to)], "")
    });
    let (exit, report) = json(&[&circle.url("/a")]);
    assert_eq!((exit, &report["causes"]), (Exit::Diagnosed, &serde_json::json!([])), "{report:#}");
    assert!(circle.seen().len() <= 8);
    let silent = Server::raw(|stream| {
        use std::io::Read as _;
        drop(stream.read(&mut [0; 1024]));
        std::thread::sleep(std::time::Duration::from_secs(6));
    });
    assert_eq!(json(&["--time", "2", &silent.url("/")]).0, Exit::Unreachable);
}

/// Over TLS to a port that does not speak it: the handshake fails, and this is said.
#[test]
fn a_server_without_tls_is_told_from_one_that_is_not_there() {
    let plain = Server::raw(|stream| {
        use std::io::Write as _;
        drop(stream.write_all(nginx(400).as_bytes()));
    });
    let (exit, report) = json(&["--time", "5", &plain.url("/").replace("http:", "https:")]);
    assert_eq!(exit, Exit::Unreachable, "{report:#}");
    let message = report["message"].as_str().unwrap();
    assert!(message.contains("TLS"), "{message}");
}

/// No answer is like the one before: nothing is called certain, and all of it ends in time and budget.
#[test]
fn a_server_that_answers_differently_each_time() {
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_: &Asked| {
        let turn = turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        match turn % 5 {
            0 => nginx(403),
            1 => reply(500, &[("Server", "x")], "oops"),
            2 => reply(403, &[("Server", "y"), ("Content-Type", "application/json")], "{\"no\":1}"),
            3 => reply(301, &[("Location", "/elsewhere")], ""),
            _ => nginx(200),
        }
    });
    let begun = std::time::Instant::now();
    let (_, report) = json(&["-A", "test/1", &server.url("/home")]);
    assert!(begun.elapsed() < std::time::Duration::from_secs(30));
    assert!(server.seen().len() <= 12, "{:?}", server.seen());
    let confidence = report["causes"][0]["confidence"].as_f64().unwrap_or_default();
    assert!(confidence < 0.9 || first(&report).starts_with("lb."), "{report:#}");
}

/// Each is said with the place of what cannot be read, and nothing is sent or waited for.
#[test]
fn configuration_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let circle = folder.path().join("circle.conf").display().to_string();
    let missing = folder.path().join("missing.conf").display().to_string();
    let text = format!(
        "http {{ include {circle}; include {missing}; server {{ listen 1; location / {{ deny all; }} }} }}"
    );
    file("circle.conf", &format!("include {circle};"));
    let root = file("nginx.conf", &text);
    let (_, report) = json(&["--time", "5", "--local", &root, "http://127.0.0.1:1/"]);
    let notes = report["notes"].to_string();
    assert!(notes.contains("includes itself") && notes.contains("missing.conf"), "{report:#}");
    let (exit, _, err) = doctor(&["--local", "/no/such/file", "http://127.0.0.1:1/"]);
    assert!(exit == Exit::Usage && err.contains("/no/such/file"), "{err}");
    // A folder in place of a file, a device that never ends: no file of configuration.
    for root in ["/dev/zero", folder.path().to_str().unwrap()] {
        let begun = std::time::Instant::now();
        drop(json(&["--time", "5", "--local", root, "http://127.0.0.1:1/"]));
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{root}");
    }
}

/// The chapter of the book is what the findings say; `cargo xtask generate` rewrites it.
#[test]
fn the_generated_chapter_is_up_to_date() {
    let evidence = portcullis_diagnose::evidence::Evidence::embedded().unwrap();
    let chapter = portcullis_diagnose::report::explain::chapter(&evidence);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/doctor/findings.md");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, chapter).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == chapter,
        "docs/src/doctor/findings.md is out of date: `cargo xtask generate` rewrites it"
    );
}
