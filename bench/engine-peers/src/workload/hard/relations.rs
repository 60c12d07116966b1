//! Policies on what principal and resource have to do with each other: arithmetic that no index serves, folders twelve
//! deep, sets of many strings.

use std::fmt::Write;

use cedar_policy::RestrictedExpression;

use super::{ask, bare, numbered, question, sample};
use crate::random::Random;
use crate::workload::question::{Plain, Written, entity};

/// No policy pins anything, and the first thing each asks is a sum over two entities.
pub(super) fn keyless(size: usize, random: &mut Random) -> Written {
    const PEOPLE: usize = 1_000;
    const DEPARTMENTS: usize = 20;
    const MINUTES: usize = 1_440;
    let mut people = || -> Vec<(i64, usize)> {
        (0..PEOPLE).map(|_| (random.below(10) as i64, random.below(DEPARTMENTS))).collect()
    };
    let (users, documents) = (people(), people());
    let permits: Vec<(i64, i64, i64)> = (0..size)
        .map(|_| (1 + random.below(6) as i64, random.below(30) as i64, random.below(MINUTES) as i64))
        .collect();
    let mut policies = String::new();
    for (weight, needed, minute) in &permits {
        writeln!(
            policies,
            "permit(principal, action, resource) when {{ principal.clearance * {weight} + resource.level > {needed} \
             && principal.department == resource.department && context.minute == {minute} }};"
        )
        .unwrap();
    }
    let questions = ask(random, |random, suit| {
        let (user, mut document) = (random.below(PEOPLE), random.below(PEOPLE));
        let mut minute = random.below(MINUTES) as i64;
        if suit {
            minute = permits[random.below(size)].2;
            let near = (document..PEOPLE).chain(0..document);
            document =
                near.into_iter().find(|other| documents[*other].1 == users[user].1).unwrap_or(document);
        }
        let ((clearance, department), (level, owner)) = (users[user], documents[document]);
        let allow = permits.iter().any(|(weight, needed, at)| {
            clearance * weight + level > *needed && department == owner && minute == *at
        });
        let context = vec![("minute", Plain::Long(minute))];
        question(numbered("User", "u", user), "read", numbered("Document", "d", document), context, allow)
    });
    let entities = Box::new(move || {
        let number = RestrictedExpression::new_long;
        let department = |number: usize| RestrictedExpression::new_string(format!("department{number}"));
        let user = |(place, (clearance, of)): (usize, &(i64, usize))| {
            let attributes = [("clearance", number(*clearance)), ("department", department(*of))];
            entity(numbered("User", "u", place).to_cedar(), attributes, [])
        };
        let document = |(place, (level, of)): (usize, &(i64, usize))| {
            let attributes = [("level", number(*level)), ("department", department(*of))];
            entity(numbered("Document", "d", place).to_cedar(), attributes, [])
        };
        users.iter().enumerate().map(user).chain(documents.iter().enumerate().map(document)).collect()
    });
    Written { policies, entities, questions }
}

/// Folders in folders, twelve levels, each holding two; documents in the lowest; permits on folders of every level but
/// the highest three, which would hold for most.
pub(super) fn hierarchy(size: usize, random: &mut Random) -> Written {
    const LEVELS: usize = 12;
    const LOWEST: usize = 1 << (LEVELS - 1);
    const USERS: usize = 200;
    const TEAMS: usize = 1_000;
    const HIGHEST: usize = 3;
    let members: Vec<Vec<usize>> = (0..USERS).map(|_| sample(random, 3, TEAMS)).collect();
    // As in a heap: folder 1 is the highest, 2n and 2n + 1 lie in n.
    let permits: Vec<(usize, usize)> = (0..size)
        .map(|_| {
            let level = HIGHEST + random.below(LEVELS - HIGHEST);
            (random.below(TEAMS), (1 << level) + random.below(1 << level))
        })
        .collect();
    let mut policies = String::new();
    for (team, folder) in &permits {
        writeln!(
            policies,
            "permit(principal in Team::\"t{team}\", action == Action::\"read\", resource in Folder::\"f{folder}\");"
        )
        .unwrap();
    }
    let contains = |folder: usize, document: usize| {
        std::iter::successors(Some(LOWEST + document), |folder| Some(folder / 2).filter(|above| *above > 0))
            .any(|above| above == folder)
    };
    let questions = ask(random, |random, suit| {
        let (mut user, mut document) = (random.below(USERS), random.below(LOWEST));
        if suit {
            let (team, folder) = permits[random.below(size)];
            let near = (user..USERS).chain(0..user);
            user = near.into_iter().find(|other| members[*other].contains(&team)).unwrap_or(user);
            let near = (document..LOWEST).chain(0..document);
            document = near.into_iter().find(|other| contains(folder, *other)).unwrap_or(document);
        }
        let allow =
            permits.iter().any(|(team, folder)| members[user].contains(team) && contains(*folder, document));
        question(numbered("User", "u", user), "read", numbered("Document", "d", document), Vec::new(), allow)
    });
    let entities = Box::new(move || {
        let folder = |number: usize| numbered("Folder", "f", number).to_cedar();
        let mut entities = bare("Team", "t", TEAMS);
        entities.push(entity(folder(1), [], []));
        entities.extend((2..2 * LOWEST).map(|number| entity(folder(number), [], [folder(number / 2)])));
        entities.extend((0..LOWEST).map(|document| {
            entity(numbered("Document", "d", document).to_cedar(), [], [folder(LOWEST + document)])
        }));
        entities.extend(members.iter().enumerate().map(|(user, teams)| {
            let parents = teams.iter().map(|team| numbered("Team", "t", *team).to_cedar());
            entity(numbered("User", "u", user).to_cedar(), [], parents)
        }));
        entities
    });
    Written { policies, entities, questions }
}

/// Eight apps, each with a set of `size` strings: four in the policy's own text, four as an attribute of the app.
pub(super) fn strings(size: usize, random: &mut Random) -> Written {
    const APPS: usize = 8;
    let client = |app: usize, number: usize| format!("client-{app}-{number}@partners.example");
    let mut policies = String::new();
    for app in 0..APPS / 2 {
        let clients: Vec<String> = (0..size).map(|number| format!("\"{}\"", client(app, number))).collect();
        writeln!(
            policies,
            "permit(principal, action, resource == App::\"a{app}\") when {{ [{}].contains(context.client) }};",
            clients.join(", ")
        )
        .unwrap();
    }
    policies.push_str(
        "permit(principal, action, resource is App) when { resource has clients && \
         resource.clients.contains(context.client) };\n",
    );
    let questions = ask(random, |random, suit| {
        let app = random.below(APPS);
        let number = random.below(size) + if suit { 0 } else { size };
        let context = vec![("client", Plain::Text(client(app, number)))];
        question(numbered("User", "u", 0), "GET", numbered("App", "a", app), context, number < size)
    });
    let entities = Box::new(move || {
        let mut entities = bare("User", "u", 1);
        entities.extend(bare("App", "a", APPS / 2));
        entities.extend((APPS / 2..APPS).map(|app| {
            let clients = (0..size).map(|number| RestrictedExpression::new_string(client(app, number)));
            let attributes = [("clients", RestrictedExpression::new_set(clients))];
            entity(numbered("App", "a", app).to_cedar(), attributes, [])
        }));
        entities
    });
    Written { policies, entities, questions }
}
