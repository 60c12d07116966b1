//! A guard's policies, as text that people read in `policy show` and Cedar parses.
//!
//! INVARIANT: every string of a guard goes through [`quoted`]; optional attributes are read only behind `has`.

use super::{Access, Guard, Hours, Scope};

/// One policy that a guard became.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) id: String,
    /// `access`, `require.country`, …
    pub(super) key: String,
    pub(super) text: String,
}

/// The policies of one guard, access first. `with_access` is false where its routes say who is let in.
pub(super) fn policies(guard: &Guard, with_access: bool) -> Vec<Made> {
    let prefix = match &guard.scope {
        Scope::App(app) => format!("guard.{app}"),
        Scope::Route { app, route } => format!("guard.{app}.{route}"),
    };
    let resource = match &guard.scope {
        Scope::App(app) => format!("resource in App::{}", quoted(app)),
        Scope::Route { .. } => format!("resource == Route::{}", quoted(&guard.name())),
    };
    let mut made = Vec::new();
    let mut add = |key: &str, effect: &str, annotations: &[(&str, String)], condition: &str| {
        let id = format!("{prefix}.{key}");
        let mut text = format!("@id({})\n", quoted(&id));
        for (name, value) in annotations {
            text.push_str(&format!("@{name}({})\n", quoted(value)));
        }
        text.push_str(&format!("{effect} (\n    principal,\n    action,\n    {resource}\n)"));
        if !condition.is_empty() {
            text.push('\n');
            text.push_str(condition);
        }
        text.push(';');
        made.push(Made { id, key: key.to_owned(), text });
    };
    match guard.access {
        _ if !with_access => {}
        Access::Policies => {}
        Access::Identified => add("access", "permit", &[], "unless { principal is Anonymous }"),
        Access::Anyone => add("access", "permit", &[], ""),
    }
    for requirement in requirements(guard) {
        let mut annotations = requirement.annotations;
        if let Some(message) = guard.messages.get(requirement.name) {
            annotations.push(("message", message.clone()));
        }
        add(&format!("require.{}", requirement.name), "forbid", &annotations, &requirement.condition);
    }
    made
}

