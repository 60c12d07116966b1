//! Casbin on `saas` and `rbac`: one rule a policy, one matcher for all, with functions of ours for what its language
//! lacks. `casbin-cached` is its own cache of whole requests, asked few enough that after warm-up each is a hit.

use std::collections::HashSet;
use std::time::Instant;

use casbin::function_map::OperatorFunction;
use casbin::prelude::{CachedEnforcer, CoreApi, DefaultModel, Enforcer, MgmtApi};
use casbin::rhai::{Dynamic, ImmutableString};
use tokio::runtime::{Builder, Runtime};

use crate::memory::in_use;
use crate::peer::Built;
use crate::workload::saas::{ACTIONS, EMBARGOED, GROUPS, Policy, Request, Target, Tenancy, address_text};

/// How many requests the cached enforcer is asked.
const CACHED: usize = 64;

const SAAS: &str = r#"
[request_definition]
r = sub, obj, act, ctx
[policy_definition]
p = kind, sub, obj, act, cset, tier, eft
[role_definition]
g = _, _
g2 = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = ((p.kind == "route" && r.obj == p.obj || p.kind == "service" && g2(r.obj, p.obj)) && r.act == p.act && g(r.sub, p.sub) && r.ctx.trusted && tierOk(r.ctx.tier, p.tier) && inSet(p.cset, r.ctx.country)) || (p.kind == "device" && r.ctx.compromised) || (p.kind == "country" && inSet(p.cset, r.ctx.country)) || (p.kind == "ip" && ipIn(p.cset, r.ctx.ip))
"#;
const RBAC: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
g2 = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = (r.obj == p.obj || g2(r.obj, p.obj)) && r.act == p.act && g(r.sub, p.sub)
";

/// What its matcher reads of a request.
#[derive(Debug, Clone, Hash, serde::Serialize)]
struct Circumstances {
    country: &'static str,
    trusted: bool,
    compromised: bool,
    ip: String,
    /// Casbin builds its interpreter with integers of 32 bits.
    tier: i32,
}

#[derive(Debug)]
struct Asked {
    user: String,
    route: String,
    action: String,
    circumstances: Circumstances,
}

impl Asked {
    fn new(request: &Request, tenancy: &Tenancy) -> Self {
        Self {
            user: format!("u{}", request.user),
            route: format!("r{}", request.route),
            action: ACTIONS[request.action].to_owned(),
            circumstances: Circumstances {
                country: request.country,
                trusted: request.trusted,
                compromised: request.compromised,
                ip: address_text(request.address),
                tier: tenancy.users[request.user].tier as i32,
            },
        }
    }

    fn decided_by(&self, enforcer: &impl CoreApi, conditions: bool) -> bool {
        if conditions {
            enforcer.enforce((&self.user, &self.route, &self.action, &self.circumstances)).unwrap()
        } else {
            enforcer.enforce((&self.user, &self.route, &self.action)).unwrap()
        }
    }
}

/// Builds the peer.
pub fn build(tenancy: Tenancy, cached: bool) -> Built {
    let runtime = runtime();
    let start = Instant::now();
    let before = in_use();
    let conditions = tenancy.conditions;
    let model = if conditions { SAAS } else { RBAC };
    let model = runtime.block_on(DefaultModel::from_str(model)).unwrap();
    // Casbin refuses duplicates.
    let mut seen = HashSet::new();
    let rules: Vec<_> = rules(&tenancy).into_iter().filter(|rule| seen.insert(rule.clone())).collect();
    let policies = rules.len();
    let groups = grouping(&tenancy);
    let routes: Vec<_> = tenancy
        .routes
        .iter()
        .enumerate()
        .map(|(route, service)| vec![format!("r{route}"), format!("s{service}")])
        .collect();
    let entities = groups.len() + routes.len();
    let asked: Vec<Asked> = tenancy.requests.iter().map(|request| Asked::new(request, &tenancy)).collect();
    let (decide, with_policies): (Box<dyn FnMut(usize) -> bool>, i64) = if cached {
        let mut enforcer = runtime.block_on(CachedEnforcer::new(model, ())).unwrap();
        let with_policies = load(&mut enforcer, &runtime, rules, groups, routes);
        (Box::new(move |index| asked[index].decided_by(&enforcer, conditions)), with_policies)
    } else {
        let mut enforcer = runtime.block_on(Enforcer::new(model, ())).unwrap();
        let with_policies = load(&mut enforcer, &runtime, rules, groups, routes);
        (Box::new(move |index| asked[index].decided_by(&enforcer, conditions)), with_policies)
    };
    Built {
        decide,
        expected: tenancy.requests.iter().map(|request| request.allow).collect(),
        distinct: if cached { CACHED } else { tenancy.requests.len() },
        policy_bytes: with_policies - before,
        entity_bytes: in_use() - with_policies,
        load_seconds: start.elapsed().as_secs_f64(),
        policies,
        entities,
        prepare: None,
    }
}

