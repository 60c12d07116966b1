//! Not a peer and not an engine: the decisions of `saas` and `rbac` made by code written by hand for exactly these
//! (strings in, interned ids, precomputed ancestor closures, one hash probe for each action and resource ancestor,
//! conditions as inlined tests, every matching policy's id collected). It says what the machine allows, as a floor for
//! what a general engine could reach. Its hash has no key, so callers could choose its collisions.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;
use std::time::Instant;

use crate::memory::in_use;
use crate::peer::Built;
use crate::workload::saas::{ACTIONS, COUNTRIES, EMBARGOED, Policy, Request, Target, Tenancy};

/// A map with the fastest hash at hand.
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Multiply>>;

/// One rotation, one exclusive or and one multiplication for eight bytes.
#[derive(Debug, Default)]
pub(crate) struct Multiply(u64);

impl Hasher for Multiply {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(word.into());
    }
}

/// Policies and entities in tables; decides from any thread.
#[derive(Debug)]
pub struct Floor {
    conditions: bool,
    actions: Map<&'static str, u32>,
    countries: Map<&'static str, u32>,
    embargo: u32,
    permits: Vec<Permit>,
    /// By action and resource: where its permits start, and how many there are.
    index: Map<u64, (u32, u32)>,
    compromised: Option<u32>,
    embargoed: Option<u32>,
    networks: Map<u32, u32>,
    /// Tier, and where the roles are in `closure`.
    users: Map<Box<str>, (i64, u32, u32)>,
    closure: Vec<u32>,
    routes: Map<Box<str>, [u32; 2]>,
    policy_bytes: i64,
    entity_bytes: i64,
}

#[derive(Debug)]
struct Permit {
    id: u32,
    role: u32,
    countries: u32,
    tier: i64,
}

/// A request as the floor gets it.
#[derive(Debug)]
pub struct Asked {
    user: String,
    action: &'static str,
    route: String,
    country: &'static str,
    trusted: bool,
    compromised: bool,
    address: [u8; 4],
}

/// Builds the floor.
pub fn build(tenancy: &Tenancy) -> Built {
    let start = Instant::now();
    let floor = Floor::new(tenancy);
    let load_seconds = start.elapsed().as_secs_f64();
    let asked: Vec<Asked> = tenancy.requests.iter().map(Asked::new).collect();
    let (policy_bytes, entity_bytes) = (floor.policy_bytes, floor.entity_bytes);
    let entities = floor.users.len() + floor.routes.len();
    let mut reasons = Vec::with_capacity(64);
    Built {
        decide: Box::new(move |index| floor.allows(&asked[index], &mut reasons)),
        expected: tenancy.requests.iter().map(|request| request.allow).collect(),
        distinct: tenancy.requests.len(),
        policy_bytes,
        entity_bytes,
        load_seconds,
        policies: tenancy.policies.len(),
        entities,
        prepare: None,
    }
}

impl Asked {
    /// The strings and typed values of a request.
    pub fn new(request: &Request) -> Self {
        Self {
            user: format!("u{}", request.user),
            action: ACTIONS[request.action],
            route: format!("r{}", request.route),
            country: request.country,
            trusted: request.trusted,
            compromised: request.compromised,
            address: request.address,
        }
    }
}

impl Floor {
    /// Fills the tables.
    pub fn new(tenancy: &Tenancy) -> Self {
        let before = in_use();
        let mut floor = Self {
            conditions: tenancy.conditions,
            actions: ACTIONS.iter().zip(0..).map(|(action, place)| (*action, place)).collect(),
            countries: COUNTRIES
                .iter()
                .chain(&EMBARGOED)
                .zip(0..)
                .map(|(country, place)| (*country, 1 << place))
                .collect(),
            embargo: 0,
            permits: Vec::new(),
            index: Map::default(),
            compromised: None,
            embargoed: None,
            networks: Map::default(),
            users: Map::default(),
            closure: Vec::new(),
            routes: Map::default(),
            policy_bytes: 0,
            entity_bytes: 0,
        };
        floor.embargo = floor.mask(&EMBARGOED);
        floor.add_policies(tenancy);
        let with_policies = in_use();
        floor.add_entities(tenancy);
        floor.policy_bytes = with_policies - before;
        floor.entity_bytes = in_use() - with_policies;
        floor
    }

