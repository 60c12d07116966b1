//! A decision's line, read as far as replay needs, with texts borrowed from the line. Whatever else a line has is passed
//! over.
//!
//! INVARIANT: it says what [`portcullis_record::Entry`] of the same line says.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The newest format whose lines we understand.
const FORMAT: u32 = 1;

/// How every line of a decision begins; the log writes the kind first.
const DECISION: &[u8] = b"{\"kind\":\"decision\"";

/// One line of the log.
#[derive(Debug)]
pub(super) enum Line<'a> {
    /// A decision.
    Decision(Box<Recorded<'a>>),
    /// Of a format that a later version knows.
    Newer,
    /// Something else.
    Other,
}

/// What is recorded of one decision.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Recorded<'a> {
    v: u32,
    #[serde(borrow)]
    pub(super) reference: Text<'a>,
    #[serde(borrow)]
    pub(super) time: Text<'a>,
    #[serde(borrow)]
    pub(super) stage: Text<'a>,
    #[serde(borrow)]
    pub(super) request: Asked<'a>,
    #[serde(borrow)]
    pub(super) principal: Option<Who<'a>>,
    #[serde(borrow)]
    pub(super) absence: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) facts: Members<'a, Json<'a>>,
    #[serde(borrow)]
    pub(super) missing: Members<'a, Text<'a>>,
    pub(super) complete: bool,
    #[serde(borrow)]
    pub(super) verdict: Option<Said<'a>>,
    #[serde(borrow)]
    pub(super) reason: Option<Text<'a>>,
    pub(super) status: Option<u16>,
}

/// What was asked.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked<'a> {
    #[serde(borrow)]
    pub(super) method: Text<'a>,
    #[serde(borrow)]
    pub(super) scheme: Text<'a>,
    #[serde(borrow)]
    pub(super) host: Text<'a>,
    #[serde(borrow)]
    pub(super) path: Text<'a>,
    #[serde(borrow)]
    pub(super) client: Text<'a>,
}

/// Who asked.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Who<'a> {
    #[serde(borrow)]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) method: Text<'a>,
    #[serde(borrow, default)]
    pub(super) issuer: Option<Text<'a>>,
}

/// What the policies said.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    pub(super) decision: Text<'a>,
    #[serde(borrow, default)]
    pub(super) policies: Vec<Text<'a>>,
}

/// A text, borrowed unless something in it is escaped.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json<'a> {
    Bool(bool),
    Long(i64),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Record(Vec<(Cow<'a, str>, Json<'a>)>),
    /// `null`, or a number that is no whole one of 64 bits.
    NoValue,
}

/// The members of an object, in the order of the line.
#[derive(Debug)]
pub(super) struct Members<'a, T>(pub(super) Vec<(Text<'a>, T)>);

/// Reads one line, without its line feed.
pub(super) fn parse(line: &[u8]) -> Result<Line<'_>, serde_json::Error> {
    if !line.starts_with(DECISION) {
        // Others write the kind first too; who wrote it elsewhere is asked at leisure.
        return other(line);
    }
    let recorded: Box<Recorded<'_>> = serde_json::from_slice(line)?;
    Ok(if recorded.v > FORMAT { Line::Newer } else { Line::Decision(recorded) })
}

fn other(line: &[u8]) -> Result<Line<'_>, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Tag<'a> {
        #[serde(borrow)]
        kind: Text<'a>,
    }
    for kind in [&b"{\"kind\":\"outcome\""[..], b"{\"kind\":\"gap\"", b"{\"kind\":\"checkpoint\""] {
        if line.starts_with(kind) {
            return Ok(Line::Other);
        }
    }
    let tag: Tag<'_> = serde_json::from_slice(line)?;
    if tag.kind.as_str() != "decision" {
        return Ok(Line::Other);
    }
    let recorded: Box<Recorded<'_>> = serde_json::from_slice(line)?;
    Ok(if recorded.v > FORMAT { Line::Newer } else { Line::Decision(recorded) })
}

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T> Default for Members<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Texts)
    }
}

/// Most records have fewer.
const USUAL: usize = 32;

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Members<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Objects<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Objects<T> {
            type Value = Members<'de, T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    if members.is_empty() {
                        members.reserve(USUAL);
                    }
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Objects(std::marker::PhantomData))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Long(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Json::NoValue, Json::Long))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Json::NoValue)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Json::NoValue)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(Cow<'de, str>, Json<'de>)> = Vec::new();
        while let Some((Text(name), value)) = map.next_entry::<Text<'de>, Json<'de>>()? {
            members.push((name, value));
        }
        Ok(Json::Record(members))
    }
}
