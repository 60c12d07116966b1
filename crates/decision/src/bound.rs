//! Facts turned into Cedar's own values. What cannot be turned becomes unavailable, with a fault that says why: a
//! malformed fact is never ignored, and never decides.
//!
//! INVARIANT: no path that is unavailable is present in `context`.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy_core::ast::{Context, Eid, EntityType, EntityUID, Name, PartialValue};
use cedar_policy_core::ast::{Value as CedarValue, ValueKind};
use cedar_policy_core::extensions::Extensions;

use crate::unknown::Unknowns;
use crate::{EntityName, EntityOverlay, Facts, Value};

/// Facts as Cedar sees them.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) principal: EntityUID,
    pub(crate) action: EntityUID,
    pub(crate) resource: EntityUID,
    pub(crate) context: Context,
    pub(crate) overlays: Vec<Overlay>,
    pub(crate) unknowns: Unknowns,
    /// What was malformed, in words.
    pub(crate) faults: Vec<String>,
}

/// What this request adds to one entity; at most one per entity.
#[derive(Debug)]
pub(crate) struct Overlay {
    pub(crate) name: EntityUID,
    pub(crate) attributes: Vec<(String, CedarValue)>,
    pub(crate) parents: Vec<EntityUID>,
}

/// A fact without which nothing can be decided, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) fact: String,
    pub(crate) fault: String,
}

/// Entity types by their text, so that the usual ones are not parsed again for each request.
pub(crate) type Types = BTreeMap<String, EntityType>;

impl Bound {
    pub(crate) fn new(facts: &Facts<'_>, types: &Types) -> Result<Self, Unusable> {
        let name = |name: &EntityName<'_>, fact: &str| {
            uid(name, types).map_err(|fault| Unusable { fact: fact.to_owned(), fault })
        };
        let principal = name(&facts.principal, "principal")?;
        let mut bound = Self {
            action: name(&facts.action, "action")?,
            resource: name(&facts.resource, "resource")?,
            context: Context::empty(),
            overlays: Vec::new(),
            unknowns: Unknowns::default(),
            faults: Vec::new(),
            principal,
        };
        for path in &facts.unavailable {
            bound.unknowns.add_context(path.iter().map(ToString::to_string).collect());
        }
        for attribute in &facts.unavailable_principal {
            bound.unknowns.add_attribute(&bound.principal, attribute, &bound.principal);
        }
        let mut path = Vec::new();
        let record = bound.record(&facts.context, types, &mut path);
        let record = without_unavailable(record, &mut bound.unknowns);
        bound.context = Context::Value(Arc::new(record.into_iter().map(|(k, v)| (k.into(), v)).collect()));
        for overlay in &facts.overlay {
            bound.overlay(overlay, types)?;
        }
        Ok(bound)
    }

    fn overlay(&mut self, overlay: &EntityOverlay<'_>, types: &Types) -> Result<(), Unusable> {
        let unusable =
            |fault| Unusable { fact: format!("{}::\"{}\"", overlay.name.kind, overlay.name.id), fault };
        let name = uid(&overlay.name, types).map_err(unusable)?;
        let parents = overlay
            .parents
            .iter()
            .map(|parent| uid(parent, types))
            .collect::<Result<Vec<_>, _>>()
            .map_err(unusable)?;
        let mut attributes = Vec::new();
        for (attribute, given) in &overlay.attributes {
            if self.unknowns.has_attribute(&name, attribute) {
                continue;
            }
            let repeated = attributes.iter().any(|(known, _)| known == attribute);
            match if repeated { Err("it is given twice".to_owned()) } else { value(given, types) } {
                Ok(given) => attributes.push((attribute.to_string(), given)),
                Err(fault) => {
                    attributes.retain(|(known, _)| known != attribute);
                    self.faults.push(format!("attribute `{attribute}` of `{name}` is malformed: {fault}"));
                    self.unknowns.add_attribute(&name, attribute, &self.principal);
                }
            }
        }
        match self.overlays.iter_mut().find(|known| known.name == name) {
            Some(known) => {
                known.attributes.retain(|(known, _)| !attributes.iter().any(|(new, _)| new == known));
                known.attributes.extend(attributes);
                known.parents.extend(parents);
            }
            None => self.overlays.push(Overlay { name, attributes, parents }),
        }
        Ok(())
    }

    /// Turns a record of the context; what is malformed in it becomes unavailable on its own, not the whole.
    fn record(
        &mut self,
        fields: &[(std::borrow::Cow<'_, str>, Value<'_>)],
        types: &Types,
        path: &mut Vec<String>,
    ) -> BTreeMap<String, CedarValue> {
        let mut record = BTreeMap::new();
        for (index, (name, given)) in fields.iter().enumerate() {
            path.push(name.to_string());
            let repeated = fields.iter().take(index).any(|(earlier, _)| earlier == name);
            let turned = match given {
                _ if repeated => Err("it is given twice".to_owned()),
                Value::Record(inner) => Ok(CedarValue::record(self.record(inner, types, path), None)),
                given => value(given, types),
            };
            match turned {
                Ok(turned) => {
                    record.insert(name.to_string(), turned);
                }
                Err(fault) => {
                    self.faults.push(format!("`context.{}` is malformed: {fault}", path.join(".")));
                    self.unknowns.add_context(path.clone());
                }
            }
            path.pop();
        }
        record
    }
}

