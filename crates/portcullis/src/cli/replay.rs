//! `portcullis replay`: recorded traffic decided again under other policies.

mod told;

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use portcullis_gate::ForbidFault;
use portcullis_rehearse::replay::{Candidate, Kind, Progress, Report, Routes, Settings, replay};

use super::{ConfigPath, Exit, complain, say};
use crate::config::measure;
use crate::load::{self, Parts};
use crate::report;

/// Decide recorded traffic again under other policies, and say what would change.
///
/// The principal of each request is as it was recorded; groups within groups, apps and routes are the candidate's. Where the
/// record does not hold a fact that the candidate asks for, the answer is counted as unknown, never guessed: with
/// `log.facts = "all"` records are complete. Exits with 1 if anything that `--fail-on` names was found, with 3 if the
/// candidate or the log cannot be used.
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// The candidate: a folder of policies to put in the place of those in force, or a whole configuration.
    #[arg(long, value_name = "FOLDER|FILE")]
    with: PathBuf,
    /// The folder of the decision log; by default the one of the configuration.
    #[arg(long, value_name = "FOLDER")]
    log: Option<PathBuf>,
    /// Only decisions from here on: how long ago (`7d`, `12h`), or a time (`2026-11-20`, `2026-11-20T10:00:00Z`).
    #[arg(long, value_name = "WHEN", value_parser = instant)]
    since: Option<Timestamp>,
    /// Only decisions before here.
    #[arg(long, value_name = "WHEN", value_parser = instant)]
    until: Option<Timestamp>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Exit with 1 if there is any difference of these kinds.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    /// How many references of each group to show.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(0..=100))]
    examples: u16,
    /// What to group differences by.
    #[arg(long, value_name = "WHAT", value_delimiter = ',', default_value = "policy,path")]
    by: Vec<By>,
    #[command(flatten)]
    path: ConfigPath,
}

/// A kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    NewlyAllowed,
    NewlyRefused,
    ChangedReason,
    Unknown,
}

/// What differences have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// What decided.
    Policy,
    /// Host and the first segments of the path.
    Path,
    /// What the principal was in.
    Group,
    /// What was said, and would be.
    Answer,
}

impl FailOn {
    fn kind(self) -> Kind {
        match self {
            Self::NewlyAllowed => Kind::NewlyAllowed,
            Self::NewlyRefused => Kind::NewlyRefused,
            Self::ChangedReason => Kind::ChangedReason,
            Self::Unknown => Kind::Unknown,
        }
    }
}

impl Replay {
    pub(crate) fn run(&self) -> Exit {
        let Some((candidate, folder)) = self.candidate() else { return Exit::Failed };
        if !folder.is_dir() {
            complain(
                format_args!("there is no log in `{}`", folder.display()),
                Some("`--log FOLDER` names another, `--config FILE` the configuration that says where it is"),
            );
            return Exit::Failed;
        }
        let settings = Settings {
            since: self.since,
            until: self.until,
            examples: usize::from(self.examples),
            threads: None,
        };
        let report = match replay(&folder, &candidate, &settings, &Bar::new()) {
            Ok(report) => report,
            Err(fault) => {
                complain(format_args!("cannot read the log: {fault}"), None);
                return Exit::Failed;
            }
        };
        if self.json {
            say(told::json(&report));
        } else {
            say(told::text(&report, &self.with, &folder, &self.by).trim_end());
        }
        warn(&report);
        let found = self.fail_on.iter().any(|kind| report.count(kind.kind()) > 0);
        if found { Exit::Wrong } else { Exit::Done }
    }

    /// The candidate and the folder of the log; `None` where either cannot be had, and why was said.
    fn candidate(&self) -> Option<(Candidate, PathBuf)> {
        let is_folder = self.with.is_dir();
        let (loaded, routes) = if is_folder {
            (load::load_with(&self.path.config, Some(&self.with)), Routes::AsRecorded)
        } else {
            (load::load_with(&self.with, None), Routes::Anew)
        };
        report::to_stderr(&loaded.findings);
        let Some(parts) = loaded.parts else {
            complain(
                format_args!("`{}` cannot be used as it stands; nothing was replayed", self.with.display()),
                None,
            );
            return None;
        };
        let folder = match (&self.log, is_folder) {
            (Some(folder), _) => Some(folder.clone()),
            (None, true) => loaded.log_folder,
            (None, false) => load::load_untested(&self.path.config).log_folder,
        };
        let Some(folder) = folder else {
            complain(
                format_args!("cannot tell from `{}` where the log is", self.path.config.display()),
                Some("`--log FOLDER` says where it is; `--config FILE` names another configuration"),
            );
            return None;
        };
        Some((candidate(parts, routes)?, folder))
    }
}

/// Parts as a candidate.
fn candidate(parts: Parts, routes: Routes) -> Option<Candidate> {
    let on_forbid_fault: ForbidFault = parts.config.policies.on_forbid_fault;
    match Candidate::new(parts.policies, parts.apps, &parts.directory, on_forbid_fault, routes) {
        Ok(candidate) => Some(candidate),
        Err(fault) => {
            complain(fault, None);
            None
        }
    }
}

fn warn(report: &Report) {
    if report.broken > 0 {
        let hint = "`portcullis log verify` says where, if this log is chained";
        complain(format_args!("{} lines of the log could not be read", report.broken), Some(hint));
    }
    if report.newer > 0 {
        let hint = "a later version wrote them; replay with that one";
        complain(
            format_args!("{} decisions are in a format that is not known here", report.newer),
            Some(hint),
        );
    }
}

/// How far it is, on a terminal only.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        // Draws on standard error, and not at all where that is no terminal.
        let style = "{bar:30} {percent:>3} %  {binary_bytes_per_sec}  {eta} left";
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Progress for Bar {
    fn begin(&self, bytes: u64) {
        self.0.set_length(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// `7d`: so long ago; or a time.
fn instant(text: &str) -> Result<Timestamp, String> {
    if let Ok(ago) = measure::duration(text) {
        return before(Timestamp::now(), ago).ok_or_else(|| "that is before all time".to_owned());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let day = text.parse::<jiff::civil::Date>().ok().and_then(|day| format!("{day}T00:00:00Z").parse().ok());
    day.ok_or_else(|| "write how long ago (`7d`, `12h`) or a time (`2026-11-20T10:00:00Z`)".to_owned())
}

fn before(now: Timestamp, ago: Duration) -> Option<Timestamp> {
    now.checked_sub(SignedDuration::try_from(ago).ok()?).ok()
}
