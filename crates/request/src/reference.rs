//! The identifier of a decision, and its two spellings: for people and for machines.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::ambiguity::quoted;

/// A UUIDv7 (RFC 9562 §5.7), shown to people as grouped Crockford base32 (`06BQX7-M2K4T-…`).
///
/// Ordered by time to a quarter of a microsecond; 62 bits are random, so that nobody guesses the reference of
/// another's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(u128);

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Too few or too many characters.
    #[error(
        "{text} is no reference: it has {found} letters and digits; a reference has 26, such as `{EXAMPLE}`, or the 32 of a UUID"
    )]
    Length {
        /// As given.
        text: String,
        /// Characters that count.
        found: usize,
    },
    /// A character that no reference has.
    #[error(
        "{text} is no reference: it has `{character}`; a reference has digits and letters without U, such as `{EXAMPLE}`"
    )]
    Character {
        /// As given.
        text: String,
        /// The character.
        character: char,
    },
    /// More than 128 bits.
    #[error(
        "{text} is no reference: the first character of one is a digit from 0 to 7, such as in `{EXAMPLE}`"
    )]
    TooLarge {
        /// As given.
        text: String,
    },
}

impl Reference {
    /// A new reference for a decision that begins now.
    #[must_use]
    pub fn new(now: SystemTime) -> Self {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = uuid::Timestamp::from_unix(uuid::NoContext, since.as_secs(), since.subsec_nanos());
        let random = uuid::Uuid::new_v7(time).as_u128();
        // RFC 9562 §6.2, method 3: the fraction of the millisecond takes the place of the first random bits.
        let fraction = u128::from(since.subsec_nanos() % 1_000_000) * 4096 / 1_000_000;
        Self(random & !(0xFFF << FRACTION_AT) | fraction << FRACTION_AT)
    }

    /// From the 128 bits, as a record has them.
    #[must_use]
    pub fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits.
    #[must_use]
    pub fn as_u128(self) -> u128 {
        self.0
    }

    /// The text of a UUID, as records have it.
    #[must_use]
    pub fn uuid(&self) -> String {
        let mut text = uuid::Uuid::encode_buffer();
        uuid::Uuid::from_u128(self.0).hyphenated().encode_lower(&mut text).to_owned()
    }

    /// When the decision began, milliseconds of Unix time.
    #[must_use]
    pub fn unix_ms(self) -> u64 {
        u64::try_from(self.0 >> 80).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Reference {
    /// `XXXXXX-XXXXX-XXXXX-XXXXX-XXXXX`: five groups are read aloud more easily than 26 characters.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'-'; GROUPED];
        let mut bits = self.0;
        for (at, character) in text.iter_mut().enumerate().rev() {
            if !DASHES.contains(&at) {
                let digit = usize::try_from(bits & 31).unwrap_or_default();
                *character = ALPHABET.get(digit).copied().unwrap_or(b'0');
                bits >>= 5;
            }
        }
        formatter.pad(str::from_utf8(&text).unwrap_or_default())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// Reads either spelling in any case, with or without dashes and white space; `I` and `L` count as 1 and `O` as 0,
    /// as they are misread.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let characters = || text.chars().filter(|character| *character != '-' && !character.is_whitespace());
        match characters().take(CHARACTERS_OF_UUID + 1).count() {
            CHARACTERS => characters().try_fold(0_u128, |bits, character| {
                let digit = crockford(character)
                    .ok_or_else(|| ReferenceError::Character { text: quoted(text), character })?;
                match bits >> 123 {
                    0 => Ok(bits << 5 | digit),
                    _ => Err(ReferenceError::TooLarge { text: quoted(text) }),
                }
            }),
            CHARACTERS_OF_UUID => characters().try_fold(0_u128, |bits, character| {
                let digit = character
                    .to_digit(16)
                    .ok_or_else(|| ReferenceError::Character { text: quoted(text), character })?;
                Ok(bits << 4 | u128::from(digit))
            }),
            found => Err(ReferenceError::Length { text: quoted(text), found }),
        }
        .map(Self)
    }
}

fn crockford(character: char) -> Option<u128> {
    let read = match character.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    ALPHABET.iter().position(|letter| char::from(*letter) == read).and_then(|at| u128::try_from(at).ok())
}

/// Crockford's base32: no I, L, O (misread) and no U (words nobody wants on an error page).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 128 bits at five bits a character.
const CHARACTERS: usize = 26;

const CHARACTERS_OF_UUID: usize = 32;

/// Characters in groups, and where the dashes between them stand.
const GROUPED: usize = 30;
const DASHES: [usize; 4] = [6, 12, 18, 24];

/// Where the twelve bits after the version stand.
const FRACTION_AT: u32 = 64;

const EXAMPLE: &str = "06BQX7-M2K4T-8V3NR-1C5ZD-9WEHG";

#[cfg(test)]
mod tests;
