//! The requests of `saas` and `rbac`: half of them allowed. Each starts from some permit that it would satisfy; those to
//! be denied are then spoilt in one respect.

use crate::random::Random;
use crate::workload::saas::{COUNTRIES, EMBARGOED, Policy, ROLES, Request, Target, Tenancy};

const TRIES: usize = 4_000_000;

impl Tenancy {
    /// Makes `count` requests. The order in which numbers are drawn is part of the workload.
    pub(crate) fn ask(&self, random: &mut Random, count: usize) -> Vec<Request> {
        let mut by_role: Vec<Vec<usize>> = vec![Vec::new(); ROLES];
        for (number, user) in self.users.iter().enumerate() {
            for role in &user.roles {
                by_role[*role].push(number);
            }
        }
        let permits: Vec<&Policy> = self
            .policies
            .iter()
            .filter(|policy| matches!(policy, Policy::Permit { role, .. } if !by_role[*role].is_empty()))
            .collect();
        let networks: Vec<[u8; 3]> = self
            .policies
            .iter()
            .filter_map(|policy| match policy {
                Policy::ForbidNetwork(network) => Some(*network),
                _ => None,
            })
            .collect();
        let (mut to_allow, mut to_deny) = (count / 2, count - count / 2);
        let mut requests = Vec::with_capacity(count);
        for _ in 0..TRIES {
            if to_allow + to_deny == 0 {
                break;
            }
            let permit = permits[random.below(permits.len())];
            let mut request = self.satisfying(random, permit, &by_role);
            if to_deny > 0 && (to_allow == 0 || random.chance(50)) {
                self.spoil(random, &mut request, &networks);
            }
            request.allow = self.allows(&request);
            let wanted = if request.allow { &mut to_allow } else { &mut to_deny };
            if *wanted > 0 {
                *wanted -= 1;
                requests.push(request);
            }
        }
        assert_eq!(requests.len(), count, "cannot reach as many allowed as denied requests");
        random.shuffle(&mut requests);
        requests
    }

    fn satisfying(&self, random: &mut Random, permit: &Policy, by_role: &[Vec<usize>]) -> Request {
        let Policy::Permit { role, action, target, condition } = permit else {
            unreachable!("only permits are asked for")
        };
        let holders = &by_role[*role];
        let mut user = holders[random.below(holders.len())];
        if let Some(condition) = condition {
            for _ in 0..20 {
                if self.users[user].tier >= condition.tier {
                    break;
                }
                user = holders[random.below(holders.len())];
            }
        }
        let route = match target {
            Target::Route(route) => *route,
            Target::Service(service) => {
                let start = random.below(self.routes.len());
                (start..self.routes.len())
                    .chain(0..start)
                    .find(|route| self.routes[*route] == *service)
                    .unwrap_or(start)
            }
        };
        let country = condition.map_or("US", |condition| {
            let countries = &self.country_sets[condition.countries];
            countries[random.below(countries.len())]
        });
        let address = [10, random.below(256) as u8, random.below(256) as u8, 1 + random.below(250) as u8];
        Request {
            user,
            action: *action,
            route,
            country,
            trusted: true,
            compromised: false,
            address,
            allow: false,
        }
    }

    fn spoil(&self, random: &mut Random, request: &mut Request, networks: &[[u8; 3]]) {
        match random.below(if self.conditions { 8 } else { 3 }) {
            0 => request.user = random.below(self.users.len()),
            1 => request.route = random.below(self.routes.len()),
            2 => request.action = (request.action + 1 + random.below(2)) % 3,
            3 => request.trusted = false,
            4 => request.country = COUNTRIES[random.below(24)],
            5 => request.country = EMBARGOED[random.below(4)],
            6 => request.compromised = true,
            _ if networks.is_empty() => {}
            _ => {
                let network = networks[random.below(networks.len())];
                request.address = [network[0], network[1], network[2], 7];
            }
        }
    }
}
