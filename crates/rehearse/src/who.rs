//! Questions without a request: can they, who can, what can they. Facts that are not given are unknown, so the answer may
//! be that it depends, and on what.
//!
//! INVARIANT: `who` and `what` say of each line what [`Setting::can`] says of it.

use std::collections::BTreeSet;

use http::Method;
use portcullis_decision::program::Named;

use crate::change::{self, Step};
use crate::question::FactPath;
use crate::setting::target::{covers, methods_of};
use crate::setting::{BadGiven, Caller, Given, Setting, Stopped, Target};
use crate::vocabulary::Vocabulary;
use crate::words::shown;
use crate::{Answer, Change, Question, Rulebook};

/// Whether somebody can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Can {
    /// Whatever the unknown facts are.
    Yes,
    /// It depends on facts that are unknown.
    Depends,
    /// Whatever the unknown facts are.
    No,
}

impl Can {
    /// For people and programs: `yes`, `depends`, `no`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Depends => "depends",
            Self::No => "no",
        }
    }
}

/// What is said to one question.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Whether they can.
    pub can: Can,
    /// The policies that say so; where it depends, those of the example in `needs`.
    pub policies: Vec<String>,
    /// On which facts it depends.
    pub depends_on: Vec<String>,
    /// The answer with the facts as they are known.
    pub answer: Answer,
    /// What was asked.
    question: Question,
}

/// What facts would have to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Needs {
    /// Nothing more: it is enough that what is unknown is absent.
    NothingKnown,
    /// This would be enough, with everything else that is unknown absent.
    Steps(Vec<Change>),
    /// Nobody found out.
    NotFound,
}

/// Attributes that a credential may bring: of somebody whom the directory knows, nobody else can.
pub type Brought = BTreeSet<String>;

