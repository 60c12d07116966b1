//! Why a recorded decision came out as it did, clause by clause; what the smallest change is that would have it come out
//! otherwise; and what the same request would come to now.
//!
//! A record is explained by the policies that decided, as they are kept beside the log. Where they are kept no longer, the
//! policies of now explain in their place, and that is said; what the record says stands unchanged above it.

mod caller;
mod clauses;
mod now;
mod words;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use portcullis_context::Situator;
use portcullis_decision::explain::Explanation;
use portcullis_policy::{Origin, Policies};
use portcullis_record::why::Beside;
use portcullis_record::{Entry, Remembered, redact};

use crate::question::NoQuestion;
use crate::rulebook::world_without;
use crate::{Answer, Past, PastFault, Question, Rulebook, Search, change, past};
pub use caller::for_caller;
pub use now::Difference;

/// A recorded decision, explained.
pub struct Why {
    /// The question that was asked.
    pub question: Question,
    /// Which policies explain.
    pub then: Then,
    /// What these policies say of the facts of then, clause by clause.
    pub explanation: Explanation,
    /// What they come to on the facts of then.
    pub answer: Answer,
    /// What would turn it.
    pub search: Search,
    /// The same request now, where that can be said.
    pub now: Option<Now>,
}

/// The policies that explain a decision.
pub enum Then {
    /// Those of now, which are those that decided.
    Same,
    /// Those that decided.
    Kept {
        /// As they were.
        past: Box<Past>,
        /// Whether those of now say something else in any policy.
        changed: bool,
        /// What those of now come to on the facts of then; `None` where they ask for what the record does not tell.
        by_now: Option<Answer>,
    },
    /// Those of now, since nobody has those that decided.
    Lost(PastFault),
}

/// The same request, asked again now.
#[derive(Debug, Clone, PartialEq)]
pub struct Now {
    /// What it comes to.
    pub answer: Answer,
    /// The facts that are otherwise now.
    pub differences: Vec<Difference>,
}

/// What explains: the policies, their version, and the sources that say how things are now.
#[derive(Clone, Copy)]
pub struct Explainer<'a> {
    /// The policies and the world.
    pub rulebook: Rulebook<'a>,
    /// The version of the snapshot they belong to.
    pub version: &'a str,
    /// Says where, on what, when.
    pub situator: &'a Situator,
    /// The folder of the log, which keeps the policies of earlier snapshots.
    pub log: &'a Path,
}

impl Explainer<'_> {
    /// Explains a decision.
    ///
    /// # Errors
    /// [`NoQuestion`] where the policies were never asked: then the record says all there is to say.
    pub fn explain(&self, remembered: &Remembered, now: SystemTime) -> Result<Why, NoQuestion> {
        let entry = &remembered.entry;
        let today = put(entry, self.rulebook);
        let decided_by = (entry.snapshot != self.version).then(|| Past::of_record(self.log, entry));
        let (then, asked) = match decided_by {
            None => (Then::Same, today.clone()),
            Some(Err(fault)) => (Then::Lost(fault), today.clone()),
            Some(Ok(past)) => {
                let asked = put(entry, past.rulebook(self.rulebook));
                let changed = past.policies().texts != self.rulebook.policies.texts;
                let by_now = today.as_ref().ok().filter(|question| question.unknown.is_empty());
                let by_now = by_now.map(|question| {
                    let world =
                        past::with_route_of(entry, &world_without(self.rulebook.world, &question.principal));
                    Rulebook { world: &world, ..self.rulebook }.answer(question)
                });
                (Then::Kept { past: Box::new(past), changed, by_now }, asked)
            }
        };
        let question = asked?;
        // The record says all about the principal; what the directory says of them by now is another matter.
        let without = world_without(self.rulebook.world, &question.principal);
        let refreshed = today.ok().and_then(|asked| {
            let refreshed = now::refreshed(&asked, entry, self.rulebook.directory, self.situator, now)?;
            let rulebook = Rulebook { world: &without, ..self.rulebook };
            Some(Now {
                answer: rulebook.answer(&refreshed),
                differences: now::differences(&asked, &refreshed),
            })
        });
        let world = past::with_route_of(entry, &without);
        let (explanation, answer, search) = {
            let rulebook = match &then {
                Then::Kept { past, .. } => Rulebook { world: &world, ..past.rulebook(self.rulebook) },
                Then::Same | Then::Lost(_) => Rulebook { world: &without, ..self.rulebook },
            };
            let facts = question.facts();
            let explanation = rulebook.program.explain(rulebook.world, &facts);
            (explanation, rulebook.answer(&question), change::smallest(&rulebook, &question))
        };
        Ok(Why { question, then, explanation, answer, search, now: refreshed })
    }

    /// What is known beside a record, to be told with it. Where nothing can be explained, at least the places.
    #[must_use]
    pub fn beside(&self, remembered: &Remembered, now: SystemTime) -> Beside {
        let moment = Timestamp::try_from(now).unwrap_or_default();
        let told = |places| Beside { places, ..Beside::default() };
        match self.explain(remembered, now) {
            Ok(why) => words::beside(&why, remembered, self.rulebook.policies, moment),
            Err(NoQuestion::NeverAsked(_)) => told(places(remembered, self.rulebook.policies)),
            Err(why) => Beside {
                parts: vec![("Not explained further".to_owned(), vec![why.to_string()])],
                ..told(places(remembered, self.rulebook.policies))
            },
        }
    }
}

/// The question of a record, as it is put to these policies.
fn put(entry: &Entry, rulebook: Rulebook<'_>) -> Result<Question, NoQuestion> {
    let question = Question::recorded(entry, rulebook.program.reads())?;
    if redact::is_altered_text(&question.principal.1) && rulebook.program.names_any(&PEOPLE) {
        return Err(NoQuestion::Pseudonym);
    }
    Ok(question)
}

/// The types of those who ask.
const PEOPLE: [&str; 2] = ["User", "Service"];

impl Why {
    /// The policies that explain, where those of now are `today`.
    fn policies<'a>(&'a self, today: &'a Policies) -> &'a Policies {
        match &self.then {
            Then::Kept { past, .. } => past.policies(),
            Then::Same | Then::Lost(_) => today,
        }
    }

    /// Whether the policies that explain come to what is recorded.
    #[must_use]
    pub fn agrees(&self, remembered: &Remembered) -> bool {
        remembered.entry.verdict.as_ref().is_some_and(|verdict| verdict.decision == self.answer.decision)
    }
}

/// Where a policy is written: `policies/shop.cedar:12`, `portcullis.toml:40 (require.country of media)`.
#[must_use]
pub fn written_at(policies: &Policies, policy: &str) -> Option<String> {
    Some(match policies.origins.get(policy)? {
        Origin::Written { file, line, .. } => format!("{file}:{line}"),
        Origin::Guard { scope, key, file, line } => format!("{file}:{line} ({key} of {scope})"),
    })
}

/// Where every policy that a record names is written.
fn places(remembered: &Remembered, policies: &Policies) -> BTreeMap<String, String> {
    let Some(verdict) = &remembered.entry.verdict else { return BTreeMap::new() };
    let nearest = verdict.nearest.iter().map(|(policy, ..)| policy);
    let erring = verdict.errors.iter().map(|(policy, _)| policy);
    let named = verdict.policies.iter().chain(nearest).chain(erring);
    named.filter_map(|policy| Some((policy.clone(), written_at(policies, policy)?))).collect()
}

#[cfg(test)]
mod tests;