/// Takes out of the context what is unavailable: a value that came along with it must not decide. Where a path leads
/// through something that is no record, that something is what is unavailable.
fn without_unavailable(
    mut record: BTreeMap<String, CedarValue>,
    unknowns: &mut Unknowns,
) -> BTreeMap<String, CedarValue> {
    let mut shorter = Vec::new();
    for path in unknowns.context_paths() {
        if let Some(length) = remove(&mut record, path) {
            shorter.push(path.iter().take(length).cloned().collect());
        }
    }
    for path in shorter {
        unknowns.add_context(path);
    }
    record
}

/// Removes what stands at `path`; the length of the part that leads to something that is no record, if there is one.
fn remove(record: &mut BTreeMap<String, CedarValue>, path: &[String]) -> Option<usize> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        record.remove(first);
        return None;
    }
    let value = record.get_mut(first)?;
    let ValueKind::Record(inner) = &value.value else {
        record.remove(first);
        return Some(1);
    };
    let mut inner: BTreeMap<String, CedarValue> =
        inner.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let length = remove(&mut inner, rest).map(|length| length.saturating_add(1));
    *value = CedarValue::record(inner, None);
    length
}

fn uid(name: &EntityName<'_>, types: &Types) -> Result<EntityUID, String> {
    let kind = match types.get(name.kind.as_ref()) {
        Some(kind) => kind.clone(),
        None => EntityType::from(
            Name::from_str(&name.kind).map_err(|_| format!("`{}` is no entity type name", name.kind))?,
        ),
    };
    Ok(EntityUID::from_components(kind, Eid::new(name.id.as_ref()), None))
}

fn value(given: &Value<'_>, types: &Types) -> Result<CedarValue, String> {
    Ok(match given {
        Value::Bool(given) => CedarValue::from(*given),
        Value::Long(given) => CedarValue::from(*given),
        Value::String(given) => CedarValue::from(given.as_ref()),
        Value::Set(given) => {
            CedarValue::set(given.iter().map(|item| value(item, types)).collect::<Result<Vec<_>, _>>()?, None)
        }
        Value::Record(given) => {
            let mut record = BTreeMap::new();
            for (name, given) in given {
                if record.insert(name.to_string(), value(given, types)?).is_some() {
                    return Err(format!("`{name}` is given twice"));
                }
            }
            CedarValue::record(record, None)
        }
        Value::Entity(name) => CedarValue::from(uid(name, types)?),
        Value::Address(given) => extension("ip", &[CedarValue::from(given.to_string())])?,
        Value::Decimal(given) => extension("decimal", &[CedarValue::from(given.as_ref())])?,
        Value::Duration(given) => duration(*given)?,
        Value::Datetime(given) => {
            let epoch = extension("datetime", &[CedarValue::from("1970-01-01")])?;
            extension("offset", &[epoch, duration(*given)?])?
        }
    })
}

fn duration(milliseconds: i64) -> Result<CedarValue, String> {
    extension("duration", &[CedarValue::from(format!("{milliseconds}ms"))])
}

fn extension(function: &str, arguments: &[CedarValue]) -> Result<CedarValue, String> {
    let name = Name::parse_unqualified_name(function).map_err(|fault| fault.to_string())?;
    let called = Extensions::all_available()
        .func(&name)
        .map_err(|fault| fault.to_string())?
        .call(arguments)
        .map_err(|fault| fault.to_string())?;
    match called {
        PartialValue::Value(value) => Ok(value),
        PartialValue::Residual(_) => Err(format!("`{function}` has no value")),
    }
}
