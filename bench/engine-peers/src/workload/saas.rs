//! `saas` and `rbac`: 10,000 users in nested groups that hold roles, routes of services, and permits of a role for an
//! action on a route or service. `saas` adds conditions (country, device, tier) to each permit, and forbids: a
//! compromised device, embargoed countries, and a denylist of networks.

use std::collections::HashSet;

use crate::random::Random;

/// Countries that requests come from.
pub const COUNTRIES: [&str; 24] = [
    "US", "CA", "MX", "BR", "GB", "IE", "DE", "FR", "ES", "IT", "NL", "SE", "NO", "PL", "CH", "JP", "KR",
    "AU", "NZ", "IN", "SG", "ZA", "AE", "IL",
];
/// Countries that a forbid names.
pub const EMBARGOED: [&str; 4] = ["KP", "IR", "SY", "CU"];
/// What is done to routes.
pub const ACTIONS: [&str; 3] = ["GET", "POST", "DELETE"];
/// How many roles there are.
pub const ROLES: usize = 50;
/// How many groups there are.
pub const GROUPS: usize = 200;
/// How many users there are.
pub const USERS: usize = 10_000;
const REQUESTS: usize = 2_048;

/// Somebody, by number.
#[derive(Debug)]
pub struct User {
    /// The plan they are on.
    pub tier: i64,
    /// The groups they are in directly.
    pub groups: Vec<usize>,
    /// Every role that any of their groups holds, sorted.
    pub roles: Vec<usize>,
}

/// What a permit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One route.
    Route(usize),
    /// Every route of a service.
    Service(usize),
}

/// What a permit asks beyond its scope.
#[derive(Debug, Clone, Copy)]
pub struct Condition {
    /// The country is in this set of [`Tenancy::country_sets`].
    pub countries: usize,
    /// The tier is at least this.
    pub tier: i64,
}

/// One policy; its number is its place in [`Tenancy::policies`].
#[derive(Debug)]
pub enum Policy {
    /// A role may do an action.
    Permit {
        /// Who has it.
        role: usize,
        /// May do this.
        action: usize,
        /// To this.
        target: Target,
        /// Under this condition, on a trusted device; `None` in `rbac`.
        condition: Option<Condition>,
    },
    /// Nobody on a compromised device.
    ForbidCompromised,
    /// Nobody from an embargoed country.
    ForbidCountries,
    /// Nobody from `a.b.c.0/24`.
    ForbidNetwork([u8; 3]),
}

/// One request and the decision that is right.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who asks.
    pub user: usize,
    /// What for.
    pub action: usize,
    /// Where.
    pub route: usize,
    /// From which country.
    pub country: &'static str,
    /// On a device that is trusted,
    pub trusted: bool,
    /// or compromised.
    pub compromised: bool,
    /// From which address.
    pub address: [u8; 4],
    /// What [`Tenancy::allows`] says.
    pub allow: bool,
}

/// The world, its policies and requests.
#[derive(Debug)]
pub struct Tenancy {
    /// By number.
    pub users: Vec<User>,
    /// The groups that each group is in.
    pub group_parents: Vec<Vec<usize>>,
    /// The roles that each group holds.
    pub group_roles: Vec<Vec<usize>>,
    /// How many services there are.
    pub services: usize,
    /// The service of each route.
    pub routes: Vec<usize>,
    /// What conditions refer to.
    pub country_sets: Vec<Vec<&'static str>>,
    /// In order.
    pub policies: Vec<Policy>,
    /// Half of them allowed.
    pub requests: Vec<Request>,
    /// Whether this is `saas`.
    pub conditions: bool,
}

