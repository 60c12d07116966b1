//! The long proofs of the engine, for which the tests have no time: both are examples of `portcullis-worlds`, built for
//! speed.

use crate::run::run;

/// The engine against the official Cedar in generated worlds.
pub(crate) fn differential() -> Result<(), String> {
    example("differential")
}

/// The engine against the official Cedar on the corpus of Cedar's own tests.
pub(crate) fn corpus() -> Result<(), String> {
    example("corpus")
}

/// Runs an example with the arguments that stand behind the chore.
fn example(name: &str) -> Result<(), String> {
    // Chores run from the workspace's root: a path is meant from where one stands.
    let absolute = |given: String| match std::path::Path::new(&given).canonicalize() {
        Ok(path) => path.display().to_string(),
        Err(_) => given,
    };
    let given: Vec<String> = std::env::args().skip(2).map(absolute).collect();
    let mut arguments =
        vec!["run", "--profile", "proof", "--package", "portcullis-worlds", "--example", name, "--"];
    arguments.extend(given.iter().map(String::as_str));
    run("cargo", &arguments)
}
