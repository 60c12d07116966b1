//! The command line: one definition from which parser, help, completions and man pages come.
//!
//! Results go to standard output, everything else to standard error; exit codes are those of [`Exit`].

mod asking;
mod can;
mod check;
mod completions;
mod demo;
mod diff;
mod doctor;
mod explain;
pub(crate) mod init;
mod key;
mod log;
mod logs;
mod man;
mod output;
mod policy;
mod replay;
mod run;
mod shadow;
mod test;
mod what;
mod who;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub(crate) use output::{complain, complain_plainly, say};

/// A zero-trust access gateway and policy engine for HTTP.
///
/// Every request is decided by who asks, on which device, from where, on which plan and what the policies say; every
/// refusal has exactly the right status and can be explained. Start with `portcullis demo`.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Init(init::Init),
    Check(check::Check),
    Run(run::Run),
    Test(test::Test),
    Can(can::Can),
    Who(who::Who),
    What(what::What),
    Why(why::Why),
    Log(Box<log::Log>),
    Replay(Box<replay::Replay>),
    Diff(diff::Diff),
    Shadow(shadow::Shadow),
    Explain(explain::Explain),
    Logs(logs::Logs),
    Doctor(Box<portcullis_diagnose::command::Doctor>),
    Policy(policy::Policy),
    Key(key::Key),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Where the configuration is.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigPath {
    /// The configuration file.
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        default_value = "portcullis.toml",
        env = "PORTCULLIS_CONFIG"
    )]
    pub(crate) config: PathBuf,
}

/// How a command ended. The numbers are part of the interface; 2 is clap's own, for a wrong command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: what was looked at is wrong: findings, a failed tour, nothing found.
    Wrong,
    /// 2: the words make no sense together, which only the command itself can tell.
    Usage,
    /// 3: the command could not do its work: a file, a socket, a database.
    Failed,
    /// 4: nothing is wrong, but there are warnings, and they were denied.
    Warned,
    /// 4: it depends on facts that nobody gave.
    Depends,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Wrong => 1,
            Exit::Usage => 2,
            Exit::Failed => 3,
            Exit::Warned | Exit::Depends => 4,
        })
    }
}

/// Parses the command line and runs the command.
pub(crate) fn run() -> ExitCode {
    // A pasted `curl …` is one argument; words that are no UTF-8 are clap's to complain about.
    let words: Option<Vec<String>> = std::env::args_os().map(|word| word.into_string().ok()).collect();
    let cli = match words {
        Some(words) => Cli::parse_from(portcullis_diagnose::asked::fold_curl(words)),
        None => Cli::parse(),
    };
    match cli.command {
        Command::Demo(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Can(command) => command.run(),
        Command::Who(command) => command.run(),
        Command::What(command) => command.run(),
        Command::Why(command) => command.run(),
        Command::Log(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Shadow(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Logs(command) => logs::run(&command),
        Command::Doctor(command) => doctor::run(&command),
        Command::Policy(command) => command.run(),
        Command::Key(command) => command.run(),
        Command::Completions(command) => command.run(&mut Cli::command()),
        Command::Man(command) => command.run(Cli::command()),
    }
    .into()
}
