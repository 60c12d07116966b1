//! Policy tests as part of loading: what they come to as findings.

use miette::{MietteDiagnostic, Report, Severity};
use portcullis_decision::{Program, World};
use portcullis_gate::bind;
use portcullis_rehearse::trial::Suite;
use portcullis_rehearse::{Rulebook, Setting};

use super::Parts;

/// How the names of test files end.
pub(super) const ENDING: &str = ".test.toml";

/// Failing tests that are told one by one. More have one cause, as a rule.
const TOLD: usize = 20;

/// What decides, made of checked parts: for whatever asks without a gate.
pub(crate) struct Rehearsal<'p> {
    parts: &'p Parts,
    program: Program,
    world: World,
}

impl<'p> Rehearsal<'p> {
    /// Compiles the policies.
    ///
    /// # Errors
    /// What a gate could not start with either.
    pub(crate) fn of(parts: &'p Parts) -> Result<Self, String> {
        let entities = bind::entities::entities(&parts.directory, &parts.apps, &parts.policies.schema);
        let entities = entities.map_err(|faults| {
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        })?;
        let program = Program::compile_with_schema(&parts.policies.set, &parts.policies.schema)
            .map_err(|fault| fault.to_string())?;
        let world = World::new(&program, &entities);
        Ok(Self { parts, program, world })
    }

    /// What questions are put to.
    pub(crate) fn setting(&self) -> Setting<'_> {
        Setting {
            rulebook: Rulebook {
                program: &self.program,
                world: &self.world,
                policies: &self.parts.policies,
                directory: &self.parts.directory,
                on_forbid_fault: self.parts.config.policies.on_forbid_fault,
            },
            apps: &self.parts.apps,
            zones: &self.parts.zones,
            time_zone: &self.parts.config.time_zone,
        }
    }
}

/// What is wrong with the tests, and which of them fail.
pub(super) fn findings(parts: &Parts, severity: Severity) -> Vec<Report> {
    if parts.tests.is_empty() {
        return Vec::new();
    }
    // What cannot be compiled is told by whoever assembles it.
    let Ok(rehearsal) = Rehearsal::of(parts) else { return Vec::new() };
    let setting = rehearsal.setting();
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
