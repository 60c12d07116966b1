//! Makes a change to a question.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use portcullis_context::Directory;
use portcullis_decision::Value;
use portcullis_decision::explain::{Edit, To};

use super::owner::is_given;
use crate::Question;

/// Makes it; `false` if it cannot be made: the fact is what was asked, not a circumstance, or has no value of that kind.
pub(super) fn apply(question: &mut Question, edit: &Edit, directory: &Directory) -> bool {
    let Some(path) = super::path(edit) else { return membership(question, &edit.to, directory) };
    if is_given(&path) {
        return false;
    }
    let now = question.get(&path).cloned();
    let value = match &edit.to {
        To::Absent => {
            question.remove(&path);
            return true;
        }
        To::Present => now.or_else(|| Some(Value::String("x".into()))),
        To::OneOf(values) => values.first().cloned(),
        To::NoneOf(values) => other(now.as_ref(), values),
        To::AtLeast(value) | To::AtMost(value) => Some(value.clone()),
        To::Empty => Some(Value::Set(Vec::new())),
        To::Like(pattern) => Some(Value::String(pattern.replace('*', "").into())),
        To::With(values) => values.first().map(|value| with(now, value)),
        To::Without(value) => without(now, value),
        To::InRange(range) => first_of(range).map(Value::Address),
        To::OutOfRange(range) => outside(range).map(Value::Address),
        To::MemberOf(_) | To::NotMemberOf(_) => None,
    };
    match value {
        Some(value) => {
            question.set(&path, value);
            true
        }
        None => false,
    }
}

fn with(now: Option<Value<'static>>, value: &Value<'static>) -> Value<'static> {
    let mut items = match now {
        Some(Value::Set(items)) => items,
        _ => Vec::new(),
    };
    if !items.contains(value) {
        items.push(value.clone());
    }
    Value::Set(items)
}

fn without(now: Option<Value<'static>>, value: &Value<'static>) -> Option<Value<'static>> {
    match now {
        Some(Value::Set(mut items)) => {
            items.retain(|item| item != value);
            Some(Value::Set(items))
        }
        _ => None,
    }
}

/// A value of the same type that is none of these.
fn other(now: Option<&Value<'static>>, values: &[Value<'static>]) -> Option<Value<'static>> {
    Some(match values.first().or(now)? {
        Value::Bool(_) => [true, false].map(Value::Bool).into_iter().find(|value| !values.contains(value))?,
        Value::Long(_) => {
            let largest = values.iter().filter_map(|value| match value {
                Value::Long(value) => Some(*value),
                _ => None,
            });
            Value::Long(largest.max()?.checked_add(1)?)
        }
        Value::String(_) => {
            // No policy names it, so it stands for whatever none names.
            let mut text = String::from("another");
            while values.contains(&Value::String(Cow::Owned(text.clone()))) {
                text.push('*');
            }
            Value::String(text.into())
        }
        Value::Set(_) => Value::Set(Vec::new()),
        _ => return None,
    })
}

/// The first usable address of a range as Cedar writes it: `ip("10.0.0.0/8")`.
fn first_of(range: &str) -> Option<IpAddr> {
    let (address, prefix) = parts(range)?;
    Some(match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(prefix)?).unwrap_or(0);
            let network = u32::from(address) & mask;
            IpAddr::from((if prefix < 31 { network | 1 } else { network }).to_be_bytes())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(prefix)?).unwrap_or(0);
            let network = u128::from(address) & mask;
            IpAddr::from((if prefix < 127 { network | 1 } else { network }).to_be_bytes())
        }
    })
}

/// An address right behind a range.
fn outside(range: &str) -> Option<IpAddr> {
    let (address, prefix) = parts(range)?;
    Some(match address {
        IpAddr::V4(address) => {
            let size = 1_u32.checked_shl(32_u32.checked_sub(prefix)?)?;
            IpAddr::from(u32::from(address).wrapping_add(size).to_be_bytes())
        }
        IpAddr::V6(address) => {
            let size = 1_u128.checked_shl(128_u32.checked_sub(prefix)?)?;
            IpAddr::from(u128::from(address).wrapping_add(size).to_be_bytes())
        }
    })
}

fn parts(range: &str) -> Option<(IpAddr, u32)> {
    let text = range.strip_prefix("ip(\"")?.strip_suffix("\")")?;
    let (address, prefix) = text.split_once('/')?;
    Some((address.parse().ok()?, prefix.parse().ok()?))
}

/// Joins or leaves groups. Who leaves a group leaves whatever leads to it.
fn membership(question: &mut Question, to: &To, directory: &Directory) -> bool {
    match to {
        To::MemberOf(groups) => match groups.first() {
            Some(group) => {
                question.parents.insert((group.kind.to_string(), group.id.to_string()));
                true
            }
            None => false,
        },
        To::NotMemberOf(groups) => {
            let left: BTreeSet<_> =
                groups.iter().map(|group| (group.kind.to_string(), group.id.to_string())).collect();
            let before = question.parents.len();
            question.parents.retain(|parent| closed(parent, directory).is_disjoint(&left));
            question.parents.len() < before
        }
        _ => false,
    }
}

/// A group or role and everything it is in.
fn closed(start: &(String, String), directory: &Directory) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::from([start.clone()]);
    let mut open = vec![start.clone()];
    while let Some((kind, id)) = open.pop() {
        let membership = match kind.as_str() {
            "Group" => directory.groups.get(&id),
            "Role" => directory.roles.get(&id),
            _ => None,
        };
        let Some(membership) = membership else { continue };
        let groups = membership.groups.iter().map(|group| ("Group".to_owned(), group.clone()));
        let roles = membership.roles.iter().map(|role| ("Role".to_owned(), role.clone()));
        for parent in groups.chain(roles) {
            if found.insert(parent.clone()) {
                open.push(parent);
            }
        }
    }
    found
}