    /// Decides; `reasons` is filled with the policies that hold.
    pub fn allows(&self, asked: &Asked, reasons: &mut Vec<u32>) -> bool {
        reasons.clear();
        let country = if self.conditions {
            let country = self.countries.get(asked.country).copied().unwrap_or(0);
            if asked.compromised {
                reasons.extend(self.compromised);
            }
            if country & self.embargo != 0 {
                reasons.extend(self.embargoed);
            }
            reasons.extend(self.networks.get(&(u32::from_be_bytes(asked.address) >> 8)));
            country
        } else {
            u32::MAX
        };
        let forbidden = !reasons.is_empty();
        if !forbidden {
            let (tier, start, end) = self.users[asked.user.as_str()];
            let roles = &self.closure[start as usize..end as usize];
            let action = self.actions[asked.action];
            for resource in self.routes[asked.route.as_str()] {
                let Some(&(start, count)) = self.index.get(&key(action, resource)) else { continue };
                for permit in &self.permits[start as usize..(start + count) as usize] {
                    let holds = !self.conditions
                        || (asked.trusted && permit.countries & country != 0 && tier >= permit.tier);
                    if holds && roles.binary_search(&permit.role).is_ok() {
                        reasons.push(permit.id);
                    }
                }
            }
        }
        black_box(&*reasons);
        !forbidden && !reasons.is_empty()
    }

    fn add_policies(&mut self, tenancy: &Tenancy) {
        let mut lists: Map<u64, Vec<Permit>> = Map::default();
        for (policy, id) in tenancy.policies.iter().zip(0..) {
            match policy {
                Policy::Permit { role, action, target, condition } => {
                    let resource = match target {
                        Target::Route(route) => *route,
                        Target::Service(service) => tenancy.routes.len() + service,
                    };
                    let (countries, tier) = condition.map_or((u32::MAX, i64::MIN), |condition| {
                        (self.mask(&tenancy.country_sets[condition.countries]), condition.tier)
                    });
                    let permit = Permit { id, role: *role as u32, countries, tier };
                    lists.entry(key(*action as u32, resource as u32)).or_default().push(permit);
                }
                Policy::ForbidCompromised => self.compromised = Some(id),
                Policy::ForbidCountries => self.embargoed = Some(id),
                Policy::ForbidNetwork([first, second, third]) => {
                    self.networks.insert(u32::from_be_bytes([0, *first, *second, *third]), id);
                }
            }
        }
        for (key, list) in lists {
            self.index.insert(key, (self.permits.len() as u32, list.len() as u32));
            self.permits.extend(list);
        }
    }

    fn add_entities(&mut self, tenancy: &Tenancy) {
        for (number, user) in tenancy.users.iter().enumerate() {
            let start = self.closure.len() as u32;
            self.closure.extend(user.roles.iter().map(|role| *role as u32));
            self.users.insert(format!("u{number}").into(), (user.tier, start, self.closure.len() as u32));
        }
        for (route, service) in tenancy.routes.iter().enumerate() {
            let resources = [route as u32, (tenancy.routes.len() + service) as u32];
            self.routes.insert(format!("r{route}").into(), resources);
        }
    }

    fn mask(&self, countries: &[&'static str]) -> u32 {
        countries.iter().map(|country| self.countries[country]).fold(0, |mask, bit| mask | bit)
    }
}

fn key(action: u32, resource: u32) -> u64 {
    (u64::from(action) << 32) | u64::from(resource)
}
