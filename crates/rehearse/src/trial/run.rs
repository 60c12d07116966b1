//! Runs one test: what came of it, and where that is not what was expected.

use std::fmt;

use super::{Case, Expect, Policies, Put};
use crate::Answer;
use crate::setting::Setting;

/// What a request comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It goes on to the origin.
    Allow,
    /// It is refused.
    Deny,
    /// Nobody can say: a fact is unavailable that could change it, or a forbid erred.
    Undecided,
}

impl Came {
    pub(super) const ALL: [Self; 3] = [Self::Allow, Self::Deny, Self::Undecided];

    /// As tests write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Undecided => "undecided",
        }
    }

    pub(super) fn of(answer: &Answer) -> Self {
        match answer.status() {
            None => Self::Allow,
            Some(503) => Self::Undecided,
            Some(_) => Self::Deny,
        }
    }
}

/// What came of a test.
#[derive(Debug)]
pub struct Ran<'s> {
    /// The test.
    pub case: &'s Case,
    /// What it came to.
    pub came: Came,
    /// The answer in full.
    pub answer: Answer,
    /// The nearest permit, where one was expected.
    pub nearest: Option<String>,
    /// Where it is not what was expected; none: it passed.
    pub mismatches: Vec<Mismatch>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// `decision`, `status`, `reason`, `policies` or `nearest`.
    pub what: &'static str,
    /// What was expected.
    pub expected: String,
    /// What it is.
    pub actual: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.what, self.expected, self.actual)
    }
}

impl Ran<'_> {
    /// Whether everything is as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.mismatches.is_empty()
    }
}

impl Case {
    /// Decides it.
    #[must_use]
    pub fn run(&self, setting: &Setting<'_>) -> Ran<'_> {
        let answer = self.answer(setting);
        let nearest = self.expect.nearest.is_some().then(|| self.nearest(setting)).flatten();
        let came = Came::of(&answer);
        let mismatches = compare(&self.expect, came, &answer, nearest.as_deref());
        Ran { case: self, came, answer, nearest, mismatches }
    }

    fn nearest(&self, setting: &Setting<'_>) -> Option<String> {
        let Put::Asked { question, .. } = &self.put else { return None };
        let world = setting.world(question);
        let facts = question.facts();
        let verdict = setting.rulebook.program.decide_facts(&world, &facts);
        verdict.nearest().first().map(|miss| miss.policy.to_owned())
    }
}

fn compare(expect: &Expect, came: Came, answer: &Answer, nearest: Option<&str>) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut differ = |what, expected: String, actual: String| {
        if expected != actual {
            found.push(Mismatch { what, expected, actual });
        }
    };
    if let Some(expected) = expect.decision {
        differ("decision", expected.word().to_owned(), came.word().to_owned());
    }
    if let Some(expected) = expect.status {
        let actual = answer.status().map_or_else(|| "the origin's".to_owned(), |status| status.to_string());
        differ("status", expected.to_string(), actual);
    }
    if let Some(expected) = &expect.reason {
        let actual = answer.reason().map_or_else(|| "none".to_owned(), |reason| format!("`{reason}`"));
        differ("reason", format!("`{expected}`"), actual);
    }
    match &expect.policies {
        Some(Policies::Exactly(expected)) => {
            let mut actual = answer.policies.clone();
            actual.sort();
            differ("policies", list(expected), list(&actual));
        }
        Some(Policies::Contains(expected)) if expected.iter().any(|id| !answer.policies.contains(id)) => {
            differ("policies", format!("{} among them", list(expected)), list(&answer.policies));
        }
        _ => {}
    }
    if let Some(expected) = &expect.nearest {
        let actual = nearest.map_or_else(|| "none".to_owned(), |nearest| format!("`{nearest}`"));
        differ("nearest", format!("`{expected}`"), actual);
    }
    found
}

fn list(ids: &[String]) -> String {
    if ids.is_empty() {
        return "none".to_owned();
    }
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}
