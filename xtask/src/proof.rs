//! The long proofs of the engine, for which the tests have no time: both are examples of `portcullis-worlds`, built for
//! speed.

use crate::run::run;

/// The engine against the official Cedar in generated worlds.
pub(crate) fn differential() -> Result<(), String> {
    example("differential")
}

/// Runs an example with the arguments that stand behind the chore.
fn example(name: &str) -> Result<(), String> {
    let given: Vec<String> = std::env::args().skip(2).collect();
    let mut arguments =
        vec!["run", "--profile", "proof", "--package", "portcullis-worlds", "--example", name, "--"];
    arguments.extend(given.iter().map(String::as_str));
    run("cargo", &arguments)
}
