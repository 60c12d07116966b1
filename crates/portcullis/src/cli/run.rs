//! `portcullis run`: the gate in front of real services.

use super::{ConfigPath, Exit, complain};
use crate::{load, report, serve};

/// Stand in front of the services of a configuration.
///
/// Refuses to start when anything is wrong with it; `portcullis check` says the same without starting. Changed files
/// are taken up while running, whole or not at all.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    path: ConfigPath,
    /// Write logs as JSON lines, and whatever else goes to standard error too.
    #[arg(long)]
    log_json: bool,
}

impl Run {
    pub(crate) fn run(&self) -> Exit {
        serve::start_logging(self.log_json);
        let loaded = load::load_all(&self.path.config);
        if self.log_json {
            report::to_log(&loaded.findings);
        } else {
            report::to_stderr(&loaded.findings);
        }
        let Some(parts) = loaded.parts else {
            self.complain(&"the configuration is not usable; nothing was started", None);
            return Exit::Wrong;
        };
        match serve::run(parts) {
            Ok(()) => Exit::Done,
            Err(fault) => {
                self.complain(&fault, fault.hint());
                Exit::Failed
            }
        }
    }

    fn complain(&self, what: &dyn std::fmt::Display, hint: Option<&str>) {
        if self.log_json {
            tracing::error!(hint, "{what}");
        } else {
            complain(what, hint);
        }
    }
}
