//! Findings for people and for programs.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, Report, Severity};

use crate::cli::complain_plainly;

/// Prints findings to standard error, in colour if it is a terminal that wants it.
pub(crate) fn to_stderr(findings: &[Report]) {
    let coloured = std::io::IsTerminal::is_terminal(&std::io::stderr())
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let theme = if coloured { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let escapes = if coloured { Escapes::OfColour } else { Escapes::None };
    complain_plainly(&printable(&rendered(findings, theme), escapes));
}

/// Says findings in the log of the process, for whoever reads that by program.
pub(crate) fn to_log(findings: &[Report]) {
    for finding in findings {
        let place = place(finding);
        let (file, line) =
            (place.as_ref().and_then(|place| place.file.as_deref()), place.as_ref().map(|place| place.line));
        let code = finding.code().map(|code| code.to_string());
        let help = finding.help().map(|help| help.to_string());
        if is_error(finding) {
            tracing::error!(code, file, line, help, "{finding}");
        } else {
            tracing::warn!(code, file, line, help, "{finding}");
        }
    }
}

/// Findings as plain text.
pub(crate) fn plain(findings: &[Report]) -> String {
    printable(&rendered(findings, GraphicalTheme::none()), Escapes::None)
}

fn rendered(findings: &[Report], theme: GraphicalTheme) -> String {
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110);
    let mut text = String::new();
    for finding in findings {
        // Writing into a text cannot fail; a handler that does falls back to the message.
        if handler.render_report(&mut text, finding.as_ref()).is_err() {
            text.push_str(&finding.to_string());
        }
        text.push('\n');
    }
    text
}

/// Whether a text may have the escape sequences that change colours, as those of a theme do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    OfColour,
    None,
}

/// Findings repeat names and lines as they are written. What would move the cursor, or show a text in another order than it
/// stands in, is shown as a symbol of the same width, so that places still fit.
fn printable(text: &str, escapes: Escapes) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        match character {
            '\n' | '\t' => shown.push(character),
            '\r' if text.get(at + 1..).is_some_and(|rest| rest.starts_with('\n')) => {}
            '\u{1b}' if escapes == Escapes::OfColour && colours(text.get(at + 1..)) => shown.push(character),
            '\u{7f}' => shown.push('\u{2421}'),
            '\0'..'\u{20}' => shown.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}')),
            '\u{80}'..'\u{a0}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => shown.push('\u{fffd}'),
            _ => shown.push(character),
        }
    }
    shown
}

/// Whether an escape goes on as one that only changes colours: `[`, numbers, `m`.
fn colours(rest: Option<&str>) -> bool {
    let Some(numbers) = rest.and_then(|rest| rest.strip_prefix('[')) else { return false };
    numbers.trim_start_matches(|next: char| next.is_ascii_digit() || next == ';').starts_with('m')
}

/// Findings as one JSON document: `{"findings": [{severity, code, message, help, file, line, column, length}]}`.
pub(crate) fn json(findings: &[Report]) -> serde_json::Value {
    serde_json::json!({ "findings": findings.iter().map(one).collect::<Vec<_>>() })
}

fn one(finding: &Report) -> serde_json::Value {
    let place = place(finding);
    serde_json::json!({
        "severity": if is_error(finding) { "error" } else { "warning" },
        "code": finding.code().map(|code| code.to_string()),
        "message": printable(&finding.to_string(), Escapes::None),
        "help": finding.help().map(|help| printable(&help.to_string(), Escapes::None)),
        "file": place.as_ref().and_then(|place| place.file.clone()),
        "line": place.as_ref().map(|place| place.line),
        "column": place.as_ref().map(|place| place.column),
        "length": place.as_ref().map(|place| place.length),
    })
}

/// Whether a finding stands in the way.
pub(crate) fn is_error(finding: &Report) -> bool {
    finding.severity().unwrap_or_default() == Severity::Error
}

struct Place {
    file: Option<String>,
    line: usize,
    column: usize,
    length: usize,
}

fn place(finding: &Report) -> Option<Place> {
    let label: LabeledSpan = finding.labels()?.next()?;
    let content = finding.source_code()?.read_span(label.inner(), 0, 0).ok()?;
    Some(Place {
        file: content.name().map(str::to_owned),
        line: content.line() + 1,
        column: content.column() + 1,
        length: label.len(),
    })
}

#[cfg(test)]
mod tests {
    use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report, Severity};

    use super::{Escapes, is_error, json, plain, printable};

    fn findings() -> Vec<Report> {
        let placed = MietteDiagnostic::new("unknown key `lisen`")
            .with_code("portcullis::config::unknown_key")
            .with_help("did you mean `listen`?")
            .with_label(LabeledSpan::at(9..14, "here"));
        let source = NamedSource::new("portcullis.toml", "[server]\nlisen = 1\n");
        let bare = MietteDiagnostic::new("cannot read `x`").with_severity(Severity::Warning);
        vec![Report::new(placed).with_source_code(source), Report::new(bare)]
    }

    #[test]
    fn programs_get_every_part() {
        let expected = serde_json::json!({ "findings": [
            {
                "severity": "error",
                "code": "portcullis::config::unknown_key",
                "message": "unknown key `lisen`",
                "help": "did you mean `listen`?",
                "file": "portcullis.toml", "line": 2, "column": 1, "length": 5,
            },
            {
                "severity": "warning", "code": null, "message": "cannot read `x`", "help": null,
                "file": null, "line": null, "column": null, "length": null,
            },
        ]});
        assert_eq!(json(&findings()), expected);
    }

    #[test]
    fn people_see_the_text_the_place_and_the_hint() {
        let text = plain(&findings());
        for part in
            ["portcullis.toml:2:1", "lisen = 1", "did you mean `listen`?", "portcullis::config::unknown_key"]
        {
            assert!(text.contains(part), "`{part}` is not in\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "no colour where none was asked for");
    }

    #[test]
    fn nothing_written_moves_the_cursor_or_turns_a_line_round() {
        let written = "\u{1b}[2J\u{1b}[31m\u{7f}\u{9b}\u{202e}a\rb\r\n";
        let shown = printable(written, Escapes::None);
        assert_eq!(shown, "\u{241b}[2J\u{241b}[31m\u{2421}\u{fffd}\u{fffd}a\u{240d}b\n");
        let coloured = printable(written, Escapes::OfColour);
        assert_eq!(coloured, "\u{241b}[2J\u{1b}[31m\u{2421}\u{fffd}\u{fffd}a\u{240d}b\n");
        let finding = || Report::new(MietteDiagnostic::new("unknown key `\u{1b}[2J`"));
        assert!(!plain(&[finding()]).contains('\u{1b}'));
        assert!(!json(&[finding()]).to_string().contains("\\u001b"));
    }

    #[test]
    fn what_has_no_severity_stands_in_the_way() {
        assert_eq!(findings().iter().map(is_error).collect::<Vec<_>>(), [true, false]);
    }
}
