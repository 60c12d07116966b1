//! `portcullis check`: everything that `run` would load, without starting.

use super::{ConfigPath, Exit, complain, say};
use crate::{load, report};

/// Check the configuration and all that it names: policies, guards, schema, directory, geo databases, keys, templates.
///
/// Prints everything that is wrong at once, each with file, line and hint. Exits with 1 if anything stands in the way, with
/// 4 if there are only warnings and they are denied.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    #[command(flatten)]
    path: ConfigPath,
    /// Print the findings as JSON on standard output.
    #[arg(long)]
    json: bool,
    /// Let warnings fail too.
    #[arg(long)]
    deny_warnings: bool,
}

impl Check {
    pub(crate) fn run(&self) -> Exit {
        let loaded = load::load_all(&self.path.config);
        if self.json {
            say(report::json(&loaded.findings));
        } else {
            report::to_stderr(&loaded.findings);
        }
        let errors = loaded.findings.iter().filter(|finding| report::is_error(finding)).count();
        let warnings = loaded.findings.len() - errors;
        if !self.json && !loaded.findings.is_empty() {
            complain(format_args!("{}, {}", counted(errors, "error"), counted(warnings, "warning")), None);
        }
        match (errors, warnings) {
            (1.., _) => Exit::Wrong,
            (0, 1..) if self.deny_warnings => Exit::Warned,
            (0, _) => Exit::Done,
        }
    }
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
