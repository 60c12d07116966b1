//! The binary. Everything is in the library beside it, where it can be tried with hostile input.

use std::process::ExitCode;

fn main() -> ExitCode {
    portcullis::run()
}
