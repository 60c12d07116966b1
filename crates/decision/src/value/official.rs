//! Values of the official crates as ours, and back: entities and constants come in, and what the reference evaluator is
//! asked about goes out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use cedar_policy_core::ast::{
    self, EntityUID, ExprKind, Literal, PartialValue, RepresentableExtensionValue, RestrictedExpr, Value,
    ValueKind,
};
use cedar_policy_core::extensions::Extensions;
use smallvec::SmallVec;

use super::{Fields, Items, Network, Stored};
use crate::name::Name;

/// A value of an entity or a context.
pub(crate) fn stored_partial(value: &PartialValue) -> Stored {
    match value {
        PartialValue::Value(value) => stored(value),
        PartialValue::Residual(_) => Stored::Residual,
    }
}

pub(crate) fn stored(value: &Value) -> Stored {
    match &value.value {
        ValueKind::Lit(literal) => literal_stored(literal),
        ValueKind::Set(items) => Stored::Set(Arc::new(items.iter().map(stored).collect::<Items>())),
        ValueKind::Record(fields) => Stored::Record(Arc::new(Fields::new(
            fields.iter().map(|(name, value)| (Arc::from(name.as_str()), stored(value))),
        ))),
        ValueKind::ExtensionValue(of) => extension_stored(value, of).unwrap_or(Stored::Residual),
    }
}

pub(crate) fn literal_stored(literal: &Literal) -> Stored {
    match literal {
        Literal::Bool(value) => Stored::Bool(*value),
        Literal::Long(value) => Stored::Long(*value),
        Literal::String(value) => Stored::Text(Arc::from(value.as_str())),
        Literal::EntityUID(uid) => Stored::Entity(Name::of(uid)),
    }
}

/// An extension value. Moments and spans tell their milliseconds; the others are known by the call that makes them.
fn extension_stored(value: &Value, of: &RepresentableExtensionValue) -> Option<Stored> {
    match of.typename().to_string().as_str() {
        "ipaddr" => Network::read(&argument(of)?).map(Stored::Network),
        "decimal" => decimal(&argument(of)?).map(Stored::Decimal),
        "duration" => milliseconds(value).map(Stored::Duration),
        "datetime" => {
            let epoch = extension("datetime", &[Value::from("1970-01-01")])?;
            let since = extension("durationSince", &[value.clone(), epoch])?;
            milliseconds(&since).map(Stored::Datetime)
        }
        _ => None,
    }
}

/// The text that a constructor makes the value of.
fn argument(of: &RepresentableExtensionValue) -> Option<String> {
    let call = ast::Expr::from(RestrictedExpr::from(of.clone()));
    let ExprKind::ExtensionFunctionApp { args, .. } = call.expr_kind() else { return None };
    match args.first()?.expr_kind() {
        ExprKind::Lit(Literal::String(text)) => Some(text.to_string()),
        _ => None,
    }
}

/// `-1.05` in ten-thousandths; it is a decimal already.
fn decimal(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.')?;
    format!("{whole}{part:0<4}").parse().ok()
}

fn milliseconds(span: &Value) -> Option<i64> {
    match extension("toMilliseconds", std::slice::from_ref(span))?.value {
        ValueKind::Lit(Literal::Long(milliseconds)) => Some(milliseconds),
        _ => None,
    }
}

/// A value for the reference evaluator; `None` for what it could not have made.
pub(crate) fn official(value: &Stored) -> Option<Value> {
    Some(match value {
        Stored::Bool(value) => Value::from(*value),
        Stored::Long(value) => Value::from(*value),
        Stored::Text(value) => Value::from(&**value),
        Stored::Entity(name) => Value::from(name.to_cedar()?),
        Stored::Network(network) => {
            extension("ip", &[Value::from(format!("{}/{}", written(network.address), network.prefix))])?
        }
        Stored::Decimal(value) => {
            let (whole, part) = (value.unsigned_abs() / 10_000, value.unsigned_abs() % 10_000);
            let sign = if *value < 0 { "-" } else { "" };
            extension("decimal", &[Value::from(format!("{sign}{whole}.{part:04}"))])?
        }
        Stored::Duration(value) => duration(*value)?,
        Stored::Datetime(value) => {
            let epoch = extension("datetime", &[Value::from("1970-01-01")])?;
            extension("offset", &[epoch, duration(*value)?])?
        }
        Stored::Set(items) => {
            Value::set(items.as_slice().iter().map(official).collect::<Option<Vec<_>>>()?, None)
        }
        Stored::Record(fields) => Value::record(record(fields)?, None),
        Stored::Residual => return None,
    })
}

/// The fields of a record, or the attributes of an entity, for the reference evaluator.
pub(crate) fn record(fields: &Fields) -> Option<BTreeMap<String, Value>> {
    fields.iter().map(|(name, value)| Some((name.to_string(), official(value)?))).collect()
}

/// An address as Cedar reads it: groups of hexadecimal digits also where others would write `::ffff:10.0.0.1`.
fn written(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => address.segments().map(|segment| format!("{segment:x}")).join(":"),
    }
}

fn duration(milliseconds: i64) -> Option<Value> {
    extension("duration", &[Value::from(format!("{milliseconds}ms"))])
}

/// Calls an extension function of the official crate; `None` if it fails or does not exist.
pub(crate) fn extension(function: &str, arguments: &[Value]) -> Option<Value> {
    let name = ast::Name::parse_unqualified_name(function).ok()?;
    match Extensions::all_available().func(&name).ok()?.call(arguments).ok()? {
        PartialValue::Value(value) => Some(value),
        PartialValue::Residual(_) => None,
    }
}

/// Calls an extension function on our values.
pub(crate) fn call(function: &str, arguments: &[Stored]) -> Option<Stored> {
    let arguments: Option<SmallVec<[Value; 2]>> = arguments.iter().map(official).collect();
    extension(function, &arguments?).map(|value| stored(&value))
}

/// The entities that a value names, at any depth.
pub(crate) fn named(value: &Stored, found: &mut Vec<Name>) {
    match value {
        Stored::Entity(name) => found.push(name.clone()),
        Stored::Set(items) => items.as_slice().iter().for_each(|item| named(item, found)),
        Stored::Record(fields) => fields.iter().for_each(|(_, value)| named(value, found)),
        _ => {}
    }
}

/// The entities that a value of the official crate names.
pub(crate) fn uids(value: &Value) -> impl Iterator<Item = EntityUID> {
    value.all_literal_uids().into_iter()
}
