//! `portcullis log verify`.

use std::path::{Path, PathBuf};

use portcullis_record::verify::{Against, Report, verify};
use portcullis_record::{Verifier, keys};
use serde_json::json;

use super::Failure;
use crate::cli::{Exit, complain, say};

/// Prove that the log is whole: no record changed, missing, moved or put in, and every checkpoint true.
///
/// What is wrong is printed with its segment, line, byte and reference, and the exit code is 1. Lines that
/// `log forget` erased are counted as erased.
#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// Checkpoints that were kept elsewhere (`log.checkpoint_copy`): the log must be what they say. May be repeated.
    #[arg(long, value_name = "FILE")]
    from_checkpoint: Vec<PathBuf>,
    /// The public key, as `log key` prints it, or a file that has it; by default the one beside the log.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(&self, folder: &Path) -> Result<Exit, Failure> {
        let verifier = match &self.key {
            Some(key) => Some(parse(key)?),
            None => keys::verifier(folder).map_err(Failure::failed)?,
        };
        let mut against = Against { verifier, checkpoints: Vec::new() };
        for file in &self.from_checkpoint {
            let shown = file.display();
            let notes = std::fs::read_to_string(file)
                .map_err(|fault| Failure::failed(format!("cannot read `{shown}`: {fault}")))?;
            against.add(&notes).map_err(|fault| {
                Failure::wrong(
                    format!("`{shown}` holds no checkpoints of this log: {fault}"),
                    "give the key that signed them with `--key`",
                )
            })?;
        }
        let report = verify(folder, &against).map_err(Failure::failed)?;
        if self.json {
            say(to_json(&report));
        } else {
            tell(&report);
        }
        if !report.signed {
            complain(
                "no signature was checked: there is no key beside this log",
                Some("`--key` takes what `portcullis log key` prints where the log is written"),
            );
        }
        Ok(if report.findings.is_empty() { Exit::Done } else { Exit::Wrong })
    }
}

/// A key, or a file that has it.
fn parse(key: &str) -> Result<Verifier, Failure> {
    let text = if key.contains('+') && !std::path::Path::new(key).exists() {
        key.to_owned()
    } else {
        std::fs::read_to_string(key)
            .map_err(|fault| Failure::failed(format!("cannot read `{key}`: {fault}")))?
    };
    text.parse()
        .map_err(|fault| Failure::wrong(fault, "`portcullis log key` prints it where the log is written"))
}

fn tell(report: &Report) {
    for finding in &report.findings {
        say(finding);
    }
    if report.more > 0 {
        say(format_args!("and {} more", report.more));
    }
    let what =
        format!("{} lines in {} segments, {} bytes of text", report.lines, report.segments, report.bytes);
    if !report.findings.is_empty() {
        say(format_args!("the log is not whole ({what})"));
        return;
    }
    say(format_args!("the log is whole: {what}"));
    if report.starts > 0 {
        let starts = report.starts;
        say(format_args!(
            "  it starts with number {starts}; what was before is kept no longer, and a checkpoint vouches for it"
        ));
    }
    say(format_args!(
        "  {} checkpoints are true; they vouch for everything before number {}",
        report.checkpoints, report.vouched
    ));
    for (count, text) in [
        (report.erased, "lines were erased, each named by a signed note"),
        (report.unchained, "lines are from before there was a chain; nothing vouches for them"),
        (report.too_old, "checkpoints are about lines that are kept no longer, and were not checked"),
        (report.unfinished, "bytes at the end are a line that is being written"),
    ] {
        if count > 0 {
            say(format_args!("  {count} {text}"));
        }
    }
}

fn to_json(report: &Report) -> serde_json::Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "segment": finding.place.file, "line": finding.place.line, "byte": finding.place.byte,
                "number": finding.place.number, "reference": finding.place.reference,
                "what": finding.fault.to_string(),
            })
        })
        .collect();
    json!({
        "whole": report.findings.is_empty(), "signed": report.signed,
        "segments": report.segments, "lines": report.lines, "bytes": report.bytes,
        "starts": report.starts, "checkpoints": report.checkpoints, "vouched": report.vouched,
        "erased": report.erased, "unchained": report.unchained, "unfinished": report.unfinished,
        "findings": findings, "more": report.more,
    })
}
