//! What the directory's people may do under two sets of policies, everything that changes from request to request being
//! unknown.
//!
//! INVARIANT: what is called allowed or denied holds whatever place, device, time and credential a request comes with; all
//! else is called depending. People are as the directory has them: what only a credential says of them is unknown too.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_decision::Decision;
use portcullis_gate::{Apps, bind};
use serde::Serialize;

use crate::question::FactPath;
use crate::question::recorded::required;
use crate::{Question, Rulebook};

/// One of two sets of policies, with what they speak of.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// The policies and their world.
    pub rulebook: Rulebook<'a>,
    /// Their apps.
    pub apps: &'a Apps,
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum May {
    /// They are allowed, whatever a request comes with.
    Allowed,
    /// They are denied, whatever a request comes with.
    Denied,
    /// That depends on what a request comes with.
    Depends,
    /// They must say who they are.
    Challenged,
    /// There is no such route.
    NoRoute,
}

/// How two sets differ in what people may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Behaviour {
    /// How many were compared: principals, routes and actions, each with each.
    pub compared: usize,
    /// Whether there were more than were compared.
    pub cut: bool,
    /// Differences, by route, action and what they are.
    pub changes: BTreeMap<Change, Changes>,
}

/// What differs for some principals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// The route's entity: `shop/premium`.
    pub route: String,
    /// `GET`
    pub action: &'static str,
    /// Under the old policies.
    pub old: May,
    /// Under the new ones.
    pub new: May,
}

/// Whom a change concerns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// How many.
    pub principals: usize,
    /// The first of them: `User::"alice"`.
    pub examples: Vec<String>,
    /// The new policies that decide for the first of them.
    pub policies: Vec<String>,
}

/// Principals that are shown of a change.
const EXAMPLES: usize = 5;

impl Side<'_> {
    /// The actions of every route of this side, and whether it is public.
    fn routes(&self) -> BTreeMap<&str, (bool, BTreeSet<&'static str>)> {
        let routes = self.apps.iter().flat_map(|app| &app.routes);
        let actions = |methods: &[http::Method]| match methods {
            [] => ACTIONS.into_iter().collect(),
            methods => methods.iter().map(bind::facts::action).collect(),
        };
        routes.map(|route| (route.entity.as_str(), (route.public, actions(&route.methods)))).collect()
    }

    fn principals(&self) -> impl Iterator<Item = (String, String)> {
        let people = self.rulebook.directory.people();
        people.map(|(kind, id, _)| (bind::facts::kind(kind).to_owned(), id.to_owned()))
    }
}

/// The actions of the schema that ships.
const ACTIONS: [&str; 9] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OTHER"];

/// Compares what everybody may do; at most `most` combinations.
#[must_use]
pub fn behaviour(old: Side<'_>, new: Side<'_>, most: usize) -> Behaviour {
    let mut principals: BTreeSet<_> = old.principals().chain(new.principals()).collect();
    principals.insert(("Anonymous".to_owned(), "caller".to_owned()));
    let (before, after) = (old.routes(), new.routes());
    let routes: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let unknown = [old, new].map(|side| required(side.rulebook.program.reads()));
    let mut behaviour = Behaviour::default();
    for principal in &principals {
        for route in &routes {
            let of = |side: &BTreeMap<&str, (bool, BTreeSet<&'static str>)>| side.get(route).cloned();
            let sides = [of(&before), of(&after)];
            let actions: BTreeSet<&'static str> =
                sides.iter().flatten().flat_map(|(_, actions)| actions.iter().copied()).collect();
            for action in actions {
                if behaviour.compared >= most {
                    behaviour.cut = true;
                    return behaviour;
                }
                behaviour.compared += 1;
                let asking = Asking { principal, route, action };
                let [of_old, of_new] = &sides;
                let [unknown_to_old, unknown_to_new] = &unknown;
                let was = asking.may(old, of_old.as_ref(), unknown_to_old);
                let is = asking.may(new, of_new.as_ref(), unknown_to_new);
                if was.0 != is.0 {
                    behaviour.note(&asking, was.0, is);
                }
            }
        }
    }
    behaviour
}

impl Behaviour {
    fn note(&mut self, asking: &Asking<'_>, old: May, (new, policies): (May, Vec<String>)) {
        let change = Change { route: asking.route.to_owned(), action: asking.action, old, new };
        let changes = self.changes.entry(change).or_default();
        if changes.principals == 0 {
            changes.policies = policies;
        }
        changes.principals += 1;
        if changes.examples.len() < EXAMPLES {
            changes.examples.push(format!("{}::{:?}", asking.principal.0, asking.principal.1));
        }
    }
}

/// One question.
struct Asking<'q> {
    principal: &'q (String, String),
    route: &'q str,
    action: &'static str,
}

impl Asking<'_> {
    fn may(
        &self,
        side: Side<'_>,
        route: Option<&(bool, BTreeSet<&'static str>)>,
        unknown: &[FactPath],
    ) -> (May, Vec<String>) {
        let Some((public, _)) = route.filter(|(_, actions)| actions.contains(self.action)) else {
            return (May::NoRoute, Vec::new());
        };
        if self.principal.0 == "Anonymous" && !public {
            return (May::Challenged, Vec::new());
        }
        let resource = ("Route".to_owned(), self.route.to_owned());
        let mut question = Question::new(self.principal.clone(), self.action, resource);
        for path in unknown {
            if !(path.is_of_principal() && self.is_told(side, path)) {
                question.unknown.insert(path.clone(), String::new());
            }
        }
        let facts = question.facts();
        let verdict = side.rulebook.program.decide_facts(side.rulebook.world, &facts);
        let may = match (verdict.undecided().is_empty(), verdict.decision()) {
            (false, _) => May::Depends,
            (true, Decision::Allow) if !verdict.forbid_erred() => May::Allowed,
            (true, Decision::Allow | Decision::Deny) => May::Denied,
        };
        (may, verdict.reasons().map(str::to_owned).collect())
    }

    /// Whether the directory says this of the principal, or there is nobody it could be said of.
    fn is_told(&self, side: Side<'_>, path: &FactPath) -> bool {
        let (kind, id) = self.principal;
        let people = match kind.as_str() {
            "User" => &side.rulebook.directory.users,
            "Service" => &side.rulebook.directory.services,
            _ => return true,
        };
        let Some(person) = people.get(id) else { return false };
        let name = path.below().first().map(String::as_str).unwrap_or_default();
        person.attributes.contains_key(name) || (name == "tier" && person.tier.is_some())
    }
}
