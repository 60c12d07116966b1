//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::children::{self, Selection};
use crate::section::{Cell, Section, instructions};
use crate::summary;

/// What a decision costs, beside the engines people would embed instead.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure cells, each in a process of its own; fails if a decision is wrong or allocates where none may
    Run(Selection),
    /// Print what was measured as Markdown
    Summary {
        /// Files that `run --json` wrote; of a cell in several lines the last one counts
        files: Vec<PathBuf>,
    },
    /// Measure one cell in this process, and print it as JSON
    Cell {
        /// What is measured
        section: Section,
        /// Of whom
        peer: String,
        /// At what
        workload: String,
        /// Of which size
        size: usize,
    },
    /// Make as many decisions as the next line of standard input says
    #[command(hide = true)]
    Steps { peer: String, workload: String, size: usize },
}

/// Does what the arguments say.
pub fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(selection) => children::run(&selection),
        Command::Summary { files } => summary::print(&files).map(|()| true),
        Command::Cell { section, peer, workload, size } => {
            children::measure(&Cell { section, peer, workload, size }).map(|()| true)
        }
        Command::Steps { peer, workload, size } => instructions::steps(&peer, &workload, size).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("engine-peers: {fault}");
            ExitCode::FAILURE
        }
    }
}
