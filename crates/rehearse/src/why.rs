//! Why a recorded decision came out as it did, clause by clause; what the smallest change is that would have it come out
//! otherwise; and what the same request would come to now.
//!
//! A record is explained by the policies of now. Where these are not those of then, that is said, and what the record says
//! stands unchanged above it.

mod caller;
mod clauses;
mod now;
mod words;

use std::collections::BTreeMap;
use std::time::SystemTime;

use jiff::Timestamp;
use portcullis_context::Situator;
use portcullis_decision::explain::Explanation;
use portcullis_policy::{Origin, Policies};
use portcullis_record::why::Beside;
use portcullis_record::{Remembered, redact};

use crate::question::NoQuestion;
use crate::rulebook::world_without;
use crate::{Answer, Question, Rulebook, Search, change};
pub use caller::for_caller;
pub use now::Difference;

/// A recorded decision, explained.
#[derive(Debug)]
pub struct Why {
    /// The question that was asked.
    pub question: Question,
    /// Whether the policies of now are those that decided.
    pub same_policies: bool,
    /// What the policies of now say of the facts of then, clause by clause.
    pub explanation: Explanation,
    /// What they come to on the facts of then.
    pub answer: Answer,
    /// What would turn it.
    pub search: Search,
    /// The same request now, where that can be said.
    pub now: Option<Now>,
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
}

impl Explainer<'_> {
    /// Explains a decision.
    ///
    /// # Errors
    /// [`NoQuestion`] where the policies were never asked: then the record says all there is to say.
    pub fn explain(&self, remembered: &Remembered, now: SystemTime) -> Result<Why, NoQuestion> {
        let entry = &remembered.entry;
        let question = Question::recorded(entry, self.rulebook.program.reads())?;
        if redact::is_altered_text(&question.principal.1) && self.rulebook.program.names_any(&PEOPLE) {
            return Err(NoQuestion::Pseudonym);
        }
        // The record says all about the principal; what the directory says of them by now is another matter.
        let world = world_without(self.rulebook.world, &question.principal);
        let rulebook = Rulebook { world: &world, ..self.rulebook };
        let facts = question.facts();
        let refreshed = now::refreshed(&question, entry, self.rulebook.directory, self.situator, now);
        Ok(Why {
            same_policies: entry.snapshot == self.version,
            explanation: rulebook.program.explain(rulebook.world, &facts),
            answer: rulebook.answer(&question),
            search: change::smallest(&rulebook, &question),
            now: refreshed.map(|refreshed| Now {
                answer: rulebook.answer(&refreshed),
                differences: now::differences(&question, &refreshed),
            }),
            question,
        })
    }

    /// What is known beside a record, to be told with it. Where nothing can be explained, at least the places.
    #[must_use]
    pub fn beside(&self, remembered: &Remembered, now: SystemTime) -> Beside {
        let policies = self.rulebook.policies;
        match self.explain(remembered, now) {
            Ok(why) => {
                words::beside(&why, remembered, policies, Timestamp::try_from(now).unwrap_or_default())
            }
            Err(NoQuestion::NeverAsked(_)) => {
                Beside { places: places(remembered, policies), ..Beside::default() }
            }
            Err(why) => Beside {
                places: places(remembered, policies),
                parts: vec![("Not explained further".to_owned(), vec![why.to_string()])],
                ..Beside::default()
            },
        }
    }
}

/// The types of those who ask.
const PEOPLE: [&str; 2] = ["User", "Service"];

impl Why {
    /// Whether the policies of now come to what is recorded.
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
