//! `portcullis diff`: what differs between two sets of policies, without traffic.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use portcullis_decision::Program;
use portcullis_policy::Policies;
use portcullis_rehearse::Setting;
use portcullis_rehearse::diff::{
    Behaviour, Line, May, Side, Structure, Trials, behaviour, structure, trials,
};

use super::{ConfigPath, Exit, complain, say};
use crate::load::{self, Parts};
use crate::rehearsal::Compiled;
use crate::report;

/// Compare two sets of policies: as they are written, in what the directory's people may do, and in what the policy tests of
/// both come to.
///
/// Each is a folder of policies, put in the place of those that the configuration names, or a whole configuration. Policies are
/// compared by their ids (`@id`). What people may do is asked with everything unknown that changes from request to request:
/// allowed and denied hold whatever comes, all else depends. Exits with 0 if both come to the same, with 1 if not.
#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// The one before: a folder of policies, or a configuration.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The one after.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// How many principals, routes and actions, each with each, to compare at most.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    most: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    path: ConfigPath,
}

/// Everything that one side is made of.
struct Loaded {
    parts: Parts,
    compiled: Compiled,
}

impl Diff {
    pub(crate) fn run(&self) -> Exit {
        let (Some(old), Some(new)) = (self.load(&self.old), self.load(&self.new)) else {
            return Exit::Failed;
        };
        let structure = structure(old.written(), new.written());
        let behaviour = behaviour(old.side(), new.side(), self.most);
        let trials = trials(&old.setting(), &new.setting(), &tests(&old.parts, &new.parts));
        if self.json {
            say(json(&structure, &behaviour, &trials));
        } else {
            let mut text = String::new();
            // Writing into a text does not fail.
            let told = tell(&mut text, &structure, &behaviour, &trials);
            debug_assert!(told.is_ok());
            say(text.trim_end());
        }
        let same = structure.is_same() && behaviour.changes.is_empty() && trials.turned.is_empty();
        if same { Exit::Done } else { Exit::Wrong }
    }

    fn load(&self, path: &Path) -> Option<Loaded> {
        let loaded = if path.is_dir() {
            load::load_with(&self.path.config, Some(path))
        } else {
            load::load_with(path, None)
        };
        report::to_stderr(&loaded.findings);
        let made = loaded.parts.map(Loaded::of);
        match made {
            Some(Ok(made)) => return Some(made),
            Some(Err(fault)) => complain(fault, None),
            None => {
                let text = format_args!("`{}` cannot be used as it stands", path.display());
                complain(text, Some("name a folder of policies or a configuration file"));
            }
        }
        None
    }
}

impl Loaded {
    fn of(parts: Parts) -> Result<Self, String> {
        let compiled = Compiled::of(&parts)?;
        Ok(Self { parts, compiled })
    }

    fn setting(&self) -> Setting<'_> {
        self.compiled.setting(&self.parts)
    }

    fn written(&self) -> (&Policies, &Program) {
        (&self.parts.policies, &self.compiled.program)
    }

    fn side(&self) -> Side<'_> {
        let Setting { rulebook, apps, .. } = self.setting();
        Side { rulebook, apps }
    }
}

/// The tests of both sides, each once.
fn tests(old: &Parts, new: &Parts) -> Vec<(String, String)> {
    let mut files = old.tests.clone();
    files.extend(new.tests.iter().filter(|file| !old.tests.contains(file)).cloned());
    files
}

fn json(structure: &Structure, behaviour: &Behaviour, trials: &Trials) -> serde_json::Value {
    let changes = behaviour.changes.iter().map(|(change, changes)| {
        serde_json::json!({
            "route": change.route, "action": change.action, "old": change.old, "new": change.new,
            "principals": changes.principals, "examples": changes.examples, "policies": changes.policies,
        })
    });
    let changes: Vec<_> = changes.collect();
    serde_json::json!({
        "policies": structure,
        "behaviour": { "compared": behaviour.compared, "cut": behaviour.cut, "changes": changes },
        "tests": trials,
    })
}

fn tell(out: &mut String, structure: &Structure, behaviour: &Behaviour, trials: &Trials) -> std::fmt::Result {
    tell_structure(out, structure)?;
    tell_behaviour(out, behaviour)?;
    tell_trials(out, trials)
}

fn tell_trials(out: &mut String, trials: &Trials) -> std::fmt::Result {
    writeln!(out, "\npolicy tests, {} decided under both:", trials.compared)?;
    if trials.turned.is_empty() {
        writeln!(out, "  nothing changes")?;
    }
    for turned in trials.turned.iter().take(TOLD) {
        writeln!(out, "  {}:{} {}: {} → {}", turned.file, turned.line, turned.name, turned.old, turned.new)?;
    }
    if trials.turned.len() > TOLD {
        writeln!(out, "  and {} more; `--json` has them all", trials.turned.len() - TOLD)?;
    }
    if trials.one_sided > 0 {
        writeln!(out, "  {} make sense under one of them only", trials.one_sided)?;
    }
    Ok(())
}

fn tell_structure(out: &mut String, structure: &Structure) -> std::fmt::Result {
    for (title, ids) in [("added", &structure.added), ("removed", &structure.removed)] {
        for id in ids {
            writeln!(out, "{title:>8}  {id}")?;
        }
    }
    for changed in &structure.changed {
        writeln!(out, " changed  {}", changed.id)?;
        for line in &changed.lines {
            match line {
                Line::Removed(line) => writeln!(out, "          - {line}")?,
                Line::Added(line) => writeln!(out, "          + {line}")?,
            }
        }
    }
    for (from, to) in &structure.renamed {
        writeln!(out, " renamed  {from} → {to}")?;
    }
    for (id, from, to) in &structure.moved {
        writeln!(out, "   moved  {id}: {from} → {to}")?;
    }
    writeln!(out, "{} policies say the same", structure.unchanged)
}

fn tell_behaviour(out: &mut String, behaviour: &Behaviour) -> std::fmt::Result {
    writeln!(out, "\nwho may do what, of {} combinations:", behaviour.compared)?;
    if behaviour.changes.is_empty() {
        writeln!(out, "  nothing changes")?;
    }
    for (change, changes) in behaviour.changes.iter().take(TOLD) {
        let (old, new) = (word(change.old), word(change.new));
        let examples = changes.examples.join(", ");
        let more = if changes.principals > changes.examples.len() { ", …" } else { "" };
        writeln!(out, "  {} {}: {old} → {new} for {}", change.action, change.route, changes.principals)?;
        writeln!(out, "      {examples}{more}")?;
        if !changes.policies.is_empty() {
            writeln!(out, "      by {}", changes.policies.join(", "))?;
        }
    }
    if behaviour.changes.len() > TOLD {
        writeln!(out, "  and {} more; `--json` has them all", behaviour.changes.len() - TOLD)?;
    }
    if behaviour.cut {
        writeln!(out, "  there are more combinations than were compared; `--most` compares more")?;
    }
    Ok(())
}

/// Changes that are told.
const TOLD: usize = 40;

fn word(may: May) -> &'static str {
    match may {
        May::Allowed => "allowed",
        May::Denied => "denied",
        May::Depends => "depends",
        May::Challenged => "must identify",
        May::NoRoute => "no route",
    }
}
