//! Findings for people and for programs.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, Report, Severity};

use crate::cli::complain_plainly;

/// Prints findings to standard error, in colour if it is a terminal that wants it.
pub(crate) fn to_stderr(findings: &[Report]) {
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr())
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    complain_plainly(&rendered(findings, theme));
}

/// Findings as plain text.
pub(crate) fn plain(findings: &[Report]) -> String {
    rendered(findings, GraphicalTheme::none())
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

/// Findings as one JSON document: `{"findings": [{severity, code, message, help, file, line, column, length}]}`.
pub(crate) fn json(findings: &[Report]) -> serde_json::Value {
    serde_json::json!({ "findings": findings.iter().map(one).collect::<Vec<_>>() })
}

fn one(finding: &Report) -> serde_json::Value {
    let place = place(finding);
    serde_json::json!({
        "severity": if is_error(finding) { "error" } else { "warning" },
        "code": finding.code().map(|code| code.to_string()),
        "message": finding.to_string(),
        "help": finding.help().map(|help| help.to_string()),
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

    use super::{is_error, json, plain};

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
    fn what_has_no_severity_stands_in_the_way() {
        assert_eq!(findings().iter().map(is_error).collect::<Vec<_>>(), [true, false]);
    }
}
