//! The directory and the apps as Cedar entities: what stands still between requests.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{Entities, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression, Schema};
use miette::{MietteDiagnostic, Report};
use portcullis_context::{Directory, Person};

use crate::Apps;

/// Builds the entities and checks them against the schema.
///
/// # Errors
/// Everything the schema does not declare or that has another type than it declares, one report each.
pub fn entities(directory: &Directory, apps: &Apps, schema: &Schema) -> Result<Entities, Vec<Report>> {
    let mut faults = Vec::new();
    let mut all = Vec::new();
    let mut add = |entity: Result<Entity, Report>| match entity {
        Ok(entity) => all.push(entity),
        Err(fault) => faults.push(fault),
    };
    for (name, membership) in &directory.groups {
        add(entity("Group", name, HashMap::new(), &membership.groups, &membership.roles));
    }
    for (name, membership) in &directory.roles {
        add(entity("Role", name, HashMap::new(), &BTreeSet::new(), &membership.roles));
    }
    for (kind, people) in [("User", &directory.users), ("Service", &directory.services)] {
        for (name, person) in people {
            add(attributes(kind, name, person)
                .and_then(|attributes| entity(kind, name, attributes, &person.groups, &person.roles)));
        }
    }
    for app in apps.iter() {
        add(uid("App", &app.name).map(|name| Entity::new_no_attrs(name, HashSet::new())));
        for route in &app.routes {
            add(uid("Route", &route.entity)
                .and_then(|name| Ok(Entity::new_no_attrs(name, HashSet::from([uid("App", &app.name)?])))));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Entities::from_entities(all, Some(schema)).map_err(|fault| vec![not_in_schema(&Report::new(fault))])
}

/// The Cedar name of an entity.
pub(crate) fn uid(kind: &str, id: &str) -> Result<EntityUid, Report> {
    let kind = EntityTypeName::from_str(kind).map_err(Report::new)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn entity(
    kind: &str,
    name: &str,
    attributes: HashMap<String, RestrictedExpression>,
    groups: &BTreeSet<String>,
    roles: &BTreeSet<String>,
) -> Result<Entity, Report> {
    let parents = groups
        .iter()
        .map(|group| uid("Group", group))
        .chain(roles.iter().map(|role| uid("Role", role)))
        .collect::<Result<HashSet<_>, _>>()?;
    Entity::new(uid(kind, name)?, attributes, parents).map_err(|fault| not_in_schema(&Report::new(fault)))
}

fn attributes(
    kind: &str,
    name: &str,
    person: &Person,
) -> Result<HashMap<String, RestrictedExpression>, Report> {
    let mut attributes = HashMap::new();
    for (attribute, value) in &person.attributes {
        let value = expression(value).ok_or_else(|| {
            Report::new(
                MietteDiagnostic::new(format!(
                    "attribute `{attribute}` of {kind} `{name}` has no Cedar type"
                ))
                .with_code("portcullis::directory::attribute")
                .with_help("use text, whole numbers, booleans or lists of text"),
            )
        })?;
        attributes.insert(attribute.clone(), value);
    }
    if let Some(tier) = &person.tier {
        attributes.insert("tier".to_owned(), RestrictedExpression::new_string(tier.clone()));
    }
    Ok(attributes)
}

fn expression(value: &serde_json::Value) -> Option<RestrictedExpression> {
    Some(match value {
        serde_json::Value::Bool(value) => RestrictedExpression::new_bool(*value),
        serde_json::Value::Number(value) => RestrictedExpression::new_long(value.as_i64()?),
        serde_json::Value::String(value) => RestrictedExpression::new_string(value.clone()),
        serde_json::Value::Array(values) => {
            RestrictedExpression::new_set(values.iter().map(expression).collect::<Option<Vec<_>>>()?)
        }
        serde_json::Value::Null | serde_json::Value::Object(_) => return None,
    })
}

fn not_in_schema(fault: &Report) -> Report {
    let causes: Vec<String> = fault.chain().map(ToString::to_string).collect();
    Report::new(
        MietteDiagnostic::new(format!("the directory does not fit the schema: {}", causes.join(": ")))
            .with_code("portcullis::directory::schema")
            .with_help(
                "declare the attribute in the schema extension: `entity User { department?: String };`",
            ),
    )
}
