//! Runs every file of `scenarios/` through the doors: half a page of policy, request and facts, and the verdict, answer
//! and record that must come of it.
//!
//! Each scenario gets a world of its own at each door, loaded from files as `run` loads them, and is asked over a real
//! connection. Both doors must do what it expects, and leave the same record (promise 3: one decision, every door).

mod ask;
mod case;
mod compare;
mod explained;
mod neighbour;
mod origin;
mod world;

use std::path::{Path, PathBuf};

use ask::{Told, Way};
use case::{Case, Only};

/// How many scenarios there are at least; fewer means that the folder was not found.
const FEWEST: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = files(&folder);
    assert!(files.len() >= FEWEST, "only {} scenarios below {}", files.len(), folder.display());
    let mut faults = Vec::new();
    for file in &files {
        let name = file.strip_prefix(&folder).unwrap().display().to_string();
        let case: Case = match toml::from_str(&std::fs::read_to_string(file).unwrap()) {
            Ok(case) => case,
            Err(fault) => {
                faults.push(format!("{name}: not a scenario: {fault}"));
                continue;
            }
        };
        assert!(!case.about.trim().is_empty(), "{name} does not say what it is about");
        for fault in check(&case).await {
            faults.push(format!("{name}: {fault}"));
        }
    }
    assert!(faults.is_empty(), "{} of {} scenarios:\n{}", faults.len(), files.len(), faults.join("\n"));
}

/// Everything in which what comes of it differs from what the scenario expects, and one door from the other.
async fn check(case: &Case) -> Vec<String> {
    if case.only.is_some() != case.because.is_some() {
        return vec!["`only` and `because` stand together".to_owned()];
    }
    let proxy = match at(case, Way::Proxy).await {
        Ok(proxy) => proxy,
        Err(faults) => return faults,
    };
    let mut faults = proxy.faults.clone();
    if !case.expect.findings.is_empty() || case.only == Some(Only::Proxy) {
        return faults;
    }
    match at(case, Way::ForwardAuth).await {
        Ok(asked) => {
            let differing = compare::doors(case, &proxy, &asked).into_iter();
            faults.extend(
                asked.faults.iter().cloned().chain(differing).map(|fault| format!("forward-auth: {fault}")),
            );
        }
        Err(others) => faults.extend(others),
    }
    faults
}

/// What comes of a scenario at one door, in a world of its own.
async fn at(case: &Case, way: Way) -> Result<Told, Vec<String>> {
    let origin = origin::Origin::start().await;
    let folder = world::write(case, &origin.url());
    let loaded = crate::load::load_all(&folder.path().join("portcullis.toml"));
    if !case.expect.findings.is_empty() {
        return Err(compare::findings(&case.expect.findings, &loaded.findings));
    }
    let Some(parts) = loaded.parts else {
        return Err(vec![format!("does not load:\n{}", crate::report::plain(&loaded.findings))]);
    };
    Ok(ask::ask(case, parts, &origin, folder.path(), way).await)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
