//! `portcullis log forget`.

use std::path::Path;

use portcullis_record::forget::{ForgetError, forget};

use super::Failure;
use crate::cli::{Exit, complain, say};

/// Erase everything recorded of one principal. The log can still be proved to be whole.
///
/// Decisions of that principal and their outcomes are replaced by their hashes, named by a signed note in `erasures`.
/// A running gate is asked to end its segment first and goes on meanwhile. It cannot be undone.
#[derive(Debug, clap::Args)]
pub(super) struct Forget {
    /// The principal's identifier, as it was recorded or before it was given a pseudonym.
    #[arg(value_name = "PRINCIPAL")]
    principal: String,
    /// Do it; without this it is only said what to give.
    #[arg(long)]
    yes: bool,
}

impl Forget {
    pub(super) fn run(&self, folder: &Path) -> Result<Exit, Failure> {
        if !self.yes {
            return Err(Failure::wrong(
                format!("this erases every decision of `{}` for good", self.principal),
                "see what it would be with `portcullis log --principal`, then add `--yes`",
            ));
        }
        let forgotten = forget(folder, &self.principal).map_err(|fault| match fault {
            ForgetError::Busy(_) => Failure {
                text: fault.to_string(),
                hint: Some("stop the gate, or try again; what was asked for is not done by half"),
                exit: Exit::Failed,
            },
            fault => Failure::failed(fault),
        })?;
        if forgotten.decisions + forgotten.outcomes == 0 {
            complain(format_args!("nothing is recorded of `{}`", self.principal), None);
            return Ok(Exit::Wrong);
        }
        say(format_args!(
            "erased {} decisions and {} outcomes in {} segments",
            forgotten.decisions, forgotten.outcomes, forgotten.segments
        ));
        Ok(Exit::Done)
    }
}
