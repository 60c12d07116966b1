//! A case told to the official crate: policy set, entities, requests. What it refuses here is a fault of the generator.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Context, Entities, EntityUid, Policy, PolicyId, PolicySet, Schema, SlotId, Template};

use crate::case::{Case, Entity, Policy as Written, Request};
use crate::check::Subject;
use crate::value::official_fields;

/// A case as it is checked.
///
/// # Errors
/// In words, what the official crate refused.
pub fn subject(case: &Case) -> Result<Subject, String> {
    Ok(Subject {
        set: policy_set(case)?,
        entities: case.entities.clone(),
        overlay: case.overlay.clone(),
        requests: case.requests.clone(),
    })
}

/// Policies as an official set, templates linked.
///
/// # Errors
/// In words, what the official crate refused.
pub fn policy_set(case: &Case) -> Result<PolicySet, String> {
    let mut set = PolicySet::new();
    for policy in &case.policies {
        add(&mut set, policy).map_err(|fault| format!("{fault}\n{policy}"))?;
    }
    for link in &case.links {
        let mut values = HashMap::new();
        for (slot, name) in [(SlotId::principal(), &link.principal), (SlotId::resource(), &link.resource)] {
            if let Some(name) = name {
                values.insert(slot, name.official()?);
            }
        }
        set.link(PolicyId::new(&link.template), PolicyId::new(&link.id), values)
            .map_err(|fault| format!("link `{}`: {fault}", link.id))?;
    }
    Ok(set)
}

fn add(set: &mut PolicySet, policy: &Written) -> Result<(), String> {
    let (id, text) = (Some(PolicyId::new(&policy.id)), policy.to_string());
    if policy.slots() == (false, false) {
        let policy = Policy::parse(id, text).map_err(|fault| fault.to_string())?;
        set.add(policy).map_err(|fault| fault.to_string())
    } else {
        let template = Template::parse(id, text).map_err(|fault| fault.to_string())?;
        set.add_template(template).map_err(|fault| fault.to_string())
    }
}

/// Puts policies and templates, with the links of these, into a set, under other ids.
///
/// # Errors
/// In words, what the official crate refused.
pub fn gather<'p>(
    set: &mut PolicySet,
    templates: impl Iterator<Item = &'p Template>,
    policies: impl Iterator<Item = &'p Policy>,
    rename: impl Fn(&PolicyId) -> PolicyId,
) -> Result<(), String> {
    for template in templates {
        set.add_template(template.new_id(rename(template.id()))).map_err(|fault| fault.to_string())?;
    }
    for policy in policies {
        let id = rename(policy.id());
        match (policy.template_id(), policy.template_links()) {
            (Some(template), Some(values)) => set.link(rename(template), id, values),
            _ => set.add(policy.new_id(id)),
        }
        .map_err(|fault| fault.to_string())?;
    }
    Ok(())
}

/// One entity.
///
/// # Errors
/// In words, what the official crate refused.
pub fn entity(entity: &Entity) -> Result<cedar_policy::Entity, String> {
    let parents = entity.parents.iter().map(|name| name.official()).collect::<Result<HashSet<_>, _>>()?;
    let [attributes, tags] = [official_fields(&entity.attributes)?, official_fields(&entity.tags)?];
    cedar_policy::Entity::new_with_tags(entity.name.official()?, attributes, parents, tags)
        .map_err(|fault| format!("{}: {fault}", entity.name))
}

/// Entities with their ancestors closed.
///
/// # Errors
/// In words, what the official crate refused.
pub fn entities(list: &[Entity]) -> Result<Entities, String> {
    let list = list.iter().map(entity).collect::<Result<Vec<_>, _>>()?;
    Entities::from_entities(list, None).map_err(|fault| fault.to_string())
}

/// A request.
///
/// # Errors
/// In words, what the official crate refused.
pub fn request(request: &Request) -> Result<cedar_policy::Request, String> {
    let context =
        Context::from_pairs(official_fields(&request.context)?).map_err(|fault| fault.to_string())?;
    let [principal, action, resource]: [EntityUid; 3] =
        [request.principal.official()?, request.action.official()?, request.resource.official()?];
    cedar_policy::Request::new(principal, action, resource, context, None).map_err(|fault| fault.to_string())
}

/// The schema that most of the generated policies are well typed by.
///
/// # Errors
/// In words, what the official crate refused.
pub fn schema() -> Result<Schema, String> {
    let (schema, _) =
        Schema::from_cedarschema_str(&crate::vocabulary::schema()).map_err(|fault| fault.to_string())?;
    Ok(schema)
}
