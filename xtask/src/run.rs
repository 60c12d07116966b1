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
    println!("$ {program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .status()
        .map_err(|fault| format!("cannot start `{program}`: {fault}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{program} {}` failed: {status}", arguments.join(" ")))
    }
}

/// Whether a program is there to be run.
pub(crate) fn have(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|paths| std::env::split_paths(&paths).any(|path| path.join(program).is_file()))
}

/// Makes a chore's environment variable known to the programs it runs.
pub(crate) fn run_with(variable: (&str, &str), program: &str, arguments: &[&str]) -> Result<(), String> {
    println!("$ {}={} {program} {}", variable.0, variable.1, arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .env(variable.0, variable.1)
        .current_dir(root())
        .status()
        .map_err(|fault| format!("cannot start `{program}`: {fault}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{program} {}` failed: {status}", arguments.join(" ")))
    }
}
