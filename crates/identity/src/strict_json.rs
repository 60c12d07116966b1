//! Reading JSON that somebody else wrote, without room for two opinions: no byte order mark, no duplicate member
//! names at any depth, bounded depth and size. It says nothing about what the members mean.
//!
//! INVARIANT: for any text it accepts, every conforming JSON parser sees the same members with the same values
//! (duplicate names are what parsers disagree on; RFC 8259 §4, RFC 7515 §4).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Levels of objects and arrays, the outermost counted.
    pub(crate) depth: usize,
    /// Members and elements, over all levels.
    pub(crate) nodes: usize,
}

/// Reads one JSON object. The error says what is wrong with the form, and quotes nothing but member names and
/// positions, because the text may be a credential.
pub(crate) fn object(bytes: &[u8], bounds: Bounds) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    if text.starts_with('\u{feff}') {
        return Err("starts with a byte order mark".to_owned());
    }
    let mut nodes = bounds.nodes;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seed = Strict { depth: bounds.depth, nodes: &mut nodes };
    let value = seed.deserialize(&mut deserializer).map_err(|fault| without_content(&fault))?;
    deserializer.end().map_err(|_| "has something behind its end".to_owned())?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err("not a JSON object".to_owned()),
    }
}

/// Our own faults speak for themselves; the library's are reduced to their place, since they may quote content.
fn without_content(fault: &serde_json::Error) -> String {
    let text = fault.to_string();
    match text.strip_prefix(OURS) {
        Some(ours) => ours.rsplit_once(" at line ").map_or(ours, |(fault, _place)| fault).to_owned(),
        None => format!("not JSON at line {}, column {}", fault.line(), fault.column()),
    }
}

struct Strict<'n> {
    depth: usize,
    nodes: &'n mut usize,
}

impl Strict<'_> {
    fn count<E: Error>(&mut self) -> Result<(), E> {
        *self.nodes =
            self.nodes.checked_sub(1).ok_or_else(|| E::custom(format_args!("{OURS}too many values")))?;
        Ok(())
    }

    fn deeper<E: Error>(&mut self) -> Result<Strict<'_>, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom(format_args!("{OURS}too deep")))?;
        Ok(Strict { depth, nodes: &mut *self.nodes })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value);
        number.map(Value::Number).ok_or_else(|| E::custom(format_args!("{OURS}a number that is not finite")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Value, A::Error> {
        let mut inside = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) =
            elements.next_element_seed(Strict { depth: inside.depth, nodes: &mut *inside.nodes })?
        {
            inside.count()?;
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut inside = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            inside.count()?;
            // Names are compared after unescaping: `"iss"` and `"\u0069ss"` are the same member.
            if object.contains_key(&name) {
                let name: String = name.chars().take(64).collect();
                return Err(A::Error::custom(format_args!("{OURS}the member {name:?} occurs twice")));
            }
            let value = members.next_value_seed(Strict { depth: inside.depth, nodes: &mut *inside.nodes })?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// Marks the faults made here among those of the library.
const OURS: &str = "strict: ";

#[cfg(test)]
mod tests;
