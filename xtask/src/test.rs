//! `cargo xtask test`: everything that must hold, from formatting to a browser looking at a refusal.

use crate::run::{have, run, run_with};
use crate::tidy;
use crate::zoo;

/// What the tests run besides Rust, the Debian package it comes from, and why.
const NEEDED: &[(&str, &str, &str)] = &[
    ("curl", "curl", "asks the gate as people do, by HTTP"),
    ("python3", "python3", "serves files as an origin that is not ours (python3 -m http.server)"),
    ("chromium", "chromium", "looks at the refusal pages as a person would"),
    ("nginx", "nginx", "stands before an application and asks at the forward-auth door"),
    ("caddy", "caddy", "stands before an application and asks at the forward-auth door"),
    ("node", "nodejs", "is an application with WebSockets and with bodies large and small"),
    ("h2load", "nghttp2-client", "asks by HTTP/2 as fast as it can"),
    ("wrk", "wrk", "asks by HTTP/1.1 as fast as it can"),
    ("openssl", "openssl", "makes the certificate that curl checks"),
    ("prlimit", "util-linux", "stands for a full disk where none can be mounted"),
];

/// The Python that has `grpc`, the package that brings it, and why; a `python3` of one's own is asked first.
const GRPC: (&[&str], &str, &str) =
    (&["python3", "/usr/bin/python3"], "python3-grpcio", "calls the gate as gRPC's own client does");

/// Fetches, checks, tests, takes the demo's tour.
pub(crate) fn all() -> Result<(), String> {
    fetch()?;
    tidy::all()?;
    run("cargo", &["test", "--workspace", "--features", "portcullis/real-servers"])?;
    zoo::check()?;
    run("cargo", &["run", "--release", "--", "demo", "--tour"])
}

/// Rewrites what is generated from the code.
pub(crate) fn generate() -> Result<(), String> {
    for package in ["portcullis", "portcullis-measure", "portcullis-diagnose"] {
        run_with(&[("UPDATE_GENERATED", "1")], "cargo", &["test", "--package", package, "generated"])?;
    }
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
    let programs = NEEDED.iter().filter(|(program, _, _)| !have(program)).copied();
    let (pythons, package, why) = GRPC;
    let grpc = (!pythons.iter().any(|python| has_grpc(python))).then_some(("grpc", package, why));
    let missing: Vec<_> = programs.chain(grpc).collect();
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
    let root = |arguments: &[&str]| match (arguments, sudo) {
        (_, true) => run("sudo", arguments),
        ([program, rest @ ..], false) => run(program, rest),
        ([], false) => Ok(()),
    };
    apt(&["update"])?;
    let packages: Vec<_> = missing.iter().map(|(_, package, _)| *package).collect();
    // Debian starts a server as soon as it is installed; the tests start their own, and nobody asked for another.
    let quiet = !std::path::Path::new(POLICY).exists();
    if quiet {
        let refusing = std::env::temp_dir().join(format!("policy-rc.d.{}", std::process::id()));
        std::fs::write(&refusing, "#!/bin/sh\nexit 101\n")
            .map_err(|fault| format!("cannot write: {fault}"))?;
        root(&["install", "-m", "755", &refusing.display().to_string(), POLICY])?;
        std::fs::remove_file(&refusing).map_err(|fault| format!("cannot remove: {fault}"))?;
    }
    let installed = apt(&[&["install", "--yes", "--no-install-recommends"], &packages[..]].concat());
    if quiet {
        root(&["rm", "-f", POLICY])?;
    }
    installed
}

fn has_grpc(python: &str) -> bool {
    let asked = std::process::Command::new(python).args(["-c", "import grpc"]).output();
    asked.is_ok_and(|output| output.status.success())
}

/// Asked by Debian's packages whether they may start what they bring; 101 says no.
const POLICY: &str = "/usr/sbin/policy-rc.d";

fn is_root() -> bool {
    std::process::Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}
