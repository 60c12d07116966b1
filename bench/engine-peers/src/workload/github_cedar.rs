//! `github` in Cedar: a group of users for each relation of a repository, each in the group of the relation it contains.

use std::fmt::Write;

use cedar_policy::{Entity, EntityUid, RestrictedExpression};

use crate::workload::github::{ACTIONS, Forge, RELATIONS};
use crate::workload::question::{Name, Question, Written, entity, uid};

/// The whole workload.
pub fn written(forge: Forge) -> Written {
    let questions = forge
        .requests
        .iter()
        .map(|request| Question {
            principal: Name::new("User", format!("u{}", request.user)),
            action: Name::new("Action", ACTIONS[request.action].0),
            resource: Name::new("Repo", format!("repo{}", request.repository)),
            context: Vec::new(),
            allow: request.allow,
        })
        .collect();
    Written { policies: policies(), entities: Box::new(move || entities(&forge)), questions }
}

fn policies() -> String {
    let mut text = String::new();
    for (action, relation) in ACTIONS {
        writeln!(
            text,
            "permit(principal, action == Action::\"{action}\", resource) when {{ principal in resource.{relation} }};"
        )
        .unwrap();
    }
    text.push_str("permit(principal, action, resource) when { principal in resource.owner.admins };\n");
    text
}

fn entities(forge: &Forge) -> Vec<Entity> {
    let mut entities = Vec::new();
    for (repository, owner) in forge.owners.iter().enumerate() {
        let relation = |place: usize| {
            (RELATIONS[place], RestrictedExpression::new_entity_uid(holders(repository, place)))
        };
        let owner = ("owner", RestrictedExpression::new_entity_uid(uid("Org", &format!("o{owner}"))));
        let attributes = [relation(0), relation(1), relation(2), relation(3), relation(4), owner];
        entities.push(entity(uid("Repo", &format!("repo{repository}")), attributes, []));
        for place in 0..RELATIONS.len() {
            let contained = place.checked_sub(1).map(|contained| holders(repository, contained));
            entities.push(entity(holders(repository, place), [], contained));
        }
    }
    for organisation in 0..forge.organisations {
        let group = uid("UserGroup", &format!("org{organisation}"));
        let admins = [("admins", RestrictedExpression::new_entity_uid(group.clone()))];
        entities.push(entity(uid("Org", &format!("o{organisation}")), admins, []));
        entities.push(entity(group, [], []));
    }
    for team in 0..forge.size {
        let granted = forge.team_grants[team].iter().map(|(repository, place)| holders(*repository, *place));
        entities.push(entity(in_team(team), [], granted.chain(forge.team_parent[team].map(in_team))));
    }
    for (user, organisations) in forge.administers().iter().enumerate() {
        let teams = forge.user_teams[user].iter().map(|team| in_team(*team));
        let admins = organisations.iter().map(|organisation| uid("UserGroup", &format!("org{organisation}")));
        entities.push(entity(uid("User", &format!("u{user}")), [], teams.chain(admins)));
    }
    entities
}

fn holders(repository: usize, relation: usize) -> EntityUid {
    uid("UserGroup", &format!("repo{repository}_{}", RELATIONS[relation]))
}

fn in_team(team: usize) -> EntityUid {
    uid("Team", &format!("t{team}"))
}
