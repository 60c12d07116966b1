//! Lines that are JSON objects: nginx's, Traefik's, Caddy's, anybody's. Nested objects are walked, names decide.
//!
//! Strings are borrowed from the line unless they hold escapes; nothing is kept of what no name in [`super::names`] means.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::names::{self, Meaning};
use super::stamp;
use crate::entry::Entry;

/// Deepest nesting that is walked.
const DEEPEST: usize = 5;

/// Takes a line apart.
pub(crate) fn entry(line: &str) -> Option<Entry<'_>> {
    let mut entry = Entry::default();
    let mut json = serde_json::Deserializer::from_str(line);
    let walk = Walk { name: "", depth: 0, entry: &mut entry };
    walk.deserialize(&mut json).ok()?;
    // Without a status it is some other program's line.
    (entry.status != 0).then_some(entry)
}

struct Walk<'e, 'a> {
    name: &'e str,
    depth: usize,
    entry: &'e mut Entry<'a>,
}

/// What an answer's headers say is not what was asked.
fn is_of_answer(name: &str) -> bool {
    let is = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    is("resp_") || is("response_headers") || is("tls")
}

impl<'a> DeserializeSeed<'a> for Walk<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth >= DEEPEST || is_of_answer(self.name) {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'a> Walk<'_, 'a> {
    fn put(self, value: Cow<'a, str>) {
        names::put(self.name, value, self.entry);
    }

    fn number(self, value: f64) {
        match names::meaning(self.name) {
            Some(Meaning::Time) => self.entry.time = self.entry.time.or_else(|| stamp::from_seconds(value)),
            // Traefik counts in nanoseconds under the name that others give to seconds.
            Some(Meaning::Seconds) if value > 1e5 => self.entry.duration = Some((value / 1e3) as u64),
            Some(Meaning::Seconds) => self.entry.duration = Some((value.max(0.0) * 1e6) as u64),
            Some(meaning) => names::store(meaning, Cow::Owned(value.to_string()), self.entry),
            None => {}
        }
    }
}

impl<'a> Visitor<'a> for Walk<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a line of a log")
    }

    fn visit_borrowed_str<E>(self, value: &'a str) -> Result<(), E> {
        self.put(Cow::Borrowed(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.put(Cow::Owned(value.to_owned()));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        if names::meaning(self.name) == Some(Meaning::Status) {
            if self.entry.status == 0 {
                self.entry.status =
                    u16::try_from(value).ok().filter(|s| crate::entry::is_status(*s)).unwrap_or(0);
            }
        } else {
            self.number(value as f64);
        }
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.number(value);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Key<'a>>()? {
            let walk = Walk { name: &key.0, depth: self.depth + 1, entry: &mut *self.entry };
            map.next_value_seed(walk)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        // A header's values: the first one counts.
        let first = Walk { name: self.name, depth: self.depth + 1, entry: &mut *self.entry };
        if seq.next_element_seed(first)?.is_some() {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
