//! Moments as people and charts want them: the day only where the log has more than one, times in the log's own offset.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::COURSE;
use crate::search::time::Window;
use crate::study::Study;

/// A moment that the user gave: of one day, or of any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Seconds since 1970.
    At(i64),
    /// Minutes after midnight.
    Daily(i64),
}

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((hour, minute)) = text.split_once(':')
            && let (Ok(hour @ 0..24), Ok(minute @ 0..60)) = (hour.parse::<i64>(), minute.parse::<i64>())
        {
            return Ok(Self::Daily(hour * 60 + minute));
        }
        let stamp = crate::format::read_moment(text);
        stamp
            .map(Self::At)
            .ok_or_else(|| format!("`{text}` is no time: write `14:30`, or `2026-03-03T14:30:00Z`"))
    }
}

impl Moment {
    /// Whether it is within so many minutes of a minute since 1970.
    pub(crate) fn is_near(self, minute: i64, offset: i16, within: i64) -> bool {
        match self {
            Self::At(seconds) => (seconds.div_euclid(60) - minute).abs() <= within,
            Self::Daily(of_day) => {
                let local = (minute + i64::from(offset)).rem_euclid(1_440);
                let apart = (local - of_day).abs();
                apart.min(1_440 - apart) <= within
            }
        }
    }
}

/// A minute since 1970 in the log's own time: `14:30`, or with its day where the log has several.
pub(crate) fn told(study: &Study, minute: i64) -> String {
    let first = study.minutes.first().map_or(minute, |(first, _)| *first);
    let last = study.minutes.last().map_or(minute, |(last, _)| *last);
    let day = |minute: i64| (minute + i64::from(study.offset)).div_euclid(1_440);
    written(minute, study.offset, if day(first) == day(last) { "%H:%M" } else { "%Y-%m-%d %H:%M" })
}

fn written(minute: i64, offset: i16, format: &str) -> String {
    let offset = Offset::from_seconds(i32::from(offset) * 60).unwrap_or(Offset::UTC);
    let Ok(moment) = Timestamp::from_second(minute * 60) else { return "?".to_owned() };
    offset.to_datetime(moment).strftime(format).to_string()
}

/// `+01:00`.
pub(crate) fn offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// The minute at a place of the study's minutes.
pub(crate) fn at(study: &Study, place: usize) -> i64 {
    let last = study.minutes.last().map_or(0, |(last, _)| *last);
    study.minutes.get(place).map_or(last, |(minute, _)| *minute)
}

/// When a window began, with the interval it is known to.
pub(crate) fn onset(study: &Study, window: &Window) -> String {
    let mut text = told(study, at(study, window.from));
    let hours = |place: usize| written(at(study, place), study.offset, "%H:%M");
    if window.earliest < window.latest && window.latest - window.earliest < 180 {
        text.push_str(&format!(" (between {} and {})", hours(window.earliest), hours(window.latest)));
    }
    text
}

/// The first and last minute of the log.
pub(crate) fn span(study: &Study) -> Option<(String, String)> {
    let (first, last) = (study.minutes.first()?.0, study.minutes.last()?.0);
    let full =
        |minute| format!("{} {}", written(minute, study.offset, "%Y-%m-%d %H:%M"), offset(study.offset));
    Some((full(first), full(last)))
}

/// Requests and 403s in columns over the time of the log.
pub(crate) fn course(study: &Study) -> Vec<(String, f64, f64)> {
    let mut columns: Vec<(String, f64, f64)> = Vec::new();
    let each = study.minutes.len().div_ceil(COURSE).max(1);
    for minutes in study.minutes.chunks(each) {
        let Some((first, _)) = minutes.first() else { continue };
        let all = minutes.iter().map(|(_, minute)| minute.all as f64).sum();
        let refused = minutes.iter().map(|(_, minute)| minute.refused as f64).sum();
        columns.push((told(study, *first), all, refused));
    }
    columns
}

/// The 403s of some rows, in the columns of [`course`].
pub(crate) fn course_of<'a>(study: &Study, rows: impl Iterator<Item = &'a crate::study::Row>) -> Vec<f64> {
    let each = study.minutes.len().div_ceil(COURSE).max(1);
    let mut columns = vec![0.0; study.minutes.len().div_ceil(each)];
    for row in rows {
        if let Some(column) = columns.get_mut(row.minute as usize / each) {
            *column += study.weight(row);
        }
    }
    columns
}
