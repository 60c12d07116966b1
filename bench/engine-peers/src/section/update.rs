//! What a change costs: one user, a group of two thousandths of all users, the group of everybody, each in a chain of
//! changes (each world comes from the one before); and a reload of the policies beside a world that stands.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use cedar_policy::{Entities, Entity, EntityUid, PolicySet, RestrictedExpression};
use portcullis_decision::{Change, Decision, Facts, Program, World};

use crate::memory::in_use;
use crate::peer::portcullis::facts;
use crate::random::Random;
use crate::row::Figures;
use crate::section::Cell;
use crate::section::threads::median;
use crate::workload::question::{Name, Plain, Question, entity};
use crate::workload::saas::Tenancy;
use crate::workload::{SEED, saas_cedar};

pub(super) const COLUMNS: [&str; 10] = [
    "user_us",
    "group_us",
    "everybody_us",
    "changes",
    "decision_us",
    "reload_ms",
    "first_decision_us",
    "world_new_s",
    "world_mib",
    "wrong",
];

const GROUPS: usize = 1_000;
const POLICIES: usize = 1_000;
const LEAST_CHANGES: usize = 3;
const MOST_CHANGES: usize = 1_000;
const LONGEST: Duration = Duration::from_secs(15);

/// Users in two groups each, groups in the group of everybody; editors may open the desk, from tier 2.
const DESK: &str = "permit(principal in Role::\"editor\", action == Action::\"GET\", resource == Route::\"desk\") \
                    when { principal.tier >= 2 };\n";

pub(super) fn measure(cell: &Cell) -> Figures {
    let program = program(SEED);
    let users = cell.size - GROUPS - 3;
    let before = in_use();
    let entities = Entities::from_entities(people(users), None).unwrap();
    let start = Instant::now();
    let world = World::new(&program, &entities);
    let world_seconds = start.elapsed().as_secs_f64();
    drop(entities);
    let world_bytes = in_use() - before;
    let mut standing = Standing { program, world, users, wrong: 0, changes: 0 };

    let mut random = Random::new(SEED);
    let mut one_user = standing.changes(|standing, place| {
        // Nobody is an editor but for the change.
        let user = random.below(standing.users);
        let editor = place % 3 == 0;
        let parents = [group(user % GROUPS)].into_iter().chain(editor.then(role));
        let changed = person(user, 1 + (place % 2) as i64, parents);
        (changed, user, editor && place % 2 == 1)
    });
    let mut one_group = standing.changes(|standing, place| {
        let of = GROUPS / 2 + place % (GROUPS / 4);
        let editor = place % (GROUPS / 2) < GROUPS / 4;
        let changed = entity(group(of), [], [everybody()].into_iter().chain(editor.then(role)));
        standing.restore(of);
        (changed, of, editor)
    });
    let mut all = standing.changes(|standing, place| {
        let editor = place % 2 == 0;
        standing.restore(0);
        (entity(everybody(), [], editor.then(role)), 0, editor)
    });
    let mut decisions = standing.decisions(2_000);

    let set = policies(SEED + 1);
    let start = Instant::now();
    standing.program = Program::compile(&set).unwrap();
    let reload = start.elapsed();
    let first = standing.decisions(1);
    vec![
        ("user_us", median(&mut one_user)),
        ("group_us", median(&mut one_group)),
        ("everybody_us", median(&mut all)),
        ("changes", standing.changes as f64),
        ("decision_us", median(&mut decisions)),
        ("reload_ms", reload.as_secs_f64() * 1e3),
        ("first_decision_us", first[0]),
        ("world_new_s", world_seconds),
        ("world_mib", world_bytes as f64 / 1_048_576.0),
        ("wrong", standing.wrong as f64),
    ]
}

struct Standing {
    program: Program,
    world: World,
    users: usize,
    wrong: u64,
    changes: usize,
}

