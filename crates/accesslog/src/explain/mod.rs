//! From what was found to what is said: causes with evidence in numbers, how sure they are, and the next step.
//!
//! Which cause an explanation is, decides what kind of factor matters in it: who was refused before when, and when before
//! where. A deployment hits everybody alike, so it is only concluded when nobody in particular was hit.

mod cause;
mod confidence;
mod findings;
pub(crate) mod moment;
mod reasons;
mod rest;
mod words;

use crate::entry::said;
use crate::format::Format;
use crate::read::Reading;
use crate::search::likelihood::Share;
use crate::search::{Explanation, excess, explanations};
use crate::study::geo::Geo;
use crate::study::scanner::Scanners;
use crate::study::{Row, Study};

pub use moment::Moment;

/// What the user knows and the log does not say.
#[derive(Debug, Default)]
pub struct Known {
    /// Databases of countries and networks.
    pub geo: Option<Geo>,
    /// When there were deployments, in seconds since 1970 or seconds of any day.
    pub deployments: Vec<Moment>,
    /// Ranges that search engines publish.
    pub crawlers: Vec<ipnet::IpNet>,
}

/// Why there were 403s.
#[derive(Debug, Clone)]
pub struct Cause {
    /// Its stable id.
    pub id: &'static str,
    /// How sure, from 0 to 1.
    pub confidence: f64,
    /// In one line.
    pub title: String,
    /// What was observed.
    pub evidence: Vec<String>,
    /// What to do next.
    pub fix: Vec<String>,
    /// The share of 403s inside and outside, where there is such a contrast.
    pub contrast: Option<Contrast>,
    /// Since when, where it began within the log.
    pub since: Option<String>,
    /// Lines of the log, secrets removed.
    pub examples: Vec<String>,
    /// Refused requests that it explains, as lines of the log.
    pub explains: f64,
    /// 403s it explains over the time of the log, for charts.
    pub(crate) course: Vec<f64>,
}

/// Shares of 403s, with the interval that holds them with 95 %.
#[derive(Debug, Clone, Copy)]
pub struct Contrast {
    pub(crate) inside: Share,
    pub(crate) outside: Share,
}

/// Everything that is told.
#[derive(Debug)]
pub struct Report {
    /// Causes, the likeliest first.
    pub causes: Vec<Cause>,
    /// Who answered 403, if lines say so.
    pub answered_by: Option<(&'static str, String)>,
    /// What was read.
    pub reading: Reading,
    /// Faults of the input, in words.
    pub remarks: Vec<String>,
    /// 403s that go with nothing that was found.
    pub unexplained: f64,
    /// The first and the last minute.
    pub span: Option<(String, String)>,
    /// Requests and 403s over the time of the log, for charts.
    pub(crate) course: Vec<(String, f64, f64)>,
    /// One in how many other lines the study looked at.
    pub(crate) sampled: [f64; 2],
    /// Whether it was decided.
    pub decided: bool,
}

/// Columns of a course: what charts are drawn from.
pub(crate) const COURSE: usize = 96;

/// Explains what was read.
#[must_use]
pub fn explain(reading: Reading, known: &Known) -> Report {
    let study = Study::of(&reading.tally, &reading.formats, known.geo.as_ref());
    let scanners = Scanners::of(&study);
    let found = explanations(&study, &scanners.others());
    let mut causes = cause::causes(&study, &scanners, &found, &reading.tally, known);
    reasons::add(&reading.tally, &study, &mut causes);
    let explained: f64 = found.iter().map(excess).sum::<f64>() + scanners.refused;
    let refused = reading.tally.refused as f64;
    let answered_by = answered_by(&study, &reading.formats, &causes);
    let decided = causes.first().is_some_and(|cause| cause.confidence >= 0.5);
    Report {
        answered_by,
        remarks: rest::remarks(&reading),
        unexplained: (refused - explained).max(0.0),
        span: moment::span(&study),
        course: moment::course(&study),
        sampled: study.weights,
        decided,
        causes,
        reading,
    }
}

/// Who answered, where lines or error logs say so.
fn answered_by(study: &Study, formats: &[Format], causes: &[Cause]) -> Option<(&'static str, String)> {
    let of_errors =
        causes.iter().find(|cause| !cause.id.starts_with("logs.") && !cause.id.starts_with("none."));
    if let Some(cause) = of_errors {
        let layer = cause.id.split('.').next().unwrap_or_default();
        let layer = ["nginx", "apache", "modsecurity"].into_iter().find(|known| *known == layer);
        if let Some(layer) = layer {
            return Some((layer, "its error log says why".to_owned()));
        }
    }
    let refused = || study.rows.iter().filter(|row| row.refused);
    let (note, _) = study.notes.first()?;
    let (note, all) = (said(note), refused().count() as u64);
    let most = study.notes.first().is_some_and(|(_, count)| count * 10 >= all * 9);
    if !most || all == 0 {
        return None;
    }
    let by = |layer, words: &str| Some((layer, format!("`{note}` in the lines of the 403s: {words}")));
    match formats.first()? {
        Format::Haproxy(_) if note.starts_with("PR") => by("haproxy", "the proxy itself refused"),
        Format::Haproxy(_) if note.starts_with("--") => by("app", "the server behind answered"),
        Format::Alb(_) if note.contains("waf") && !note.contains("forward") => {
            by("aws-waf", "the WAF ended it")
        }
        Format::Envoy(_) if note.contains("UAEX") => by("envoy", "its authorization service refused"),
        _ => None,
    }
}

/// Rows of an explanation that were refused.
pub(crate) fn refused_rows<'a>(
    study: &'a Study,
    explanation: &'a Explanation,
) -> impl Iterator<Item = &'a Row> {
    explanation.rows.iter().filter_map(|row| study.rows.get(*row as usize)).filter(|row| row.refused)
}
