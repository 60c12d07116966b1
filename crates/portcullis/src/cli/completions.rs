//! `portcullis completions`: what a shell needs to complete our command line.

use clap_complete::Shell;

use super::{Exit, complain};

/// Print completions for a shell.
///
/// For example: portcullis completions bash > /etc/bash_completion.d/portcullis
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell to write for.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, command: &mut clap::Command) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "portcullis", &mut script);
        match std::io::Write::write_all(&mut std::io::stdout().lock(), &script) {
            Ok(()) => Exit::Done,
            Err(fault) => {
                complain(format_args!("cannot write the completions: {fault}"), None);
                Exit::Failed
            }
        }
    }
}
