//! The configuration file as a text with places: which bytes hold which key. It knows nothing of what keys mean.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use miette::{NamedSource, Severity};

use super::finding::Finding;

/// Where a key and its value stand.
#[derive(Debug, Clone)]
struct Place {
    key: Range<usize>,
    value: Range<usize>,
}

/// A text, the places in it, and what was found wrong with it so far.
///
/// Places are named by path: `app[0].require.country[1]`. What is not written has the place of the nearest table
/// around it.
#[derive(Debug)]
pub(crate) struct Source {
    named: NamedSource<Arc<str>>,
    length: usize,
    places: BTreeMap<String, Place>,
    findings: Vec<Finding>,
    faulty: BTreeSet<String>,
}

impl Source {
    /// A text without any places yet. `name` is what people know it by.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self {
            named: NamedSource::new(name, Arc::from(text)),
            length: text.len(),
            places: BTreeMap::new(),
            findings: Vec::new(),
            faulty: BTreeSet::new(),
        }
    }

    /// The name people know it by.
    pub(crate) fn name(&self) -> &str {
        self.named.name()
    }

    /// Remembers where something stands. The first place of a path counts.
    pub(crate) fn place(&mut self, path: &str, key: Range<usize>, value: Range<usize>) {
        self.places.entry(path.to_owned()).or_insert(Place { key, value });
    }

    /// Whether something is written under this path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// The bytes of a value, or of the nearest table around it.
    pub(crate) fn span(&self, path: &str) -> Range<usize> {
        self.nearest(path).map_or(0..0, |place| place.value.clone())
    }

    /// Something that stands in the way.
    pub(crate) fn error(&mut self, path: &str, code: &'static str, message: String, help: impl Into<String>) {
        self.add(path, code, message, help.into(), Severity::Error);
    }

    /// Something worth knowing.
    pub(crate) fn warning(
        &mut self,
        path: &str,
        code: &'static str,
        message: String,
        help: impl Into<String>,
    ) {
        self.add(path, code, message, help.into(), Severity::Warning);
    }

    /// Something wrong with a key rather than its value.
    pub(crate) fn key_error(&mut self, path: &str, code: &'static str, message: String, help: String) {
        let span = self.nearest(path).map_or(0..0, |place| place.key.clone());
        self.add_at(span, path, code, message, help, Severity::Error);
    }

    /// Something wrong with bytes that have no path: not TOML.
    pub(crate) fn error_at(&mut self, span: Range<usize>, code: &'static str, message: String, help: &str) {
        self.add_at(span, "", code, message, help.to_owned(), Severity::Error);
    }

    /// Something worth knowing about bytes that are known otherwise.
    pub(crate) fn warning_at(&mut self, span: Range<usize>, code: &'static str, message: String, help: &str) {
        self.add_at(span, "", code, message, help.to_owned(), Severity::Warning);
    }

    /// Whether anything was found wrong with a value or with what is in it.
    pub(crate) fn is_faulty(&self, path: &str) -> bool {
        self.faulty.range(path.to_owned()..).next().is_some_and(|faulty| faulty.starts_with(path))
    }

    /// Whether anything was found wrong with this very value.
    pub(crate) fn is_named(&self, path: &str) -> bool {
        self.faulty.contains(path)
    }

    /// Whether anything stands in the way.
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Everything found so far, in order of position.
    pub(crate) fn take_findings(&mut self) -> Vec<Finding> {
        let mut findings = std::mem::take(&mut self.findings);
        findings.sort_by_key(|finding| finding.place.as_ref().map_or(0, |(_, span)| span.start));
        findings
    }

    fn add(&mut self, path: &str, code: &'static str, message: String, help: String, severity: Severity) {
        let span = self.span(path);
        self.add_at(span, path, code, message, help, severity);
    }

    /// One value, one finding: what is wrong with its form would only be said again by whoever reads its meaning.
    fn add_at(
        &mut self,
        span: Range<usize>,
        path: &str,
        code: &'static str,
        message: String,
        help: String,
        severity: Severity,
    ) {
        if severity == Severity::Error && !path.is_empty() && !self.faulty.insert(path.to_owned()) {
            return;
        }
        let span = span.start.min(self.length)..span.end.min(self.length);
        let help = (!help.is_empty()).then_some(help);
        self.findings.push(Finding {
            code,
            message,
            help,
            severity,
            place: Some((self.named.clone(), span)),
        });
    }

    fn nearest(&self, path: &str) -> Option<&Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return Some(place);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }
}

/// The path of a key within a table; names that are no bare keys are quoted, so that no two paths look alike.
pub(crate) fn below(path: &str, key: &str) -> String {
    let bare =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// The path of an element of an array.
pub(crate) fn element(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}
