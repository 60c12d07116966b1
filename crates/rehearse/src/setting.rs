//! Where questions without a request come from: names for who asks and for what, and the facts that are given beside them,
//! become a [`Question`] as the gate would bind it.
//!
//! Nothing here is taken from the machine: no clock, no address, no database.

mod caller;
mod given;
pub(crate) mod target;

use std::borrow::Cow;
use std::collections::BTreeSet;

use portcullis_context::{TimeZone, Zones};
use portcullis_decision::{Value, World};
use portcullis_gate::{Apps, bind};
use portcullis_response::{Challenge, Refusal};

use crate::question::FactPath;
use crate::rulebook::world_without;
use crate::vocabulary::Vocabulary;
use crate::{Answer, Question, Rulebook};
pub use caller::Caller;
pub use given::{BadGiven, Given};
pub use target::{Asked, NoTarget, Stopped, Target};

/// What names and facts are read by.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// What decides.
    pub rulebook: Rulebook<'a>,
    /// Which app and route a URL is for.
    pub apps: &'a Apps,
    /// Names of networks.
    pub zones: &'a Zones,
    /// The clock of hours and weekdays.
    pub time_zone: &'a TimeZone,
}

impl<'a> Setting<'a> {
    /// The question of `caller` for `target`, with what the directory, the target and `given` say. Facts that none of them
    /// says are absent, even those that every request has.
    #[must_use]
    pub(crate) fn question(&self, caller: &Caller, target: &Target, given: &Given) -> Question {
        let principal = caller.name();
        let mut question =
            Question::new(principal.clone(), &target.action, ("Route".to_owned(), target.entity.clone()));
        if given.directory {
            self.directory(caller, target, &mut question);
        }
        target.fill(&mut question);
        if *caller == Caller::Anonymous {
            question.set(&FactPath::context(&["auth", "method"]), Value::String("none".into()));
            for name in ["scopes", "amr"] {
                question.set(&FactPath::context(&["auth", name]), Value::Set(Vec::new()));
            }
        }
        let vocabulary = self.vocabulary(&principal.0, &target.action);
        given.apply(self, &vocabulary, caller, &mut question);
        question
    }

    /// What the policies say, and before them what the gate says of callers that it does not know.
    #[must_use]
    pub fn answer(&self, target: &Target, question: &Question) -> Answer {
        let world = self.world(question);
        let answer = Rulebook { world: &world, ..self.rulebook }.answer(question);
        if question.principal.0 != "Anonymous" || target.public {
            return answer;
        }
        // Not public: nobody is asked, unless the policies hide the route from strangers.
        let hidden = target.hides && answer.refusal == Some(Refusal::Hidden);
        let refusal = if hidden {
            Refusal::Hidden
        } else {
            let said = bind::refusal::said("credentials_required");
            Refusal::Unauthenticated(said, Challenge::Credentials)
        };
        let policies = if hidden { answer.policies } else { Vec::new() };
        Answer { decision: "deny", policies, refusal: Some(refusal), undecided: Vec::new() }
    }

    /// The world to decide in: without what it says of a principal of whom the question says something else.
    #[must_use]
    pub fn world(&self, question: &Question) -> Cow<'a, World> {
        let (kind, id) = &question.principal;
        let person = match kind.as_str() {
            "User" => self.rulebook.directory.users.get(id),
            "Service" => self.rulebook.directory.services.get(id),
            _ => None,
        };
        let Some(person) = person else { return Cow::Borrowed(self.rulebook.world) };
        let has = |name: &str| question.attributes.contains_key(name);
        let is_in = |kind: &str, id: &String| question.parents.contains(&(kind.to_owned(), id.clone()));
        let agrees = person.attributes.keys().all(|name| has(name))
            && (person.tier.is_none() || has("tier"))
            && person.groups.iter().all(|group| is_in("Group", group))
            && person.roles.iter().all(|role| is_in("Role", role));
        if agrees {
            Cow::Borrowed(self.rulebook.world)
        } else {
            Cow::Owned(world_without(self.rulebook.world, &question.principal))
        }
    }

    pub(crate) fn vocabulary(&self, principal: &str, action: &str) -> Vocabulary<'a> {
        Vocabulary::new(&self.rulebook.policies.schema, principal, action)
    }

    fn directory(&self, caller: &Caller, target: &Target, question: &mut Question) {
        let Some(person) = caller.person(self.rulebook.directory) else { return };
        let vocabulary = self.vocabulary(&question.principal.0, &target.action);
        for (name, json) in &person.attributes {
            let path = FactPath::principal(name);
            // What does not fit the schema was found when the directory was loaded.
            if let Ok(value) =
                vocabulary.find(&path).map_err(drop).and_then(|of| of.value(json).map_err(drop))
            {
                question.set(&path, value);
            }
        }
        if let Some(tier) = &person.tier {
            question.set(&FactPath::principal("tier"), Value::String(tier.clone().into()));
        }
        question.parents.extend(memberships(&person.groups, &person.roles));
    }
}

/// Groups and roles as what somebody is in.
fn memberships<'s>(
    groups: &'s BTreeSet<String>,
    roles: &'s BTreeSet<String>,
) -> impl Iterator<Item = (String, String)> + use<'s> {
    let groups = groups.iter().map(|group| ("Group".to_owned(), group.clone()));
    groups.chain(roles.iter().map(|role| ("Role".to_owned(), role.clone())))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
