//! Running other programs: always from the workspace's root, always said before it is done.

use std::path::PathBuf;
use std::process::Command;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// Runs a program and fails if it fails.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    run_with(&[], program, arguments)
}

/// Runs a program that is told something by environment variables.
pub(crate) fn run_with(variables: &[(&str, &str)], program: &str, arguments: &[&str]) -> Result<(), String> {
    let told: String = variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    println!("$ {told}{program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(root())
        .status()
        .map_err(|fault| format!("cannot start `{program}`: {fault}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{program} {}` failed: {status}", arguments.join(" ")))
    }
}

/// Whether a program is there to be run, also where Debian puts servers.
pub(crate) fn have(program: &str) -> bool {
    let servers = PathBuf::from("/usr/sbin");
    std::env::var_os("PATH").is_some_and(|paths| {
        std::env::split_paths(&paths).chain([servers]).any(|path| path.join(program).is_file())
    })
}
