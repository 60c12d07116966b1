//! Durations, sizes and hours as people write them. Only whole numbers with a unit: `"90"` could be anything.

use std::time::Duration;

use portcullis_policy::Hours;

/// Reads `"30s"`, `"24h"`, `"60d"`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let help = "write a whole number and one of `ms`, `s`, `m`, `h`, `d`, `w`: `\"30s\"`";
    let (number, unit) = split(text).ok_or(help)?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        "w" => 7 * 24 * 60 * 60 * 1000,
        _ => return Err(help.to_owned()),
    };
    number
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
        .ok_or_else(|| "that is longer than time".to_owned())
}

/// Reads `"64MiB"`, bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let help = "write a whole number and one of `B`, `KiB`, `MiB`, `GiB`, `TiB`: `\"64MiB\"`";
    let (number, unit) = split(text).ok_or(help)?;
    let bytes: u64 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        // A disk is sold in powers of ten and filled in powers of two: say which.
        "KB" | "kB" | "MB" | "GB" | "TB" => {
            return Err(format!(
                "write `{number}{}iB`, in powers of 1024",
                unit.get(..1).unwrap_or_default()
            ));
        }
        _ => return Err(help.to_owned()),
    };
    number.checked_mul(bytes).ok_or_else(|| "that is larger than any disk".to_owned())
}

/// Reads `"Mon-Fri 08:00-18:00"`, `"Sat,Sun 10:00-14:00"`, `"22:00-06:00"`.
pub(crate) fn hours(text: &str) -> Result<Hours, String> {
    let help = "write days and a window, `\"Mon-Fri 08:00-18:00\"`, or the window alone for every day";
    let (days, window) = match text.split_once(' ') {
        Some((days, window)) => (Some(days), window.trim_start()),
        None => (None, text),
    };
    let (from, until) = window.split_once('-').ok_or(help)?;
    let (from, until) = (minute(from).ok_or(help)?, minute(until).ok_or(help)?);
    if from == 1440 {
        return Err("a window opens between `00:00` and `23:59`".to_owned());
    }
    if from == until {
        return Err("the window is empty; write `00:00-24:00` for whole days".to_owned());
    }
    let mut weekdays = days.map(weekdays).transpose()?.unwrap_or_default();
    weekdays.sort_unstable();
    weekdays.dedup();
    Ok(Hours { from, until, weekdays })
}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit))
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| digits.parse::<u16>().ok())
            .flatten()
    };
    match (two(hour)?, two(minute)?) {
        (24, 0) => Some(1440),
        (hour @ 0..24, minute @ 0..60) => Some(hour * 60 + minute),
        _ => None,
    }
}

fn weekdays(text: &str) -> Result<Vec<u8>, String> {
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (weekday(first)?, weekday(last)?);
        // `Sat-Mon` runs over the week's end.
        let length = (last + 7 - first) % 7;
        days.extend((0..=length).map(|step| (first - 1 + step) % 7 + 1));
    }
    Ok(days)
}

fn weekday(text: &str) -> Result<u8, String> {
    const DAYS: [(&str, u8); 7] =
        [("Mon", 1), ("Tue", 2), ("Wed", 3), ("Thu", 4), ("Fri", 5), ("Sat", 6), ("Sun", 7)];
    DAYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, day)| *day).ok_or_else(|| {
        "days are `Mon`, `Tue`, `Wed`, `Thu`, `Fri`, `Sat`, `Sun`: `Mon-Fri` or `Sat,Sun`".to_owned()
    })
}
