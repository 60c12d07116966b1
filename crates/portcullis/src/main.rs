//! The binary: reads the command line, runs one command, and turns its result into an exit code.

mod assemble;
mod cli;
mod config;
mod demo;
mod load;
mod report;
#[cfg(test)]
mod scenarios;
mod serve;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
