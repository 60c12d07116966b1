//! Shadow policies beside a running gate: asked about every request, and obeyed in none.

use crate::gate::{Caller, Gate};
use crate::{support, until};

/// Refuses everybody, for a reason of its own.
const CLOSED: &str = "@id(\"closed\") @reason(\"closed_today\") forbid (principal, action, resource);\n";

/// A gate that lets everybody in, with these shadow policies.
fn gate(policies: &str) -> Gate {
    let gate = Gate::start("anyone");
    write(&gate, policies);
    let file = gate.folder.path().join("portcullis.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[policies]\nshadow = \"policies-next\"\n")).unwrap();
    let (status, told) = gate.admin("POST", "/reload");
    assert_eq!(status, 200, "{told}");
    gate
}

fn write(gate: &Gate, policies: &str) {
    let folder = gate.folder.path().join("policies-next");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("next.cedar"), policies).unwrap();
}

/// How often shadow policies came to this.
fn count(gate: &Gate, outcome: &str) -> u64 {
    let (_, metrics) = gate.admin("GET", "/metrics");
    let line = format!("portcullis_shadow_decisions_total{{outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|known| known.strip_prefix(&line)?.trim().parse().ok()).unwrap_or(0)
}

fn shown(gate: &Gate, arguments: &[&str]) -> (Option<i32>, String) {
    let output = support::run(gate.folder.path(), &[&["shadow"], arguments].concat());
    (output.status.code(), support::stdout(&output))
}

#[test]
fn what_they_would_have_said_is_counted_and_shown_and_changes_no_answer() {
    let gate = gate(CLOSED);
    let mut caller = Caller::connect(gate.address);
    for _ in 0..20 {
        assert_eq!(caller.get("/"), 200, "shadow policies refuse nobody");
    }
    until("each was asked about", || count(&gate, "newly_refused") == 20);
    let (code, told) = shown(&gate, &["--by", "policy"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("newly refused") && told.contains("20  closed"), "{told}");
    assert!(shown(&gate, &[]).1.contains("allowed → 403 closed_today"));
    // The reference leads to the decision.
    let json: serde_json::Value = serde_json::from_str(&shown(&gate, &["--json"]).1).unwrap();
    let reference = json["differences"][0]["reference"].as_str().unwrap();
    let why = support::run(gate.folder.path(), &["why", reference]);
    assert!(why.status.success(), "{}", support::stderr(&why));

    // Other shadow policies are taken up like everything else.
    write(&gate, "// the same as those in force\n");
    assert_eq!(gate.admin("POST", "/reload").0, 200);
    assert_eq!(caller.get("/"), 200);
    until("the new ones are asked", || count(&gate, "same") == 1);
    assert_eq!(count(&gate, "dropped") + count(&gate, "failed"), 0);
}

#[test]
fn those_that_cannot_be_used_are_a_warning_and_the_gate_runs_without_them() {
    let gate = gate("permit (principal, action resource);\n");
    assert_eq!(Caller::connect(gate.address).get("/"), 200);
    let (_, ready) = gate.admin("GET", "/readyz");
    assert!(ready.starts_with("HTTP/1.1 200 ") && ready.contains("policies-next/next.cedar"), "{ready}");
    let said = gate.said();
    assert!(
        said.iter().any(|line| line["level"] == "WARN" && line.to_string().contains("shadow")),
        "{said:?}"
    );
    let checked = support::run(gate.folder.path(), &["check"]);
    let told = support::stderr(&checked);
    assert!(checked.status.success() && told.contains("policies-next/next.cedar:1"), "{told}");
    // Mended, they are asked without a restart.
    write(&gate, CLOSED);
    assert_eq!(gate.admin("POST", "/reload").0, 200);
    assert!(!gate.admin("GET", "/readyz").1.contains("policies-next"));
    assert_eq!(Caller::connect(gate.address).get("/"), 200);
    until("they are asked", || count(&gate, "newly_refused") == 1);
}
