//! The decision log, checked.

use std::time::Duration;

use super::{Checker, DAY, MINUTE, YEAR};
use crate::config::raw::{RawLog, RawWhenBroken};
use crate::config::source::element;

/// How the decision log is kept.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// What happens to requests that cannot be recorded.
    pub(crate) when_broken: RawWhenBroken,
    /// Records that may wait for the disk.
    pub(crate) queue: usize,
    /// A segment is closed at this size, bytes.
    pub(crate) segment_size: u64,
    /// A segment is closed at this age.
    pub(crate) segment_age: Duration,
    /// The oldest segments go beyond this size altogether, bytes.
    pub(crate) keep_size: u64,
    /// Segments go beyond this age.
    pub(crate) keep_age: Duration,
    /// Query parameters whose values are replaced.
    pub(crate) redact_query: Vec<String>,
    /// Facts whose values are replaced, by path.
    pub(crate) redact_facts: Vec<String>,
}

impl Checker<'_> {
    pub(super) fn log(&mut self, raw: &RawLog) -> Option<Log> {
        let segment_size = self.size("log.segment_size", &raw.segment_size.0, 64 << 10);
        let segment_age = self.duration("log.segment_age", &raw.segment_age.0, MINUTE, YEAR);
        let keep_size = self.size("log.keep_size", &raw.keep_size.0, 64 << 10);
        let keep_age = self.duration("log.keep_age", &raw.keep_age.0, MINUTE, 100 * YEAR);
        if let (Some(segment), Some(keep)) = (segment_size, keep_size)
            && keep < segment
        {
            let message =
                format!("`{}` keeps less than one segment of `{}`", raw.keep_size.0, raw.segment_size.0);
            let help = "keep several segments, or make them smaller with `segment_size`";
            self.source.error("log.keep_size", "portcullis::config::out_of_range", message, help);
        }
        if let (Some(segment), Some(keep)) = (segment_age, keep_age)
            && keep < segment
        {
            let message = format!("`{}` is less than one segment of `{}`", raw.keep_age.0, raw.segment_age.0);
            let help =
                "segments are deleted whole: keep them longer, or close them sooner with `segment_age`";
            self.source.error("log.keep_age", "portcullis::config::out_of_range", message, help);
        }
        if keep_age.is_some_and(|age| age < DAY) {
            let message = format!("records are deleted after `{}`", raw.keep_age.0);
            let help = "references on refusal pages can then no longer be explained";
            self.source.warning("log.keep_age", "portcullis::config::short_memory", message, help);
        }
        for (key, names) in [("log.redact.query", &raw.redact.query), ("log.redact.facts", &raw.redact.facts)]
        {
            for (index, _) in names.iter().enumerate().filter(|(_, name)| name.is_empty()) {
                let message = "an empty name redacts nothing".to_owned();
                let help = "name what must not be written in clear, or remove it";
                self.source.error(&element(key, index), "portcullis::config::bad_name", message, help);
            }
        }
        Some(Log {
            when_broken: raw.when_broken,
            queue: usize::try_from(raw.queue).unwrap_or(usize::MAX),
            segment_size: segment_size?,
            segment_age: segment_age?,
            keep_size: keep_size?,
            keep_age: keep_age?,
            redact_query: raw.redact.query.clone(),
            redact_facts: raw.redact.facts.clone(),
        })
    }
}
