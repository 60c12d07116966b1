//! What recorded traffic is put to: policies, their apps, and a world that knows nothing of the people who asked.
//!
//! A record says everything about its principal: attributes, and what they were in. What the directory says of the same
//! person today must not be added, so people are left out of the world once and for all. Only people whom policies name in
//! their conditions are kept, each left out again where it is they who ask. So nothing is copied from decision to decision,
//! and the answer is the one that a world without the principal gives.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use portcullis_context::Directory;
use portcullis_decision::{EntityName, Program, World};
use portcullis_gate::{Apps, ForbidFault, bind};
use portcullis_policy::Policies;

use crate::rulebook::world_without;

/// Policies and apps that recorded traffic is put to.
pub struct Candidate {
    pub(super) program: Program,
    pub(super) policies: Policies,
    pub(super) on_forbid_fault: ForbidFault,
    /// Without people, but for those that policies name.
    world: World,
    /// The world without one of those, by type and identifier; `None`: it is made when they ask.
    without: HashMap<String, HashMap<String, Option<World>>>,
    /// Whether any policy names a person.
    pub(super) names_people: bool,
    apps: Apps,
    /// By the identifier of its entity: whether a route is decided on without identity too.
    routes: HashMap<String, bool>,
    found: Routes,
}

/// How the route of a recorded request is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routes {
    /// It is the recorded one, and only where the candidate has none of that name it is found anew: the candidate's routes
    /// are those in force.
    AsRecorded,
    /// By host, method and path: the candidate's routes may lie elsewhere.
    Anew,
}

/// The route of a recorded request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'c> {
    /// The recorded one; whether it is decided on without identity too.
    Same(bool),
    /// Another one, by the identifier of its entity.
    Other(&'c str, bool),
    /// No app has the host.
    NoHost,
    /// Its app has no route for it, or no app has the path.
    NoRoute,
}

/// Why something is no candidate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CandidateFault {
    /// The policies are too many.
    #[error(transparent)]
    Program(#[from] portcullis_decision::CompileError),
    /// The directory does not fit the schema.
    #[error("{0}")]
    Directory(String),
}

/// People that policies name, of whom a world of their own is kept. More are kept in the world all the same, and a copy is
/// made for each decision that they ask for.
const MOST_NAMED: usize = 4096;

impl Candidate {
    /// Makes policies ready. Groups and roles are the directory's.
    ///
    /// # Errors
    /// [`CandidateFault`] where they do not fit together.
    pub fn new(
        mut policies: Policies,
        apps: Apps,
        directory: &Directory,
        on_forbid_fault: ForbidFault,
        found: Routes,
    ) -> Result<Self, CandidateFault> {
        let named = people_named(&policies.set);
        let names_people = !named.is_empty();
        let (kept, people) = without_people(directory, &named);
        let entities = bind::entities::entities(&kept, &apps, &policies.schema).map_err(|faults| {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            CandidateFault::Directory(faults.join("\n"))
        })?;
        let set = std::mem::take(&mut policies.set);
        let program = Program::compile_with_schema(&set, &policies.schema)?;
        drop(set);
        let world = World::new(&program, &entities);
        let mut without: HashMap<String, HashMap<String, Option<World>>> = HashMap::new();
        for (at, person) in people.into_iter().enumerate() {
            let made = (at < MOST_NAMED).then(|| world_without(&world, &person));
            without.entry(person.0).or_default().insert(person.1, made);
        }
        let routes = apps.iter().flat_map(|app| &app.routes);
        let routes = routes.map(|route| (route.entity.clone(), route.public)).collect();
        Ok(Self { program, policies, on_forbid_fault, world, without, names_people, apps, routes, found })
    }

    /// The world in which this principal asks.
    pub(super) fn world(&self, principal: &EntityName<'_>) -> Cow<'_, World> {
        let named = self.without.get(&*principal.kind).and_then(|people| people.get(&*principal.id));
        match named {
            None => Cow::Borrowed(&self.world),
            Some(Some(world)) => Cow::Borrowed(world),
            Some(None) => {
                let person = (principal.kind.to_string(), principal.id.to_string());
                Cow::Owned(world_without(&self.world, &person))
            }
        }
    }

    /// The route of a recorded request.
    pub(super) fn route(&self, recorded: &str, host: &str, method: &str, path: &str) -> Found<'_> {
        if self.found == Routes::AsRecorded
            && let Some(public) = self.routes.get(recorded)
        {
            return Found::Same(*public);
        }
        let Ok(host) = portcullis_request::Host::parse(host) else { return Found::NoHost };
        if !self.apps.know(&host) {
            return Found::NoHost;
        }
        let (Ok(method), Ok(path)) = (
            method.parse::<http::Method>(),
            portcullis_request::CanonicalPath::parse_loosened(path, self.apps.loosened(&host)),
        ) else {
            return Found::NoRoute;
        };
        let route = self.apps.at(host.as_str(), &path).and_then(|app| app.route_at(&method, &path));
        match route {
            Some(route) if route.entity == recorded => Found::Same(route.public),
            Some(route) => Found::Other(&route.entity, route.public),
            None => Found::NoRoute,
        }
    }
}

/// The people that a policy set names anywhere, by type and identifier.
fn people_named(set: &cedar_policy::PolicySet) -> BTreeSet<(String, String)> {
    let named = set.policies().flat_map(cedar_policy::Policy::entity_literals);
    named
        .map(|uid| (uid.type_name().to_string(), AsRef::<str>::as_ref(uid.id()).to_owned()))
        .filter(|(kind, _)| kind == "User" || kind == "Service")
        .collect()
}

/// A directory whose people are only those named; and who of them is there.
fn without_people(
    directory: &Directory,
    named: &BTreeSet<(String, String)>,
) -> (Directory, Vec<(String, String)>) {
    let is_named = |kind: &str, id: &str| named.contains(&(kind.to_owned(), id.to_owned()));
    let mut kept = directory.clone();
    kept.users.retain(|id, _| is_named("User", id));
    kept.services.retain(|id, _| is_named("Service", id));
    kept.devices.clear();
    let users = kept.users.keys().map(|id| ("User".to_owned(), id.clone()));
    let people = users.chain(kept.services.keys().map(|id| ("Service".to_owned(), id.clone()))).collect();
    (kept, people)
}
