//! The times in a token (RFC 7519 §4.1.4 to §4.1.6): from when until when it holds. The clock is an argument.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{Absence, fault};

/// When a token holds, leeway included: `from <= now < until`, in time since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    from: Duration,
    until: Duration,
}

impl Window {
    pub(crate) fn contains(&self, now: Duration) -> bool {
        self.from <= now && now < self.until
    }
}

/// The times as written.
pub(super) struct Times {
    pub(super) expires: Duration,
    not_before: Option<Duration>,
    issued: Option<Duration>,
    pub(super) authenticated: Option<Duration>,
}

pub(super) fn read(payload: &Map<String, Value>) -> Result<Times, Absence> {
    let time =
        |name: &str| match payload.get(name) {
            None => Ok(None),
            Some(value) => match numeric_date(value) {
                Some(time) => Ok(Some(time)),
                None => Err(fault::TOKEN_TIME
                    .because(format!("`{name}` is not a whole number of seconds since 1970"))),
            },
        };
    Ok(Times {
        expires: time("exp")?.ok_or_else(|| fault::TOKEN_TIME.because("it has no `exp`"))?,
        not_before: time("nbf")?,
        issued: time("iat")?,
        authenticated: time("auth_time")?,
    })
}

impl Times {
    /// When the token holds, which must include `now`.
    pub(super) fn check(&self, leeway: Duration, now: Duration) -> Result<Window, Absence> {
        let until = self.expires.saturating_add(leeway);
        if now >= until {
            let (at, past) = (self.expires.as_secs(), now.saturating_sub(self.expires).as_secs());
            return Err(fault::TOKEN_EXPIRED.because(format!("`exp` is {at}, {past} s ago")));
        }
        let mut from = Duration::ZERO;
        let begins = [
            ("nbf", self.not_before, fault::TOKEN_NOT_YET),
            ("iat", self.issued, fault::TOKEN_TIME),
            ("auth_time", self.authenticated, fault::TOKEN_TIME),
        ];
        for (name, begin, fault) in begins {
            let Some(begin) = begin else { continue };
            let earliest = begin.saturating_sub(leeway);
            if now < earliest {
                let (at, ahead) = (begin.as_secs(), begin.saturating_sub(now).as_secs());
                return Err(fault.because(format!("`{name}` is {at}, {ahead} s from now")));
            }
            from = from.max(earliest);
        }
        Ok(Window { from, until })
    }
}

/// A whole number of seconds between 1970 and the year 9999, also if written `1.7e9`. RFC 7519 allows fractions;
/// libraries round them in different directions, so they are refused.
fn numeric_date(value: &Value) -> Option<Duration> {
    let Value::Number(number) = value else { return None };
    let seconds = match number.as_u64() {
        Some(seconds) => seconds,
        None => whole(number.as_f64()?)?,
    };
    (seconds <= YEAR_9999).then(|| Duration::from_secs(seconds))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..=YEAR_9999 and whole")]
fn whole(seconds: f64) -> Option<u64> {
    let sane = seconds.is_sign_positive() && seconds.fract() == 0.0 && seconds <= 253_402_300_799.0;
    sane.then_some(seconds as u64)
}

/// 9999-12-31T23:59:59Z.
const YEAR_9999: u64 = 253_402_300_799;
