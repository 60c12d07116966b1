//! Workloads that could hurt: made to defeat indexes, or to be large where engines like it small. Each has a direct
//! reference of its own, and only peers that speak Cedar run them.

mod conditions;
mod errors;
mod relations;
mod scopes;

use cedar_policy::Entity;

use crate::random::Random;
use crate::workload::SEED;
use crate::workload::question::{Name, Plain, Question, Written, entity};

/// Their names. Size is the number of policies, but for `strings`, where it is the number of strings in each set.
pub const NAMES: [&str; 10] = [
    "keyless",
    "context",
    "denylist",
    "roles",
    "hierarchy",
    "strings",
    "like",
    "erring",
    "one-route",
    "groups",
];

const QUESTIONS: usize = 512;

/// One of them, by name.
pub fn written(name: &str, size: usize) -> Written {
    let random = &mut Random::new(SEED);
    match name {
        "keyless" => relations::keyless(size, random),
        "context" => conditions::context(size, random),
        "denylist" => conditions::denylist(size, random),
        "roles" => scopes::roles(size, random),
        "hierarchy" => relations::hierarchy(size, random),
        "strings" => relations::strings(size, random),
        "like" => conditions::like(size, random),
        "erring" => errors::erring(size, random),
        "one-route" => scopes::one_route(size, random),
        "groups" => scopes::groups(size, random),
        _ => panic!("no workload `{name}`"),
    }
}

/// Every other one is made to suit a policy of the caller's choice, so that both decisions occur.
fn ask(random: &mut Random, mut question: impl FnMut(&mut Random, bool) -> Question) -> Vec<Question> {
    let mut questions: Vec<Question> = (0..QUESTIONS).map(|place| question(random, place % 2 == 0)).collect();
    random.shuffle(&mut questions);
    let allowed = questions.iter().filter(|question| question.allow).count();
    assert!((QUESTIONS / 16..QUESTIONS).contains(&allowed), "{allowed} of {QUESTIONS} are allowed");
    questions
}

/// A question to be completed by what the reference says.
fn question(
    principal: Name,
    action: &'static str,
    resource: Name,
    context: Vec<(&'static str, Plain)>,
    allow: bool,
) -> Question {
    Question { principal, action: Name::new("Action", action), resource, context, allow }
}

/// `count` entities without attributes or parents: `prefix0`, `prefix1`, …
fn bare(kind: &'static str, prefix: &str, count: usize) -> Vec<Entity> {
    (0..count).map(|number| entity(numbered(kind, prefix, number).to_cedar(), [], [])).collect()
}

fn numbered(kind: &'static str, prefix: &str, number: usize) -> Name {
    Name::new(kind, format!("{prefix}{number}"))
}

/// `count` different numbers below `limit`, sorted.
fn sample(random: &mut Random, count: usize, limit: usize) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..limit).collect();
    random.shuffle(&mut numbers);
    numbers.truncate(count);
    numbers.sort_unstable();
    numbers
}
