//! Chores that are not part of the product: `cargo xtask test`, `cargo xtask tidy`, `cargo xtask generate`, the long
//! proofs of the engine, and the diagnostician's score.
//!
//! Standard library only, so that the first thing a newcomer runs compiles in a second.

mod proof;
mod run;
mod test;
mod tidy;
mod zoo;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <chore>

  test      fetch what the tests need (it says what and why), then run everything
  tidy      formatting, lints, dependency direction, file sizes
  generate  rewrite generated references (configuration, refusal pages, metrics)

  differential [--pairs N] [--seed S] [--seconds T] [--world SEED]
            the engine against the official Cedar in generated worlds, on all cores
  corpus PATH
            the same with the corpus of cedar-integration-tests, unpacked or a tarball
  zoo [--set NAME] [--names NAME…] [--page]
            the diagnostician on real servers that answer 403; `zoo --help` tells the rest
";

fn main() -> ExitCode {
    let chore = std::env::args().nth(1);
    let done = match chore.as_deref() {
        Some("test") => test::all(),
        Some("tidy") => tidy::all(),
        Some("generate") => test::generate(),
        Some("differential") => proof::differential(),
        Some("corpus") => proof::corpus(),
        Some("zoo") => zoo::score(),
        Some("help" | "--help" | "-h") | None => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(other) => Err(format!("there is no chore `{other}`\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("xtask: {fault}");
            ExitCode::FAILURE
        }
    }
}
