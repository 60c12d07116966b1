//! A case as text, ready to be kept: policies as Cedar, the rest as Cedar's JSON, in sections. What was once wrong is
//! replayed before anything new is tried.
//!
//! ```text
//! -- policies
//! @id("p0")
//! permit(principal == ?principal, action, resource);
//! -- links
//! {"id": "p0 link 0", "template": "p0", "principal": {"type": "User", "id": "alice"}}
//! -- entities
//! []
//! -- overlay
//! []
//! -- request
//! {"principal": …, "action": …, "resource": …, "context": {}}
//! ```

use std::collections::HashMap;
use std::str::FromStr;

use cedar_policy::{EntityUid, PolicyId, PolicySet, SlotId};
use serde_json::{Value as Json, json};

use crate::case::{Case, Entity, Link};
use crate::check::Subject;
use crate::json;
use crate::value::{Name, Quoted};

/// Writes a case down.
#[must_use]
pub fn text(case: &Case) -> String {
    let mut text = String::from("-- policies\n");
    for policy in &case.policies {
        text.push_str(&format!("@id({})\n{policy}\n", Quoted(&policy.id)));
    }
    if !case.links.is_empty() {
        text.push_str("-- links\n");
    }
    for link in &case.links {
        text.push_str(&format!("{}\n", from_link(link)));
    }
    for (title, entities) in [("entities", &case.entities), ("overlay", &case.overlay)] {
        text.push_str(&format!("-- {title}\n{}\n", listed(entities)));
    }
    for request in &case.requests {
        text.push_str(&format!("-- request\n{}\n", json::from_request(request)));
    }
    text
}

/// Reads what [`text`] wrote; lines before the first section are for people.
///
/// # Errors
/// In words, what cannot be read.
pub fn read(text: &str) -> Result<Subject, String> {
    let mut subject =
        Subject { set: PolicySet::new(), entities: Vec::new(), overlay: Vec::new(), requests: Vec::new() };
    let mut sections: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("-- "), sections.last_mut()) {
            (Some(title), _) => sections.push((title.trim(), String::new())),
            (None, Some((_, body))) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    for (title, body) in &sections {
        let json = || serde_json::from_str::<Json>(body).map_err(|fault| format!("{title}: {fault}"));
        match *title {
            "policies" => subject.set = policies(body)?,
            "links" => {
                for line in body.lines().filter(|line| !line.trim().is_empty()) {
                    link(&mut subject.set, line)?;
                }
            }
            "entities" => subject.entities = json::entities(&json()?)?,
            "overlay" => subject.overlay = json::entities(&json()?)?,
            "request" => subject.requests.push(json::request(&json()?)?),
            other => return Err(format!("there is no section `{other}`")),
        }
    }
    Ok(subject)
}

/// The seed that stands before the sections: it chose what else was done with the case.
#[must_use]
pub fn seed(text: &str) -> Option<u64> {
    let before = text.lines().take_while(|line| !line.starts_with("-- "));
    before.filter_map(|line| line.strip_prefix("seed ")).find_map(|number| number.trim().parse().ok())
}

/// Policies and templates, each under the id of its annotation.
///
/// # Errors
/// In words, what the official crate refused.
pub fn policies(text: &str) -> Result<PolicySet, String> {
    let parsed = PolicySet::from_str(text).map_err(|fault| format!("{fault:?}"))?;
    let mut set = PolicySet::new();
    for policy in parsed.policies() {
        let id = policy.annotation("id").map_or_else(|| policy.id().clone(), PolicyId::new);
        set.add(policy.new_id(id)).map_err(|fault| fault.to_string())?;
    }
    for template in parsed.templates() {
        let id = template.annotation("id").map_or_else(|| template.id().clone(), PolicyId::new);
        set.add_template(template.new_id(id)).map_err(|fault| fault.to_string())?;
    }
    Ok(set)
}

fn from_link(link: &Link) -> Json {
    let mut json = json!({ "id": link.id, "template": link.template });
    for (slot, name) in [("principal", &link.principal), ("resource", &link.resource)] {
        if let (Some(name), Some(map)) = (name, json.as_object_mut()) {
            map.insert(slot.to_owned(), json!({ "type": name.kind, "id": name.id }));
        }
    }
    json
}

fn link(set: &mut PolicySet, line: &str) -> Result<(), String> {
    let json: Json = serde_json::from_str(line).map_err(|fault| format!("`{line}`: {fault}"))?;
    let word =
        |name: &str| json.get(name).and_then(Json::as_str).ok_or_else(|| format!("no `{name}` in `{line}`"));
    let mut values = HashMap::new();
    for (slot, id) in [("principal", SlotId::principal()), ("resource", SlotId::resource())] {
        if let Some(json) = json.get(slot) {
            let part = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default();
            let uid: EntityUid = Name::new(part("type"), part("id")).official()?;
            values.insert(id, uid);
        }
    }
    set.link(PolicyId::new(word("template")?), PolicyId::new(word("id")?), values)
        .map_err(|fault| fault.to_string())
}

/// One entity in each line.
fn listed(entities: &[Entity]) -> String {
    let lines: Vec<String> = match json::from_entities(entities) {
        Json::Array(entities) => entities.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    };
    if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}\n]", lines.join(",\n")) }
}
