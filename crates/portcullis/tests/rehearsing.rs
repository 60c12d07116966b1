//! Policy tests and questions without a request, as a person asks them: on what `init` writes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how tests fail")]

mod support;

use std::net::SocketAddr;
use std::process::Stdio;

use support::{Program, exchange, free_port, get, header, portcullis, run, stderr, stdout, wait_for};

fn initialized() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &["init"]).status.success());
    folder
}

fn json(output: &std::process::Output) -> serde_json::Value {
    serde_json::from_str(&stdout(output)).unwrap_or_else(|_| panic!("{}{}", stdout(output), stderr(output)))
}

#[test]
fn what_init_writes_passes_its_own_tests() {
    let folder = initialized();
    let tested = run(folder.path(), &["test", "--coverage", "--min-coverage", "40"]);
    assert_eq!(tested.status.code(), Some(0), "{}{}", stdout(&tested), stderr(&tested));
    assert!(stdout(&tested).contains("4 passed, 0 failed"), "{}", stdout(&tested));
    assert!(stdout(&tested).contains("no test comes to `guard.app.health.access`"), "{}", stdout(&tested));
    let wanting = run(folder.path(), &["test", "--min-coverage", "100"]);
    assert_eq!(wanting.status.code(), Some(1), "{}", stdout(&wanting));
    assert!(stderr(&wanting).contains("less than the 100 %"));
}

#[test]
fn a_test_that_fails_is_explained_and_check_warns_of_it() {
    let folder = initialized();
    let file = folder.path().join("policies/app.test.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("principal = \"alice\"", "principal = \"bob\"")).unwrap();
    let tested = run(folder.path(), &["test"]);
    assert_eq!(tested.status.code(), Some(1));
    let told = stdout(&tested);
    for part in [
        "FAILED policies/app.test.toml:9 operators administer",
        "decision: expected allow, got deny",
        "forbid `guard.app.admin.require.role` decided, portcullis.toml:",
        "holds: not (principal in [Role::\"admin\"])",
        "4 policy tests in ",
    ] {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
    let told = json(&run(folder.path(), &["test", "--json", "administer", "--junit", "tests.xml"]));
    assert_eq!((&told["failed"], &told["passed"]), (&1.into(), &0.into()));
    assert_eq!(told["tests"][0]["reason"], "role_required");
    assert_eq!(told["tests"][0]["mismatches"][0]["what"], "decision");
    let xml = std::fs::read_to_string(folder.path().join("tests.xml")).unwrap();
    assert!(xml.contains("<failure message=\"decision: expected allow, got deny\">"), "{xml}");
    let checked = run(folder.path(), &["check", "--deny-warnings"]);
    assert_eq!(checked.status.code(), Some(4), "{}", stderr(&checked));
    assert!(stderr(&checked).contains("operators administer"));
}

#[test]
fn what_cannot_be_run_is_no_failed_test() {
    let folder = initialized();
    assert_eq!(run(folder.path(), &["test", "no such test"]).status.code(), Some(3));
    let file = folder.path().join("policies/app.test.toml");
    std::fs::write(&file, "[[test]]\nname = \"a\"\nexpct = 1\n").unwrap();
    let broken = run(folder.path(), &["test"]);
    assert_eq!(broken.status.code(), Some(3));
    assert!(stderr(&broken).contains("did you mean `expect`?"), "{}", stderr(&broken));
    std::fs::remove_file(&file).unwrap();
    let none = run(folder.path(), &["test"]);
    assert_eq!(none.status.code(), Some(3));
    assert!(stderr(&none).contains("there are no policy tests"));
    let unknown = run(folder.path(), &["test", "--record", "06BQX7-M2K4T-00000-00000-00000"]);
    assert_eq!(unknown.status.code(), Some(3), "{}", stderr(&unknown));
}

#[test]
fn can_says_yes_no_and_what_it_depends_on() {
    let folder = initialized();
    let can = |arguments: &[&str]| {
        let output = run(folder.path(), &[&["can"], arguments].concat());
        (output.status.code(), stdout(&output) + &stderr(&output))
    };
    let (exit, told) = can(&["alice", "GET", "app/admin"]);
    assert_eq!(exit, Some(0), "{told}");
    assert!(told.contains("yes, by guard.app.admin.access at portcullis.toml:"), "{told}");
    let (exit, told) = can(&["mallory", "GET", "/"]);
    assert_eq!(exit, Some(1), "{told}");
    assert!(told.contains("no, by suspended at policies/app.cedar:7 (403 account_suspended)"), "{told}");
    assert!(told.contains("it would be a yes with principal.suspended"), "{told}");
    let (exit, told) = can(&["mallory", "GET", "http://localhost/", "suspended=false"]);
    assert_eq!(exit, Some(0), "{told}");
    // Nobody knows of somebody new whether they are suspended; the directory would have said it of others.
    let (exit, told) = can(&["somebody-new", "GET", "/"]);
    assert_eq!(exit, Some(4), "{told}");
    assert!(told.contains("it depends on principal.suspended"), "{told}");
    let (exit, told) = can(&["alice", "GET", "app/admn"]);
    assert_eq!(exit, Some(3), "{told}");
    assert!(told.contains("did you mean `app/admin`?"), "{told}");
    let (exit, told) = can(&["alice", "GET", "/", "teir=gold"]);
    assert_eq!(exit, Some(3), "{told}");
    assert!(told.contains("did you mean `tier`?"), "{told}");
    let told = json(&run(folder.path(), &["can", "mallory", "GET", "/", "--json"]));
    assert_eq!((&told["can"], &told["reason"]), (&"no".into(), &"account_suspended".into()));
    assert_eq!(told["needs"][0]["by"], "support_desk");
}

