//! Recorded traffic decided again, as a person types it: a running gate records, `replay` tells what would change.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how tests fail")]

#[path = "life/gate.rs"]
#[allow(dead_code, reason = "the other tests of a running gate use the rest")]
mod gate;
mod support;

use gate::{Caller, Gate};
use serde_json::{Value as Json, json};
use support::{run, stderr, stdout};

/// Ports that are free are found by letting go of them: one gate after the other takes them.
static STARTING: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// A gate that let these requests in and has ended.
fn recorded(paths: &[&str]) -> Gate {
    let _starting = STARTING.lock();
    let mut gate = Gate::start("anyone");
    let mut caller = Caller::connect(gate.address);
    for path in paths {
        assert_eq!(caller.get(path), 200);
    }
    drop(caller);
    gate.signal("TERM");
    assert!(gate.process.0.wait().unwrap().success());
    gate
}

/// A folder of policies beside the configuration.
fn candidate(gate: &Gate, name: &str, policies: &str) {
    let folder = gate.folder.path().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("next.cedar"), policies).unwrap();
}

fn replay(gate: &Gate, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(gate.folder.path(), &[&["replay"], arguments].concat());
    (output.status.code(), stdout(&output), stderr(&output))
}

const PRIVATE: &str = r#"@id("private") @reason("not_for_you")
forbid (principal, action, resource) when { context.request.path like "/private/*" };
"#;

#[test]
fn what_a_candidate_would_change_is_told_with_references_and_by_exit_code() {
    let gate = recorded(&["/private/a", "/private/b", "/open"]);
    candidate(&gate, "next", PRIVATE);
    let (code, told, faults) = replay(&gate, &["--with", "next", "--by", "policy,path,answer"]);
    assert_eq!(code, Some(0), "{told}{faults}");
    for part in
        ["3 decided again", "1 come to the same", "newly refused", "private", "/private/a", "not_for_you"]
    {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
    let (code, told, _) = replay(&gate, &["--with", "next", "--json", "--fail-on", "newly-refused"]);
    assert_eq!(code, Some(1), "{told}");
    let report: Json = serde_json::from_str(&told).unwrap();
    assert_eq!(
        report["counts"],
        json!({"newly-allowed": 0, "newly-refused": 2, "changed-reason": 0, "unknown": 0})
    );
    let reference = report["changes"]["newly_refused"]["by_policy"]["private"]["examples"][0].as_str();
    let why = run(gate.folder.path(), &["why", reference.unwrap()]);
    assert!(stdout(&why).contains("/private/a"), "{}{}", stdout(&why), stderr(&why));
    // Nothing is newly allowed, so this passes.
    assert_eq!(replay(&gate, &["--with", "next", "--fail-on", "newly-allowed,unknown"]).0, Some(0));
}

#[test]
fn what_was_not_recorded_is_unknown_and_never_guessed() {
    let gate = recorded(&["/a"]);
    candidate(
        &gate,
        "next",
        "forbid (principal, action, resource)\nwhen { context.device has compliant && !context.device.compliant };",
    );
    let (code, told, faults) = replay(&gate, &["--with", "next", "--fail-on", "unknown"]);
    assert_eq!(code, Some(1), "{told}{faults}");
    assert!(told.contains("context.device.compliant"), "{told}");
}

#[test]
fn a_whole_configuration_is_a_candidate_and_its_routes_are_found_anew() {
    let gate = recorded(&["/a", "/b"]);
    let file = gate.folder.path().join("portcullis.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(gate.folder.path().join("next.toml"), text.replace("name = \"shop\"", "name = \"store\""))
        .unwrap();
    let (code, told, faults) = replay(&gate, &["--with", "next.toml", "--fail-on", "newly-refused,unknown"]);
    assert_eq!(code, Some(0), "{told}{faults}");
    assert!(told.contains("2 are for another route"), "{told}");
    std::fs::write(gate.folder.path().join("next.toml"), text.replace("shop.test", "other.test")).unwrap();
    let (code, told, _) =
        replay(&gate, &["--with", "next.toml", "--by", "answer", "--fail-on", "newly-refused"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("allowed → 421 misdirected"), "{told}");
}

#[test]
fn what_cannot_be_used_is_said_and_nothing_is_replayed() {
    let gate = recorded(&["/a"]);
    candidate(&gate, "broken", "permit (principal, action resource);");
    let (code, _, faults) = replay(&gate, &["--with", "broken"]);
    assert_eq!(code, Some(3));
    assert!(faults.contains("broken/next.cedar:1") && faults.contains("nothing was replayed"), "{faults}");
    candidate(&gate, "next", PRIVATE);
    let (code, _, faults) = replay(&gate, &["--with", "next", "--log", "nowhere"]);
    assert_eq!(code, Some(3));
    assert!(faults.contains("nowhere"), "{faults}");
    assert_eq!(replay(&gate, &["--with", "next", "--since", "yesterday"]).0, Some(2));
    assert_eq!(replay(&gate, &["--with", "missing"]).0, Some(3));
    let (code, told, _) = replay(&gate, &["--with", "next", "--until", "2020-01-01"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("0 decided again"), "{told}");
}
