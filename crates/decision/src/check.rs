//! Are the facts Cedar? What is not becomes unavailable, with a fault that says why: a malformed fact is never ignored,
//! and never decides.

use std::borrow::Cow;
use std::sync::Arc;

use crate::bind::{Bound, repeated};
use crate::facts::{EntityName, Facts, Value};
use crate::name::Print;
use crate::situation::Situation;
use crate::unknown::Unknowns;
use crate::value::{Stored, official};
use crate::{EntityOverlay, Program};

/// What is wrong with facts that can be decided on all the same.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) unknowns: Unknowns,
    /// What was malformed, in words.
    pub(crate) faults: Vec<String>,
}

/// A fact without which nothing can be decided, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) fact: String,
    pub(crate) fault: String,
}

/// Looks through the facts and binds those of the context; `None`: all is there and well.
pub(crate) fn check<'f>(
    program: &Program,
    facts: &'f Facts<'f>,
    situation: &Situation<'_>,
    bound: &mut Bound<'f>,
) -> Result<Option<Box<Trouble>>, Unusable> {
    let check = Check { program };
    // What the world knows by this name, or a scope names as an action, has been Cedar's before.
    for (subject, name, fact) in [
        (&situation.principal, &facts.principal, "principal"),
        (&situation.action, &facts.action, "action"),
        (&situation.resource, &facts.resource, "resource"),
    ] {
        if subject.is_strange && program.terms.action(subject.view.print).is_none() {
            check.named(name).map_err(|fault| Unusable { fact: fact.to_owned(), fault })?;
        }
    }
    for overlay in &facts.overlay {
        for name in std::iter::once(&overlay.name).chain(&overlay.parents) {
            check.named(name).map_err(|fault| Unusable { fact: entity(&overlay.name), fault })?;
        }
    }
    let sound = facts.unavailable.is_empty()
        && facts.unavailable_principal.is_empty()
        && program.layout.bind(&facts.context, bound, &|value| check.value(value).is_ok())
        && facts.overlay.iter().all(|overlay| check.is_sound(&overlay.attributes));
    Ok(if sound { None } else { Some(Box::new(check.trouble(facts, situation))) })
}

struct Check<'p> {
    program: &'p Program,
}

impl Check<'_> {
    fn named(&self, name: &EntityName<'_>) -> Result<(), String> {
        if self.program.is_kind(&name.kind) {
            Ok(())
        } else {
            Err(format!("`{}` is no entity type name", name.kind))
        }
    }

    /// Whether [`Check::record`] finds nothing, without words.
    fn is_sound(&self, fields: &[(Cow<'_, str>, Value<'_>)]) -> bool {
        if fields.len() > 1 && repeated(fields).is_some() {
            return false;
        }
        for (_, value) in fields {
            let sound = match value {
                Value::Record(fields) => self.is_sound(fields),
                Value::Decimal(_) | Value::Entity(_) | Value::Set(_) => self.value(value).is_ok(),
                _ => true,
            };
            if !sound {
                return false;
            }
        }
        true
    }

    fn record(&self, fields: &[(Cow<'_, str>, Value<'_>)]) -> Result<(), String> {
        if let Some(name) = repeated(fields) {
            return Err(format!("`{name}` is given twice"));
        }
        fields.iter().try_for_each(|(_, value)| self.value(value))
    }

    fn value(&self, value: &Value<'_>) -> Result<(), String> {
        match value {
            Value::Bool(_)
            | Value::Long(_)
            | Value::String(_)
            | Value::Address(_)
            | Value::Datetime(_)
            | Value::Duration(_) => Ok(()),
            Value::Decimal(text) => {
                let made = official::call("decimal", &[Stored::Text(Arc::from(text.as_ref()))]);
                made.map(|_| ()).ok_or_else(|| format!("`{text}` is no decimal with at most four digits"))
            }
            Value::Entity(name) => self.named(name),
            Value::Set(items) => items.iter().try_for_each(|item| self.value(item)),
            Value::Record(fields) => self.record(fields),
        }
    }

    /// The same again, with names for what is wrong.
    fn trouble(&self, facts: &Facts<'_>, situation: &Situation<'_>) -> Trouble {
        let mut trouble = Trouble::default();
        for path in &facts.unavailable {
            trouble.unknowns.add_context(path.iter().map(ToString::to_string).collect());
        }
        let principal = situation.principal.view.print;
        for attribute in &facts.unavailable_principal {
            trouble.unknowns.add_attribute(principal, "principal", attribute);
        }
        self.context(&facts.context, &mut Vec::new(), &mut trouble);
        for path in through_no_record(&facts.context, &trouble.unknowns) {
            trouble.unknowns.add_context(path);
        }
        for overlay in &facts.overlay {
            self.overlay(overlay, principal, &mut trouble);
        }
        trouble
    }

    /// What is malformed in a record is unavailable on its own, not the whole.
    fn context(&self, fields: &[(Cow<'_, str>, Value<'_>)], path: &mut Vec<String>, trouble: &mut Trouble) {
        for (index, (name, value)) in fields.iter().enumerate() {
            path.push(name.to_string());
            let again = fields.iter().take(index).any(|(earlier, _)| earlier == name);
            let fault = match value {
                _ if again => Some("it is given twice".to_owned()),
                Value::Record(inner) => {
                    self.context(inner, path, trouble);
                    None
                }
                value => self.value(value).err(),
            };
            if let Some(fault) = fault {
                trouble.faults.push(format!("`context.{}` is malformed: {fault}", path.join(".")));
                trouble.unknowns.add_context(path.clone());
            }
            path.pop();
        }
    }

    fn overlay(&self, overlay: &EntityOverlay<'_>, principal: Print, trouble: &mut Trouble) {
        let print = Print::of(&overlay.name.kind, &overlay.name.id);
        let name = entity(&overlay.name);
        let called = if print == principal { "principal" } else { &name };
        for (index, (attribute, value)) in overlay.attributes.iter().enumerate() {
            if trouble.unknowns.attribute(print, attribute).is_some() {
                continue;
            }
            let again = overlay.attributes.iter().take(index).any(|(earlier, _)| earlier == attribute);
            let fault = if again { Some("it is given twice".to_owned()) } else { self.value(value).err() };
            if let Some(fault) = fault {
                trouble.faults.push(format!("attribute `{attribute}` of `{name}` is malformed: {fault}"));
                trouble.unknowns.add_attribute(print, called, attribute);
            }
        }
    }
}

/// Where an unavailable path leads through something that is no record, that something is what is unavailable.
fn through_no_record(context: &[(Cow<'_, str>, Value<'_>)], unknowns: &Unknowns) -> Vec<Vec<String>> {
    let mut shorter = Vec::new();
    for path in unknowns.context_paths() {
        let mut fields = context;
        for (index, name) in path.iter().enumerate() {
            match fields.iter().find(|(known, _)| known == name) {
                Some((_, Value::Record(inner))) => fields = inner,
                Some(_) if index + 1 < path.len() => {
                    shorter.push(path.iter().take(index + 1).cloned().collect());
                    break;
                }
                Some(_) | None => break,
            }
        }
    }
    shorter
}

/// `User::"alice"`
pub(crate) fn entity(name: &EntityName<'_>) -> String {
    format!("{}::{:?}", name.kind, name.id)
}
