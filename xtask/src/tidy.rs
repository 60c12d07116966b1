//! `cargo xtask tidy`: what keeps the house in order and no compiler checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{root, run};

/// The crates in flow order, and what each may use beside crates from elsewhere. ARCHITECTURE.md explains it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("request", &[]),
    ("identity", &["request"]),
    ("context", &["request", "identity"]),
    ("decision", &[]),
    ("policy", &["decision"]),
    ("response", &["request"]),
    ("record", &["request"]),
    ("payload", &[]),
    ("quota", &[]),
    ("measure", &[]),
    (
        "gate",
        &[
            "request", "identity", "context", "decision", "policy", "response", "record", "payload", "quota",
            "measure",
        ],
    ),
    ("proxy", &["gate", "request", "response", "decision", "payload", "measure"]),
    ("endpoints", &["gate", "request", "response", "record", "measure"]),
    ("siteconf", &[]),
    ("diagnose", &["siteconf"]),
    ("accesslog", &["diagnose"]),
    // Beside the product: what it may use is what it proves.
    ("worlds", &["decision"]),
];

/// Longest source file, in lines: beyond it a person no longer reads it in one sitting.
const LONGEST_FILE: usize = 600;

/// All checks.
pub(crate) fn all() -> Result<(), String> {
    run("cargo", &["fmt", "--all", "--check"])?;
    dependency_direction()?;
    file_sizes()?;
    book()?;
    threats()?;
    run("cargo", &["clippy", "--workspace", "--all-targets", "--all-features", "--", "--deny", "warnings"])
}

fn dependency_direction() -> Result<(), String> {
    let mut faults = Vec::new();
    for (name, allowed) in MAY_USE {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let text = read(&manifest)?;
        // What tests use beside the crate is not what the crate uses.
        let product = text.lines().take_while(|line| *line != "[dev-dependencies]");
        let own = product.filter_map(|line| line.strip_prefix("portcullis-"));
        let used = own.filter_map(|line| line.split(['.', ' ', '=']).next());
        for used in used.filter(|used| !allowed.contains(used)) {
            faults.push(format!("`{name}` may not use `{used}` (see ARCHITECTURE.md)"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn file_sizes() -> Result<(), String> {
    let mut long = Vec::new();
    for path in rust_files()? {
        if read(&path)?.lines().count() > LONGEST_FILE {
            long.push(format!("{} is longer than {LONGEST_FILE} lines: split it", path.display()));
        }
    }
    long.sort();
    if long.is_empty() { Ok(()) } else { Err(long.join("\n")) }
}

fn rust_files() -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("crates"), root().join("xtask")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|fault| format!("{}: {fault}", folder.display()))? {
            let path = entry.map_err(|fault| fault.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else if is_rust(&path) {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Every chapter that the book's summary names exists, and every page stands in the summary: mdBook leaves out the rest
/// without a word.
fn book() -> Result<(), String> {
    let source = root().join("docs/src");
    let summary = read(&source.join("SUMMARY.md"))?;
    let named: BTreeSet<PathBuf> = summary
        .split("](")
        .skip(1)
        .filter_map(|link| link.split(')').next())
        .map(|link| source.join(link))
        .collect();
    let mut pages = BTreeSet::new();
    let mut folders = vec![source];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|fault| format!("{}: {fault}", folder.display()))? {
            let path = entry.map_err(|fault| fault.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md")
                && !path.ends_with("SUMMARY.md")
            {
                pages.insert(path);
            }
        }
    }
    let faults: Vec<_> = named
        .difference(&pages)
        .map(|page| format!("docs/src/SUMMARY.md names {}, which does not exist", page.display()))
        .chain(
            pages.difference(&named).map(|page| format!("{} is not in docs/src/SUMMARY.md", page.display())),
        )
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// Every line of `docs/src/threats.md` names tests or scenarios, and all of them exist: a test that is renamed or dropped
/// takes its promise with it.
fn threats() -> Result<(), String> {
    let page = root().join("docs/src/threats.md");
    let text = read(&page)?;
    let mut code = String::new();
    for file in rust_files()? {
        code.push_str(&read(&file)?);
    }
    let mut faults = Vec::new();
    // An item begins with its number and goes on until the next one.
    let items = text.split("\n").fold(Vec::<String>::new(), |mut items, line| {
        let number = format!("{}. ", items.len() + 1);
        match (line.strip_prefix(&number), items.last_mut()) {
            (Some(rest), _) => items.push(rest.to_owned()),
            (None, Some(last)) => last.push_str(line),
            (None, None) => {}
        }
        items
    });
    for (item, number) in items.iter().zip(1..) {
        // Between backticks is every second part.
        let quoted = item.split('`').skip(1).step_by(2);
        let is_test = |name: &&str| name.contains('_') && name.chars().all(is_snake);
        let (tests, rest): (Vec<_>, Vec<_>) = quoted.partition(is_test);
        let scenarios: Vec<_> = rest.into_iter().filter(|name| name.starts_with("scenarios/")).collect();
        if tests.is_empty() && scenarios.is_empty() {
            faults.push(format!("docs/src/threats.md {number} names no test"));
        }
        let missing_tests = tests.into_iter().filter(|name| !code.contains(&format!("fn {name}(")));
        let missing_scenarios = scenarios.into_iter().filter(|name| !root().join(name).is_file());
        for missing in missing_tests.chain(missing_scenarios) {
            faults.push(format!("docs/src/threats.md {number} names `{missing}`, which does not exist"));
        }
    }
    if items.is_empty() {
        faults.push("docs/src/threats.md has no numbered line".to_owned());
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn is_snake(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn read(path: &PathBuf) -> Result<String, String> {
    fs::read_to_string(path).map_err(|fault| format!("cannot read `{}`: {fault}", path.display()))
}
