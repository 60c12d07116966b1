//! The decision log, checked.

use std::path::Path;

use portcullis_record::{LogSettings, Redaction, RedactionRules, SyncPoint, WhenBroken};

use super::{Checker, DAY, MINUTE, SHORTEST, YEAR};
use crate::config::finding::quoted;
use crate::config::raw::{RawLog, RawSync, RawWhenBroken};
use crate::config::source::element;

impl Checker<'_> {
    pub(super) fn log(&mut self, raw: &RawLog, folder: &Path) -> Option<LogSettings> {
        let wait = self.duration("log.wait", &raw.wait.0, SHORTEST, MINUTE);
        let segment_size = self.size("log.segment_size", &raw.segment_size.0, 64 << 10, 1 << 40);
        let segment_age = self.duration("log.segment_age", &raw.segment_age.0, MINUTE, YEAR);
        let keep_size = self.size("log.keep_size", &raw.keep_size.0, 64 << 10, 1 << 50);
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
        Some(LogSettings {
            folder: folder.to_owned(),
            when_broken: match raw.when_broken {
                RawWhenBroken::FailClosed => WhenBroken::FailClosed,
                RawWhenBroken::FailOpen => WhenBroken::FailOpen,
            },
            queue: usize::try_from(raw.queue).unwrap_or(usize::MAX),
            segment_bytes: segment_size?,
            segment_age: segment_age?,
            keep_bytes: keep_size?,
            keep_age: keep_age?,
            wait: wait?,
            sync: match raw.sync {
                RawSync::SegmentEnd => SyncPoint::WhenSegmentEnds,
                RawSync::Answer => SyncPoint::BeforeAcknowledging,
            },
        })
    }

    pub(super) fn redaction(&mut self, raw: &RawLog) -> Option<Redaction> {
        let raw = &raw.redact;
        let lists = [
            ("query", &raw.query),
            ("headers", &raw.headers),
            ("claims", &raw.claims),
            ("facts", &raw.facts),
            ("keep", &raw.keep),
        ];
        for (key, names) in lists {
            for (index, name) in names.iter().enumerate() {
                if !name.chars().any(char::is_alphanumeric) {
                    let message = format!("{} is no name to redact", quoted(name));
                    let help = "name what must not be written in clear, or remove it";
                    let at = element(&format!("log.redact.{key}"), index);
                    self.source.error(&at, "portcullis::config::bad_name", message, help);
                }
            }
        }
        let rules = RedactionRules {
            query: raw.query.clone(),
            headers: raw.headers.clone(),
            claims: raw.claims.clone(),
            facts: raw.facts.clone(),
            keep: raw.keep.clone(),
        };
        match Redaction::new(rules) {
            Ok(redaction) => Some(redaction),
            Err(_) if self.source.has_errors() => None,
            Err(fault) => {
                self.source.error("log.redact", "portcullis::config::bad_name", fault.to_string(), "");
                None
            }
        }
    }
}
