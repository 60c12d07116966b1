//! The report as one page: styles and charts are in it, nothing is fetched and nothing runs.

use super::redact::printable;
use super::text::grouped;
use crate::explain::{Cause, Contrast, Report};
use crate::search::likelihood::Share;

const WIDEST: usize = 400;
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 120.0;

/// What a browser may do with the page: show it.
const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Why there were 403s</title>
<style>
:root { color-scheme: light dark; --ink: #1b1f24; --quiet: #6a737d; --line: #d8dee4; --bad: #c4321c; --rest: #9fb3c8; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --quiet: #9aa4ae; --line: #343b43; --bad: #ff7b66; --rest: #4d6075; --page: #14181c; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 900px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.quiet, figcaption { color: var(--quiet); font-size: .85rem }
pre { overflow-x: auto; border: 1px solid var(--line); padding: .6rem; font-size: .8rem }
figure { margin: 1rem 0 } svg { width: 100%; height: auto }
.all { fill: var(--rest) } .bad { fill: var(--bad) } .whisker { stroke: var(--ink); stroke-width: 1.5 } text { fill: var(--quiet); font-size: 11px }
</style>
</head>
<body>
"#;

/// The whole page.
pub(crate) fn page(report: &Report) -> String {
    let tally = &report.reading.tally;
    let mut out = String::from(HEAD);
    let percent = 100.0 * tally.refused as f64 / (tally.requests as f64).max(1.0);
    tell!(
        out,
        "<h1>{} of {} requests were answered 403 ({percent:.2} %)</h1>\n<p class=\"quiet\">",
        grouped(tally.refused),
        grouped(tally.requests)
    );
    if let Some((first, last)) = &report.span {
        tell!(out, "{} to {}", escaped(first), escaped(last));
    }
    out.push_str("</p>\n");
    let refused: Vec<f64> = report.course.iter().map(|(_, _, refused)| *refused).collect();
    let all: Vec<f64> = report.course.iter().map(|(_, all, _)| *all).collect();
    let labels: Vec<&str> = report.course.iter().map(|(label, ..)| label.as_str()).collect();
    chart("403s", &refused, &labels, "bad", &mut out);
    chart("All requests", &all, &labels, "all", &mut out);
    for (number, cause) in (1..).zip(&report.causes) {
        told(number, cause, &labels, &mut out);
    }
    if !report.remarks.is_empty() {
        out.push_str("<h2>Notes</h2>\n<ul>\n");
        for remark in &report.remarks {
            tell_line!(out, "<li>{}</li>", escaped(remark));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn told(number: usize, cause: &Cause, labels: &[&str], out: &mut String) {
    tell_line!(out, "<h2>{number}. {}</h2>", escaped(&cause.title));
    let sure = 100.0 * cause.confidence;
    tell_line!(out, "<p class=\"quiet\"><code>{}</code>, {sure:.0} % sure</p>", escaped(cause.id));
    if let Some(contrast) = &cause.contrast {
        compared(contrast, out);
    }
    out.push_str("<ul>\n");
    for line in &cause.evidence {
        tell_line!(out, "<li>{}</li>", escaped(line));
    }
    out.push_str("</ul>\n");
    if cause.course.iter().any(|value| *value > 0.0) {
        chart("403s that this explains", &cause.course, labels, "bad", out);
    }
    if !cause.examples.is_empty() {
        tell_line!(out, "<pre>{}</pre>", escaped_lines(&cause.examples));
    }
    if !cause.fix.is_empty() {
        out.push_str("<p>Next:</p>\n<ol>\n");
        for step in &cause.fix {
            tell_line!(out, "<li>{}</li>", escaped(step));
        }
        out.push_str("</ol>\n");
    }
}

/// Columns over time.
fn chart(title: &str, values: &[f64], labels: &[&str], class: &str, out: &mut String) {
    let most = values.iter().copied().fold(0.0, f64::max);
    if values.len() < 2 || most <= 0.0 {
        return;
    }
    let width = WIDTH / values.len() as f64;
    tell!(
        out,
        "<figure><svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">",
        HEIGHT + 16.0,
        escaped(title)
    );
    for (at, value) in values.iter().enumerate() {
        let height = HEIGHT * value / most;
        tell!(
            out,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{}: {}</title></rect>",
            at as f64 * width,
            HEIGHT - height,
            (width - 0.6).max(0.4),
            escaped(labels.get(at).copied().unwrap_or_default()),
            value.round()
        );
    }
    let (first, last) = (labels.first().copied().unwrap_or(""), labels.last().copied().unwrap_or(""));
    tell_line!(
        out,
        "<text x=\"0\" y=\"{0}\">{1}</text><text x=\"{WIDTH}\" y=\"{0}\" text-anchor=\"end\">{2}</text></svg><figcaption>{3}, at most {4} in a column</figcaption></figure>",
        HEIGHT + 13.0,
        escaped(first),
        escaped(last),
        escaped(title),
        most.round()
    );
}

/// The share inside and outside, with intervals.
fn compared(contrast: &Contrast, out: &mut String) {
    tell!(out, "<figure><svg viewBox=\"0 0 {WIDTH} 52\" role=\"img\" aria-label=\"shares of 403s\">");
    bar("these", &contrast.inside, "bad", 2.0, out);
    bar("all others", &contrast.outside, "all", 28.0, out);
    out.push_str(
        "</svg><figcaption>Share of requests answered 403, with the 95 % interval</figcaption></figure>\n",
    );
}

fn bar(name: &str, share: &Share, class: &str, top: f64, out: &mut String) {
    let (left, room) = (90.0, WIDTH - 170.0);
    let at = |part: f64| left + room * part.clamp(0.0, 1.0);
    tell!(
        out,
        "<text x=\"0\" y=\"{:.0}\">{}</text><rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{:.1}\" height=\"18\"/>\
         <line class=\"whisker\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{5:.0}\" y2=\"{5:.0}\"/><text x=\"{6:.0}\" y=\"{0:.0}\">{7:.2} %</text>",
        top + 13.0,
        escaped(name),
        (room * share.share()).max(0.5),
        at(share.low),
        at(share.high),
        top + 9.0,
        WIDTH - 70.0,
        100.0 * share.share()
    );
}

fn escaped_lines(lines: &[String]) -> String {
    lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("\n")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in printable(text, WIDEST).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}
