//! The report for a terminal: one screen, the answer first.

use super::json::not_refused;
use super::model::{Cause, Report, Verdict, percent};

/// Text, coloured where asked for.
#[must_use]
pub fn to_people(report: &Report, colour: bool) -> String {
    let paint = Paint { colour };
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(paint.dim(&report.request));
    if let Some(answer) = &report.answer {
        line(paint.dim(&format!("  {answer}")));
    }
    line(String::new());
    match &report.verdict {
        Verdict::NotRefused(status) => line(paint.bold(&not_refused(*status))),
        Verdict::Unreachable(failure) => line(paint.bold(&format!("No answer: {failure}"))),
        Verdict::Diagnosed | Verdict::Undecided => {
            line(format!("Answered by  {}", paint.bold(&report.layer)));
            match report.causes.split_first() {
                Some((first, rest)) => {
                    tell(first, &paint, &mut line);
                    others(first, rest, &paint, &mut line);
                }
                None => {
                    line("Cause        unknown: nothing that was seen points at a known cause".to_owned())
                }
            }
        }
    }
    if let Some(why) = &report.why {
        line(String::new());
        line(paint.bold("Why, in Portcullis' own words"));
        for written in why.lines() {
            line(format!("  {written}"));
        }
    }
    for note in &report.notes {
        line(String::new());
        line(format!("Note         {note}"));
    }
    if !report.probes.is_empty() {
        line(String::new());
        let requests = if report.probes.len() == 1 { "request" } else { "requests" };
        line(paint.dim(&format!("Sent {} {requests}:", report.probes.len())));
        for sent in &report.probes {
            let status = sent.status.map_or_else(|| "---".to_owned(), |status| status.to_string());
            line(paint.dim(&format!("  {status}  {}: {}", sent.what, sent.told)));
        }
    }
    out
}

fn tell(cause: &Cause, paint: &Paint, line: &mut impl FnMut(String)) {
    line(format!("Cause        {}  {}", paint.bold(&cause.title), paint.dim(&cause.id)));
    line(format!(
        "How sure     {}{}",
        percent(cause.confidence),
        if cause.confidence < super::model::SURE { ", not enough to decide" } else { "" }
    ));
    line(String::new());
    for evident in cause.evidence.iter().take(7) {
        line(format!("  {} {}", if evident.observed { "seen    " } else { "inferred" }, evident.said));
    }
    line(String::new());
    line(paint.bold("What to do"));
    for (number, step) in (1..).zip(&cause.fix) {
        line(format!("  {number}. {step}"));
    }
    if let Some(lines) = &cause.lines {
        for written in lines.trim().lines() {
            line(format!("      {}", paint.code(written)));
        }
    }
    for step in &cause.on_this_system {
        line(format!("  here: {step}"));
    }
    if !cause.verify.is_empty() {
        line(format!("  Check: {}", cause.verify));
    }
}

fn others(first: &Cause, rest: &[Cause], paint: &Paint, line: &mut impl FnMut(String)) {
    let rest: Vec<_> = rest
        .iter()
        .filter(|cause| cause.confidence >= 0.03 || cause.confidence * 8.0 > first.confidence)
        .collect();
    if rest.is_empty() {
        return;
    }
    line(String::new());
    line(paint.bold("What else it could be"));
    for cause in rest {
        line(format!("  {:>5}  {}  {}", percent(cause.confidence), cause.title, paint.dim(&cause.id)));
    }
}

struct Paint {
    colour: bool,
}

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.with("2", text)
    }

    fn code(&self, text: &str) -> String {
        self.with("36", text)
    }
}
