//! Writes JSON as `serde_json` does, byte for byte, and looks for what must be escaped eight bytes at a time: a record
//! is mostly text that has nothing, and byte by byte that look was two thirds of what handing it over cost.
//!
//! INVARIANT: what comes out is what `serde_json::to_vec` would give, but for bytes, which are JSON already. Numbers, and
//! texts that do have something to be escaped, are left to it.

use serde::ser::{self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};
use serde_json::Error;

/// Appends a value as JSON.
pub(crate) fn append<T: Serialize + ?Sized>(value: &T, to: &mut Vec<u8>) -> Result<(), Error> {
    value.serialize(Json { to })
}

struct Json<'a> {
    to: &'a mut Vec<u8>,
}

/// An array or object that is being written.
struct Inside<'a> {
    to: &'a mut Vec<u8>,
    first: bool,
    end: u8,
}

impl<'a> Json<'a> {
    fn begin(self, begin: u8, end: u8) -> Inside<'a> {
        self.to.push(begin);
        Inside { to: self.to, first: true, end }
    }

    fn library<T: Serialize>(self, value: T) -> Result<(), Error> {
        serde_json::to_writer(self.to, &value)
    }
}

impl Inside<'_> {
    fn next(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.to.push(b',');
        }
    }

    fn done(self) {
        self.to.push(self.end);
    }
}

fn text(text: &str, to: &mut Vec<u8>) -> Result<(), Error> {
    if !is_plain(text.as_bytes()) {
        return serde_json::to_writer(to, text);
    }
    to.reserve(text.len() + 2);
    to.push(b'"');
    to.extend_from_slice(text.as_bytes());
    to.push(b'"');
    Ok(())
}

/// Whether nothing has to be escaped: no control character, quote or backslash. It may doubt for nothing.
fn is_plain(bytes: &[u8]) -> bool {
    match bytes.last_chunk::<8>() {
        // The last eight may overlap with those before: looking twice costs less than looking byte by byte.
        Some(last) => {
            let (words, _) = bytes.as_chunks::<8>();
            words.iter().chain([last]).all(|word| is_plain_word(u64::from_le_bytes(*word)))
        }
        None => !bytes.iter().any(|byte| *byte < b' ' || *byte == b'"' || *byte == b'\\'),
    }
}

/// The same of eight bytes at once: subtracting makes a byte's highest bit one where the byte was less, and had it not.
fn is_plain_word(word: u64) -> bool {
    let less = |word: u64, than: u64| word.wrapping_sub(than) & !word;
    let control = less(word, EACH * 0x20);
    let quote = less(word ^ (EACH * u64::from(b'"')), EACH);
    let backslash = less(word ^ (EACH * u64::from(b'\\')), EACH);
    (control | quote | backslash) & (EACH * 0x80) == 0
}

/// One in each of eight bytes.
const EACH: u64 = 0x0101_0101_0101_0101;

fn unsupported() -> Error {
    ser::Error::custom("records have no such values")
}

/// What is left to the library.
macro_rules! leave {
    ($($method:ident: $kind:ty),*) => {
        $(fn $method(self, value: $kind) -> Result<(), Error> {
            self.library(value)
        })*
    };
}

impl<'a> ser::Serializer for Json<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Inside<'a>;
    type SerializeTuple = Inside<'a>;
    type SerializeTupleStruct = ser::Impossible<(), Error>;
    type SerializeTupleVariant = ser::Impossible<(), Error>;
    type SerializeMap = Inside<'a>;
    type SerializeStruct = Inside<'a>;
    type SerializeStructVariant = ser::Impossible<(), Error>;

    leave!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_u8: u8,
        serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32, serialize_f64: f64,
        serialize_char: char);

    /// Bytes are JSON already: see [`crate::facts::Gathered`].
    fn serialize_bytes(self, json: &[u8]) -> Result<(), Error> {
        self.to.extend_from_slice(json);
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.to.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        text(value, self.to)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.to.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        text(variant, self.to)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut inside = self.begin(b'{', b'}');
        SerializeStruct::serialize_field(&mut inside, variant, value)?;
        inside.done();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'a>, Error> {
        Ok(self.begin(b'[', b']'))
    }

    fn serialize_tuple(self, _: usize) -> Result<Inside<'a>, Error> {
        Ok(self.begin(b'[', b']'))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        Err(unsupported())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(unsupported())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'a>, Error> {
        Ok(self.begin(b'{', b'}'))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside<'a>, Error> {
        Ok(self.begin(b'{', b'}'))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(unsupported())
    }
}

impl SerializeSeq for Inside<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.next();
        append(value, self.to)
    }

    fn end(self) -> Result<(), Error> {
        self.done();
        Ok(())
    }
}

impl SerializeTuple for Inside<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), Error> {
        SerializeSeq::end(self)
    }
}

impl SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = Error;

    /// Names of facts and members are texts; anything else is written by the library, which knows what may be a name.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.next();
        let from = self.to.len();
        append(key, self.to)?;
        if self.to.get(from) == Some(&b'"') { Ok(()) } else { Err(unsupported()) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.to.push(b':');
        append(value, self.to)
    }

    fn end(self) -> Result<(), Error> {
        self.done();
        Ok(())
    }
}

impl SerializeStruct for Inside<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.next();
        // The names of members are words of ours; the tests would notice one that is not.
        self.to.reserve(key.len() + 3);
        self.to.push(b'"');
        self.to.extend_from_slice(key.as_bytes());
        self.to.extend_from_slice(b"\":");
        append(value, self.to)
    }

    fn end(self) -> Result<(), Error> {
        self.done();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{entry, outcome, reference_in};

    fn ours<T: Serialize>(value: &T) -> Vec<u8> {
        let mut to = b"before".to_vec();
        append(value, &mut to).unwrap();
        to.split_off(6)
    }

    #[test]
    fn records_are_written_as_the_library_writes_them() {
        let mut record = entry(reference_in(0));
        record.detail = Some(
            "quo\"te, back\\slash, \u{1}, \u{1b}, tab\t, é, \u{2028}, and long enough for chunks".to_owned(),
        );
        record
            .facts
            .insert("a\"b".to_owned(), json!({"x": [1, -2, 2.5, 1e300, u64::MAX, null, true, {}, []]}));
        if let Some(verdict) = &mut record.verdict {
            verdict.nearest.push(("p".to_owned(), 1, 2));
            verdict.errors.push(("p".to_owned(), "\n".to_owned()));
        }
        assert_eq!(ours(&record), serde_json::to_vec(&record).unwrap());
        let outcome = outcome(reference_in(0));
        assert_eq!(ours(&outcome), serde_json::to_vec(&outcome).unwrap());
        assert_eq!(ours(&Some("x")), b"\"x\"");
    }

    #[test]
    fn a_name_that_is_no_text_is_refused() {
        let map = std::collections::BTreeMap::from([(1, 2)]);
        assert!(append(&map, &mut Vec::new()).is_err());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[ -~]{0,60}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_written_as_the_library_writes_it(value in values()) {
            prop_assert_eq!(ours(&value), serde_json::to_vec(&value).unwrap());
        }
    }
}