impl Standing {
    /// Microseconds of each of a chain of changes. After each, the user that `next` names must be allowed, or not.
    fn changes(&mut self, mut next: impl FnMut(&mut Self, usize) -> (Entity, usize, bool)) -> Vec<f64> {
        let mut times = Vec::new();
        let begun = Instant::now();
        while times.len() < LEAST_CHANGES || (times.len() < MOST_CHANGES && begun.elapsed() < LONGEST) {
            let (changed, user, allow) = next(self, times.len());
            let change = Change::Upsert(Box::new(changed));
            let start = Instant::now();
            let world = self.world.with([change]).unwrap();
            times.push(start.elapsed().as_secs_f64() * 1e6);
            self.world = world;
            self.expect(user, allow);
        }
        self.changes += times.len();
        times
    }

    /// Puts a user into tier 2 and one group alone; not timed.
    fn restore(&mut self, user: usize) {
        let alone = Change::Upsert(Box::new(person(user, 2, [group(user % GROUPS)])));
        self.world = self.world.with([alone]).unwrap();
    }

    fn expect(&mut self, user: usize, allow: bool) {
        let question = question(user);
        let facts = facts(&question);
        let verdict = self.program.decide_facts(&self.world, &facts);
        self.wrong += u64::from((verdict.decision() == Decision::Allow) != allow);
    }

    /// Microseconds of each of so many decisions, over what the changes have made of the world.
    fn decisions(&self, count: usize) -> Vec<f64> {
        let questions: Vec<Question> = (0..count).map(|place| question(place * 7 % self.users)).collect();
        let facts: Vec<Facts<'_>> = questions.iter().map(facts).collect();
        facts
            .iter()
            .map(|facts| {
                let start = Instant::now();
                black_box(self.program.decide_facts(&self.world, facts));
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect()
    }
}

fn program(seed: u64) -> Program {
    Program::compile(&policies(seed)).unwrap()
}

/// The policies of `saas`, and one for the desk.
fn policies(seed: u64) -> PolicySet {
    let tenancy = Tenancy::new(POLICIES - 1, true, seed);
    format!("{}{DESK}", saas_cedar::policies(&tenancy)).parse().unwrap()
}

fn people(users: usize) -> Vec<Entity> {
    let mut entities: Vec<Entity> = (0..users).map(|user| person(user, 2, groups_of(user))).collect();
    entities.extend((0..GROUPS).map(|place| entity(group(place), [], [everybody()])));
    entities.push(entity(everybody(), [], []));
    entities.push(entity(role(), [], []));
    entities.push(entity(Name::new("Route", "desk").to_cedar(), [], []));
    entities
}

fn person(user: usize, tier: i64, parents: impl IntoIterator<Item = EntityUid>) -> Entity {
    let tier = [("tier", RestrictedExpression::new_long(tier))];
    entity(Name::new("User", format!("u{user}")).to_cedar(), tier, parents)
}

fn groups_of(user: usize) -> [EntityUid; 2] {
    [group(user % GROUPS), group((user * 31 + 7) % GROUPS)]
}

fn question(user: usize) -> Question {
    let device = vec![("trusted", Plain::Bool(true)), ("compromised", Plain::Bool(false))];
    Question {
        principal: Name::new("User", format!("u{user}")),
        action: Name::new("Action", "GET"),
        resource: Name::new("Route", "desk"),
        context: vec![
            ("geo", Plain::Record(vec![("country", Plain::text("US"))])),
            ("device", Plain::Record(device)),
            ("ip", Plain::Address(Ipv4Addr::new(10, 1, 2, 3).into())),
        ],
        allow: true,
    }
}

fn group(place: usize) -> EntityUid {
    Name::new("Group", format!("g{place}")).to_cedar()
}

fn everybody() -> EntityUid {
    Name::new("Group", "everybody").to_cedar()
}

fn role() -> EntityUid {
    Name::new("Role", "editor").to_cedar()
}
