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
    let mut folders = vec![root().join("crates"), root().join("xtask")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|fault| format!("{}: {fault}", folder.display()))? {
            let path = entry.map_err(|fault| fault.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else if is_rust(&path) && read(&path)?.lines().count() > LONGEST_FILE {
                long.push(format!("{} is longer than {LONGEST_FILE} lines: split it", path.display()));
            }
        }
    }
    long.sort();
    if long.is_empty() { Ok(()) } else { Err(long.join("\n")) }
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

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn read(path: &PathBuf) -> Result<String, String> {
    fs::read_to_string(path).map_err(|fault| format!("cannot read `{}`: {fault}", path.display()))
}
