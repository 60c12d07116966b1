//! What Rego knows beside its rules: users, routes, and the policies where they are data.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::peer::rego::Policies;
use crate::workload::saas::{ACTIONS, EMBARGOED, Policy, Target, Tenancy};

const SAAS: &str = r#"package authz
import rego.v1
default allow := false
denied contains "compromised" if input.device.compromised
denied contains "country" if data.embargo[input.geo.country]
denied contains c if { some c in data.denylist; net.cidr_contains(c, input.ip) }
matching contains p.id if {
  some anc in data.route_anc[input.resource]
  some p in data.index[input.action][anc]
  data.users[input.user].roles[p.role]
  input.device.trusted
  data.users[input.user].tier >= p.tier
  data.csets[p.cset][input.geo.country]
}
allow if { count(denied) == 0; count(matching) > 0 }
result := {"allow": allow, "matching": matching, "denied": denied}
"#;
const RBAC: &str = r#"package authz
import rego.v1
default allow := false
matching contains p.id if {
  some anc in data.route_anc[input.resource]
  some p in data.index[input.action][anc]
  data.users[input.user].roles[p.role]
}
allow if count(matching) > 0
result := {"allow": allow, "matching": matching}
"#;

/// The rules that read policies from data.
pub(crate) fn module(conditions: bool) -> &'static str {
    if conditions { SAAS } else { RBAC }
}

/// Everything that is data.
pub(crate) fn data(tenancy: &Tenancy, policies: Policies) -> Json {
    let users: Map<String, Json> = tenancy
        .users
        .iter()
        .enumerate()
        .map(|(number, user)| {
            let roles = present(user.roles.iter().map(|role| format!("role{role}")));
            (format!("u{number}"), json!({ "tier": user.tier, "roles": roles }))
        })
        .collect();
    let resources: Map<String, Json> = tenancy
        .routes
        .iter()
        .enumerate()
        .map(|(route, service)| {
            let names = [format!("r{route}"), format!("s{service}")];
            let names = if policies == Policies::Data { json!(names) } else { present(names) };
            (format!("r{route}"), names)
        })
        .collect();
    let embargo = present(EMBARGOED.map(str::to_owned));
    let mut data = json!({ "users": users, "route_anc": resources, "embargo": embargo });
    if policies == Policies::Data {
        add_policies(&mut data, tenancy);
    }
    data
}

fn add_policies(data: &mut Json, tenancy: &Tenancy) {
    let mut index: BTreeMap<&str, BTreeMap<String, Vec<Json>>> = BTreeMap::new();
    let mut denylist = Vec::new();
    for (number, policy) in tenancy.policies.iter().enumerate() {
        match policy {
            Policy::Permit { role, action, target, condition } => {
                let target = match target {
                    Target::Route(route) => format!("r{route}"),
                    Target::Service(service) => format!("s{service}"),
                };
                let mut permit = json!({ "id": format!("policy{number}"), "role": format!("role{role}") });
                if let Some(condition) = condition {
                    permit["cset"] = json!(format!("c{}", condition.countries));
                    permit["tier"] = json!(condition.tier);
                }
                index.entry(ACTIONS[*action]).or_default().entry(target).or_default().push(permit);
            }
            Policy::ForbidNetwork([first, second, third]) => {
                denylist.push(format!("{first}.{second}.{third}.0/24"));
            }
            Policy::ForbidCompromised | Policy::ForbidCountries => {}
        }
    }
    let sets: Map<String, Json> = tenancy
        .country_sets
        .iter()
        .enumerate()
        .map(|(place, set)| (format!("c{place}"), present(set.iter().map(|country| (*country).to_owned()))))
        .collect();
    data["index"] = json!(index);
    data["denylist"] = json!(denylist);
    data["csets"] = sets.into();
}

/// A set, as Rego looks things up quickest: an object whose values are true.
pub(crate) fn present(names: impl IntoIterator<Item = String>) -> Json {
    names.into_iter().map(|name| (name, Json::Bool(true))).collect::<Map<_, _>>().into()
}
