//! What is said of a cause wherever it is named: the words stand with the diagnostician's findings, in one place.

use std::sync::LazyLock;

use portcullis_diagnose::evidence::Evidence;

/// Embedded data, read once. A test of the diagnostician keeps it readable.
static EVIDENCE: LazyLock<Option<Evidence>> = LazyLock::new(|| Evidence::embedded().ok());

/// Title and next steps of a cause.
pub(super) fn said(id: &str) -> (&'static str, &'static [String]) {
    let finding = EVIDENCE.as_ref().and_then(|evidence| evidence.finding(id));
    finding.map_or(("", &[]), |finding| (finding.title.as_str(), finding.steps.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::said;

    /// What the search itself concludes.
    const CONCLUDED: [&str; 13] = [
        "logs.crawler-blocked",
        "logs.deploy",
        "logs.expired-token",
        "logs.hotlink",
        "logs.ip-range",
        "logs.method",
        "logs.path-rule",
        "logs.peak-load",
        "logs.scanner-noise",
        "logs.ua-family",
        "logs.upstream-node",
        "logs.waf-payload",
        "none.no-spike",
    ];

    #[test]
    fn every_cause_that_logs_show_has_its_words() {
        let testified = crate::format::errors::REASONS.iter().map(|(_, cause)| *cause);
        for id in testified.chain(CONCLUDED) {
            let (title, steps) = said(id);
            assert!(!title.is_empty() && !steps.is_empty(), "{id} has no finding");
        }
    }
}
