//! Portcullis, as a gate asks it: facts as borrowed strings and typed values, a verdict whose reasons are looked at.
//!
//! `lent` makes the facts beforehand, which compares with the floor: that gets its strings and typed values so, too.
//! `made` makes them in the call, from the same strings. `request` goes by a Cedar request made beforehand.

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Instant;

use cedar_policy::{Entities, PolicySet, Request};
use portcullis_decision::{Decision, EntityName, Facts, Program, Value, Verdict, World};

use crate::memory::in_use;
use crate::peer::{Built, cedar};
use crate::workload::question::{Name, Plain, Question, Written};

/// A program and a world that can decide every question, from any thread.
#[derive(Debug)]
pub struct Portcullis {
    /// The policies.
    pub program: Program,
    /// The entities.
    pub world: World,
    /// What is asked.
    pub questions: Vec<Question>,
    load_seconds: f64,
    policy_bytes: i64,
    entity_bytes: i64,
    policies: usize,
}

/// Facts made beforehand and lent.
pub fn lent(written: Written) -> Built {
    let portcullis = Portcullis::leaked(written);
    let facts = portcullis.facts();
    let prepare = |index: usize| {
        black_box(self::facts(&portcullis.questions[index]));
    };
    portcullis.built(Box::new(move |index| portcullis.allows(&facts[index])), Some(Box::new(prepare)))
}

/// Facts made in the call.
pub fn made(written: Written) -> Built {
    let portcullis = Portcullis::leaked(written);
    portcullis
        .built(Box::new(move |index| portcullis.allows(&self::facts(&portcullis.questions[index]))), None)
}

/// By a Cedar request that was made beforehand.
pub fn request(written: Written) -> Built {
    let portcullis = Portcullis::leaked(written);
    let requests: Vec<Request> = portcullis.questions.iter().map(cedar::request).collect();
    let decide =
        move |index: usize| looked_at(&portcullis.program.decide(&portcullis.world, &requests[index]));
    let prepare = |index: usize| {
        black_box(cedar::request(&portcullis.questions[index]));
    };
    portcullis.built(Box::new(decide), Some(Box::new(prepare)))
}

impl Portcullis {
    /// Compiles a workload. Neither the official policy set nor the official entities are kept. Never freed, so that
    /// facts may borrow from the questions; the process of a cell ends soon.
    pub fn leaked(written: Written) -> &'static Self {
        let start = Instant::now();
        let before = in_use();
        let set: PolicySet = written.policies.parse().unwrap();
        let policies = set.num_of_policies();
        let program = Program::compile(&set).unwrap();
        drop(set);
        let with_program = in_use();
        let entities = Entities::from_entities((written.entities)(), None).unwrap();
        let world = World::new(&program, &entities);
        drop(entities);
        let with_world = in_use();
        Box::leak(Box::new(Self {
            program,
            world,
            questions: written.questions,
            load_seconds: start.elapsed().as_secs_f64(),
            policy_bytes: with_program - before,
            entity_bytes: with_world - with_program,
            policies,
        }))
    }

    /// Decides by these facts.
    pub fn allows(&self, facts: &Facts<'_>) -> bool {
        looked_at(&self.program.decide_facts(&self.world, facts))
    }

    /// The facts of every question.
    pub fn facts(&self) -> Vec<Facts<'_>> {
        self.questions.iter().map(facts).collect()
    }

    fn built(&self, decide: Box<dyn FnMut(usize) -> bool>, prepare: Option<Box<dyn FnMut(usize)>>) -> Built {
        Built {
            decide,
            expected: self.questions.iter().map(|question| question.allow).collect(),
            distinct: self.questions.len(),
            policy_bytes: self.policy_bytes,
            entity_bytes: self.entity_bytes,
            load_seconds: self.load_seconds,
            policies: self.policies,
            entities: self.world.len(),
            prepare,
        }
    }
}

/// The facts of a question as a gate would hand them over: borrowed.
pub fn facts(question: &Question) -> Facts<'_> {
    Facts {
        principal: name(&question.principal),
        action: name(&question.action),
        resource: name(&question.resource),
        context: fields(&question.context),
        overlay: Vec::new(),
        unavailable: Vec::new(),
        unavailable_principal: Vec::new(),
        ticket: None,
    }
}

/// Whether it allows, once every reason was looked at.
fn looked_at(verdict: &Verdict) -> bool {
    for reason in verdict.reasons() {
        black_box(reason);
    }
    verdict.decision() == Decision::Allow
}

fn name(name: &Name) -> EntityName<'_> {
    EntityName::new(name.kind, name.id.as_str())
}

fn fields<'q>(fields: &'q [(&'static str, Plain)]) -> Vec<(Cow<'q, str>, Value<'q>)> {
    fields.iter().map(|(name, plain)| (Cow::Borrowed(*name), value(plain))).collect()
}

fn value(plain: &Plain) -> Value<'_> {
    match plain {
        Plain::Bool(value) => Value::Bool(*value),
        Plain::Long(value) => Value::Long(*value),
        Plain::Text(value) => Value::String(Cow::Borrowed(value)),
        Plain::Address(value) => Value::Address(*value),
        Plain::Record(inside) => Value::Record(fields(inside)),
    }
}
