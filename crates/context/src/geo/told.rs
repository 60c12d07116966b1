//! What databases say, as typed values: known, nothing, or a fault; never a guess at what was meant.
//!
//! It knows the standards for country, region and operator numbers, and the words publishers use for "unknown".

use std::fmt;

use serde::de::{self, Deserialize, Deserializer};

use super::layout::Describes;

/// What has been told so far about one attribute.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Told<T> {
    Known(T),
    #[default]
    Nothing,
    /// The one that should know could not tell.
    Fault(String),
}

/// What has been told so far about one address.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) country: Told<String>,
    pub(super) region: Told<String>,
    pub(super) asn: Told<u32>,
}

impl Answers {
    /// The attributes still to be asked for.
    pub(super) fn open(&self) -> Describes {
        Describes {
            country: self.country == Told::Nothing,
            region: self.region == Told::Nothing,
            asn: self.asn == Told::Nothing,
        }
    }

    pub(super) fn fail(&mut self, which: Describes, reason: &str) {
        if which.country {
            self.country = Told::Fault(reason.to_owned());
        }
        if which.region {
            self.region = Told::Fault(reason.to_owned());
        }
        if which.asn {
            self.asn = Told::Fault(reason.to_owned());
        }
    }
}

/// Databases made from tables write nothing as an empty text; `ZZ` and `XX` are ISO 3166-1 user-assigned codes by which
/// registries and networks say "unknown".
pub(super) fn country(code: &str) -> Told<String> {
    match code.as_bytes() {
        [] | b"ZZ" | b"XX" => Told::Nothing,
        [first, second] if first.is_ascii_uppercase() && second.is_ascii_uppercase() => {
            Told::Known(code.to_owned())
        }
        _ => Told::Fault(format!("country `{}` is not two upper-case letters", shown(code))),
    }
}

/// ISO 3166-2: one to three letters or digits after the country.
pub(super) fn region(code: &str) -> Told<String> {
    match code.len() {
        0 => Told::Nothing,
        1..=3 if code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) => {
            Told::Known(code.to_owned())
        }
        _ => {
            Told::Fault(format!("region `{}` is not one to three upper-case letters or digits", shown(code)))
        }
    }
}

fn shown(code: &str) -> String {
    const SHOWN: usize = 16;
    code.chars().take(SHOWN).collect()
}

/// An autonomous system number as databases write it: a number, `"123"` or `"AS123"`. 0 is reserved for "none"
/// (RFC 7607).
pub(super) struct Number(pub(super) Told<u32>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor).map(Self)
    }
}

struct NumberVisitor;

impl de::Visitor<'_> for NumberVisitor {
    type Value = Told<u32>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an autonomous system number")
    }

    fn visit_u16<E: de::Error>(self, number: u16) -> Result<Self::Value, E> {
        self.visit_u64(number.into())
    }

    fn visit_u32<E: de::Error>(self, number: u32) -> Result<Self::Value, E> {
        self.visit_u64(number.into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(match u32::try_from(number) {
            Ok(0) => Told::Nothing,
            Ok(number) => Told::Known(number),
            Err(_) => Told::Fault(format!("autonomous system number {number} has more than 32 bits")),
        })
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Ok(Told::Fault(format!("autonomous system number {number} is negative"))),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let digits = text.strip_prefix("AS").unwrap_or(text);
        if text.is_empty() {
            return Ok(Told::Nothing);
        }
        match digits.parse::<u64>() {
            Ok(number) if digits.bytes().all(|byte| byte.is_ascii_digit()) => self.visit_u64(number),
            Ok(_) | Err(_) => {
                Ok(Told::Fault(format!("`{}` is not an autonomous system number", shown(text))))
            }
        }
    }
}
