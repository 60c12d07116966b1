//! Policies on memberships where these are many: hundreds of roles a user, a thousand groups, or every policy on one
//! route.

use std::fmt::Write;

use super::{ask, bare, numbered, question, sample};
use crate::random::Random;
use crate::workload::question::{Plain, Written, entity};

const ACTIONS: [&str; 3] = ["GET", "POST", "DELETE"];

/// 500 roles a user, of 2,000. Permits of one role for an action on a route; two policies a route.
pub(super) fn roles(size: usize, random: &mut Random) -> Written {
    const USERS: usize = 100;
    const ROLES: usize = 2_000;
    let routes = size / 2 + 1;
    let members: Vec<Vec<usize>> = (0..USERS).map(|_| sample(random, 500, ROLES)).collect();
    let permits: Vec<(usize, usize, usize)> =
        (0..size).map(|number| (random.below(ROLES), random.below(3), number % routes)).collect();
    let mut policies = String::new();
    for (role, action, route) in &permits {
        let action = ACTIONS[*action];
        writeln!(
            policies,
            "permit(principal in Role::\"role{role}\", action == Action::\"{action}\", resource == Route::\"r{route}\");"
        )
        .unwrap();
    }
    let questions = ask(random, |random, suit| {
        let (_, mut action, mut route) = permits[random.below(size)];
        if !suit {
            (action, route) = (random.below(3), random.below(routes));
        }
        let user = random.below(USERS);
        let allow = permits.iter().any(|permit| {
            (permit.1, permit.2) == (action, route) && members[user].binary_search(&permit.0).is_ok()
        });
        question(
            numbered("User", "u", user),
            ACTIONS[action],
            numbered("Route", "r", route),
            Vec::new(),
            allow,
        )
    });
    let entities = Box::new(move || {
        let mut entities = bare("Role", "role", ROLES);
        entities.extend(bare("Route", "r", routes));
        entities.extend(members.iter().enumerate().map(|(user, roles)| {
            let parents = roles.iter().map(|role| numbered("Role", "role", *role).to_cedar());
            entity(numbered("User", "u", user).to_cedar(), [], parents)
        }));
        entities
    });
    Written { policies, entities, questions }
}

/// Every permit is for the same action on the same route, each for another role; five roles a user.
pub(super) fn one_route(size: usize, random: &mut Random) -> Written {
    const USERS: usize = 500;
    // Half of the roles are in no policy.
    let roles = size * 2;
    let members: Vec<Vec<usize>> = (0..USERS)
        .map(|user| match user % 2 {
            0 => sample(random, 5, size),
            _ => sample(random, 5, size).into_iter().map(|role| role + size).collect(),
        })
        .collect();
    let mut policies = String::new();
    for role in 0..size {
        writeln!(
            policies,
            "permit(principal in Role::\"role{role}\", action == Action::\"GET\", resource == Route::\"r0\");"
        )
        .unwrap();
    }
    let questions = ask(random, |random, suit| {
        let user = random.below(USERS / 2) * 2 + usize::from(!suit);
        let allow = members[user].iter().any(|role| *role < size);
        question(numbered("User", "u", user), "GET", numbered("Route", "r", 0), Vec::new(), allow)
    });
    let entities = Box::new(move || {
        let mut entities = bare("Role", "role", roles);
        entities.extend(bare("Route", "r", 1));
        entities.extend(members.iter().enumerate().map(|(user, roles)| {
            let parents = roles.iter().map(|role| numbered("Role", "role", *role).to_cedar());
            entity(numbered("User", "u", user).to_cedar(), [], parents)
        }));
        entities
    });
    Written { policies, entities, questions }
}

/// A user in 1,000 groups of 4,000, and permits that pin nothing but the principal's group; most fail by a threshold.
pub(super) fn groups(size: usize, random: &mut Random) -> Written {
    const USERS: usize = 50;
    const GROUPS: usize = 4_000;
    const LEVELS: usize = 1_000;
    let members: Vec<Vec<usize>> = (0..USERS).map(|_| sample(random, 1_000, GROUPS)).collect();
    let permits: Vec<(usize, usize)> =
        (0..size).map(|number| (number * 7 % GROUPS, random.below(LEVELS))).collect();
    let mut policies = String::new();
    for (group, level) in &permits {
        writeln!(
            policies,
            "permit(principal in Group::\"g{group}\", action, resource) when {{ context.level >= {level} }};"
        )
        .unwrap();
    }
    let questions = ask(random, |random, suit| {
        let user = random.below(USERS);
        // Low, so that few of the hundreds of policies in scope hold; or just enough for one of them.
        let mine = permits.iter().filter(|(group, _)| members[user].binary_search(group).is_ok());
        let lowest = mine.clone().map(|(_, level)| *level).min();
        let level = match lowest {
            Some(lowest) if suit => lowest as i64,
            _ => random.below(6) as i64 - 4,
        };
        let allow = mine.clone().any(|(_, needed)| level >= *needed as i64);
        let context = vec![("level", Plain::Long(level))];
        question(numbered("User", "u", user), "read", numbered("Route", "r", 0), context, allow)
    });
    let entities = Box::new(move || {
        let mut entities = bare("Group", "g", GROUPS);
        entities.extend(bare("Route", "r", 1));
        entities.extend(members.iter().enumerate().map(|(user, groups)| {
            let parents = groups.iter().map(|group| numbered("Group", "g", *group).to_cedar());
            entity(numbered("User", "u", user).to_cedar(), [], parents)
        }));
        entities
    });
    Written { policies, entities, questions }
}
