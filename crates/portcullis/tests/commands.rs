//! The commands as a person types them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "that is how tests fail"
)]

#[path = "commands/log.rs"]
mod log;
#[path = "commands/logs.rs"]
mod logs;
mod support;

use support::{run, stderr, stdout};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn demo_tour_is_right() {
    let folder = folder();
    let output = run(folder.path(), &["demo", "--tour"]);
    let told = stdout(&output);
    assert!(output.status.success(), "{told}{}", stderr(&output));
    assert!(
        told.contains(r#"{"error": "region_restricted", "message": "Content unavailable in your location"}"#)
    );
    for status in ["200", "401", "403", "404", "451", "400", "503"] {
        assert!(told.contains(&format!("< HTTP/1.1 {status}")), "no {status} in\n{told}");
    }
    assert!(told.contains("0 wrong"), "{told}");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "the demo writes only below its own folder"
    );
}

#[test]
fn init_then_check_finds_nothing() {
    let folder = folder();
    let made = run(folder.path(), &["init", "gate"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let gate = folder.path().join("gate");
    let checked = run(&gate, &["check"]);
    assert!(checked.status.success(), "{}{}", stdout(&checked), stderr(&checked));
    let json = run(&gate, &["check", "--json"]);
    let findings: serde_json::Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(findings["findings"], serde_json::json!([]));
}

#[test]
fn init_overwrites_nothing() {
    let folder = folder();
    std::fs::write(folder.path().join("portcullis.toml"), "mine").unwrap();
    let made = run(folder.path(), &["init"]);
    assert_eq!(made.status.code(), Some(1), "{}", stderr(&made));
    assert!(stderr(&made).contains("portcullis.toml"));
    assert_eq!(std::fs::read_to_string(folder.path().join("portcullis.toml")).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was written beside it");
}

#[test]
fn check_names_every_fault_at_once() {
    let folder = folder();
    assert!(run(folder.path(), &["init"]).status.success());
    let file = folder.path().join("portcullis.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("listen", "lisen")).unwrap();
    std::fs::write(folder.path().join("policies/broken.cedar"), "permit (principal, action resource);\n")
        .unwrap();
    let checked = run(folder.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(1));
    let told = stderr(&checked);
    assert!(told.contains("listen"), "suggests the nearest key:\n{told}");
    assert!(told.contains("broken.cedar"), "names the policy file too:\n{told}");
}

#[test]
fn run_refuses_a_broken_configuration() {
    let folder = folder();
    std::fs::write(folder.path().join("portcullis.toml"), "[server]\nlisten = 7\n").unwrap();
    let output = run(folder.path(), &["run"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("nothing was started"));
}

#[test]
fn keys_are_shown_once_and_listed_without_secret() {
    let folder = folder();
    assert!(run(folder.path(), &["init"]).status.success());
    let made = run(folder.path(), &["key", "create", "robot", "--scope", "orders:read"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let secret = stdout(&made).trim().to_owned();
    let listed = stdout(&run(folder.path(), &["key", "list"]));
    assert!(listed.contains("Service robot"), "{listed}");
    assert!(!listed.contains(&secret));
    let prefix = listed.split_whitespace().next().unwrap();
    assert!(run(folder.path(), &["key", "revoke", prefix]).status.success());
    assert!(stdout(&run(folder.path(), &["key", "list"])).contains("revoked"));
    assert_eq!(run(folder.path(), &["key", "revoke", "nosuchkey"]).status.code(), Some(1));
    let state = std::fs::read(folder.path().join("data/state.sqlite")).unwrap();
    let random = secret.rsplit('_').next().unwrap().as_bytes();
    assert!(!state.windows(random.len()).any(|window| window == random), "the secret is stored as it is");
}

#[test]
fn explain_knows_statuses_and_codes() {
    let folder = folder();
    for key in ["403", "region_restricted", "503", "451", "insufficient_scope"] {
        let page = run(folder.path(), &["explain", key]);
        assert!(page.status.success(), "{key}");
        assert!(stdout(&page).len() > 200, "{key} says too little");
    }
    let wrong = run(folder.path(), &["explain", "region_restrited"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("region_restricted"), "suggests the nearest");
}

#[test]
fn policy_show_prints_guards_as_cedar() {
    let folder = folder();
    assert!(run(folder.path(), &["init"]).status.success());
    let shown = stdout(&run(folder.path(), &["policy", "show"]));
    assert!(shown.contains("permit (") && shown.contains("portcullis.toml"), "{shown}");
}

#[test]
fn why_says_what_is_wrong_with_a_reference() {
    let folder = folder();
    assert!(run(folder.path(), &["init"]).status.success());
    let malformed = run(folder.path(), &["why", "hello"]);
    assert_eq!(malformed.status.code(), Some(1));
    assert!(stderr(&malformed).contains("hello"));
    let unknown = run(folder.path(), &["why", "06BQX7-M2K4T-00000-00000-00000"]);
    assert_eq!(unknown.status.code(), Some(1), "{}", stderr(&unknown));
}

#[test]
fn completions_and_man_pages_come_from_the_definitions() {
    let folder = folder();
    let script = stdout(&run(folder.path(), &["completions", "bash"]));
    assert!(script.contains("explain") && script.contains("completions"));
    assert!(run(folder.path(), &["man", "pages"]).status.success());
    let page = std::fs::read_to_string(folder.path().join("pages/portcullis-check.1")).unwrap();
    assert!(page.contains(".TH"));
}

#[test]
fn policy_compile_says_what_finds_each_policy() {
    let folder = folder();
    assert!(run(folder.path(), &["init"]).status.success());
    let compiled = run(folder.path(), &["policy", "compile"]);
    assert!(stdout(&compiled).contains("policies, "), "{}{}", stdout(&compiled), stderr(&compiled));
    let shown = stdout(&run(folder.path(), &["policy", "compile", "--show", "suspended"]));
    for line in ["forbid `suspended`", "scope: resource in App::\"app\"", "principal.suspended", "found by: "]
    {
        assert!(shown.contains(line), "no {line} in\n{shown}");
    }
    let json = stdout(&run(folder.path(), &["policy", "compile", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(report["policies"].as_u64().is_some_and(|count| count > 0), "{report}");
    assert_eq!(report["reference"], serde_json::json!([]));
}

#[test]
fn diff_tells_clauses_and_what_people_may_do() {
    let folder = folder();
    assert!(run(folder.path(), &["init"]).status.success());
    let same = run(folder.path(), &["diff", "policies", "policies"]);
    assert_eq!(same.status.code(), Some(0), "{}{}", stdout(&same), stderr(&same));
    assert!(stdout(&same).contains("nothing changes"), "{}", stdout(&same));
    std::fs::create_dir(folder.path().join("next")).unwrap();
    std::fs::write(
        folder.path().join("next/app.cedar"),
        "@id(\"closed\") @reason(\"closed_today\") forbid (principal, action, resource);\n",
    )
    .unwrap();
    let different = run(folder.path(), &["diff", "policies", "next"]);
    assert_eq!(different.status.code(), Some(1), "{}", stderr(&different));
    let told = stdout(&different);
    assert!(
        told.contains("added  closed") && told.contains("removed  ") && told.contains("→ denied"),
        "{told}"
    );
    let json = stdout(&run(folder.path(), &["diff", "policies", "next", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["policies"]["added"], serde_json::json!(["closed"]));
    // The tests that `init` wrote stand beside the policies before; what they come to is told of both.
    let turned = json["tests"]["turned"].as_array().unwrap();
    assert!(json["tests"]["compared"].as_u64().unwrap() >= 4, "{json}");
    let allowed_before = turned.iter().find(|test| test["old"] == "allow").unwrap();
    assert_eq!(allowed_before["new"], "403 closed_today");
    assert!(told.contains("allow → 403 closed_today"), "{told}");
    assert_eq!(run(folder.path(), &["diff", "policies", "nowhere"]).status.code(), Some(3));
}
