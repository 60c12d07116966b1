//! The report for machines.

use serde_json::{Value, json};

use super::model::{Report, Verdict};

/// One JSON object.
#[must_use]
pub fn to_json(report: &Report) -> Value {
    let causes: Vec<_> = report
        .causes
        .iter()
        .map(|cause| {
            let evidence: Vec<_> = cause
                .evidence
                .iter()
                .map(|evident| json!({ "kind": if evident.observed { "observed" } else { "inferred" }, "said": evident.said }))
                .collect();
            json!({
                "id": cause.id,
                "layer": cause.layer,
                "confidence": cause.confidence,
                "title": cause.title,
                "evidence": evidence,
                "fix": cause.fix,
                "lines": cause.lines,
                "verify": cause.verify,
                "owner": cause.owner,
                "links": cause.links,
                "on_this_system": cause.on_this_system,
            })
        })
        .collect();
    let probes: Vec<_> = report
        .probes
        .iter()
        .map(|sent| json!({ "probe": sent.what, "request": sent.request, "status": sent.status, "told": sent.told }))
        .collect();
    let (verdict, message) = match &report.verdict {
        Verdict::Diagnosed => ("diagnosed", None),
        Verdict::Undecided => ("undecided", None),
        Verdict::NotRefused(status) => ("not-refused", Some(not_refused(*status))),
        Verdict::Unreachable(failure) => ("unreachable", Some(failure.to_string())),
    };
    json!({
        "request": report.request,
        "verdict": verdict,
        "message": message,
        "answered_by": { "layer": report.layer, "confidence": (report.layer_confidence * 1000.0).round() / 1000.0 },
        "answer": report.answer,
        "causes": causes,
        "probes": probes,
        "notes": report.notes,
        "reference": report.reference,
        "why": report.why,
    })
}

/// What to say when there is no 403.
#[must_use]
pub(super) fn not_refused(status: u16) -> String {
    let means = match status {
        401 => "it wants to know who asks: send credentials, or other ones",
        402 => "it wants to be paid",
        404 | 410 => "there is nothing at this address",
        405 => "the method is not for this address",
        407 => "the proxy on your side wants to know who asks",
        421 => "this server is not the one for this name",
        429 => "too many requests: wait as long as `Retry-After` says",
        451 => "it is withheld for legal reasons",
        500..=599 => "the server failed; nothing was decided about you",
        300..=399 => "it leads elsewhere",
        200..=299 => "it was let through",
        _ => "the answer is another one",
    };
    format!("this is not a 403 problem: the answer is {status}, {means}")
}
