//! `portcullis test`: the policy tests beside the policies.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use miette::Severity;
use portcullis_record::read;
use portcullis_rehearse::trial::coverage::{Coverage, coverage};
use portcullis_rehearse::trial::{self, Ran, Suite, explained};
use portcullis_rehearse::{Question, Setting};
use portcullis_request::Reference;

use super::{ConfigPath, Exit, complain, say};
use crate::load::{self, Parts};
use crate::rehearsal::Compiled;
use crate::report;

/// Run the policy tests: the files `*.test.toml` in the folder of policies.
///
/// Prints what fails, with the policies that decided and what their clauses saw. Exits with 0 if all passed, 1 if any
/// failed (or too little is covered), 3 if they could not be run.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// Only tests with this text in their name or the name of their file.
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
    #[command(flatten)]
    path: ConfigPath,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write JUnit XML to a file too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Say which policies no test came to, and which clauses no test saw both hold and not hold.
    #[arg(long)]
    coverage: bool,
    /// Fail if less than this is covered.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
    /// Run nothing; print the decision of this reference as a test.
    #[arg(long, value_name = "REF", conflicts_with_all = ["filter", "json", "junit", "coverage", "min_coverage"])]
    record: Option<String>,
}

impl Test {
    pub(crate) fn run(&self) -> Exit {
        let loaded = load::load_untested(&self.path.config);
        let Some(parts) = loaded.parts else {
            report::to_stderr(&loaded.findings);
            complain("the policies are not usable as they stand, so nothing was tested", None);
            return Exit::Failed;
        };
        let compiled = match Compiled::of(&parts) {
            Ok(compiled) => compiled,
            Err(fault) => {
                complain(fault, None);
                return Exit::Failed;
            }
        };
        let setting = compiled.setting(&parts);
        match &self.record {
            Some(reference) => recorded(&setting, loaded.log_folder, reference),
            None => self.test(&setting, &parts),
        }
    }

    fn test(&self, setting: &Setting<'_>, parts: &Parts) -> Exit {
        let started = Instant::now();
        let (mut suite, findings) = Suite::load(setting, &parts.tests, Severity::Error);
        if !findings.is_empty() {
            report::to_stderr(&findings);
            complain("nothing was tested", Some("the policy tests are not usable as they stand"));
            return Exit::Failed;
        }
        if let Some(filter) = &self.filter {
            suite.cases.retain(|case| case.matches(filter));
        }
        if suite.cases.is_empty() {
            return none_to_run(self.filter.as_deref());
        }
        let ran = suite.run(setting);
        let seconds = started.elapsed().as_secs_f64();
        let wanted = self.coverage || self.min_coverage.is_some();
        let coverage = wanted.then(|| coverage(setting, &suite));
        if let Some(file) = &self.junit
            && let Err(fault) = write(file, &trial::junit(setting, &ran, seconds))
        {
            complain(format_args!("cannot write `{}`: {fault}", file.display()), None);
            return Exit::Failed;
        }
        if self.json {
            say(json(setting, &ran, coverage.as_ref(), seconds));
        } else {
            tell(setting, &ran, seconds);
            if let Some(coverage) = &coverage {
                tell_coverage(coverage);
            }
        }
        let least = usize::from(self.min_coverage.unwrap_or(0));
        let covered = coverage.as_ref().map_or(100, Coverage::percent);
        if covered < least {
            complain(format_args!("{covered} % is covered, less than the {least} % that are wanted"), None);
        }
        if ran.iter().all(Ran::passed) && covered >= least { Exit::Done } else { Exit::Wrong }
    }
}

/// No tests at all is not what somebody who runs them expects.
fn none_to_run(filter: Option<&str>) -> Exit {
    match filter {
        Some(filter) => complain(format_args!("no policy test has `{filter}` in its name"), None),
        None => complain(
            "there are no policy tests",
            Some("put a file `NAME.test.toml` beside the policies; the book says what stands in it"),
        ),
    }
    Exit::Failed
}

fn write(file: &PathBuf, text: &str) -> std::io::Result<()> {
    std::fs::File::create(file)?.write_all(text.as_bytes())
}

fn tell(setting: &Setting<'_>, ran: &[Ran<'_>], seconds: f64) {
    let failed: Vec<&Ran<'_>> = ran.iter().filter(|ran| !ran.passed()).collect();
    for one in &failed {
        say(format_args!("FAILED {}:{} {}", one.case.file_name(), one.case.line, one.case.name));
        for mismatch in &one.mismatches {
            say(format_args!("  {mismatch}"));
        }
        for line in explained(setting, one.case) {
            say(format_args!("    {line}"));
        }
        say("");
    }
    let tests = if ran.len() == 1 { "test" } else { "tests" };
    say(format_args!(
        "{} policy {tests} in {:.1} ms: {} passed, {} failed",
        ran.len(),
        seconds * 1_000.0,
        ran.len() - failed.len(),
        failed.len()
    ));
}

