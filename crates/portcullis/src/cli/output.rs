//! The two streams of a command. A reader that goes away (`portcullis why … | head`) is no error.

use std::io::Write;

/// Writes a result to standard output.
pub(crate) fn say(text: impl std::fmt::Display) {
    drop(writeln!(std::io::stdout().lock(), "{text}"));
}

/// Writes a message to standard error: what was wrong, then what to do about it.
pub(crate) fn complain(text: impl std::fmt::Display, hint: Option<&str>) {
    let mut stderr = std::io::stderr().lock();
    drop(writeln!(stderr, "portcullis: {text}"));
    if let Some(hint) = hint {
        drop(writeln!(stderr, "  hint: {hint}"));
    }
}

/// Writes a text to standard error as it is.
pub(crate) fn complain_plainly(text: &str) {
    drop(write!(std::io::stderr().lock(), "{text}"));
}
