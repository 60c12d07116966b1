//! Policy tests of both sides, decided under both: what somebody once wrote down, and what the change makes of it.

use std::collections::BTreeMap;

use miette::Severity;
use serde::Serialize;

use crate::setting::Setting;
use crate::trial::{Ran, Suite};

/// What the policy tests come to under both sides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Trials {
    /// Tests that could be decided under both.
    pub compared: usize,
    /// Tests that make sense under one side only: for the other they name a route or fact that is not there.
    pub one_sided: usize,
    /// Those that are answered otherwise.
    pub turned: Vec<Turned>,
}

/// A policy test that is answered otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turned {
    /// Its file.
    pub file: String,
    /// 1-based line of its name.
    pub line: usize,
    /// What it is called.
    pub name: String,
    /// `allow`, or status and public reason.
    pub old: String,
    /// The same of the new side.
    pub new: String,
}

/// Decides test files (names and texts) under both. What they expect is not asked here.
#[must_use]
pub fn trials(old: &Setting<'_>, new: &Setting<'_>, files: &[(String, String)]) -> Trials {
    let [old, new] = [old, new].map(|setting| {
        let (suite, _) = Suite::load(setting, files, Severity::Warning);
        answers(&suite.run(setting))
    });
    let mut found = Trials::default();
    for ((file, line, name), before) in &old {
        let Some(after) = new.get(&(file.clone(), *line, name.clone())) else { continue };
        found.compared += 1;
        if before != after {
            found.turned.push(Turned {
                file: file.clone(),
                line: *line,
                name: name.clone(),
                old: before.clone(),
                new: after.clone(),
            });
        }
    }
    found.one_sided = old.len() + new.len() - 2 * found.compared;
    found
}

/// What each test comes to, by where it stands.
fn answers(ran: &[Ran<'_>]) -> BTreeMap<(String, usize, String), String> {
    let place = |ran: &Ran<'_>| (ran.case.file_name().to_owned(), ran.case.line, ran.case.name.clone());
    let said = |ran: &Ran<'_>| match (ran.answer.status(), ran.answer.reason()) {
        (Some(status), Some(reason)) => format!("{status} {reason}"),
        (Some(status), None) => status.to_string(),
        (None, _) => ran.came.word().to_owned(),
    };
    ran.iter().map(|ran| (place(ran), said(ran))).collect()
}
