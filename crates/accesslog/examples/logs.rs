//! The command `logs` alone, without the rest of Portcullis: for measuring, and for machines that need nothing else.

use std::process::ExitCode;

use clap::Parser;
use portcullis_accesslog::command::Logs;

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    logs: Logs,
}

fn main() -> ExitCode {
    Alone::parse().logs.run().code().into()
}
