//! What error logs testify: a reason in the server's own words is a cause of its own beside the contrast.

use super::findings::said;
use super::{Cause, moment};
use crate::study::Study;
use crate::tally::{Reason, Tally};

/// Least part of the 403s that a reason must cover to come first.
const COVERS: f64 = 0.5;

/// Adds what error logs say.
pub(super) fn add(tally: &Tally, study: &Study, causes: &mut Vec<Cause>) {
    let mut reasons: Vec<(&&'static str, &Reason)> = tally.reasons.iter().collect();
    reasons.sort_by(|a, b| b.1.lines.cmp(&a.1.lines).then_with(|| a.0.cmp(b.0)));
    let all: u64 = reasons.iter().map(|(_, reason)| reason.lines).sum();
    for (id, reason) in reasons.into_iter().take(4) {
        let of = if tally.refused > 0 { tally.refused.max(all) } else { all };
        let covers = reason.lines as f64 / of.max(1) as f64;
        let cause = cause(id, reason, covers, study);
        let nothing_else = causes.first().is_none_or(|first| first.id.starts_with("none."));
        if covers >= COVERS || nothing_else {
            causes.retain(|cause| !cause.id.starts_with("none."));
            causes.insert(0, cause);
        } else {
            causes.push(cause);
        }
    }
}

fn cause(id: &'static str, reason: &Reason, covers: f64, study: &Study) -> Cause {
    let (title, fix) = said(id);
    let (first, last) = (reason.first.div_euclid(60), reason.last.div_euclid(60));
    let since = moment::told(study, first);
    Cause {
        id,
        confidence: (0.35 + 0.6 * covers).min(0.95),
        title: title.to_owned(),
        evidence: vec![
            format!(
                "error log: {} lines say so, from {since} to {}",
                reason.lines,
                moment::told(study, last)
            ),
            format!("as many as {:.0} % of the 403s", 100.0 * covers),
        ],
        fix: fix.to_vec(),
        contrast: None,
        since: Some(since),
        examples: vec![crate::report::redact::line(&reason.example)],
        explains: reason.lines as f64,
        course: Vec::new(),
    }
}
