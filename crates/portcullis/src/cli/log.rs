//! `portcullis log`: look through the decision log, prove that it is whole, erase what it has of somebody.
//!
//! What is found goes to standard output, one decision a line; what must be known beside it goes to standard error.

mod erase;
mod export;
mod key;
mod prove;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigPath, Exit, complain};
use crate::load;
use show::Show;

/// Look through the decision log.
///
/// Without a command: show the decisions that match, oldest first. Everything that is asked for must hold; of a filter
/// that is repeated, one.
#[derive(Debug, Args)]
pub(crate) struct Log {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    show: Show,
    #[command(flatten)]
    place: LogPlace,
}

#[derive(Debug, Subcommand)]
enum Action {
    Verify(prove::Verify),
    Key(key::Key),
    Forget(erase::Forget),
    Pseudonym(key::Pseudonym),
}

/// Where the log is.
#[derive(Debug, Args)]
struct LogPlace {
    /// The folder of a log, wherever it comes from; instead of the configuration's.
    #[arg(long, global = true, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    path: ConfigPath,
}

impl Log {
    pub(crate) fn run(&self) -> Exit {
        if self.action.is_some() && self.show != Show::default() {
            complain("what is looked for in the log means nothing to this command", Some(ALONE));
            return Exit::Usage;
        }
        let done = self.place.folder().and_then(|folder| match &self.action {
            None => self.show.run(&folder),
            Some(Action::Verify(command)) => command.run(&folder),
            Some(Action::Key(command)) => command.run(&folder),
            Some(Action::Forget(command)) => command.run(&folder),
            Some(Action::Pseudonym(command)) => command.run(&folder),
        });
        done.unwrap_or_else(|failure| {
            complain(&failure.text, failure.hint);
            failure.exit
        })
    }
}

const ALONE: &str = "only `--config` and `--folder` go with it, in front of it or behind it";

/// Why a command did not do its work.
pub(super) struct Failure {
    text: String,
    hint: Option<&'static str>,
    exit: Exit,
}

impl Failure {
    fn failed(text: impl ToString) -> Self {
        Self { text: text.to_string(), hint: None, exit: Exit::Failed }
    }

    fn wrong(text: impl ToString, hint: &'static str) -> Self {
        Self { text: text.to_string(), hint: Some(hint), exit: Exit::Wrong }
    }
}

impl LogPlace {
    /// The folder, if there is a log in it.
    fn folder(&self) -> Result<PathBuf, Failure> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            // The log is read even when policies or data are broken just now: that is when people ask.
            None => load::load_all(&self.path.config).log_folder.ok_or_else(|| Failure {
                text: format!("cannot tell from `{}` where the log is", self.path.config.display()),
                hint: Some(
                    "`portcullis check` says what is wrong with it; `--config FILE` names another, `--folder` the log itself",
                ),
                exit: Exit::Failed,
            })?,
        };
        if folder.is_dir() {
            return Ok(folder);
        }
        let text =
            format!("there is no log in `{}`: no gate ran with this configuration yet", folder.display());
        Err(Failure::wrong(text, "`--config FILE` names another configuration, `--folder FOLDER` a log"))
    }
}
