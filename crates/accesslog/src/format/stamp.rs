//! The ways in which logs write a moment. Dates are counted by hand because every line has one; what is rarer goes to the
//! library. A moment without an offset is taken as UTC.

use crate::entry::Stamp;

/// Reads a moment in any of the ways known: common log format, ISO 8601, seconds or milliseconds since 1970, and those of
/// error logs.
pub(crate) fn read(text: &[u8]) -> Option<Stamp> {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]")).unwrap_or(text);
    let first = *text.first()?;
    if first.is_ascii_alphabetic() {
        return of_apache_errors(text);
    }
    match (text.get(2), text.get(4)) {
        (Some(b'/'), _) => common(text),
        (_, Some(b'/')) => of_nginx_errors(text),
        (_, Some(b'-')) if text.len() > 10 => iso(text),
        _ => since_1970(text),
    }
}

/// `03/Mar/2026:14:30:00 +0000`, the offset and fractions of a second left out or not.
pub(crate) fn common(text: &[u8]) -> Option<Stamp> {
    let day = number(text.get(0..2)?)?;
    let month = month(text.get(3..6)?)?;
    let year = number(text.get(7..11)?)?;
    if (text.get(2), text.get(6), text.get(11)) != (Some(&b'/'), Some(&b'/'), Some(&b':')) {
        return None;
    }
    let clock = clock(text.get(12..20)?)?;
    let rest = text.get(20..).unwrap_or_default();
    let rest = rest.strip_prefix(b".").map_or(rest, |fraction| fraction.trim_ascii_start_digits());
    let offset = offset(rest.trim_ascii_start())?;
    Some(at(days(year, month, day)?, clock, offset))
}

/// `2026-03-03T14:30:00.123+01:00`, with a space instead of the `T`, with or without fraction and offset.
fn iso(text: &[u8]) -> Option<Stamp> {
    let year = number(text.get(0..4)?)?;
    let month = number(text.get(5..7)?)?;
    let day = number(text.get(8..10)?)?;
    if !matches!(text.get(10), Some(b'T' | b't' | b' ' | b'\t' | b'_')) {
        return None;
    }
    let clock = clock(text.get(11..19)?)?;
    let rest = text.get(19..).unwrap_or_default();
    let rest = match rest.first() {
        Some(b'.' | b',') => rest.get(1..).unwrap_or_default().trim_ascii_start_digits(),
        _ => rest,
    };
    let offset = offset(rest.trim_ascii_start())?;
    Some(at(days(year, month, day)?, clock, offset))
}

/// `2026/03/03 14:30:00`.
fn of_nginx_errors(text: &[u8]) -> Option<Stamp> {
    let day = days(number(text.get(0..4)?)?, number(text.get(5..7)?)?, number(text.get(8..10)?)?)?;
    Some(at(day, clock(text.get(11..19)?)?, 0))
}

/// `Tue Mar 03 14:30:00.123456 2026`.
fn of_apache_errors(text: &[u8]) -> Option<Stamp> {
    let month = month(text.get(4..7)?)?;
    let day = number(text.get(8..10)?.trim_ascii_start())?;
    let clock = clock(text.get(11..19)?)?;
    let year = number(text.get(text.len().checked_sub(4)?..)?)?;
    Some(at(days(year, month, day)?, clock, 0))
}

/// Seconds, milliseconds or microseconds since 1970: told apart by size, which holds from 2001 to 2286.
fn since_1970(text: &[u8]) -> Option<Stamp> {
    let whole = text.split(|byte| matches!(byte, b'.' | b'e' | b'E')).next()?;
    let value: i64 = std::str::from_utf8(whole).ok()?.parse().ok()?;
    let seconds = match whole.len() {
        9 | 10 => value,
        13 => value.div_euclid(1_000),
        16 => value.div_euclid(1_000_000),
        19 => value.div_euclid(1_000_000_000),
        _ => return None,
    };
    Some(Stamp { seconds, offset: 0 })
}

/// Seconds since 1970, if they are within the years that a log can be from.
pub(crate) fn from_seconds(value: f64) -> Option<Stamp> {
    let seconds = if value > 1e17 {
        value / 1e9
    } else if value > 1e14 {
        value / 1e6
    } else if value > 1e11 {
        value / 1e3
    } else {
        value
    };
    (1e8..1e10).contains(&seconds).then_some(Stamp { seconds: seconds.floor() as i64, offset: 0 })
}

fn at(day: i64, clock: i64, offset: i16) -> Stamp {
    Stamp { seconds: day * 86_400 + clock - i64::from(offset) * 60, offset }
}

/// `14:30:00` as seconds of the day.
fn clock(text: &[u8]) -> Option<i64> {
    let [h, hh, b':', m, mm, b':', s, ss] = text else { return None };
    let hour = number(&[*h, *hh])?;
    let minute = number(&[*m, *mm])?;
    let second = number(&[*s, *ss])?;
    (hour < 24 && minute < 60 && second < 62).then_some(hour * 3_600 + minute * 60 + second)
}

/// `+0100`, `+01:00`, `Z`, or nothing, in minutes.
fn offset(text: &[u8]) -> Option<i16> {
    let (sign, digits) = match text {
        [] | [b'Z' | b'z', ..] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return Some(0),
    };
    let (hour, minute) = match digits {
        [h, hh, b':', m, mm, ..] | [h, hh, m, mm, ..] => (number(&[*h, *hh])?, number(&[*m, *mm])?),
        [h, hh] => (number(&[*h, *hh])?, 0),
        _ => return None,
    };
    let minutes = i16::try_from(hour * 60 + minute).ok()?;
    (minutes <= 24 * 60).then_some(sign * minutes)
}

fn number(text: &[u8]) -> Option<i64> {
    let mut value = 0i64;
    for byte in text {
        if !byte.is_ascii_digit() || value > 99_999 {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    (!text.is_empty()).then_some(value)
}

fn month(text: &[u8]) -> Option<i64> {
    Some(match text {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// Days since 1970 of a date, by the usual count from March.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..=2999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

trait Digits {
    fn trim_ascii_start_digits(&self) -> &[u8];
}

impl Digits for [u8] {
    fn trim_ascii_start_digits(&self) -> &[u8] {
        let end = self.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.len());
        self.get(end..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        read(text.as_bytes()).map(|stamp| stamp.seconds)
    }

    #[test]
    fn one_moment_in_every_writing() {
        let moment = Some(1_772_548_200);
        for text in [
            "03/Mar/2026:14:30:00 +0000",
            "[03/Mar/2026:14:30:00 +0000]",
            "03/Mar/2026:15:30:00 +0100",
            "03/Mar/2026:14:30:00.250",
            "2026-03-03T14:30:00Z",
            "2026-03-03T14:30:00.123456+00:00",
            "2026-03-03T09:00:00-05:30",
            "2026-03-03 14:30:00",
            "2026/03/03 14:30:00",
            "Tue Mar 03 14:30:00.123456 2026",
            "1772548200",
            "1772548200.551",
            "1772548200123",
        ] {
            assert_eq!(seconds(text), moment, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in
            ["", "-", "31/Foo/2026:00:00:00 +0000", "2026-13-03T14:30:00", "99", "03/Mar/2026:25:00:00 +0000"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn leap_days_are_counted() {
        assert_eq!(days(2024, 3, 1).unwrap() - days(2024, 2, 28).unwrap(), 2);
        assert_eq!(days(1970, 1, 1), Some(0));
    }
}
