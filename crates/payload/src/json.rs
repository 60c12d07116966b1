//! JSON, read strictly and within a depth. It holds no schema. The depth is counted while reading, before anything is built
//! from what is nested deeper.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::fault::{MOST_SHOWN, PayloadFault, shown};

/// What was read.
#[derive(Debug)]
pub(crate) struct Document {
    /// The value; without its content where none was to be kept.
    pub(crate) value: Value,
    /// How many values it has in all.
    pub(crate) values: usize,
}

/// Whether the values are needed or only their being well formed, which takes a fraction of the memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Values,
    Nothing,
}

/// Reads `body` as one JSON text (RFC 8259) in UTF-8, nested at most `max_depth` deep, no member name twice in one object.
pub(crate) fn read(body: &[u8], max_depth: usize, keep: Keep) -> Result<Document, PayloadFault> {
    let text = std::str::from_utf8(body).map_err(|fault| not_utf8(body, fault.valid_up_to()))?;
    if text.starts_with('\u{feff}') {
        let detail = "starts with a byte order mark, which RFC 8259 §8.1 forbids".to_owned();
        return Err(PayloadFault::Malformed { detail, line: 1, column: 1 });
    }
    let progress = Progress::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let reading = Reading { depth_left: max_depth, keep, progress: &progress };
    let value = reading.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(value) => Ok(Document { value, values: progress.values.get() }),
        Err(_) if progress.too_deep.get() => Err(PayloadFault::TooDeep { limit: max_depth }),
        Err(fault) => Err(malformed(&fault)),
    }
}

/// What is learned on the way, beside the values.
#[derive(Default)]
struct Progress {
    too_deep: Cell<bool>,
    values: Cell<usize>,
}

/// The reading of one value.
#[derive(Clone, Copy)]
struct Reading<'a> {
    depth_left: usize,
    keep: Keep,
    progress: &'a Progress,
}

impl Reading<'_> {
    fn scalar<E>(self, value: impl FnOnce() -> Value) -> Result<Value, E> {
        Ok(if self.keep == Keep::Values { value() } else { Value::Null })
    }

    fn inner<E: Error>(self) -> Result<Self, E> {
        let Some(depth_left) = self.depth_left.checked_sub(1) else {
            self.progress.too_deep.set(true);
            return Err(E::custom("nested too deeply"));
        };
        Ok(Self { depth_left, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.progress.values.set(self.progress.values.get().saturating_add(1));
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.scalar(|| Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.scalar(|| value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.scalar(|| value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        self.scalar(|| number.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.scalar(|| value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            if self.keep == Keep::Values {
                values.push(value);
            }
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        // The names are kept in either case: they must not come twice. Compared as read, without their escapes.
        let mut values = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match values.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(members.next_value_seed(inner)?);
                }
                Entry::Occupied(place) => {
                    let name = shown(place.key(), MOST_SHOWN);
                    return Err(A::Error::custom(format!("member name `{name}` comes twice in one object")));
                }
            }
        }
        Ok(if self.keep == Keep::Values { Value::Object(values) } else { Value::Null })
    }
}

/// The library's words without the place, which we tell apart. They repeat nothing of what was sent.
fn malformed(fault: &serde_json::Error) -> PayloadFault {
    let (line, column) = (fault.line(), fault.column());
    let mut detail = fault.to_string();
    if let Some(place) = detail.rfind(&format!(" at line {line} column {column}")) {
        detail.truncate(place);
    }
    PayloadFault::Malformed { detail, line, column }
}

fn not_utf8(body: &[u8], valid: usize) -> PayloadFault {
    let before = body.get(..valid).unwrap_or_default();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    PayloadFault::Malformed { detail: "not UTF-8".to_owned(), line, column: valid - line_start + 1 }
}

#[cfg(test)]
mod tests;
