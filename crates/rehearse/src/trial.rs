//! Policy tests: files beside the policies that say who asks for what, with which facts, and what must come of it.
//!
//! [`Suite::load`] reads them whole or says all that is wrong with them; [`Case::run`] decides one as the gate would. What
//! is told of a failure is in `explain`, what no test tried in `coverage`, and `recorded` writes a test from the log.
//! INVARIANT: what a test comes to depends on the test, the policies, the directory and the configuration, on nothing else.

mod combine;
pub mod coverage;
mod explain;
mod finding;
mod junit;
mod read;
mod recorded;
mod run;

use std::collections::BTreeMap;
use std::sync::Arc;

use miette::{NamedSource, Report, Severity};

use crate::setting::{Caller, Setting, Stopped, Target};
use crate::{Answer, Question};
pub use coverage::Coverage;
pub use explain::explained;
pub use junit::junit;
pub use recorded::{NoTest, recorded};
pub use run::{Came, Mismatch, Ran};

/// Tests, ready to be run.
#[derive(Debug, Default)]
pub struct Suite {
    /// In the order of the files.
    pub cases: Vec<Case>,
}

/// One test.
#[derive(Debug)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// The file it is written in.
    pub file: Arc<NamedSource<String>>,
    /// 1-based line of its name.
    pub line: usize,
    span: std::ops::Range<usize>,
    /// Who asks.
    pub caller: Caller,
    put: Put,
    expect: Expect,
}

/// What a test asks.
#[derive(Debug)]
enum Put {
    /// The policies.
    Asked { target: Box<Target>, question: Box<Question> },
    /// Nothing: the gate refuses it before.
    Stopped(Stopped),
}

/// What must come of it. `None`: anything may.
#[derive(Debug, Clone, Default, PartialEq)]
struct Expect {
    decision: Option<Came>,
    status: Option<u16>,
    reason: Option<String>,
    policies: Option<Policies>,
    nearest: Option<String>,
}

/// Which policies must have determined it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Policies {
    /// These, sorted, and no others.
    Exactly(Vec<String>),
    /// These and perhaps others.
    Contains(Vec<String>),
}

impl Suite {
    /// Reads test files, each a name (for messages) and its text. What is found has the given severity; tests in which
    /// something was found are left out.
    #[must_use]
    pub fn load(
        setting: &Setting<'_>,
        files: &[(String, String)],
        severity: Severity,
    ) -> (Self, Vec<Report>) {
        let mut findings = finding::Findings::new(files, severity);
        let read = read::read(files, &mut findings);
        let cases = combine::combine(setting, read, &mut findings);
        (Self { cases }, findings.into_reports())
    }

    /// Runs every test.
    #[must_use]
    pub fn run<'s>(&'s self, setting: &Setting<'_>) -> Vec<Ran<'s>> {
        self.cases.iter().map(|case| case.run(setting)).collect()
    }
}

impl Case {
    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.file.name()
    }

    /// Whether file or name has this text in it.
    #[must_use]
    pub fn matches(&self, filter: &str) -> bool {
        self.name.contains(filter) || self.file_name().contains(filter)
    }

    /// What it asks the policies; `None` if it ends before.
    #[must_use]
    pub fn question(&self) -> Option<(&Target, &Question)> {
        match &self.put {
            Put::Asked { target, question } => Some((target, question)),
            Put::Stopped(_) => None,
        }
    }

    fn answer(&self, setting: &Setting<'_>) -> Answer {
        match &self.put {
            Put::Asked { target, question } => setting.answer(target, question),
            Put::Stopped(stopped) => Answer {
                decision: "deny",
                policies: Vec::new(),
                refusal: Some(stopped.refusal.clone()),
                undecided: Vec::new(),
            },
        }
    }
}

impl Ran<'_> {
    /// A failed test as a finding at the place where it is written; `None` if it passed.
    #[must_use]
    pub fn finding(&self, severity: Severity) -> Option<Report> {
        if self.passed() {
            return None;
        }
        let words: Vec<String> = self.mismatches.iter().map(ToString::to_string).collect();
        let message = format!("the policy test `{}` fails: {}", self.case.name, words.join("; "));
        let help =
            "`portcullis test` explains the answer; correct the policy, or the test if it is no longer meant";
        let span = self.case.span.clone();
        let report = finding::report("failed", severity, message, "fails", help.to_owned(), Some(span));
        Some(report.with_source_code(Arc::clone(&self.case.file)))
    }
}

/// How many tests of which file.
#[must_use]
pub fn by_file<'r, 's>(ran: &'r [Ran<'s>]) -> BTreeMap<&'s str, Vec<&'r Ran<'s>>> {
    let mut files: BTreeMap<&str, Vec<&Ran<'s>>> = BTreeMap::new();
    for one in ran {
        files.entry(one.case.file_name()).or_default().push(one);
    }
    files
}

#[cfg(test)]
mod tests;
