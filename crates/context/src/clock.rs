//! Time on the configured clock: an instant, and what it is called in the operator's time zone.
//!
//! Zones come from the database compiled in, never from the machine, so that the same rule means the same hours on
//! every gate. It does not read the clock: the instant is handed in.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

/// One instant, and what it is called in the configured time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub unix_ms: i64,
    /// Minutes after midnight, 0..1440.
    pub minute: u16,
    /// ISO weekday, 1 = Monday … 7 = Sunday.
    pub weekday: u8,
}

/// A time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZone(jiff::tz::TimeZone);

/// Why there is no such time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The name is not in the IANA database.
    #[error("unknown time zone `{name}`\nhint: {hint}")]
    UnknownZone {
        /// As written.
        name: String,
        /// The nearest names, or where to find them.
        hint: String,
    },
}

impl TimeZone {
    /// Coordinated universal time: the default, since it is the same everywhere and has no gaps.
    #[must_use]
    pub fn utc() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }

    /// The zone with an IANA name: `Europe/Berlin`.
    ///
    /// # Errors
    /// When no zone has that name; the hint names the nearest.
    pub fn named(name: &str) -> Result<Self, ClockError> {
        let database = TimeZoneDatabase::bundled();
        match database.get(name) {
            // `Etc/Unknown` stands for a zone nobody could determine; rules about hours need a real one.
            Ok(zone) if !zone.is_unknown() => Ok(Self(zone)),
            Ok(_) | Err(_) => {
                Err(ClockError::UnknownZone { name: excerpt(name), hint: hint(&database, name) })
            }
        }
    }

    /// The name in the IANA database's own spelling.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What an instant is called here. An instant beyond the years that have names (−9999 … 9999) is called by the
    /// last that has one: a broken clock must not stop the gate.
    #[must_use]
    pub fn moment(&self, now: SystemTime) -> Moment {
        let instant = Timestamp::try_from(now).unwrap_or(if now < SystemTime::UNIX_EPOCH {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        let local = self.0.to_datetime(instant);
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        Moment {
            unix_ms: instant.as_millisecond(),
            minute,
            weekday: local.weekday().to_monday_one_offset().unsigned_abs(),
        }
    }
}

/// Names this long are shown whole.
const NAME_SHOWN: usize = 64;

fn excerpt(name: &str) -> String {
    name.chars().take(NAME_SHOWN).collect()
}

fn hint(database: &TimeZoneDatabase, name: &str) -> String {
    let wanted = excerpt(name).to_lowercase();
    let mut near: Vec<(usize, String)> = database
        .available()
        .map(|known| {
            let known = known.as_str().to_owned();
            (distance(&wanted, &known.to_lowercase()), known)
        })
        .filter(|(distance, _)| *distance <= wanted.len() / 3)
        .collect();
    near.sort();
    let best = near.first().map(|(distance, _)| *distance);
    let near = near.into_iter().filter(|(distance, _)| Some(*distance) == best).take(3);
    let near: Vec<String> = near.map(|(_, name)| format!("`{name}`")).collect();
    if near.is_empty() {
        "use a name of the IANA time zone database, for example `UTC` or `Europe/Berlin`".to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    }
}

/// How far a name is from a zone's, or from its last part: `berlin` is near `Europe/Berlin`.
fn distance(wanted: &str, known: &str) -> usize {
    let whole = strsim::damerau_levenshtein(wanted, known);
    let city = known.rsplit('/').next().unwrap_or(known);
    whole.min(strsim::damerau_levenshtein(wanted, city))
}

#[cfg(test)]
mod tests;