impl Tenancy {
    /// Makes a world of `count` policies. The order in which numbers are drawn is part of the workload.
    pub fn new(count: usize, conditions: bool, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (group_parents, group_roles) = groups(&mut random);
        let users = (0..USERS).map(|_| user(&mut random, &group_parents, &group_roles)).collect();
        let country_sets: Vec<Vec<&'static str>> = (0..16).map(|_| country_set(&mut random)).collect();
        let forbids = if conditions { (count / 100).max(3) } else { 0 };
        let permits = count - forbids;
        let services = permits / 20 + 1;
        let routes: Vec<usize> = (0..permits).map(|_| random.below(services)).collect();
        let mut policies: Vec<Policy> = routes
            .iter()
            .enumerate()
            .map(|(route, service)| permit(&mut random, route, *service, conditions))
            .collect();
        if conditions {
            policies.push(Policy::ForbidCompromised);
            policies.push(Policy::ForbidCountries);
            let mut seen = HashSet::new();
            while policies.len() < count {
                let network =
                    [(11 + random.below(180)) as u8, random.below(256) as u8, random.below(256) as u8];
                if seen.insert(network) {
                    policies.push(Policy::ForbidNetwork(network));
                }
            }
        }
        let mut tenancy = Self {
            users,
            group_parents,
            group_roles,
            services,
            routes,
            country_sets,
            policies,
            requests: Vec::new(),
            conditions,
        };
        tenancy.requests = tenancy.ask(&mut random, REQUESTS);
        tenancy
    }

    /// The reference: what each policy in turn says.
    pub fn allows(&self, request: &Request) -> bool {
        let mut allow = false;
        for policy in &self.policies {
            match policy {
                Policy::Permit { role, action, target, condition } => {
                    let user = &self.users[request.user];
                    allow |= *action == request.action
                        && match target {
                            Target::Route(route) => *route == request.route,
                            Target::Service(service) => *service == self.routes[request.route],
                        }
                        && user.roles.binary_search(role).is_ok()
                        && condition.is_none_or(|condition| {
                            self.country_sets[condition.countries].contains(&request.country)
                                && request.trusted
                                && user.tier >= condition.tier
                        });
                }
                Policy::ForbidCompromised if request.compromised => return false,
                Policy::ForbidCountries if EMBARGOED.contains(&request.country) => return false,
                Policy::ForbidNetwork(network) if request.address[..3] == network[..] => return false,
                Policy::ForbidCompromised | Policy::ForbidCountries | Policy::ForbidNetwork(_) => {}
            }
        }
        allow
    }
}

/// `10.1.2.3`
pub fn address_text(address: [u8; 4]) -> String {
    std::net::Ipv4Addr::from(address).to_string()
}

/// Groups nest: one may have a parent among those before it. Roots hold a role, others sometimes.
fn groups(random: &mut Random) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let (mut all_parents, mut all_roles) = (Vec::new(), Vec::new());
    for group in 0..GROUPS {
        let parents = if group >= 40 && random.chance(70) { vec![random.below(group)] } else { Vec::new() };
        let holds = parents.is_empty() || random.chance(25);
        all_roles.push(if holds { vec![random.below(ROLES)] } else { Vec::new() });
        all_parents.push(parents);
    }
    (all_parents, all_roles)
}

fn user(random: &mut Random, group_parents: &[Vec<usize>], group_roles: &[Vec<usize>]) -> User {
    let count = 1 + random.below(5);
    let mut groups: Vec<usize> = (0..count).map(|_| random.below(GROUPS)).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut roles = Vec::new();
    let mut open = groups.clone();
    while let Some(group) = open.pop() {
        roles.extend_from_slice(&group_roles[group]);
        open.extend_from_slice(&group_parents[group]);
    }
    roles.sort_unstable();
    roles.dedup();
    User { tier: random.below(4) as i64, groups, roles }
}

fn country_set(random: &mut Random) -> Vec<&'static str> {
    let count = 3 + random.below(10);
    let mut countries: Vec<&str> = (0..count).map(|_| COUNTRIES[random.below(COUNTRIES.len())]).collect();
    countries.sort_unstable();
    countries.dedup();
    countries
}

fn permit(random: &mut Random, route: usize, service: usize, conditions: bool) -> Policy {
    let target = if random.chance(20) { Target::Service(service) } else { Target::Route(route) };
    let action = match random.below(100) {
        ..60 => 0,
        60..85 => 1,
        _ => 2,
    };
    let condition =
        conditions.then(|| Condition { countries: random.below(16), tier: random.below(4) as i64 });
    Policy::Permit { role: random.below(ROLES), action, target, condition }
}
