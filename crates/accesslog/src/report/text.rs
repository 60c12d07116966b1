//! The report for people in a terminal: on one screen, the likeliest cause in full, the others in a line or two.

use std::io::{IsTerminal, stdout};

use super::redact::printable;
use crate::explain::{Cause, Report};

/// How it may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether the terminal shows colours.
    pub(crate) colours: bool,
}

impl Style {
    /// Colours on terminals, unless they are not wanted.
    pub(crate) fn of_terminal() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: stdout().is_terminal() && !unwanted }
    }

    fn bold(self, text: &str) -> String {
        if self.colours { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn dim(self, text: &str) -> String {
        if self.colours { format!("\u{1b}[2m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn alarm(self, text: &str) -> String {
        if self.colours { format!("\u{1b}[31m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Widest line of evidence.
const WIDEST: usize = 160;
/// Causes that are told in full.
const IN_FULL: f64 = 0.3;

/// The whole report.
pub(crate) fn text(report: &Report, style: Style) -> String {
    let mut out = String::new();
    head(report, style, &mut out);
    chart(report, style, &mut out);
    let (likely, others): (Vec<_>, Vec<_>) =
        (1..).zip(&report.causes).partition(|(number, cause)| *number == 1 || cause.confidence >= IN_FULL);
    for (number, cause) in likely {
        let sure = style.dim(&format!("{} · {:.0} % sure", cause.id, 100.0 * cause.confidence));
        tell_line!(out, "\n{number}. {}  {sure}", style.bold(&printable(&cause.title, WIDEST)));
        full(cause, style, &mut out);
    }
    if !others.is_empty() {
        tell_line!(out, "\nless likely, or the lesser part:");
    }
    for (_, cause) in others {
        let sure = style.dim(&format!("{} · {:.0} %", cause.id, 100.0 * cause.confidence));
        tell_line!(out, "   {}  {sure}", printable(&cause.title, WIDEST));
    }
    if !report.decided {
        tell_line!(
            out,
            "\nUndecided: no cause is likely enough. More of the log, or the error log beside it, may tell."
        );
    }
    for remark in &report.remarks {
        tell_line!(out, "{}", style.dim(&format!("note: {}", printable(remark, WIDEST))));
    }
    out
}

fn head(report: &Report, style: Style, out: &mut String) {
    let tally = &report.reading.tally;
    let percent = 100.0 * tally.refused as f64 / (tally.requests as f64).max(1.0);
    let line = format!(
        "{} of {} requests were answered 403 ({percent:.2} %)",
        grouped(tally.refused),
        grouped(tally.requests)
    );
    tell!(out, "{}", style.bold(&line));
    if let Some((first, last)) = &report.span {
        tell!(out, ", {first} to {last}");
    }
    out.push('\n');
    if let Some((layer, why)) = &report.answered_by {
        tell_line!(out, "answered by {layer}: {}", printable(why, WIDEST));
    }
}

/// Requests and 403s over time, each in its own height.
fn chart(report: &Report, style: Style, out: &mut String) {
    let course = &report.course;
    let (Some((first, ..)), Some((last, ..))) = (course.first(), course.last()) else { return };
    if course.len() < 4 {
        return;
    }
    let refused = bars(course.iter().map(|(_, _, refused)| *refused));
    let all = bars(course.iter().map(|(_, all, _)| *all));
    tell_line!(out, "\n   403 {}", style.alarm(&refused));
    tell_line!(out, "   all {}", style.dim(&all));
    let gap = course.len().saturating_sub(first.len() + last.len());
    tell_line!(out, "       {}", style.dim(&format!("{first}{}{last}", " ".repeat(gap.max(1)))));
}

/// A row of blocks, the highest for the most.
pub(crate) fn bars(values: impl Iterator<Item = f64> + Clone) -> String {
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.clone().fold(0.0, f64::max);
    let block = |value: f64| {
        let eighths = if most > 0.0 { (8.0 * value / most).ceil() as usize } else { 0 };
        BLOCKS.get(eighths).copied().unwrap_or('█')
    };
    values.map(block).collect()
}

fn full(cause: &Cause, style: Style, out: &mut String) {
    for line in &cause.evidence {
        tell_line!(out, "   · {}", printable(line, WIDEST));
    }
    for example in cause.examples.iter().take(2) {
        tell_line!(out, "   {}", style.dim(&printable(example, WIDEST)));
    }
    for step in &cause.fix {
        tell_line!(out, "   → {step}");
    }
}

/// A number with its thousands set apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_values() {
        assert_eq!(bars([0.0, 1.0, 4.0, 8.0].into_iter()), " ▁▄█");
        assert_eq!(bars([0.0, 0.0].into_iter()), "  ");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
