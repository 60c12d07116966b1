//! What is wrong in directory files, with the place and what to write instead.
//!
//! Findings are gathered, not thrown: whoever repairs a directory wants to see all of it at once. They come out in the
//! order of the files, and are bounded.

use std::ops::Range;
use std::sync::Arc;

use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report};

/// More findings than this are one mistake made often.
const MAX_FINDINGS: usize = 100;
/// Names compared for a suggestion: a mistyped name in a directory of a million must not take minutes.
const MAX_COMPARED: usize = 20_000;
/// Names and values are shown up to this length.
const SHOWN: usize = 80;

/// A place in one of the files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Index of the file.
    pub(super) file: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Place {
    pub(super) fn new(file: usize, span: Range<usize>) -> Self {
        Self { file, start: span.start, end: span.end }
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
    found: Vec<(Place, Report)>,
    more: usize,
}

impl Findings {
    pub(super) fn new(files: &[(String, String)]) -> Self {
        let files = files.iter().map(|(name, text)| Arc::new(NamedSource::new(name, text.clone()))).collect();
        Self { files, found: Vec::new(), more: 0 }
    }

    /// Adds one: `code` names its kind, `label` stands at the place.
    pub(super) fn add(&mut self, code: &str, place: &Place, message: String, label: &str, help: String) {
        if self.found.len() == MAX_FINDINGS {
            self.more += 1;
            return;
        }
        let diagnostic = MietteDiagnostic::new(message)
            .with_code(format!("portcullis::directory::{code}"))
            .with_label(LabeledSpan::at(place.start..place.end, label))
            .with_help(help);
        let report = Report::new(diagnostic);
        let report = match self.files.get(place.file) {
            Some(file) => report.with_source_code(Arc::clone(file)),
            None => report,
        };
        self.found.push((place.clone(), report));
    }

    /// `file:line` of a place, for a finding that concerns two.
    pub(super) fn line(&self, place: &Place) -> String {
        let Some(file) = self.files.get(place.file) else { return String::new() };
        let before = file.inner().get(..place.start).unwrap_or_default();
        format!("{}:{}", file.name(), before.matches('\n').count() + 1)
    }

    /// Nothing, or all of it in the order of the files.
    pub(super) fn into_result(mut self) -> Result<(), Vec<Report>> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut reports: Vec<Report> = self.found.into_iter().map(|(_, report)| report).collect();
        if self.more > 0 {
            reports.push(Report::new(
                MietteDiagnostic::new(format!("{} more findings are not shown", self.more))
                    .with_code("portcullis::directory::more"),
            ));
        }
        Err(reports)
    }
}

/// A name or value as it is shown in a message.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .take(SHOWN)
        .map(|character| if character.is_control() { '\u{fffd}' } else { character })
        .collect()
}

/// The known name nearest to a mistyped one, if one is near.
pub(super) fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .take(MAX_COMPARED)
        .filter(|known| known.len().abs_diff(wanted.len()) <= most * 4)
        .map(|known| (strsim::damerau_levenshtein(wanted, known), known))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, known)| known)
}
