//! `portcullis doctor` alone, for working on it without the rest of the program.

use clap::Parser;
use portcullis_diagnose::command::{Doctor, run};

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    doctor: Doctor,
}

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let mut words = words.into_iter();
    let name = words.next().unwrap_or_default();
    let folded =
        portcullis_diagnose::asked::fold_curl([name, "doctor".to_owned()].into_iter().chain(words).collect());
    let cli =
        Cli::parse_from(folded.into_iter().enumerate().filter(|(at, _)| *at != 1).map(|(_, word)| word));
    let exit = run(&cli.doctor, &mut std::io::stdout().lock(), &mut std::io::stderr().lock());
    std::process::ExitCode::from(exit as u8)
}
