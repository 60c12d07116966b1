//! Guards: the short requirements of a route's configuration, and the Cedar they become.
//!
//! `access` is what lets callers in; `require` only ever restricts. A guard's permit is
//! `permit(principal, action, resource in …)`; each requirement is a `forbid … unless { … }` with a public reason of
//! its own, so that a refusal names exactly the requirement that failed. Requirements bind callers who did not say who
//! they are just as well.
//!
//! INVARIANT: whatever strings a guard holds, what it becomes parses and validates; a value that means nothing is a
//! finding, and never Cedar.

mod cedar;
mod values;

use std::collections::BTreeMap;

use cedar_policy::{Policy, PolicyId};
use miette::Severity;

use crate::finding::{Findings, Place, Sources, Words};
use crate::load::{Body, Entry, Origin};

/// Where a guard applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every route of an app: `resource in App::"shop"`.
    App(String),
    /// One route: `resource == Route::"shop/premium"`.
    Route {
        /// The app's name.
        app: String,
        /// The route's name within the app.
        route: String,
    },
}

/// Who is let in where no written policy says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Nobody: the written policies decide. The default, because nothing passes by default.
    #[default]
    Policies,
    /// Every identified caller, subject to `require` and the written forbids.
    Identified,
    /// Everyone, known or not: a public route. Still decided, still recorded.
    Anyone,
}

/// What must hold besides. Empty lists and `None` require nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Require {
    /// In one of these roles.
    pub role: Vec<String>,
    /// In one of these groups.
    pub group: Vec<String>,
    /// On one of these plans.
    pub tier: Vec<String>,
    /// In one of these countries (ISO 3166-1 alpha-2).
    pub country: Vec<String>,
    /// In none of these countries; a caller whose country is not known is let in.
    pub not_country: Vec<String>,
    /// In one of these named network zones.
    pub network: Vec<String>,
    /// On a device of which all this holds.
    pub device: DeviceNeeds,
    /// With every one of these OAuth scopes.
    pub scope: Vec<String>,
    /// Authenticated at one of these levels (`acr` values), else step-up.
    pub acr: Vec<String>,
    /// Authenticated at most this many seconds ago, else step-up.
    pub max_age: Option<u32>,
    /// Within these hours, in the configuration's time zone.
    pub hours: Option<Hours>,
}

/// What a route asks of the caller's device. A device that is not known meets none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceNeeds {
    /// Enrolled in device management.
    pub managed: bool,
    /// Reported compliant by it.
    pub compliant: bool,
    /// Its disk encrypted.
    pub encrypted: bool,
    /// Last report at most this many days ago.
    pub seen_within_days: Option<u32>,
}

/// A daily window, `from` inclusive to `until` exclusive, in minutes after midnight; `from > until` crosses midnight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Minute of the day at which it opens, 0..1440.
    pub from: u16,
    /// Minute of the day at which it closes, 0..=1440.
    pub until: u16,
    /// ISO weekdays on which it holds, 1 = Monday … 7 = Sunday; empty: every day.
    pub weekdays: Vec<u8>,
}

/// One app's or route's guards, with where they are written.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Where it applies.
    pub scope: Scope,
    /// Who is let in. A request belongs to one route, and the route's guard says: an app's own counts only where none of
    /// its routes has a guard. Whoever builds guards gives a route that says nothing its app's access.
    pub access: Access,
    /// What must hold besides.
    pub require: Require,
    /// The author's own sentence for callers, by requirement (`country` → "Content unavailable in your location").
    pub messages: BTreeMap<String, String>,
    /// The configuration file this guard is written in.
    pub file: String,
    /// Byte range of the app's or route's table in that file.
    pub span: std::ops::Range<usize>,
    /// Whether the app's own 404 is rendered by us, which `@hide` needs.
    pub renders_404: bool,
}

impl Guard {
    /// `shop` or `shop/premium`: the entity's id.
    pub(crate) fn name(&self) -> String {
        match &self.scope {
            Scope::App(app) => app.clone(),
            Scope::Route { app, route } => format!("{app}/{route}"),
        }
    }

    pub(crate) fn app(&self) -> &str {
        match &self.scope {
            Scope::App(app) | Scope::Route { app, .. } => app,
        }
    }

    /// Where it is written; without the configuration's text, nowhere that can be shown.
    pub(crate) fn place(&self, sources: &Sources) -> Place {
        let file = sources.find(&self.file);
        let length = file.map_or(0, |file| sources.text(file).len());
        Place { file, span: self.span.start.min(length)..self.span.end.min(length) }
    }
}

/// Which apps and routes there are: each has a guard, be it an empty one.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    /// Apps, and whether their own 404 is rendered by us.
    pub(crate) apps: BTreeMap<String, bool>,
    /// Routes by entity id, and their apps.
    pub(crate) routes: BTreeMap<String, String>,
}

impl Declared {
    pub(crate) fn new(guards: &[Guard]) -> Self {
        let mut declared = Self::default();
        for guard in guards {
            let renders = declared.apps.entry(guard.app().to_owned()).or_insert(guard.renders_404);
            // Every guard of the app must say so.
            *renders &= guard.renders_404;
            if matches!(guard.scope, Scope::Route { .. }) {
                declared.routes.insert(guard.name(), guard.app().to_owned());
            }
        }
        declared
    }

    /// Whether there is nothing to compare names with.
    pub(crate) fn is_empty(&self) -> bool {
        self.apps.is_empty()
    }
}

/// Turns every guard into policies.
pub(crate) fn read(guards: &[Guard], sources: &Sources, entries: &mut Vec<Entry>, findings: &mut Findings) {
    let with_routes: std::collections::BTreeSet<&str> =
        guards.iter().filter(|guard| matches!(guard.scope, Scope::Route { .. })).map(Guard::app).collect();
    for guard in guards {
        let place = guard.place(sources);
        values::check(guard, &place, findings);
        let decided_by_routes = matches!(guard.scope, Scope::App(_)) && with_routes.contains(guard.app());
        let line = place.file.map_or(0, |file| sources.position(file, place.span.start).0);
        for made in cedar::policies(guard, !decided_by_routes) {
            match Policy::parse(Some(PolicyId::new(&made.id)), &made.text) {
                Ok(policy) => entries.push(Entry {
                    id: made.id,
                    body: Body::Static(policy),
                    place: place.clone(),
                    origin: Origin::Guard {
                        scope: guard.name(),
                        key: made.key,
                        file: guard.file.clone(),
                        line,
                    },
                    text: made.text,
                }),
                Err(fault) => findings.adopt(
                    Severity::Error,
                    "portcullis::policy::guard_value",
                    &place,
                    &Words(&fault),
                    Some(format!("`{}` of `{}` cannot be written as a policy", made.key, guard.name())),
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests;
