//! Entities and values in Cedar's own JSON, both ways: regressions are kept in it, and what others wrote is read from it
//! after the official crate has made it explicit.

use serde_json::{Map, Value as Json, json};

use crate::case::{Entity, Request};
use crate::value::{Fields, Name, Value};

/// Entities as Cedar writes them.
#[must_use]
pub fn from_entities(entities: &[Entity]) -> Json {
    let entity = |entity: &Entity| {
        json!({
            "uid": from_name(&entity.name),
            "attrs": from_fields(&entity.attributes),
            "parents": entity.parents.iter().map(from_name).collect::<Vec<_>>(),
            "tags": from_fields(&entity.tags),
        })
    };
    Json::Array(entities.iter().map(entity).collect())
}

/// A request, with the names that Cedar's own tools use.
#[must_use]
pub fn from_request(request: &Request) -> Json {
    json!({
        "principal": from_name(&request.principal),
        "action": from_name(&request.action),
        "resource": from_name(&request.resource),
        "context": from_fields(&request.context),
    })
}

/// Reads entities.
///
/// # Errors
/// In words, what is not as the official crate writes it.
pub fn entities(json: &Json) -> Result<Vec<Entity>, String> {
    array(json)?
        .iter()
        .map(|entity| {
            Ok(Entity {
                name: name(member(entity, "uid")?)?,
                attributes: fields(member(entity, "attrs")?)?,
                tags: entity.get("tags").map(fields).transpose()?.unwrap_or_default(),
                parents: array(member(entity, "parents")?)?.iter().map(name).collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

/// Reads a request.
///
/// # Errors
/// In words, what is not as [`from_request`] writes it.
pub fn request(json: &Json) -> Result<Request, String> {
    Ok(Request {
        principal: name(member(json, "principal")?)?,
        action: name(member(json, "action")?)?,
        resource: name(member(json, "resource")?)?,
        context: fields(member(json, "context")?)?,
    })
}

/// Reads a record.
///
/// # Errors
/// In words, what is not as the official crate writes it.
pub fn fields(json: &Json) -> Result<Fields, String> {
    let map = json.as_object().ok_or_else(|| format!("`{json}` is no record"))?;
    map.iter().map(|(name, json)| Ok((name.clone(), value(json)?))).collect()
}

fn from_name(name: &Name) -> Json {
    json!({ "type": name.kind, "id": name.id })
}

fn from_fields(fields: &Fields) -> Json {
    Json::Object(fields.iter().map(|(name, value)| (name.clone(), from_value(value))).collect())
}

fn from_value(value: &Value) -> Json {
    let call = |function: &str, argument: &str| json!({ "__extn": { "fn": function, "arg": argument } });
    match value {
        Value::Bool(value) => Json::Bool(*value),
        Value::Long(value) => json!(value),
        Value::Text(value) => json!(value),
        Value::Entity(name) => json!({ "__entity": from_name(name) }),
        Value::Set(items) => Json::Array(items.iter().map(from_value).collect()),
        Value::Record(fields) => from_fields(fields),
        Value::Ip(text) => call("ip", text),
        Value::Decimal(text) => call("decimal", text),
        Value::Duration(value) => call("duration", &format!("{value}ms")),
        Value::Datetime(value) => {
            let parts = [call("datetime", "1970-01-01"), call("duration", &format!("{value}ms"))];
            json!({ "__extn": { "fn": "offset", "args": parts } })
        }
    }
}

fn value(json: &Json) -> Result<Value, String> {
    Ok(match json {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(value) => {
            Value::Long(value.as_i64().ok_or_else(|| format!("`{value}` is no number of Cedar"))?)
        }
        Json::String(value) => Value::Text(value.clone()),
        Json::Array(items) => Value::Set(items.iter().map(value).collect::<Result<_, _>>()?),
        Json::Object(map) if map.contains_key("__entity") => Value::Entity(name(member(json, "__entity")?)?),
        Json::Object(map) if map.contains_key("__extn") => extension(member(json, "__extn")?)?,
        Json::Object(_) => Value::Record(fields(json)?),
        Json::Null => return Err("`null` is no value of Cedar".to_owned()),
    })
}

fn extension(json: &Json) -> Result<Value, String> {
    let function = text(member(json, "fn")?)?;
    if function == "offset" {
        // How the official crate writes every date: so long after the epoch.
        return match value(array(member(json, "args")?)?.get(1).unwrap_or(&Json::Null))? {
            Value::Duration(milliseconds) => Ok(Value::Datetime(milliseconds)),
            other => Err(format!("an offset by `{other}`")),
        };
    }
    let argument = text(member(json, "arg")?)?;
    Ok(match function.as_str() {
        "ip" => Value::Ip(argument),
        "decimal" => Value::Decimal(argument),
        "duration" => {
            Value::Duration(milliseconds(&argument).ok_or_else(|| format!("`{argument}` is no duration"))?)
        }
        // Only ever the epoch, inside an offset.
        "datetime" => Value::Datetime(0),
        other => return Err(format!("there is no function `{other}`")),
    })
}

/// What a duration comes to that the official crate has accepted, and repeats as it was written: `-1d2h`.
fn milliseconds(text: &str) -> Option<i64> {
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut sum: i128 = 0;
    while let Some(end) = rest.find(|character: char| !character.is_ascii_digit()) {
        let (number, unit) = rest.split_at(end);
        let (factor, unit) = UNITS.iter().find(|(_, name)| unit.starts_with(name))?;
        sum = sum.checked_add(number.parse::<i128>().ok()?.checked_mul(*factor)?)?;
        rest = rest.get(end.checked_add(unit.len())?..)?;
    }
    if rest.is_empty() { i64::try_from(sum.checked_mul(sign)?).ok() } else { None }
}

/// Milliseconds of each unit; `ms` before the `m` and the `s` that it begins and ends with.
const UNITS: &[(i128, &str)] = &[(1, "ms"), (86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];

fn name(json: &Json) -> Result<Name, String> {
    Ok(Name { kind: text(member(json, "type")?)?, id: text(member(json, "id")?)? })
}

fn member<'a>(json: &'a Json, name: &str) -> Result<&'a Json, String> {
    json.as_object()
        .and_then(|map: &Map<_, _>| map.get(name))
        .ok_or_else(|| format!("no `{name}` in `{json}`"))
}

fn array(json: &Json) -> Result<&Vec<Json>, String> {
    json.as_array().ok_or_else(|| format!("`{json}` is no list"))
}

fn text(json: &Json) -> Result<String, String> {
    json.as_str().map(str::to_owned).ok_or_else(|| format!("`{json}` is no string"))
}
