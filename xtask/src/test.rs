//! `cargo xtask test`: everything that must hold, from formatting to a browser looking at a refusal.

use crate::run::{have, run, run_with};
use crate::tidy;

/// What the tests run besides Rust, the Debian package it comes from, and why.
const NEEDED: &[(&str, &str, &str)] = &[
    ("curl", "curl", "asks the gate as people do, by HTTP"),
    ("python3", "python3", "serves files as an origin that is not ours (python3 -m http.server)"),
    ("chromium", "chromium", "looks at the refusal pages as a person would"),
];

/// Fetches, checks, tests, takes the demo's tour.
pub(crate) fn all() -> Result<(), String> {
    fetch()?;
    tidy::all()?;
    run("cargo", &["test", "--workspace", "--features", "portcullis/real-servers"])?;
    run("cargo", &["run", "--release", "--", "demo", "--tour"])
}

/// Rewrites what is generated from the code.
pub(crate) fn generate() -> Result<(), String> {
    run_with(&[("UPDATE_GENERATED", "1")], "cargo", &["test", "--package", "portcullis", "generated"])?;
    run(
        "cargo",
        &[
            "run",
            "--package",
            "portcullis-response",
            "--example",
            "write_book_pages",
            "--",
            "docs/src/refusals",
        ],
    )
}

fn fetch() -> Result<(), String> {
    let missing: Vec<_> = NEEDED.iter().filter(|(program, _, _)| !have(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for (program, package, why) in &missing {
        println!("needs `{program}` (package {package}): {why}");
    }
    let sudo = have("sudo") && !is_root();
    let apt = |arguments: &[&str]| {
        if sudo { run("sudo", &[&["apt-get"], arguments].concat()) } else { run("apt-get", arguments) }
    };
    apt(&["update"])?;
    let packages: Vec<_> = missing.iter().map(|(_, package, _)| *package).collect();
    apt(&[&["install", "--yes", "--no-install-recommends"], &packages[..]].concat())
}

fn is_root() -> bool {
    std::process::Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}
