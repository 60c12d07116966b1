//! What a scenario expects of the explanation: lines of what is told, and the changes that are offered.

use std::path::Path;

use portcullis_gate::Snapshot;
use portcullis_record::{Entry, Remembered, why};

use super::case::Expect;

/// Everything in which the explanation differs from what is expected.
pub(super) fn check(expect: &Expect, record: &serde_json::Value, snapshot: &Snapshot) -> Vec<String> {
    if expect.why.is_empty() && expect.changes.is_none() {
        return Vec::new();
    }
    let entry: Entry = match serde_json::from_value(record.clone()) {
        Ok(entry) => entry,
        Err(fault) => return vec![format!("there is no record to explain: {fault}")],
    };
    let remembered = Remembered { entry, outcome: None };
    // It was decided by this very snapshot: no log is asked for the policies of another.
    let beside = crate::rehearsal::beside(snapshot, Path::new(""), &remembered);
    let told = why::tell(&remembered, &beside);
    let mut faults: Vec<String> = expect
        .why
        .iter()
        .filter(|line| !told.contains(line.as_str()))
        .map(|line| format!("`why` does not say {line:?}:\n{told}"))
        .collect();
    if let Some(expected) = &expect.changes {
        let offered = offered(&beside);
        if &offered != expected {
            faults.push(format!("`why` offers {offered:?} instead of {expected:?}"));
        }
    }
    faults
}

/// The changes that are offered, a line each.
fn offered(beside: &why::Beside) -> Vec<String> {
    let is_offer = |line: &&String| !line.starts_with("none of") && !line.starts_with("first of all");
    let part = beside.parts.iter().find(|(heading, _)| heading == "Smallest change");
    part.into_iter().flat_map(|(_, lines)| lines).filter(is_offer).cloned().collect()
}
