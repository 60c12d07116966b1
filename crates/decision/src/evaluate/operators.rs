//! What operators and extension functions come to, given the values of their operands.

use std::sync::Arc;

use crate::graph::{Function, Operator};
use crate::situation::Situation;
use crate::value::view::{EntityView, Fails, SetView, View};
use crate::value::{Network, Stored, official};

const DAY: i64 = 24 * 60 * 60 * 1000;

pub(crate) fn text<'v>(view: &View<'v>) -> Result<&'v str, Fails> {
    match view {
        View::Text(text) => Ok(text),
        _ => Err(Fails),
    }
}

pub(crate) fn long(view: &View<'_>) -> Result<i64, Fails> {
    match view {
        View::Long(value) => Ok(*value),
        _ => Err(Fails),
    }
}

pub(crate) fn entity<'v>(view: &View<'v>) -> Result<EntityView<'v>, Fails> {
    match view {
        View::Entity(entity) => Ok(*entity),
        _ => Err(Fails),
    }
}

pub(crate) fn set<'v>(view: &View<'v>) -> Result<SetView<'v>, Fails> {
    match view {
        View::Set(set) => Ok(*set),
        _ => Err(Fails),
    }
}

fn network(view: &View<'_>) -> Result<Network, Fails> {
    match view {
        View::Network(network) => Ok(*network),
        _ => Err(Fails),
    }
}

/// An operator that comes to a Bool.
pub(crate) fn test<'v>(
    operator: Operator,
    left: &View<'v>,
    right: &View<'v>,
    situation: &Situation<'v>,
) -> Result<bool, Fails> {
    match operator {
        Operator::Equal => left.same(right),
        Operator::Less => compare(left, right, |left, right| left < right),
        Operator::LessOrEqual => compare(left, right, |left, right| left <= right),
        Operator::In => is_in(entity(left)?, right, situation),
        Operator::Contains => set(left)?.contains(right),
        Operator::ContainsAll => {
            let (left, right) = (set(left)?, set(right)?);
            left.shares(&right, true)
        }
        Operator::ContainsAny => {
            let (left, right) = (set(left)?, set(right)?);
            left.shares(&right, false)
        }
        Operator::HasTag => {
            let (entity, name) = (entity(left)?, text(right)?);
            Ok(situation.tag(entity, name).is_some())
        }
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::GetTag => Err(Fails),
    }
}

/// `<` and `<=`: Longs, or moments or spans among themselves. Decimals have methods instead.
fn compare(left: &View<'_>, right: &View<'_>, holds: impl Fn(i64, i64) -> bool) -> Result<bool, Fails> {
    match (left, right) {
        (View::Long(left), View::Long(right))
        | (View::Datetime(left), View::Datetime(right))
        | (View::Duration(left), View::Duration(right)) => Ok(holds(*left, *right)),
        _ => Err(Fails),
    }
}

/// `in`: an entity, or a set of entities of which every element is looked at before the first is tried.
fn is_in<'v>(left: EntityView<'v>, right: &View<'v>, situation: &Situation<'v>) -> Result<bool, Fails> {
    match right {
        View::Entity(right) => Ok(situation.is_in(left, right.print)),
        View::Set(set) => {
            set.any(|item| entity(&item).map(|_| false))?;
            set.any(|item| Ok(situation.is_in(left, entity(&item)?.print)))
        }
        _ => Err(Fails),
    }
}

/// `+`, `-`, `*`, checked.
pub(crate) fn arithmetic<'v>(
    operator: Operator,
    left: &View<'_>,
    right: &View<'_>,
) -> Result<View<'v>, Fails> {
    let (left, right) = (long(left)?, long(right)?);
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        _ => None,
    }
    .map(View::Long)
    .ok_or(Fails)
}

/// What a function returned.
pub(crate) enum Called<'v> {
    View(View<'v>),
    /// A value that the official crate made.
    Made(Stored),
}

/// An extension function of one or two arguments.
pub(crate) fn call<'v>(
    function: Function,
    first: &View<'v>,
    second: Option<&View<'v>>,
) -> Result<Called<'v>, Fails> {
    if function.is_constructor() {
        let text = Stored::Text(Arc::from(text(first)?));
        return official::call(function.name(), &[text]).map(Called::Made).ok_or(Fails);
    }
    let view = match second {
        Some(second) => binary(function, first, second),
        None => unary(function, first),
    }?;
    Ok(Called::View(view))
}

fn binary<'v>(function: Function, first: &View<'_>, second: &View<'_>) -> Result<View<'v>, Fails> {
    let decimals = || match (first, second) {
        (View::Decimal(first), View::Decimal(second)) => Ok((*first, *second)),
        _ => Err(Fails),
    };
    Ok(match function {
        Function::IsInRange => View::Bool(network(first)?.is_in(network(second)?)),
        Function::LessThan => decimals().map(|(first, second)| View::Bool(first < second))?,
        Function::LessThanOrEqual => decimals().map(|(first, second)| View::Bool(first <= second))?,
        Function::GreaterThan => decimals().map(|(first, second)| View::Bool(first > second))?,
        Function::GreaterThanOrEqual => decimals().map(|(first, second)| View::Bool(first >= second))?,
        Function::Offset => match (first, second) {
            (View::Datetime(at), View::Duration(by)) => View::Datetime(at.checked_add(*by).ok_or(Fails)?),
            _ => return Err(Fails),
        },
        Function::DurationSince => match (first, second) {
            (View::Datetime(at), View::Datetime(since)) => {
                View::Duration(at.checked_sub(*since).ok_or(Fails)?)
            }
            _ => return Err(Fails),
        },
        _ => return Err(Fails),
    })
}

fn unary<'v>(function: Function, of: &View<'_>) -> Result<View<'v>, Fails> {
    Ok(match (function, of) {
        (Function::IsIpv4, View::Network(network)) => View::Bool(network.address.is_ipv4()),
        (Function::IsIpv6, View::Network(network)) => View::Bool(network.address.is_ipv6()),
        (Function::IsLoopback, View::Network(network)) => View::Bool(network.is_loopback()),
        (Function::IsMulticast, View::Network(network)) => View::Bool(network.is_multicast()),
        // The start of the day, towards the past.
        (Function::ToDate, View::Datetime(at)) => {
            View::Datetime(at.checked_sub(at.rem_euclid(DAY)).ok_or(Fails)?)
        }
        (Function::ToTime, View::Datetime(at)) => View::Duration(at.rem_euclid(DAY)),
        (Function::ToMilliseconds, View::Duration(span)) => View::Long(*span),
        (Function::ToSeconds, View::Duration(span)) => View::Long(span / 1000),
        (Function::ToMinutes, View::Duration(span)) => View::Long(span / 1000 / 60),
        (Function::ToHours, View::Duration(span)) => View::Long(span / 1000 / 60 / 60),
        (Function::ToDays, View::Duration(span)) => View::Long(span / 1000 / 60 / 60 / 24),
        _ => return Err(Fails),
    })
}
