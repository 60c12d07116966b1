//! The report for a ticket.

use super::json::not_refused;
use super::model::{Report, Verdict, percent};

/// Markdown. Secrets are out already; what comes from a server is fenced, so that it cannot become markup.
#[must_use]
pub fn to_markdown(report: &Report) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line("## Why the request was refused".to_owned());
    line(String::new());
    line(format!("- request: {}", code(&report.request)));
    if let Some(answer) = &report.answer {
        line(format!("- answer: {}", code(answer)));
    }
    match &report.verdict {
        Verdict::NotRefused(status) => line(format!("- {}", not_refused(*status))),
        Verdict::Unreachable(failure) => line(format!("- no answer: {}", code(&failure.to_string()))),
        Verdict::Diagnosed | Verdict::Undecided => line(format!("- answered by: **{}**", report.layer)),
    }
    for (number, cause) in report.causes.iter().enumerate() {
        line(String::new());
        if number == 0 {
            line(format!("### {} ({})", cause.title, percent(cause.confidence)));
            line(String::new());
            line(format!("`{}`", cause.id));
            line(String::new());
            for evident in &cause.evidence {
                line(format!(
                    "- {}: {}",
                    if evident.observed { "seen" } else { "inferred" },
                    code(&evident.said)
                ));
            }
            line(String::new());
            for (number, step) in (1..).zip(&cause.fix) {
                line(format!("{number}. {step}"));
            }
            if let Some(lines) = &cause.lines {
                line(format!("\n```\n{}\n```", lines.trim()));
            }
        } else {
            line(format!("- or {}: {} (`{}`)", percent(cause.confidence), cause.title, cause.id));
        }
    }
    if let Some(why) = &report.why {
        // Indented text cannot close its own block, as a fence could be closed.
        line("\nWhy, in Portcullis' own words:\n".to_owned());
        for written in why.lines() {
            line(format!("    {written}"));
        }
    }
    for note in &report.notes {
        line(String::new());
        line(format!("> {note}"));
    }
    if !report.probes.is_empty() {
        line("\n| sent | answer | told |\n|---|---|---|".to_owned());
        for sent in &report.probes {
            let status = sent.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            line(format!(
                "| {}: {} | {status} | {} |",
                sent.what,
                code(&sent.request),
                sent.told.replace('|', "/")
            ));
        }
    }
    out
}

/// Text of a stranger in a span of code that it cannot leave.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace(['\n', '\r'], " ").replace('|', "/"))
}
