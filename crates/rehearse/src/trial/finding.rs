//! What is wrong in test files, with the place and what to write instead; all of it at once, in the order of the files,
//! and bounded.

use std::ops::Range;
use std::sync::Arc;

use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report, Severity};

/// More findings than this are one mistake made often.
const MOST: usize = 100;

/// A place in one of the files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Index of the file.
    pub(super) file: usize,
    start: usize,
    end: usize,
}

impl Place {
    pub(super) fn new(file: usize, span: Range<usize>) -> Self {
        Self { file, start: span.start, end: span.end }
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// What is wrong so far.
pub(super) struct Findings {
    files: Vec<Arc<NamedSource<String>>>,
    /// Where the lines of each file start.
    lines: Vec<Vec<usize>>,
    severity: Severity,
    found: Vec<(Place, Report)>,
    more: usize,
}

impl Findings {
    pub(super) fn new(files: &[(String, String)], severity: Severity) -> Self {
        let starts = |text: &str| {
            let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
        };
        let lines = files.iter().map(|(_, text)| starts(text)).collect();
        let files = files.iter().map(|(name, text)| Arc::new(NamedSource::new(name, text.clone()))).collect();
        Self { files, lines, severity, found: Vec::new(), more: 0 }
    }

    /// Adds one: `code` names its kind, `label` stands at the place.
    pub(super) fn add(&mut self, code: &str, place: &Place, message: String, label: &str, help: String) {
        if self.found.len() == MOST {
            self.more += 1;
            return;
        }
        let report = report(code, self.severity, message, label, help, Some(place.span()));
        let report = match self.files.get(place.file) {
            Some(file) => report.with_source_code(Arc::clone(file)),
            None => report,
        };
        self.found.push((place.clone(), report));
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.found.len() + self.more
    }

    pub(super) fn file(&self, place: &Place) -> Option<Arc<NamedSource<String>>> {
        self.files.get(place.file).map(Arc::clone)
    }

    /// 1-based line of a place.
    pub(super) fn line(&self, place: &Place) -> usize {
        self.lines.get(place.file).map_or(0, |lines| lines.partition_point(|start| *start <= place.start))
    }

    pub(super) fn into_reports(mut self) -> Vec<Report> {
        self.found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut reports: Vec<Report> = self.found.into_iter().map(|(_, report)| report).collect();
        if self.more > 0 {
            let message = format!("{} more findings in policy tests are not shown", self.more);
            let help = "put right what is shown and check again".to_owned();
            reports.push(report("more", self.severity, message, "", help, None));
        }
        reports
    }
}

/// A finding without its source.
pub(super) fn report(
    code: &str,
    severity: Severity,
    message: String,
    label: &str,
    help: String,
    span: Option<Range<usize>>,
) -> Report {
    let mut diagnostic = MietteDiagnostic::new(message)
        .with_code(format!("portcullis::test::{code}"))
        .with_severity(severity)
        .with_help(help);
    if let Some(span) = span {
        diagnostic = diagnostic.with_label(LabeledSpan::at(span, label));
    }
    Report::new(diagnostic)
}
