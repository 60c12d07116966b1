//! The data is whole: every file is embedded, every name known, every cause of the taxonomy there.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

#[test]
fn every_file_is_embedded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (folder, prefix, embedded) in
        [("findings", "findings", FINDINGS), ("evidence/signals", "signals", SIGNALS)]
    {
        let there: BTreeSet<String> = std::fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".toml"))
            .map(|name| format!("{prefix}/{name}"))
            .collect();
        let embedded: BTreeSet<String> = embedded.iter().map(|(file, _)| (*file).to_owned()).collect();
        assert_eq!(there, embedded);
    }
}

#[test]
fn the_data_is_whole() {
    let evidence = Evidence::embedded().unwrap();
    assert!(evidence.findings.len() >= 166, "{}", evidence.findings.len());
    for finding in &evidence.findings {
        for other in &finding.confused_with {
            assert!(evidence.finding(other).is_some(), "{} names {other}", finding.id);
        }
        let single = !finding.id.starts_with("logs.") && !finding.id.starts_with("none.");
        assert_eq!(finding.prior > 0.0, single, "{}", finding.id);
    }
    for signal in &evidence.signals {
        for needed in &signal.needs_server {
            assert!(evidence.signal(needed).is_some(), "{} needs {needed}", signal.id);
        }
    }
}

/// A signal that no cause is known for tells nothing apart. Outcomes of a probe are there so that they are complete.
#[test]
fn every_signal_is_used() {
    let evidence = Evidence::embedded().unwrap();
    let outcomes = SIGNALS.iter().find(|(file, _)| *file == "signals/contrast.toml").unwrap().1;
    let unused: Vec<_> = evidence
        .signals
        .iter()
        .enumerate()
        .filter(|(_, signal)| !outcomes.contains(&format!("\"{}\"", signal.id)))
        .filter(|(index, _)| evidence.findings.iter().all(|finding| finding.likelihood[*index].is_none()))
        .map(|(_, signal)| signal.id.as_str())
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}