/// Casbin is built by futures.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Loads everything, and says how much was in use once the policies were in.
fn load(
    enforcer: &mut (impl CoreApi + MgmtApi),
    runtime: &Runtime,
    rules: Vec<Vec<String>>,
    groups: Vec<Vec<String>>,
    routes: Vec<Vec<String>>,
) -> i64 {
    enforcer.add_function("inSet", OperatorFunction::Arg2(in_set));
    enforcer.add_function("ipIn", OperatorFunction::Arg2(in_network));
    enforcer.add_function("tierOk", OperatorFunction::Arg2(tier_suffices));
    runtime.block_on(enforcer.add_policies(rules)).unwrap();
    let with_policies = in_use();
    runtime.block_on(enforcer.add_grouping_policies(groups)).unwrap();
    runtime.block_on(enforcer.add_named_grouping_policies("g2", routes)).unwrap();
    with_policies
}

fn rules(tenancy: &Tenancy) -> Vec<Vec<String>> {
    let forbid = |kind: &str, set: String| {
        [kind, "", "", "", &set, "0", "deny"].into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    tenancy
        .policies
        .iter()
        .map(|policy| match policy {
            Policy::Permit { role, action, target, condition } => {
                let (kind, target) = match target {
                    Target::Route(route) => ("route", format!("r{route}")),
                    Target::Service(service) => ("service", format!("s{service}")),
                };
                let scope = [format!("role{role}"), target, ACTIONS[*action].to_owned()];
                match condition {
                    None => scope.into(),
                    Some(condition) => [kind.to_owned()]
                        .into_iter()
                        .chain(scope)
                        .chain([
                            tenancy.country_sets[condition.countries].join("|"),
                            condition.tier.to_string(),
                            "allow".to_owned(),
                        ])
                        .collect(),
                }
            }
            Policy::ForbidCompromised => forbid("device", String::new()),
            Policy::ForbidCountries => forbid("country", EMBARGOED.join("|")),
            Policy::ForbidNetwork([first, second, third]) => {
                forbid("ip", format!("{first}.{second}.{third}.0/24"))
            }
        })
        .collect()
}

/// Who is in which group, and which roles groups hold.
fn grouping(tenancy: &Tenancy) -> Vec<Vec<String>> {
    let mut pairs = Vec::new();
    for (number, user) in tenancy.users.iter().enumerate() {
        pairs.extend(user.groups.iter().map(|group| vec![format!("u{number}"), format!("g{group}")]));
    }
    for group in 0..GROUPS {
        let parents = tenancy.group_parents[group].iter().map(|parent| format!("g{parent}"));
        let roles = tenancy.group_roles[group].iter().map(|role| format!("role{role}"));
        pairs.extend(parents.chain(roles).map(|above| vec![format!("g{group}"), above]));
    }
    pairs
}

fn in_set(set: Dynamic, item: Dynamic) -> Dynamic {
    let (set, item) = (text(&set), text(&item));
    set.split('|').any(|one| one == item.as_str()).into()
}

fn in_network(network: Dynamic, address: Dynamic) -> Dynamic {
    (number(&text(&network)) >> 8 == number(&text(&address)) >> 8).into()
}

fn tier_suffices(tier: Dynamic, needed: Dynamic) -> Dynamic {
    (tier.as_int().unwrap() >= text(&needed).parse::<i32>().unwrap()).into()
}

fn text(value: &Dynamic) -> impl std::ops::Deref<Target = ImmutableString> {
    value.read_lock::<ImmutableString>().unwrap()
}

/// An IPv4 address, or that of a network, as a number; quicker than parsing it as a type, in the peer's favour.
fn number(address: &str) -> u32 {
    let (mut number, mut part) = (0u32, 0u32);
    for byte in address.bytes() {
        match byte {
            b'.' => {
                number = (number << 8) | part;
                part = 0;
            }
            b'/' => break,
            _ => part = part * 10 + u32::from(byte - b'0'),
        }
    }
    (number << 8) | part
}
