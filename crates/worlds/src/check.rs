//! The engine held against the official authorizer: by request and by facts, with and without a schema, in worlds that
//! were built at once and in worlds that came about by changes, among policies in another order and among others that do
//! not matter.

mod changes;
mod disguise;

use std::fmt;

use cedar_policy::{Entities, PolicySet};
use portcullis_decision::{EntityOverlay, Facts, Program, Ticket, World};

use crate::answer::{Answer, Told, official, told};
use crate::case::{Entity, Request, merged};
use crate::census::Census;
use crate::official::{entities, request};
use crate::source::Source;
use crate::value::facts;

/// What is checked: policies as the official crate has them, and a world and requests as data.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The policies.
    pub set: PolicySet,
    /// The entities that stand still between requests.
    pub entities: Vec<Entity>,
    /// What each request adds to them.
    pub overlay: Vec<Entity>,
    /// What is asked.
    pub requests: Vec<Request>,
}

/// The engine under test.
#[derive(Debug, Clone, Copy)]
pub struct Engine {
    /// What becomes of a verdict before it is compared: nothing, unless a test plants a fault.
    pub distort: fn(Told) -> Told,
    /// Compiles without any index, where the engine can.
    pub unindexed: Option<fn(&PolicySet) -> Option<Program>>,
}

impl Engine {
    /// `portcullis-decision` as it is.
    pub const OURS: Self =
        Self { distort: |told| told, unindexed: Some(|set| Program::compile_unindexed(set).ok()) };
}

/// Why a check did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The official crate refuses the subject itself: a fault of whoever made it.
    Refused(String),
    /// The engine is not the same as the official authorizer.
    Differs {
        /// By which way it was asked.
        way: &'static str,
        /// Which request, by its place.
        request: usize,
        /// What should have come.
        expected: String,
        /// What came.
        found: String,
    },
}

/// Requests of which every eighth is asked in the ways that cost a program or a world of their own.
const SAMPLE: usize = 8;

/// Checks a subject in every way. The seed chooses changes and orders.
///
/// # Errors
/// The first [`Fault`].
pub fn subject(subject: &Subject, seed: u64, engine: Engine) -> Result<Census, Fault> {
    let whole = entities(&merged(&subject.entities, &subject.overlay)).map_err(Fault::Refused)?;
    let lean = match subject.overlay.as_slice() {
        [] => whole.clone(),
        _ => entities(&subject.entities).map_err(Fault::Refused)?,
    };
    let requests =
        subject.requests.iter().map(request).collect::<Result<Vec<_>, _>>().map_err(Fault::Refused)?;
    let answers: Vec<Answer> =
        requests.iter().map(|request| official(request, &subject.set, &whole)).collect();
    let check = Check { subject, engine, whole, requests, answers };

    let program = compiled(&subject.set, "compile")?;
    let mut census = Census::default();
    census.add_set(&subject.set);
    let worlds = (World::new(&program, &check.whole), World::new(&program, &lean));
    for (place, answer) in check.answers.iter().enumerate() {
        census.add_pair(answer);
        let by_request = check.decide("decide", &program, &worlds.0, place, answer)?;
        if let Some(by_facts) = check.decide_facts(&program, &worlds.1, place)? {
            census.facts = census.facts.saturating_add(1);
            equal("nearest", place, &by_request.nearest, &by_facts.nearest)?;
        }
    }
    let mut source = Source::from_seed(seed);
    check.other_programs(&mut source)?;
    check.changed_worlds(&program, &worlds.0, &mut source)?;
    Ok(census)
}

/// What the official authorizer says to each request of a subject.
///
/// # Errors
/// In words, what the official crate refused.
pub fn answers(subject: &Subject) -> Result<Vec<Answer>, String> {
    let whole = entities(&merged(&subject.entities, &subject.overlay))?;
    let requests = subject.requests.iter().map(request).collect::<Result<Vec<_>, _>>()?;
    Ok(requests.iter().map(|request| official(request, &subject.set, &whole)).collect())
}

