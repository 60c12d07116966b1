//! The report as Markdown, to paste into a ticket.

use super::redact::printable;
use super::text::grouped;
use crate::explain::{Contrast, Report};
use crate::search::likelihood::Share;

const WIDEST: usize = 300;

/// The whole report.
pub(crate) fn markdown(report: &Report) -> String {
    let tally = &report.reading.tally;
    let mut out = String::from("## Why there were 403s\n\n");
    let percent = 100.0 * tally.refused as f64 / (tally.requests as f64).max(1.0);
    tell!(out, "{} of {} requests ({percent:.2} %)", grouped(tally.refused), grouped(tally.requests));
    if let Some((first, last)) = &report.span {
        tell!(out, ", {first} to {last}");
    }
    out.push_str(".\n");
    for (number, cause) in (1..).zip(&report.causes) {
        let sure = 100.0 * cause.confidence;
        tell_line!(out, "\n### {number}. {}\n", plain(&cause.title));
        tell_line!(out, "`{}`, {sure:.0} % sure\n", cause.id);
        if number > 1 && cause.confidence < 0.3 {
            continue;
        }
        if let Some(contrast) = &cause.contrast {
            table(contrast, &mut out);
        }
        for line in &cause.evidence {
            tell_line!(out, "- {}", plain(line));
        }
        if !cause.examples.is_empty() {
            out.push_str("\n```text\n");
            for line in &cause.examples {
                tell_line!(out, "{}", printable(line, WIDEST).replace("```", "'''"));
            }
            out.push_str("```\n");
        }
        out.push('\n');
        for step in &cause.fix {
            tell_line!(out, "- [ ] {step}");
        }
    }
    if !report.remarks.is_empty() {
        out.push_str("\nNotes:\n\n");
    }
    for remark in &report.remarks {
        tell_line!(out, "- {}", plain(remark));
    }
    out
}

fn table(contrast: &Contrast, out: &mut String) {
    out.push_str("| | 403 | requests | share | 95 % interval |\n|---|---:|---:|---:|---:|\n");
    let mut row = |name: &str, share: &Share| {
        tell_line!(
            out,
            "| {name} | {} | {} | {:.2} % | {:.2}–{:.2} % |",
            share.refused.round(),
            share.all.round(),
            100.0 * share.share(),
            100.0 * share.low,
            100.0 * share.high
        );
    };
    row("these", &contrast.inside);
    row("all others", &contrast.outside);
    out.push('\n');
}

/// A text in which nothing is markup: what callers sent must not become links or images in a ticket.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in printable(text, WIDEST).chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '@' | '~') {
            plain.push('\\');
        }
        plain.push(letter);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_callers_sent_is_no_markup() {
        assert_eq!(plain("![x](http://a) <b>"), "\\!\\[x\\](http://a) \\<b\\>");
    }
}