impl Setting<'_> {
    /// Whether `caller` can do this, with what is given. Of people whom the directory knows, attributes that it does not
    /// say and no credential brings are absent; every other fact that is not given is unknown.
    #[must_use]
    pub fn can(&self, caller: &Caller, target: &Target, given: &Given, brought: &Brought) -> Said {
        let mut question = self.question(caller, target, given);
        self.leave_open(caller, given, brought, &mut question);
        let answer = self.answer(target, &question);
        let can = match (answer.is_allowed(), answer.undecided.is_empty()) {
            (true, _) => Can::Yes,
            (false, false) => Can::Depends,
            (false, true) => Can::No,
        };
        let depends_on = if can == Can::Depends { answer.undecided.clone() } else { Vec::new() };
        Said { can, policies: answer.policies.clone(), depends_on, answer, question }
    }

    /// What would have it be a yes: for those of whom it depends, an example; for a no, the smallest changes, if there are
    /// any that are enough whatever the unknown facts are.
    #[must_use]
    pub fn needs(&self, target: &Target, said: &Said) -> Needs {
        if said.can == Can::No {
            let world = self.world(&said.question);
            let changes =
                change::smallest(&Rulebook { world: &world, ..self.rulebook }, &said.question).changes;
            if !changes.is_empty() {
                return Needs::Steps(changes);
            }
        }
        let mut question = said.question.clone();
        question.unknown.clear();
        self.fill(&mut question);
        target.clone().exemplified().fill(&mut question);
        let world = self.world(&question);
        let rulebook = Rulebook { world: &world, ..self.rulebook };
        if rulebook.answer(&question).is_allowed() {
            return Needs::NothingKnown;
        }
        match change::smallest(&rulebook, &question).changes {
            changes if changes.is_empty() => Needs::NotFound,
            changes => Needs::Steps(changes),
        }
    }

    /// Who can do this: everybody in the directory, and callers without identity where the route takes them; each with
    /// what is said of them. Those who cannot are left out.
    pub fn who<'q>(
        &'q self,
        target: &'q Target,
        given: &'q Given,
        brought: &'q Brought,
    ) -> impl Iterator<Item = (Caller, Said)> + use<'q> {
        let directory = self.rulebook.directory;
        let users = directory.users.keys().map(|id| Caller::User(id.clone()));
        let services = directory.services.keys().map(|id| Caller::Service(id.clone()));
        let strangers = target.public.then_some(Caller::Anonymous);
        strangers.into_iter().chain(users).chain(services).filter_map(move |caller| {
            let said = self.can(&caller, target, given, brought);
            (said.can != Can::No).then_some((caller, said))
        })
    }

    /// What somebody can do: every route, the most specific of an app first, with the methods that it covers, or only
    /// `method`. What they cannot do is left
    /// out.
    pub fn what<'q>(
        &'q self,
        caller: &'q Caller,
        method: Option<&'q Method>,
        given: &'q Given,
        brought: &'q Brought,
    ) -> impl Iterator<Item = (Target, Said)> + use<'q> {
        let targets = self.routes().flat_map(move |(app, route)| {
            let methods = match method {
                Some(method) if covers(route, method) => vec![method.clone()],
                Some(_) => Vec::new(),
                None => methods_of(route),
            };
            methods.into_iter().map(|method| self.of_route(app, route, &method)).collect::<Vec<_>>()
        });
        targets.filter_map(move |target| {
            let said = self.can(caller, &target, given, brought);
            (said.can != Can::No).then_some((target, said))
        })
    }

    /// Gives a fact as somebody typed it: `geo.country=US`, `context.geo.country=US`, `tier=premium`, `group=staff`,
    /// `role=admin`, `device=…`, `at=2026-03-03T12:00:00Z`; nothing behind the `=`: the fact is absent.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn give(
        &self,
        caller: &Caller,
        action: &str,
        given: &mut Given,
        written: &str,
    ) -> Result<(), BadGiven> {
        let bad = |message: String, help: &str| BadGiven { message, help: help.to_owned() };
        let Some((name, value)) = written.split_once('=') else {
            let message = format!("`{}` gives no fact", shown(written));
            return Err(bad(message, "write `geo.country=US`, `tier=premium` or `group=staff`"));
        };
        let vocabulary = self.vocabulary(&caller.name().0, action);
        match name {
            "group" => drop(given.groups.insert(value.to_owned())),
            "role" => drop(given.roles.insert(value.to_owned())),
            "device" if self.rulebook.directory.devices.contains_key(value) => {
                given.device = Some(value.to_owned())
            }
            "device" => {
                let message = format!("there is no device `{}` in the directory", shown(value));
                return Err(bad(message, "give its posture instead: `device.compliant=true`"));
            }
            "at" => {
                let instant = value.parse().map_err(|_| {
                    bad(format!("`{}` is no instant", shown(value)), "write `at=2026-03-03T12:00:00Z`")
                })?;
                given.at = Some(instant);
            }
            _ => {
                let path = self.fact_named(name, &vocabulary)?;
                if value.is_empty() {
                    return given.absent(&vocabulary, &path);
                }
                return given.typed(&vocabulary, &path, value);
            }
        }
        Ok(())
    }

    /// A fact by its path, or by its path without `principal` or `context`.
    fn fact_named(&self, name: &str, vocabulary: &Vocabulary<'_>) -> Result<FactPath, BadGiven> {
        let is_whole = name.starts_with("principal.") || name.starts_with("context.");
        let first = name.split('.').next().unwrap_or_default();
        let text = if is_whole {
            name.to_owned()
        } else if name.contains('.') && vocabulary.parts().any(|part| part == first) {
            format!("context.{name}")
        } else {
            format!("principal.{name}")
        };
        text.parse().map_err(|_| BadGiven {
            message: format!("`{}` names no fact", shown(name)),
            help: "write `geo.country=US` or `tier=premium`".to_owned(),
        })
    }

    /// Leaves unknown what policies read and nobody gave.
    fn leave_open(&self, caller: &Caller, given: &Given, brought: &Brought, question: &mut Question) {
        let reads = self.rulebook.program.reads();
        let vocabulary = self.vocabulary(&question.principal.0, &question.action);
        let is_known = given.directory && caller.person(self.rulebook.directory).is_some();
        for name in vocabulary.attributes() {
            let is_read = reads.principal.member(name).is_some() || reads.elsewhere.member(name).is_some();
            if is_read && (!is_known || brought.contains(name)) {
                leave_open(FactPath::principal(name), given, question);
            }
        }
        let mut open: Vec<(FactPath, &Named)> = vocabulary
            .parts()
            .filter_map(|name| Some((FactPath::context(&[name]), reads.context.member(name)?)))
            .collect();
        while let Some((path, named)) = open.pop() {
            let Ok(declared) = vocabulary.find(&path) else { continue };
            match vocabulary.members(declared) {
                // Of a record that is read as a whole, each member is read.
                Some(members) => {
                    let read = members
                        .into_iter()
                        .filter_map(|(name, _)| Some((path.member(name), named.member(name)?)));
                    open.extend(read);
                }
                None => leave_open(path, given, question),
            }
        }
    }
}

fn leave_open(path: FactPath, given: &Given, question: &mut Question) {
    let of_strangers = question.principal.0 == "Anonymous" && path.is_in(&["auth"]);
    if question.get(&path).is_none() && !given.says(&path) && !of_strangers {
        question.unknown.entry(path).or_insert_with(|| "not given".to_owned());
    }
}

impl Said {
    /// The words of a change, step by step: `context.geo.country: "US"`, and what it is where that is known.
    #[must_use]
    pub fn steps(&self, change: &Change) -> Vec<String> {
        let words = |step: &Step| {
            let is_unknown = self.question.unknown.keys().any(|path| path.to_string() == step.fact);
            if is_unknown { format!("{}: {}", step.fact, step.to) } else { step.to_string() }
        };
        change.steps.iter().map(words).collect()
    }
}

/// Why nothing can be asked about a resource that is no route's.
#[must_use]
pub fn stopped(stopped: &Stopped) -> String {
    format!("{} {}: {}", stopped.refusal.status().as_u16(), stopped.refusal.code(), stopped.why)
}

#[cfg(test)]
mod tests;