struct Requirement {
    name: &'static str,
    annotations: Vec<(&'static str, String)>,
    condition: String,
}

fn requirements(guard: &Guard) -> Vec<Requirement> {
    let require = &guard.require;
    let mut all = Vec::new();
    let mut add = |name, reason: &str, condition: String| {
        all.push(Requirement { name, annotations: vec![("reason", reason.to_owned())], condition });
    };
    if !require.role.is_empty() {
        add("role", "role_required", format!("unless {{ principal in {} }}", members("Role", &require.role)));
    }
    if !require.group.is_empty() {
        add(
            "group",
            "group_required",
            format!("unless {{ principal in {} }}", members("Group", &require.group)),
        );
    }
    if !require.tier.is_empty() {
        let tiers = strings(&require.tier);
        add(
            "tier",
            "tier_required",
            format!("unless {{ principal has tier && {tiers}.contains(principal.tier) }}"),
        );
    }
    let in_countries = |countries: &[String]| {
        format!("context.geo has country && {}.contains(context.geo.country)", strings(countries))
    };
    if !require.country.is_empty() {
        add("country", "region_restricted", format!("unless {{ {} }}", in_countries(&require.country)));
    }
    if !require.not_country.is_empty() {
        add("not_country", "region_restricted", format!("when {{ {} }}", in_countries(&require.not_country)));
    }
    if !require.network.is_empty() {
        let zones = strings(&require.network);
        add(
            "network",
            "network_restricted",
            format!("unless {{ context.network.zones.containsAny({zones}) }}"),
        );
    }
    if let Some(condition) = device(guard) {
        add("device", "device_untrusted", condition);
    }
    if let Some(hours) = &require.hours {
        add("hours", "outside_hours", format!("unless {{ {} }}", within(hours)));
    }
    if !require.scope.is_empty() {
        all.push(Requirement {
            name: "scope",
            annotations: vec![
                ("reason", "insufficient_scope".to_owned()),
                ("scope", distinct(&require.scope).join(" ")),
            ],
            condition: format!("unless {{ context.auth.scopes.containsAll({}) }}", strings(&require.scope)),
        });
    }
    all.extend(step_up(guard));
    all
}

fn device(guard: &Guard) -> Option<String> {
    let needs = &guard.require.device;
    let flags = [("managed", needs.managed), ("compliant", needs.compliant), ("encrypted", needs.encrypted)];
    let mut all: Vec<String> = flags
        .iter()
        .filter(|(_, needed)| *needed)
        .map(|(name, _)| format!("context.device has {name} &&\n    context.device.{name}"))
        .collect();
    if let Some(days) = needs.seen_within_days {
        all.push(format!(
            "context.device has last_seen &&\n    context.time.now.durationSince(context.device.last_seen) <= duration(\"{days}d\")"
        ));
    }
    if all.is_empty() { None } else { Some(format!("unless\n{{\n    {}\n}}", all.join(" &&\n    "))) }
}

/// Both name everything that is asked, so that one step-up answers both.
fn step_up(guard: &Guard) -> Vec<Requirement> {
    let require = &guard.require;
    let mut asked = Vec::new();
    if !require.acr.is_empty() {
        asked.push(format!("acr={}", distinct(&require.acr).join(" ")));
    }
    if let Some(seconds) = require.max_age {
        asked.push(format!("max_age={seconds}"));
    }
    let annotations = vec![("reason", "step_up_required".to_owned()), ("step_up", asked.join(";"))];
    let mut all = Vec::new();
    if !require.acr.is_empty() {
        let levels = strings(&require.acr);
        all.push(Requirement {
            name: "acr",
            annotations: annotations.clone(),
            condition: format!("unless {{ context.auth has acr && {levels}.contains(context.auth.acr) }}"),
        });
    }
    if let Some(seconds) = require.max_age {
        all.push(Requirement {
            name: "max_age",
            annotations,
            condition: format!(
                "unless\n{{\n    context.auth has time &&\n    context.time.now.durationSince(context.auth.time) <= duration(\"{seconds}s\")\n}}"
            ),
        });
    }
    all
}

/// The condition of a daily window. One that crosses midnight belongs to the day on which it opens.
fn within(hours: &Hours) -> String {
    let Hours { from, until, weekdays } = hours;
    let on = |weekdays: &[u8]| {
        let mut weekdays = weekdays.to_vec();
        weekdays.sort_unstable();
        weekdays.dedup();
        let days: Vec<String> = weekdays.iter().map(ToString::to_string).collect();
        format!("[{}].contains(context.time.weekday)", days.join(", "))
    };
    let opened = format!("context.time.minute >= {from}");
    let still = format!("context.time.minute < {until}");
    let crosses = from > until;
    match (weekdays.is_empty(), crosses) {
        (true, false) => format!("{opened} && {still}"),
        (true, true) => format!("{opened} || {still}"),
        (false, false) => format!("{} && {opened} && {still}", on(weekdays)),
        (false, true) => {
            let next: Vec<u8> = weekdays.iter().map(|day| day % 7 + 1).collect();
            format!("({} && {opened}) || ({} && {still})", on(weekdays), on(&next))
        }
    }
}

fn members(kind: &str, ids: &[String]) -> String {
    let ids: Vec<String> = distinct(ids).iter().map(|id| format!("{kind}::{}", quoted(id))).collect();
    format!("[{}]", ids.join(", "))
}

fn strings(values: &[String]) -> String {
    let values: Vec<String> = distinct(values).iter().map(|value| quoted(value)).collect();
    format!("[{}]", values.join(", "))
}

fn distinct(values: &[String]) -> Vec<&str> {
    let mut distinct: Vec<&str> = Vec::new();
    for value in values {
        if !distinct.contains(&value.as_str()) {
            distinct.push(value);
        }
    }
    distinct
}

/// A Cedar string. Characters that do not show, or that make a terminal show the text in another order, are escaped:
/// what is read in `policy show` must be what is decided by.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                quoted.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
            }
            _ if character.is_control() => quoted.push_str(&format!("\\u{{{:x}}}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
