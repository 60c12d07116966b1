//! The official Cedar authorizer, its store of entities handed over in each of three ways.

use std::hint::black_box;
use std::time::Instant;

use cedar_policy::{Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request};

use crate::memory::in_use;
use crate::peer::Built;
use crate::workload::question::{Question, Written};

/// How a call gets the entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// One store of every entity, built once, lent to each call.
    Whole,
    /// The whole store copied and the principal replaced on each call.
    Upsert,
    /// A store of only the principal, the resource and their ancestors, built on each call.
    Slice,
}

/// Builds the peer.
pub fn build(written: Written, store: Store) -> Built {
    let start = Instant::now();
    let before = in_use();
    let set: PolicySet = written.policies.parse().unwrap();
    let with_policies = in_use();
    let entities = Entities::from_entities((written.entities)(), None).unwrap();
    let with_entities = in_use();
    let load_seconds = start.elapsed().as_secs_f64();
    let requests: Vec<Request> = written.questions.iter().map(request).collect();
    let fresh: Vec<Vec<Entity>> =
        written.questions.iter().map(|question| handed_over(question, &entities, store)).collect();
    let expected = written.questions.iter().map(|question| question.allow).collect();
    let distinct = written.questions.len();
    let (policies, count) = (set.num_of_policies(), entities.len());
    let authorizer = Authorizer::new();
    let decide = move |index: usize| match store {
        Store::Whole => looked_at(&authorizer, &requests[index], &set, &entities),
        Store::Upsert => {
            let copy = entities.clone().upsert_entities(fresh[index].iter().cloned(), None).unwrap();
            looked_at(&authorizer, &requests[index], &set, &copy)
        }
        Store::Slice => {
            let slice = Entities::from_entities(fresh[index].iter().cloned(), None).unwrap();
            looked_at(&authorizer, &requests[index], &set, &slice)
        }
    };
    let prepare = move |index: usize| {
        black_box(request(&written.questions[index]));
    };
    Built {
        decide: Box::new(decide),
        expected,
        distinct,
        policy_bytes: with_policies - before,
        entity_bytes: with_entities - with_policies,
        load_seconds,
        policies,
        entities: count,
        prepare: Some(Box::new(prepare)),
    }
}

/// A Cedar request.
pub fn request(question: &Question) -> Request {
    let context = question.context.iter().map(|(name, value)| ((*name).to_owned(), value.to_cedar()));
    Request::new(
        question.principal.to_cedar(),
        question.action.to_cedar(),
        question.resource.to_cedar(),
        Context::from_pairs(context).unwrap(),
        None,
    )
    .unwrap()
}

/// Whether it allows, once every reason was looked at.
fn looked_at(authorizer: &Authorizer, request: &Request, set: &PolicySet, entities: &Entities) -> bool {
    let response = authorizer.is_authorized(request, set, entities);
    black_box(response.diagnostics().reason().count());
    response.decision() == Decision::Allow
}

/// The entities that a call brings along.
fn handed_over(question: &Question, entities: &Entities, store: Store) -> Vec<Entity> {
    let known = |name: &EntityUid| entities.get(name).cloned();
    let (principal, resource) = (question.principal.to_cedar(), question.resource.to_cedar());
    match store {
        Store::Whole => Vec::new(),
        Store::Upsert => known(&principal).into_iter().collect(),
        Store::Slice => [&principal, &resource]
            .into_iter()
            .filter_map(known)
            .chain(entities.ancestors(&principal).into_iter().flatten().filter_map(known))
            .chain(entities.ancestors(&resource).into_iter().flatten().filter_map(known))
            .collect(),
    }
}
