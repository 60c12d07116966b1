//! The command `logs`: its arguments, reading with a bar for progress, the report in the form that was asked for.
//!
//! Results go to standard output, everything else to standard error.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::explain::{Known, Moment, Report, explain};
use crate::format::Format;
use crate::read::read;
use crate::report::{html, json, markdown, text};
use crate::study::geo::Geo;

/// Explain the 403s of access logs: how many, since when, who, and what they go with.
///
/// Reads plain files, gz, zst and standard input (`-`) once, in bounded memory. Formats are found by themselves: nginx and
/// Apache (common, combined, with more fields), JSON, Caddy, Traefik, HAProxy, load balancers, Envoy, IIS and CloudFront;
/// error logs of nginx and Apache add the server's own reasons.
#[derive(Debug, Clone, clap::Args)]
pub struct Logs {
    /// Access logs, and error logs beside them; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// A format's name, or nginx's `log_format` or Apache's `LogFormat` itself.
    #[arg(long, value_name = "FORMAT", value_parser = Format::named)]
    format: Option<Format>,
    /// Read what rotation left beside each file too: `FILE.1`, `FILE.2.gz`, `FILE-20260303.gz`.
    #[arg(long)]
    rotated: bool,
    /// When there was a deployment: `14:30` or `2026-03-03T14:30:00Z`. Repeatable.
    #[arg(long, value_name = "TIME")]
    deploy: Vec<Moment>,
    /// A MaxMind database of countries or networks. Repeatable.
    #[arg(long, value_name = "FILE")]
    geo: Vec<PathBuf>,
    /// Ranges that a search engine publishes (its JSON, or one range a line), to verify crawlers with. Repeatable.
    #[arg(long, value_name = "FILE")]
    crawlers: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print Markdown, to paste into a ticket.
    #[arg(long)]
    markdown: bool,
    /// Write a page with charts too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: the 403s are explained, or there is nothing to explain.
    Explained,
    /// 1: no cause is likely enough.
    Undecided,
    /// 3: nothing could be read, or the page not be written.
    Unreadable,
}

impl Exit {
    /// The number of the exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Explained => 0,
            Self::Undecided => 1,
            Self::Unreadable => 3,
        }
    }
}

impl Logs {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> Exit {
        let known = match self.known() {
            Ok(known) => known,
            Err(fault) => {
                complain(&fault);
                return Exit::Unreadable;
            }
        };
        let files = self.all_files();
        let bar = bar(&files);
        let reading = read(&files, self.format.as_ref(), &|bytes| bar.inc(bytes));
        bar.finish_and_clear();
        for bad in &reading.unreadable {
            complain(&format!("{}: {}", bad.path.display(), bad.why));
        }
        if reading.tally.requests + reading.tally.errors == 0 {
            if reading.unreadable.len() < files.len() {
                complain(&nothing_read(&reading.tally));
            }
            return Exit::Unreadable;
        }
        let report = explain(reading, &known);
        self.tell(&report)
    }

    fn tell(&self, report: &Report) -> Exit {
        let said = if self.json {
            format!("{:#}", json::json(report))
        } else if self.markdown {
            markdown::markdown(report)
        } else {
            text::text(report, text::Style::of_terminal())
        };
        // A reader that goes away (`… | head`) is no fault.
        drop(writeln!(io::stdout().lock(), "{}", said.trim_end()));
        if let Some(path) = &self.html
            && let Err(fault) = std::fs::write(path, html::page(report))
        {
            complain(&format!("cannot write `{}`: {fault}", path.display()));
            return Exit::Unreadable;
        }
        if report.decided { Exit::Explained } else { Exit::Undecided }
    }

    fn known(&self) -> Result<Known, String> {
        let mut known = Known { deployments: self.deploy.clone(), ..Known::default() };
        if !self.geo.is_empty() {
            let mut geo = Geo::default();
            for path in &self.geo {
                geo.open(path)?;
            }
            known.geo = Some(geo);
        }
        for path in &self.crawlers {
            known.crawlers.extend(ranges(path)?);
        }
        Ok(known)
    }

    fn all_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for file in &self.files {
            files.push(file.clone());
            if self.rotated {
                files.extend(beside(file).into_iter().filter(|beside| !self.files.contains(beside)));
            }
        }
        files
    }
}

/// Largest file of published ranges.
const LARGEST_RANGES: u64 = 16 << 20;

/// Ranges of a file: anything in it that is a range in CIDR notation.
fn ranges(path: &Path) -> Result<Vec<ipnet::IpNet>, String> {
    let unreadable = |why: String| format!("cannot read the ranges in `{}`: {why}", path.display());
    let length = std::fs::metadata(path).map_err(|fault| unreadable(fault.to_string()))?.len();
    if length > LARGEST_RANGES {
        return Err(unreadable(format!("it is larger than {} MiB", LARGEST_RANGES >> 20)));
    }
    let text = std::fs::read_to_string(path).map_err(|fault| unreadable(fault.to_string()))?;
    let words = text.split(|letter: char| letter.is_whitespace() || matches!(letter, '"' | ','));
    let ranges: Vec<_> = words.filter_map(|word| word.parse().ok()).collect();
    if ranges.is_empty() { Err(unreadable("no address range is in it".to_owned())) } else { Ok(ranges) }
}

/// What rotation left beside a file, by name.
fn beside(file: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let is_rotated = |other: &OsString| {
        let rest = other.to_str().and_then(|other| other.strip_prefix(name));
        rest.is_some_and(|rest| {
            rest.starts_with(['.', '-']) && rest.bytes().any(|byte| byte.is_ascii_digit())
        })
    };
    let names =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.file_name());
    let mut found: Vec<PathBuf> = names.filter(is_rotated).map(|name| file.with_file_name(name)).collect();
    found.sort();
    found
}

fn nothing_read(tally: &crate::tally::Tally) -> String {
    if tally.bytes == 0 {
        "there is nothing in it: an empty log explains nothing".to_owned()
    } else {
        format!(
            "none of {} lines is in a format that is known; give it with --format (a name, or the `log_format` string)",
            tally.broken
        )
    }
}

/// A bar on terminals, for what takes a while.
fn bar(files: &[PathBuf]) -> ProgressBar {
    let sizes = files.iter().filter_map(|file| std::fs::metadata(file).ok());
    let bytes: u64 = sizes.filter(std::fs::Metadata::is_file).map(|metadata| metadata.len()).sum();
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr_with_hz(8));
    if bytes < 64 << 20 || !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style =
        ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn complain(text: &str) {
    drop(writeln!(io::stderr().lock(), "portcullis: {}", crate::report::redact::printable(text, 1_000)));
}