#[test]
fn who_and_what_list_what_can_says() {
    let folder = initialized();
    let who = run(folder.path(), &["who", "GET", "app/admin"]);
    assert_eq!(who.status.code(), Some(0), "{}", stderr(&who));
    let listed = stdout(&who);
    assert!(
        listed.starts_with("alice  by guard.app.admin.access") && listed.lines().count() == 1,
        "{listed}"
    );
    let told = json(&run(folder.path(), &["who", "GET", "app/health", "--json", "--limit", "1"]));
    assert_eq!(told["who"][0]["principal"], "anonymous");
    assert_eq!(told["more"], 1, "alice; mallory is suspended");
    let what = run(folder.path(), &["what", "mallory"]);
    assert_eq!((what.status.code(), stdout(&what).as_str()), (Some(1), "nothing\n"));
    let what = stdout(&run(folder.path(), &["what", "alice", "--method", "GET"]));
    assert_eq!(what.lines().count(), 3, "{what}");
    let nowhere = run(folder.path(), &["who", "GET", "http://elsewhere.test/"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(stderr(&nowhere).contains("421 misdirected"), "{}", stderr(&nowhere));
}

/// A gate on what `init` writes, whose reloads take the tests to pass; and its operators' token.
fn required() -> (tempfile::TempDir, SocketAddr, SocketAddr, Program, String) {
    let folder = initialized();
    let (listen, admin): (SocketAddr, SocketAddr) =
        (([127, 0, 0, 1], free_port()).into(), ([127, 0, 0, 1], free_port()).into());
    let file = folder.path().join("portcullis.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text
        .replace("127.0.0.1:8080", &listen.to_string())
        .replace("127.0.0.1:8081", &admin.to_string())
        .replace("[policies]\n", "[policies]\ntests = \"require\"\n");
    std::fs::write(&file, text).unwrap();
    let mut command = portcullis(folder.path());
    command.arg("run").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let gate = Program(command.spawn().unwrap());
    wait_for(admin);
    wait_for(listen);
    let token = std::fs::read_to_string(folder.path().join("secrets/admin-token")).unwrap();
    (folder, listen, admin, gate, token.trim().to_owned())
}

#[test]
fn a_real_decision_becomes_a_test_that_a_reload_has_to_pass() {
    let (folder, listen, admin, _gate, token) = required();
    let key = stdout(&run(folder.path(), &["key", "create", "mallory", "--user"]));
    let asked = || get(listen, "localhost", "/", &format!("X-API-Key: {}\r\n", key.trim()));
    // A key is taken up within a second.
    let started = std::time::Instant::now();
    let mut refused = asked();
    while !refused.starts_with("HTTP/1.1 403") && started.elapsed().as_secs() < 60 {
        std::thread::yield_now();
        refused = asked();
    }
    let reference = header(&refused, "x-portcullis-ref").unwrap_or_else(|| panic!("{refused}"));
    let recorded = run(folder.path(), &["test", "--record", reference]);
    let text = stdout(&recorded);
    assert!(recorded.status.success(), "{}", stderr(&recorded));
    for line in
        ["principal = 'User::\"mallory\"'", "resource = \"app/everything\"", "reason = \"account_suspended\""]
    {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    std::fs::write(folder.path().join("policies/support.test.toml"), text).unwrap();
    let tested = run(folder.path(), &["test"]);
    assert!(stdout(&tested).contains("5 passed, 0 failed"), "{}{}", stdout(&tested), stderr(&tested));

    let policies = folder.path().join("policies/app.cedar");
    let written = std::fs::read_to_string(&policies).unwrap();
    std::fs::write(&policies, written.replace("&& principal.suspended", "&& !principal.suspended")).unwrap();
    let request = format!(
        "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let reloaded = exchange(admin, &request);
    assert!(!reloaded.starts_with("HTTP/1.1 200"), "{reloaded}");
    assert!(reloaded.contains("who is suspended gets nothing"), "{reloaded}");
    assert!(asked().starts_with("HTTP/1.1 403"), "what was in force stays in force");
}
