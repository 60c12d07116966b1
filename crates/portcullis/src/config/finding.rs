//! One thing that is wrong with what was written: where, what, and what to do about it.

use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};

/// A finding about a text. Never holds a secret: those are not in configuration files.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Finding {
    /// Stable: `portcullis::config::unknown_key`.
    pub(crate) code: &'static str,
    /// What is wrong, with the input quoted.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// Whether it stands in the way, or is only worth knowing.
    pub(crate) severity: Severity,
    /// Where it is: the text and the bytes in it. `None` where there is no text, as for a file that is not there.
    pub(crate) place: Option<(NamedSource<Arc<str>>, Range<usize>)>,
}

impl Finding {
    /// A finding without a text.
    pub(crate) fn bare(code: &'static str, message: String, help: Option<String>) -> Self {
        Self { code, message, help, severity: Severity::Error, place: None }
    }
}

impl Diagnostic for Finding {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|(source, _)| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (_, span) = self.place.as_ref()?;
        let label = LabeledSpan::new_with_span(Some("here".to_owned()), span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// The nearest of the known words, if it is near enough to have been meant.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&written.to_lowercase(), &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= (word.chars().count() / 3).max(1))
        .min()
        .map(|(_, word)| word)
}

/// "did you mean …", or else everything that is known.
pub(crate) fn suggest<'a>(written: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(word) = nearest(written, known.clone()) {
        return format!("did you mean `{word}`?");
    }
    let all: Vec<String> = known.into_iter().map(|word| format!("`{word}`")).collect();
    if all.is_empty() {
        "there is none to choose from".to_owned()
    } else {
        format!("known are {}", all.join(", "))
    }
}

/// A written text, quoted for a message: escaped, and cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
