//! Casbin on `github`: relations are groups named after the repository.

use std::collections::HashSet;
use std::time::Instant;

use casbin::prelude::{CoreApi, DefaultModel, Enforcer, MgmtApi};

use crate::memory::in_use;
use crate::peer::{Built, casbin::runtime};
use crate::workload::github::{ACTIONS, Forge, RELATIONS};

const MODEL: &str = r##"
[request_definition]
r = sub, obj, act
[policy_definition]
p = act, rel
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = (p.act == "*" || r.act == p.act) && g(r.sub, r.obj + p.rel)
"##;

/// Builds the peer. Casbin stops at ten levels of groups, which the nesting of this world's teams can exceed.
pub fn build(forge: Forge) -> Built {
    let runtime = runtime();
    let start = Instant::now();
    let before = in_use();
    let model = runtime.block_on(DefaultModel::from_str(MODEL)).unwrap();
    let mut rules: Vec<Vec<String>> =
        ACTIONS.iter().map(|(action, relation)| vec![(*action).to_owned(), format!("#{relation}")]).collect();
    rules.push(vec!["*".to_owned(), "#owner".to_owned()]);
    let mut seen = HashSet::new();
    let groups: Vec<_> = groups(&forge).into_iter().filter(|pair| seen.insert(pair.clone())).collect();
    let (policies, entities) = (rules.len(), groups.len());
    let mut enforcer = runtime.block_on(Enforcer::new(model, ())).unwrap();
    runtime.block_on(enforcer.add_policies(rules)).unwrap();
    let with_policies = in_use();
    runtime.block_on(enforcer.add_grouping_policies(groups)).unwrap();
    let with_entities = in_use();
    let asked: Vec<(String, String, &'static str)> = forge
        .requests
        .iter()
        .map(|request| {
            (format!("u{}", request.user), format!("repo{}", request.repository), ACTIONS[request.action].0)
        })
        .collect();
    let decide = move |index: usize| {
        let (user, repository, action) = &asked[index];
        enforcer.enforce((user, repository, *action)).unwrap()
    };
    Built {
        decide: Box::new(decide),
        expected: forge.requests.iter().map(|request| request.allow).collect(),
        distinct: forge.requests.len(),
        policy_bytes: with_policies - before,
        entity_bytes: with_entities - with_policies,
        load_seconds: start.elapsed().as_secs_f64(),
        policies,
        entities,
        prepare: None,
    }
}

fn groups(forge: &Forge) -> Vec<Vec<String>> {
    let mut pairs = Vec::new();
    for (repository, owner) in forge.owners.iter().enumerate() {
        for containing in 1..RELATIONS.len() {
            pairs.push(vec![group(repository, containing), group(repository, containing - 1)]);
        }
        pairs.push(vec![format!("org{owner}"), format!("repo{repository}#owner")]);
    }
    for team in 0..forge.size {
        let granted = &forge.team_grants[team];
        pairs.extend(
            granted
                .iter()
                .map(|(repository, relation)| vec![format!("t{team}"), group(*repository, *relation)]),
        );
        pairs.extend(forge.team_parent[team].map(|parent| vec![format!("t{team}"), format!("t{parent}")]));
    }
    for (user, organisations) in forge.administers().iter().enumerate() {
        let teams = forge.user_teams[user].iter().map(|team| format!("t{team}"));
        let administered = organisations.iter().map(|organisation| format!("org{organisation}"));
        pairs.extend(teams.chain(administered).map(|above| vec![format!("u{user}"), above]));
    }
    pairs
}

fn group(repository: usize, relation: usize) -> String {
    format!("repo{repository}#{}", RELATIONS[relation])
}