fn tell_coverage(coverage: &Coverage) {
    say(format_args!(
        "covered: {} %, {} of {} (each policy tried, each clause seen to hold and not to hold)",
        coverage.percent(),
        coverage.seen,
        coverage.of
    ));
    for one in &coverage.untried {
        say(format_args!("{}: no test comes to `{}`", one.written_at, one.policy));
    }
    for one in &coverage.one_sided {
        let missing = match (one.held, one.did_not_hold) {
            (true, _) => "no test sees it not hold",
            (_, true) => "no test sees it hold",
            _ => "no test sees it decide anything",
        };
        say(format_args!("{}: {missing}: {} (`{}`)", one.written_at, one.clause, one.policy));
    }
}

fn json(
    setting: &Setting<'_>,
    ran: &[Ran<'_>],
    coverage: Option<&Coverage>,
    seconds: f64,
) -> serde_json::Value {
    let tests: Vec<_> = ran.iter().map(|ran| one(setting, ran)).collect();
    let failed = ran.iter().filter(|ran| !ran.passed()).count();
    let mut told = serde_json::json!({
        "tests": tests, "passed": ran.len() - failed, "failed": failed, "seconds": seconds,
    });
    if let (Some(coverage), Some(object)) = (coverage, told.as_object_mut()) {
        let untried = coverage
            .untried
            .iter()
            .map(|one| serde_json::json!({ "written_at": one.written_at, "policy": one.policy }));
        let one_sided = coverage.one_sided.iter().map(|one| {
            serde_json::json!({
                "written_at": one.written_at, "policy": one.policy, "clause": one.clause,
                "held": one.held, "did_not_hold": one.did_not_hold,
            })
        });
        let told = serde_json::json!({
            "percent": coverage.percent(), "seen": coverage.seen, "of": coverage.of,
            "untried": untried.collect::<Vec<_>>(), "one_sided": one_sided.collect::<Vec<_>>(),
        });
        object.insert("coverage".to_owned(), told);
    }
    told
}

fn one(setting: &Setting<'_>, ran: &Ran<'_>) -> serde_json::Value {
    let mismatches = ran.mismatches.iter().map(|mismatch| {
        serde_json::json!({
            "what": mismatch.what, "expected": mismatch.expected, "actual": mismatch.actual,
        })
    });
    let why = if ran.passed() { Vec::new() } else { explained(setting, ran.case) };
    serde_json::json!({
        "name": ran.case.name, "file": ran.case.file_name(), "line": ran.case.line,
        "passed": ran.passed(),
        "decision": ran.came.word(), "status": ran.answer.status(), "reason": ran.answer.reason(),
        "policies": ran.answer.policies,
        "mismatches": mismatches.collect::<Vec<_>>(),
        "why": why,
    })
}

/// `--record`: the test goes to standard output, so that it can be put into a file and looked at first.
fn recorded(setting: &Setting<'_>, log: Option<PathBuf>, reference: &str) -> Exit {
    let reference: Reference = match reference.parse() {
        Ok(reference) => reference,
        Err(fault) => {
            complain(&fault, Some("a reference is 26 letters and digits: 06BQX7-M2K4T-…"));
            return Exit::Failed;
        }
    };
    let Some(folder) = log.filter(|folder| folder.exists()) else {
        complain(
            "there is no log yet: no gate ran with this configuration",
            Some("`--config FILE` names another"),
        );
        return Exit::Failed;
    };
    let remembered = match read::find(&folder, reference) {
        Ok(Some(remembered)) => remembered,
        Ok(None) => {
            let hint = "it may be older than the log is kept, or another gate's";
            complain(format_args!("no decision `{reference}` in `{}`", folder.display()), Some(hint));
            return Exit::Failed;
        }
        Err(fault) => {
            complain(format_args!("cannot read the log in `{}`: {fault}", folder.display()), None);
            return Exit::Failed;
        }
    };
    let question = Question::recorded(&remembered.entry, setting.rulebook.program.reads());
    let text = question
        .map_err(trial::NoTest::from)
        .and_then(|question| trial::recorded(&remembered.entry, &question));
    match text {
        Ok(text) => {
            say(text.trim_end());
            Exit::Done
        }
        Err(fault) => {
            complain(format_args!("`{reference}` makes no policy test: {fault}"), None);
            Exit::Failed
        }
    }
}
