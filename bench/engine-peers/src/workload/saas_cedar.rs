//! `saas` and `rbac` in Cedar.

use std::fmt::Write;

use cedar_policy::{Entity, EntityUid, RestrictedExpression};

use crate::workload::question::{Name, Plain, Question, Written, entity, quoted, uid};
use crate::workload::saas::{ACTIONS, Condition, EMBARGOED, GROUPS, Policy, ROLES, Request, Target, Tenancy};

/// The whole workload.
pub fn written(tenancy: Tenancy) -> Written {
    Written {
        policies: policies(&tenancy),
        questions: tenancy.requests.iter().map(|request| question(request, tenancy.conditions)).collect(),
        entities: Box::new(move || entities(&tenancy)),
    }
}

/// One statement a policy, in order.
pub fn policies(tenancy: &Tenancy) -> String {
    let mut text = String::new();
    for policy in &tenancy.policies {
        match policy {
            Policy::Permit { role, action, target, condition } => {
                let target = match target {
                    Target::Route(route) => format!("resource == Route::\"r{route}\""),
                    Target::Service(service) => format!("resource in Service::\"s{service}\""),
                };
                let action = ACTIONS[*action];
                write!(
                    text,
                    "permit(principal in Role::\"role{role}\", action == Action::\"{action}\", {target})"
                )
                .unwrap();
                if let Some(Condition { countries, tier }) = condition {
                    let countries = quoted(&tenancy.country_sets[*countries]);
                    write!(
                        text,
                        " when {{ [{countries}].contains(context.geo.country) && context.device.trusted && \
                         principal.tier >= {tier} }}"
                    )
                    .unwrap();
                }
                text.push_str(";\n");
            }
            Policy::ForbidCompromised => {
                text.push_str("forbid(principal, action, resource) when { context.device.compromised };\n");
            }
            Policy::ForbidCountries => writeln!(
                text,
                "forbid(principal, action, resource) when {{ [{}].contains(context.geo.country) }};",
                quoted(&EMBARGOED)
            )
            .unwrap(),
            Policy::ForbidNetwork([first, second, third]) => writeln!(
                text,
                "forbid(principal, action, resource) when {{ \
                 context.ip.isInRange(ip(\"{first}.{second}.{third}.0/24\")) }};"
            )
            .unwrap(),
        }
    }
    text
}

fn entities(tenancy: &Tenancy) -> Vec<Entity> {
    let mut entities = Vec::new();
    for (number, user) in tenancy.users.iter().enumerate() {
        let tier = [("tier", RestrictedExpression::new_long(user.tier))];
        entities.push(entity(
            numbered("User", "u", number),
            tier,
            user.groups.iter().map(|group| in_group(*group)),
        ));
    }
    for group in 0..GROUPS {
        let parents = tenancy.group_parents[group].iter().map(|parent| in_group(*parent));
        let roles = tenancy.group_roles[group].iter().map(|role| numbered("Role", "role", *role));
        entities.push(entity(in_group(group), [], parents.chain(roles)));
    }
    entities.extend((0..ROLES).map(|role| entity(numbered("Role", "role", role), [], [])));
    entities.extend((0..tenancy.services).map(|service| entity(numbered("Service", "s", service), [], [])));
    for (route, service) in tenancy.routes.iter().enumerate() {
        entities.push(entity(numbered("Route", "r", route), [], [numbered("Service", "s", *service)]));
    }
    entities
}

fn question(request: &Request, conditions: bool) -> Question {
    let context = if conditions {
        vec![
            ("geo", Plain::Record(vec![("country", Plain::text(request.country))])),
            (
                "device",
                Plain::Record(vec![
                    ("trusted", Plain::Bool(request.trusted)),
                    ("compromised", Plain::Bool(request.compromised)),
                ]),
            ),
            ("ip", Plain::Address(request.address.into())),
        ]
    } else {
        Vec::new()
    };
    Question {
        principal: Name::new("User", format!("u{}", request.user)),
        action: Name::new("Action", ACTIONS[request.action]),
        resource: Name::new("Route", format!("r{}", request.route)),
        context,
        allow: request.allow,
    }
}

fn in_group(group: usize) -> EntityUid {
    numbered("Group", "g", group)
}

fn numbered(kind: &str, prefix: &str, number: usize) -> EntityUid {
    uid(kind, &format!("{prefix}{number}"))
}
