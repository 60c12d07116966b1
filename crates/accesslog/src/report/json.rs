//! The report as one JSON object.

use serde_json::{Value, json};

use crate::explain::{Cause, Report};
use crate::search::likelihood::Share;

/// The whole report.
#[must_use]
pub(crate) fn json(report: &Report) -> Value {
    let tally = &report.reading.tally;
    json!({
        "causes": report.causes.iter().map(cause).collect::<Vec<_>>(),
        "answered_by": report.answered_by.as_ref().map(|(layer, why)| json!({"layer": layer, "evidence": why})),
        "counts": {
            "requests": tally.requests,
            "refused": tally.refused,
            "unexplained": report.unexplained.round(),
            "error_lines": tally.errors,
            "broken_lines": tally.broken,
            "foreign_lines": tally.foreign,
            "not_utf8_lines": tally.not_text,
            "without_time": tally.timeless,
            "clock_backwards": tally.backwards,
            "bytes": tally.bytes,
            "status_classes": tally.classes,
            "other_statuses": tally.neighbours.iter().map(|(status, count)| (status.to_string(), json!(count))).collect::<serde_json::Map<_, _>>(),
        },
        "span": report.span.as_ref().map(|(first, last)| json!({"first": first, "last": last})),
        "sampled": {"refused": report.sampled[1], "others": report.sampled[0]},
        "files": report.reading.files.iter().zip(&report.reading.formats).map(|(path, format)| json!({"path": path.display().to_string(), "format": format.name()})).collect::<Vec<_>>(),
        "remarks": report.remarks,
    })
}

fn cause(cause: &Cause) -> Value {
    json!({
        "id": cause.id,
        "confidence": (cause.confidence * 1000.0).round() / 1000.0,
        "title": cause.title,
        "evidence": cause.evidence,
        "fix": cause.fix,
        "contrast": cause.contrast.as_ref().map(|contrast| json!({"inside": share(&contrast.inside), "outside": share(&contrast.outside)})),
        "since": cause.since,
        "explains": cause.explains.round(),
        "examples": cause.examples,
    })
}

fn share(share: &Share) -> Value {
    let rounded = |value: f64| (value * 1e6).round() / 1e6;
    json!({
        "refused": share.refused.round(),
        "requests": share.all.round(),
        "share": rounded(share.share()),
        "low": rounded(share.low),
        "high": rounded(share.high),
    })
}
