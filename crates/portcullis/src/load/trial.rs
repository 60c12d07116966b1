//! Policy tests as part of loading: what they come to as findings.

use miette::{MietteDiagnostic, Report, Severity};
use portcullis_rehearse::trial::Suite;

use super::Parts;
use crate::rehearsal::Compiled;

/// How the names of test files end.
pub(super) const ENDING: &str = ".test.toml";

/// Failing tests that are told one by one. More have one cause, as a rule.
const TOLD: usize = 20;

/// What is wrong with the tests, and which of them fail.
pub(super) fn findings(parts: &Parts, severity: Severity) -> Vec<Report> {
    if parts.tests.is_empty() {
        return Vec::new();
    }
    // What cannot be compiled is told by whoever assembles it.
    let Ok(compiled) = Compiled::of(parts) else { return Vec::new() };
    let setting = compiled.setting(parts);
    let (suite, mut findings) = Suite::load(&setting, &parts.tests, severity);
    let ran = suite.run(&setting);
    let mut failed = ran.iter().filter_map(|ran| ran.finding(severity));
    findings.extend(failed.by_ref().take(TOLD));
    let more = failed.count();
    if more > 0 {
        let diagnostic = MietteDiagnostic::new(format!("{more} more policy tests fail"))
            .with_code("portcullis::test::more")
            .with_severity(severity)
            .with_help("`portcullis test` tells all of them");
        findings.push(Report::new(diagnostic));
    }
    findings
}