/// One check in progress.
struct Check<'a> {
    subject: &'a Subject,
    engine: Engine,
    whole: Entities,
    requests: Vec<cedar_policy::Request>,
    answers: Vec<Answer>,
}

impl Check<'_> {
    /// Asks by request, and compares with this answer.
    fn decide(
        &self,
        way: &'static str,
        program: &Program,
        world: &World,
        place: usize,
        expected: &Answer,
    ) -> Result<Told, Fault> {
        let Some(request) = self.requests.get(place) else {
            return Err(Fault::Refused("no request".to_owned()));
        };
        let told = (self.engine.distort)(told(&program.decide(world, request)));
        same(way, place, expected, &told)?;
        equal("no permit without facts", place, &false, &told.permit)?;
        Ok(told)
    }

    /// Asks by facts, with the overlay; `None` if the request has a value that no fact has.
    fn decide_facts(&self, program: &Program, world: &World, place: usize) -> Result<Option<Told>, Fault> {
        let (Some(request), Some(expected)) = (self.subject.requests.get(place), self.answers.get(place))
        else {
            return Ok(None);
        };
        let Some(facts) = as_facts(request, &self.subject.overlay) else { return Ok(None) };
        let told = (self.engine.distort)(told(&program.decide_facts(world, &facts)));
        same("decide_facts", place, expected, &told)?;
        let permitted = expected.allow && !expected.forbid_erred(&self.subject.set);
        equal("permit", place, &permitted, &told.permit)?;
        Ok(Some(told))
    }

    /// A sample of requests and the answers to them.
    fn sample(&self) -> impl Iterator<Item = (usize, &Answer)> {
        self.answers.iter().enumerate().step_by(SAMPLE)
    }
}

/// A request as the gate tells it.
fn as_facts<'a>(request: &'a Request, overlay: &'a [Entity]) -> Option<Facts<'a>> {
    let overlay = overlay
        .iter()
        .map(|entity| {
            Some(EntityOverlay {
                name: entity.name.fact(),
                attributes: facts(&entity.attributes)?,
                parents: entity.parents.iter().map(|name| name.fact()).collect(),
            })
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Facts {
        principal: request.principal.fact(),
        action: request.action.fact(),
        resource: request.resource.fact(),
        context: facts(&request.context)?,
        overlay,
        unavailable: Vec::new(),
        unavailable_principal: Vec::new(),
        ticket: Some(Ticket(1)),
    })
}

fn compiled(set: &PolicySet, way: &'static str) -> Result<Program, Fault> {
    Program::compile(set).map_err(|fault| Fault::Differs {
        way,
        request: 0,
        expected: "a program".to_owned(),
        found: fault.to_string(),
    })
}

fn same(way: &'static str, request: usize, expected: &Answer, told: &Told) -> Result<(), Fault> {
    if told.answer == *expected && told.undecided.is_empty() {
        return Ok(());
    }
    let undecided = if told.undecided.is_empty() {
        String::new()
    } else {
        format!("\n    undecided: {:?}", told.undecided)
    };
    Err(Fault::Differs {
        way,
        request,
        expected: expected.to_string(),
        found: format!("{}{undecided}", told.answer),
    })
}

fn equal<T: PartialEq + fmt::Debug>(
    way: &'static str,
    request: usize,
    expected: &T,
    found: &T,
) -> Result<(), Fault> {
    if expected == found {
        return Ok(());
    }
    Err(Fault::Differs { way, request, expected: format!("{expected:?}"), found: format!("{found:?}") })
}

impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(to, "the official crate refuses the case: {why}"),
            Self::Differs { way, request, expected, found } => {
                write!(
                    to,
                    "by `{way}`, request {request} differs\n  official: {expected}\n  found:    {found}"
                )
            }
        }
    }
}
