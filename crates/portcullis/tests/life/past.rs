//! A decision is explained by the policies that made it, whatever came after them.

use crate::gate::{Caller, Gate};
use crate::support::{self, stdout};

const CLOSED: &str = "@id(\"closed\") @reason(\"closed_today\")\nforbid (principal, action, resource)\n\
                      when { context.request.path like \"/private/*\" };\n";

fn take_up(gate: &Gate, policies: &str) {
    std::fs::write(gate.folder.path().join("policies/a.cedar"), policies).unwrap();
    let (status, told) = gate.admin("POST", "/reload");
    assert_eq!(status, 200, "{told}");
}

fn why(gate: &Gate, arguments: &[&str]) -> String {
    let output = support::run(gate.folder.path(), &[&["why"], arguments].concat());
    assert!(output.status.success(), "{}", support::stderr(&output));
    stdout(&output)
}

/// A gate that refused one request under [`CLOSED`], and the request's reference.
fn refused() -> (Gate, String) {
    let gate = Gate::start("anyone");
    let file = gate.folder.path().join("portcullis.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[policies]\nfolder = \"policies\"\n")).unwrap();
    take_up(&gate, CLOSED);
    assert_eq!(Caller::connect(gate.address).get("/private/a"), 403);
    let denied = support::run(gate.folder.path(), &["log", "--denied", "--export", "jsonl"]);
    let line: serde_json::Value = serde_json::from_str(stdout(&denied).lines().next().unwrap())
        .unwrap_or_else(|_| panic!("{}{}", stdout(&denied), support::stderr(&denied)));
    let reference = line.get("reference").and_then(serde_json::Value::as_str).unwrap().to_owned();
    (gate, reference)
}

#[test]
fn a_decision_is_explained_by_the_policies_that_made_it() {
    let (gate, reference) = refused();
    assert!(!why(&gate, &[&reference]).contains("have changed since"));

    // Other policies, then another file that decides: neither takes the explanation away.
    take_up(
        &gate,
        "@id(\"other\") forbid (principal, action, resource) when { context.request.path == \"/\" };\n",
    );
    let told = why(&gate, &[&reference]);
    for part in ["closed", "/private/*", "policies/a.cedar:1", "have changed since", "would be allowed"] {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
    let json: serde_json::Value = serde_json::from_str(&why(&gate, &["--json", &reference])).unwrap();
    assert_eq!(json.to_string().matches("\"explained_by_policies_of\":\"then\"").count(), 1, "{json:#}");
    let (status, told) = gate.admin("GET", &format!("/decisions/{reference}/why"));
    assert!(status == 200 && told.contains("/private/*"), "{told}");

    // What was kept is believed only as it was.
    let kept = gate.folder.path().join("data/log/snapshots");
    for file in std::fs::read_dir(&kept).unwrap() {
        let path = file.unwrap().path();
        let mut texts = zstd::decode_all(std::fs::File::open(&path).unwrap()).unwrap();
        *texts.last_mut().unwrap() ^= 1;
        std::fs::write(&path, zstd::encode_all(texts.as_slice(), 0).unwrap()).unwrap();
    }
    let told = why(&gate, &[&reference]);
    assert!(told.contains("was changed") && !told.contains("/private/*\""), "{told}");
    std::fs::remove_dir_all(&kept).unwrap();
    let told = why(&gate, &[&reference]);
    assert!(told.contains("are not kept") && told.contains("closed"), "{told}");
}
