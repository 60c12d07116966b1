//! The forms in which decisions are printed.

use std::io::{self, Write};

use portcullis_record::search::{Glance, show};

/// A form for other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Export {
    /// The records as they are, one JSON object a line.
    Jsonl,
    /// A table with a header.
    Csv,
    /// Events of the Open Cybersecurity Schema Framework (HTTP Activity), one JSON object a line.
    Ocsf,
}

/// Prints what stands before the first decision.
pub(super) fn begin(export: Option<Export>, to: &mut impl Write) -> io::Result<()> {
    match export {
        Some(Export::Csv) => writeln!(to, "{}", show::CSV_HEADER),
        Some(Export::Jsonl | Export::Ocsf) | None => Ok(()),
    }
}

/// Prints a decision.
pub(super) fn print(export: Option<Export>, line: &str, to: &mut impl Write) -> io::Result<()> {
    if export == Some(Export::Jsonl) {
        return writeln!(to, "{line}");
    }
    // What was found was looked at before.
    let Some(glance) = Glance::of(line) else { return Ok(()) };
    match export {
        Some(Export::Csv) => writeln!(to, "{}", show::csv(&glance)),
        Some(Export::Ocsf) => writeln!(to, "{}", show::ocsf(&glance)),
        Some(Export::Jsonl) | None => writeln!(to, "{}", show::line(&glance)),
    }
}
