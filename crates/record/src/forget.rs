//! The right to erasure: everything recorded of one principal goes, and the log can still be proved to be whole.
//!
//! A line that is erased leaves its number, its place in the chain and its leaf, the hash of what it was; a signed note
//! of erasure names it. Whoever checks the log sees what was erased, by whose key and when, and not what it was: the
//! line had a reference with 62 random bits, which goes with it, so that trying what it may have been leads nowhere.
//! INVARIANT: the note is on the disk before the first line goes.

mod erasures;
mod rewrite;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use memchr::memmem::Finder;
use serde::Deserialize;

pub(crate) use erasures::{ERASURES, Erasures};

use crate::archive;
use crate::keys::{self, Keys};
use crate::log::LogSettings;
use crate::log::ledger::Ledger;
use crate::log::upkeep::END_SEGMENT;
use crate::read::blocks::Blocks;
use crate::read::{self, ReadError};

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Decisions.
    pub decisions: u64,
    /// Outcomes of theirs.
    pub outcomes: u64,
    /// Segments that were written anew.
    pub segments: usize,
}

/// Why nothing, or not everything, was erased. To try again goes on where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log cannot be written.
    #[error("cannot erase in `{file}`: {fault}")]
    Write {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        fault: io::Error,
    },
    /// A gate is running and does not hear us.
    #[error("a gate has the log open and did not end its segment within {} s", .0.as_secs())]
    Busy(Duration),
}

/// Erases everything recorded of a principal, by its identifier as recorded or by the name it is a pseudonym of.
///
/// A running gate is asked to end its segment first. What it records from then on is not erased: an outcome that is
/// still to come has no name in it, a new decision is a new one.
pub fn forget(folder: &Path, principal: &str) -> Result<Forgotten, ForgetError> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |fault| ForgetError::Write { file, fault }
    };
    // Who has no log gets none by asking to be forgotten.
    let segments = read::list(folder)?;
    let known = keys::verifier(folder).map_err(failed(folder))?.is_some();
    if segments.is_empty() && !known {
        return Ok(Forgotten::default());
    }
    end_segment(folder)?;
    let _held = archive::hold(folder).map_err(failed(folder))?;
    let keys = Keys::open(folder).map_err(failed(folder))?;
    let mut ended: Vec<_> = read::list(folder)?.into_iter().map(|(_, path)| path).collect();
    ended.pop();
    let mut sought = Sought::new(&[principal.to_owned(), keys.pseudonyms.of(principal)]);
    for path in &ended {
        sought.look(path)?;
    }
    let mut lines = Vec::new();
    let mut affected = Vec::new();
    let mut forgotten = Forgotten::default();
    for path in &ended {
        let found = rewrite::lines(path, &sought)?;
        if found.decisions + found.outcomes > 0 {
            forgotten.decisions += found.decisions;
            forgotten.outcomes += found.outcomes;
            lines.extend(found.lines);
            affected.push(path);
        }
    }
    if affected.is_empty() {
        return Ok(forgotten);
    }
    erasures::sign(folder, &keys, principal, &lines).map_err(failed(&folder.join(ERASURES)))?;
    for path in affected {
        rewrite::rewrite(path, &sought).map_err(failed(path))?;
        forgotten.segments += 1;
    }
    Ok(forgotten)
}

/// Sees to it that everything written until now stands in segments that have ended.
fn end_segment(folder: &Path) -> Result<(), ForgetError> {
    let asked = folder.join(END_SEGMENT);
    let failed = |fault| ForgetError::Write { file: folder.to_owned(), fault };
    let settings = LogSettings::new(folder);
    match Ledger::open(&settings) {
        Ok((mut ledger, _)) => {
            let ended = ledger.end_segment().and_then(|()| ledger.rotate(&settings, 0, 0));
            ended.and_then(|_| ledger.vouch(&settings)).map_err(failed)
        }
        Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {
            std::fs::write(&asked, "").map_err(failed)?;
            let since = Instant::now();
            while asked.exists() {
                if since.elapsed() > PATIENCE {
                    std::fs::remove_file(&asked).map_err(failed)?;
                    return Err(ForgetError::Busy(PATIENCE));
                }
                std::thread::sleep(LOOK);
            }
            Ok(())
        }
        Err(fault) => Err(failed(fault)),
    }
}

/// What is to be erased.
pub(super) struct Sought {
    names: Vec<String>,
    /// How a line has one of the names.
    needles: Vec<Finder<'static>>,
    /// Decisions of that principal.
    references: HashSet<u128>,
}

/// What is looked at of a line to know whose it is.
#[derive(Deserialize)]
struct Whose<'a> {
    #[serde(borrow, default)]
    principal: Option<Principal<'a>>,
}

#[derive(Deserialize)]
struct Principal<'a> {
    #[serde(borrow)]
    id: std::borrow::Cow<'a, str>,
}

impl Sought {
    fn new(names: &[String]) -> Self {
        let needle = |name: &String| {
            let quoted = serde_json::Value::from(name.as_str()).to_string();
            Finder::new(&format!("\"id\":{quoted}")).into_owned()
        };
        Self {
            names: names.to_vec(),
            needles: names.iter().map(needle).collect(),
            references: HashSet::new(),
        }
    }

    /// Collects the decisions of a segment that are theirs.
    fn look(&mut self, path: &Path) -> Result<(), ReadError> {
        let failed = |fault| ReadError::File { file: path.to_owned(), fault };
        let blocks = Blocks::open(path).map_err(failed)?;
        for place in blocks.places() {
            let bytes = blocks.read(&place).map_err(failed)?;
            if !self.needles.iter().any(|needle| needle.find(&bytes).is_some()) {
                continue;
            }
            for line in bytes.split(|byte| *byte == b'\n') {
                if self.is_theirs(line)
                    && let Some(reference) = archive::reference(line)
                {
                    self.references.insert(reference.as_u128());
                }
            }
        }
        Ok(())
    }

    fn is_theirs(&self, line: &[u8]) -> bool {
        line.starts_with(DECISION)
            && self.needles.iter().any(|needle| needle.find(line).is_some())
            && serde_json::from_slice::<Whose<'_>>(line)
                .ok()
                .and_then(|whose| whose.principal)
                .is_some_and(|principal| self.names.iter().any(|name| *name == principal.id))
    }

    /// Whether a line is to be erased: `Some(true)` if it is a decision, `Some(false)` if it is an outcome.
    fn covers(&self, line: &[u8]) -> Option<bool> {
        let decision = line.starts_with(DECISION);
        if !decision && !line.starts_with(OUTCOME) {
            return None;
        }
        let reference = archive::reference(line)?;
        (self.references.contains(&reference.as_u128()) || decision && self.is_theirs(line))
            .then_some(decision)
    }
}

const DECISION: &[u8] = b"{\"kind\":\"decision\"";
const OUTCOME: &[u8] = b"{\"kind\":\"outcome\"";

/// How long a running gate may take to end its segment.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);
