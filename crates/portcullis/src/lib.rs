//! The binary as a library: everything but `main`, which only runs it. Nothing here is an interface for other programs;
//! what is public is what `main`, and whoever tries hostile input on the configuration, needs.

mod assemble;
mod cli;
mod config;
mod demo;
mod load;
mod rehearsal;
mod report;
#[cfg(test)]
mod scenarios;
mod serve;
mod telemetry;

use std::path::Path;
use std::process::ExitCode;

/// Reads the command line, runs one command, and turns its result into an exit code.
#[must_use]
pub fn run() -> ExitCode {
    cli::run()
}

/// What the checks say of a configuration's text alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Whether nothing stands in its way.
    pub sound: bool,
    /// The findings as `check --json` prints them.
    pub findings: serde_json::Value,
    /// The findings as `check` prints them, without colour.
    pub printed: String,
}

/// Checks a configuration as if it stood at `path`. The files it names are looked for, but policies, databases and
/// directories are not read.
#[must_use]
pub fn examine(path: &Path, text: &str) -> Examined {
    let loaded = config::load_text(path, text.to_owned());
    let findings: Vec<_> = loaded.findings.into_iter().map(miette::Report::new).collect();
    Examined {
        sound: loaded.config.is_some(),
        findings: report::json(&findings),
        printed: report::plain(&findings),
    }
}
