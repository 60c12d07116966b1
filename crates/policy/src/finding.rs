//! Findings as they are collected: each in a file, at a span, with a code. It knows nothing of what is found.
//!
//! INVARIANT: findings come out in order of file and position, and are bounded in number.

use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, MietteDiagnostic, NamedSource, Report, Severity};

use crate::SourceText;

/// Every text that findings can point into, by index.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    files: Vec<Source>,
}

/// One text, with where its lines start.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    named: Arc<NamedSource<String>>,
    line_starts: Vec<usize>,
}

impl Sources {
    pub(crate) fn add(&mut self, source: &SourceText) -> usize {
        let line_starts = std::iter::once(0)
            .chain(source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
            .collect();
        self.files.push(Source {
            name: source.name.clone(),
            named: Arc::new(NamedSource::new(&source.name, source.text.clone())),
            line_starts,
        });
        self.files.len() - 1
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.files.iter().position(|source| source.name == name)
    }

    pub(crate) fn name(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |source| source.name.as_str())
    }

    pub(crate) fn text(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |source| source.named.inner().as_str())
    }

    /// 1-based line and column (in characters) of a byte offset.
    pub(crate) fn position(&self, file: usize, offset: usize) -> (usize, usize) {
        let Some(source) = self.files.get(file) else { return (0, 0) };
        let line = source.line_starts.partition_point(|start| *start <= offset);
        let start = source.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = source.named.inner().get(start..offset).map_or(0, |text| text.chars().count());
        (line, column + 1)
    }
}

/// Where a finding belongs; without a file it comes last and shows no source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Option<usize>,
    pub(crate) span: Range<usize>,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    found: Vec<(usize, usize, MietteDiagnostic, Option<usize>)>,
    errors: usize,
    omitted: usize,
}

/// More findings than these help nobody, and a hostile file could have one for each byte.
const MOST: usize = 1_000;

impl Findings {
    pub(crate) fn error(
        &mut self,
        code: &str,
        place: &Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.errors += 1;
        self.add(Severity::Error, code, place, message.into(), help.into());
    }

    pub(crate) fn warning(
        &mut self,
        code: &str,
        place: &Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.add(Severity::Warning, code, place, message.into(), help.into());
    }

    fn add(&mut self, severity: Severity, code: &str, place: &Place, message: String, help: String) {
        let mut diagnostic = MietteDiagnostic::new(message).with_code(code).with_severity(severity);
        if !help.is_empty() {
            diagnostic = diagnostic.with_help(help);
        }
        if place.file.is_some() {
            diagnostic = diagnostic.with_label(LabeledSpan::underline(place.span.clone()));
        }
        self.push(place.file, place.span.start, diagnostic);
    }

    /// Takes over one of Cedar's own diagnostics: its words, spans and hint, under our code.
    pub(crate) fn adopt(
        &mut self,
        severity: Severity,
        code: &str,
        place: &Place,
        fault: &dyn Diagnostic,
        help: Option<String>,
    ) {
        if severity == Severity::Error {
            self.errors += 1;
        }
        let mut diagnostic = MietteDiagnostic::new(fault.to_string()).with_code(code).with_severity(severity);
        if let Some(help) = help.or_else(|| fault.help().map(|help| help.to_string())) {
            diagnostic = diagnostic.with_help(help);
        }
        let labels: Vec<LabeledSpan> = match place.file {
            Some(_) => fault.labels().into_iter().flatten().collect(),
            None => Vec::new(),
        };
        let offset = labels.first().map_or(place.span.start, LabeledSpan::offset);
        if !labels.is_empty() {
            diagnostic = diagnostic.with_labels(labels);
        } else if place.file.is_some() {
            diagnostic = diagnostic.with_label(LabeledSpan::underline(place.span.clone()));
        }
        self.push(place.file, offset, diagnostic);
    }

    fn push(&mut self, file: Option<usize>, offset: usize, diagnostic: MietteDiagnostic) {
        if self.found.len() < MOST {
            self.found.push((file.unwrap_or(usize::MAX), offset, diagnostic, file));
        } else {
            self.omitted += 1;
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    pub(crate) fn into_reports(mut self, sources: &Sources) -> Vec<Report> {
        self.found.sort_by_key(|(file, offset, _, _)| (*file, *offset));
        let mut reports: Vec<Report> = self
            .found
            .into_iter()
            .map(|(_, _, diagnostic, file)| {
                let report = Report::new(diagnostic);
                match file.and_then(|file| sources.files.get(file)) {
                    Some(source) => report.with_source_code(Arc::clone(&source.named)),
                    None => report,
                }
            })
            .collect();
        if self.omitted > 0 {
            let severity = if self.errors > 0 { Severity::Error } else { Severity::Warning };
            reports.push(Report::new(
                MietteDiagnostic::new(format!("{} more findings are not shown", self.omitted))
                    .with_code("portcullis::policy::more")
                    .with_severity(severity)
                    .with_help("put right what is shown and check again"),
            ));
        }
        reports
    }
}

/// Only the words and the hint of a diagnostic: its spans point into a text that was never written.
#[derive(Debug)]
pub(crate) struct Words<'a, D>(pub(crate) &'a D);

impl<D: std::fmt::Display> std::fmt::Display for Words<'_, D> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<D: Diagnostic> std::error::Error for Words<'_, D> {}

impl<D: Diagnostic> Diagnostic for Words<'_, D> {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.0.help()
    }
}
