//! The floor of `github`: see [`crate::peer::floor`].

use std::hint::black_box;
use std::time::Instant;

use crate::memory::in_use;
use crate::peer::Built;
use crate::peer::floor::Map;
use crate::workload::github::{ACTIONS, Forge, POLICIES, RELATIONS, relation_for};

const OWNER: usize = RELATIONS.len();

/// By name, where something starts and ends.
type Ranges = Map<Box<str>, (u32, u32)>;

/// Builds the floor.
pub fn build(forge: Forge) -> Built {
    let start = Instant::now();
    let before = in_use();
    let actions: Map<&str, u32> = ACTIONS
        .iter()
        .enumerate()
        .map(|(place, (action, _))| (*action, relation_for(place) as u32))
        .collect();
    let (users, closure) = users(&forge);
    let repositories: Map<Box<str>, [u32; 6]> = (0..forge.size)
        .map(|repository| {
            let group = |relation: usize| (repository * RELATIONS.len() + relation) as u32;
            let owner = organisation(&forge, forge.owners[repository]);
            let groups = [group(0), group(1), group(2), group(3), group(4), owner];
            (format!("repo{repository}").into(), groups)
        })
        .collect();
    let entity_bytes = in_use() - before;
    let load_seconds = start.elapsed().as_secs_f64();
    let entities = users.len() + repositories.len();
    let asked: Vec<(String, &'static str, String)> = forge
        .requests
        .iter()
        .map(|request| {
            (format!("u{}", request.user), ACTIONS[request.action].0, format!("repo{}", request.repository))
        })
        .collect();
    let mut reasons: Vec<u32> = Vec::with_capacity(8);
    let decide = move |index: usize| {
        let (user, action, repository) = &asked[index];
        reasons.clear();
        let (start, end) = users[user.as_str()];
        let mine = &closure[start as usize..end as usize];
        let groups = repositories[repository.as_str()];
        let relation = actions[action];
        if mine.binary_search(&groups[relation as usize]).is_ok() {
            reasons.push(relation);
        }
        if mine.binary_search(&groups[OWNER]).is_ok() {
            reasons.push(7);
        }
        black_box(&reasons);
        !reasons.is_empty()
    };
    Built {
        decide: Box::new(decide),
        expected: forge.requests.iter().map(|request| request.allow).collect(),
        distinct: forge.requests.len(),
        policy_bytes: 0,
        entity_bytes,
        load_seconds,
        policies: POLICIES,
        entities,
        prepare: None,
    }
}

/// Where each user's groups are in the closure, which is sorted for each.
fn users(forge: &Forge) -> (Ranges, Vec<u32>) {
    let mut users = Ranges::default();
    let mut closure: Vec<u32> = Vec::new();
    for (user, organisations) in forge.administers().iter().enumerate() {
        let mut groups: Vec<u32> = organisations.iter().map(|place| organisation(forge, *place)).collect();
        for (repository, relation) in forge.grants(user) {
            groups.extend((0..=relation).map(|contained| (repository * RELATIONS.len() + contained) as u32));
        }
        groups.sort_unstable();
        groups.dedup();
        let start = closure.len() as u32;
        closure.extend(groups);
        users.insert(format!("u{user}").into(), (start, closure.len() as u32));
    }
    (users, closure)
}

fn organisation(forge: &Forge, organisation: usize) -> u32 {
    (forge.size * RELATIONS.len() + organisation) as u32
}
