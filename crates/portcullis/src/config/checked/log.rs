//! The decision log, checked.

use std::path::Path;

use portcullis_record::{
    DropRule, HashedField, LogSettings, Redaction, RedactionRules, SyncPoint, WhenBroken,
};

use super::{Checker, DAY, MINUTE, SECOND, SHORTEST, YEAR};
use crate::config::finding::quoted;
use crate::config::measure;
use crate::config::raw::{RawDrop, RawLog, RawWhenBroken};
use crate::config::source::element;

impl Checker<'_> {
    pub(super) fn log(&mut self, raw: &RawLog, folder: &Path) -> Option<LogSettings> {
        let wait = self.duration("log.wait", &raw.wait.0, SHORTEST, MINUTE);
        let segment_size = self.size("log.segment_size", &raw.segment_size.0, 64 << 10, 4 << 30);
        let segment_age = self.duration("log.segment_age", &raw.segment_age.0, MINUTE, YEAR);
        let keep_size = self.size("log.keep_size", &raw.keep_size.0, 64 << 10, 1 << 50);
        let keep_age = self.duration("log.keep_age", &raw.keep_age.0, MINUTE, 100 * YEAR);
        let checkpoint_every = self.duration("log.checkpoint_every", &raw.checkpoint_every.0, SECOND, DAY);
        let sync = self.sync(&raw.sync);
        let drop =
            raw.drop.iter().enumerate().map(|(index, rule)| self.drop_rule(index, rule)).collect::<Vec<_>>();
        let hash = self.hashed(&raw.redact.hash);
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
            sync: sync?,
            checkpoint_every: checkpoint_every?,
            checkpoint_copy: raw.checkpoint_copy.as_ref().map(|copy| self.resolve(copy)),
            compress: raw.compress,
            drop: drop.into_iter().collect::<Option<_>>()?,
            hash: hash?,
        })
    }

    fn sync(&mut self, raw: &str) -> Option<SyncPoint> {
        match raw {
            "always" => return Some(SyncPoint::Always),
            "checkpoint" => return Some(SyncPoint::Checkpoint),
            _ => {}
        }
        let every = raw.strip_prefix("interval:").and_then(|every| measure::duration(every).ok());
        if let Some(every) = every.filter(|every| (SHORTEST..=MINUTE).contains(every)) {
            return Some(SyncPoint::Every(every));
        }
        let message = format!("{} does not say when lines are forced to the disk", quoted(raw));
        let help = "write `\"always\"`, `\"checkpoint\"`, or `\"interval:50ms\"` with 1ms to 1m";
        self.source.error("log.sync", "portcullis::config::bad_sync", message, help);
        None
    }

    fn drop_rule(&mut self, index: usize, raw: &RawDrop) -> Option<DropRule> {
        let at = element("log.drop", index);
        if !(0.0..=1.0).contains(&raw.keep) {
            let message = format!("`keep` is out of range: `{}`", raw.keep);
            let help =
                "write the part that is recorded all the same, from 0 to 1: `0.01` is one in a hundred";
            self.source.error(&format!("{at}.keep"), "portcullis::config::out_of_range", message, help);
            return None;
        }
        if raw.denials {
            let message = "denials are left out of the log".to_owned();
            let help = "their references can then not be explained; `denials = false` keeps them";
            self.source.warning(
                &format!("{at}.denials"),
                "portcullis::config::denials_left_out",
                message,
                help,
            );
        }
        Some(DropRule {
            apps: raw.app.clone(),
            routes: raw.route.clone(),
            paths: raw.path.clone(),
            statuses: raw.status.clone(),
            allowed: raw.allowed,
            // From 0 to a million, as was checked.
            keep_per_million: (raw.keep * 1_000_000.0).round() as u32,
            denials: raw.denials,
        })
    }

    fn hashed(&mut self, raw: &[String]) -> Option<Vec<HashedField>> {
        let mut fields = Vec::with_capacity(raw.len());
        for (index, text) in raw.iter().enumerate() {
            match text.parse() {
                Ok(field) => fields.push(field),
                Err(help) => {
                    let message = format!("{} cannot be given a pseudonym", quoted(text));
                    let at = element("log.redact.hash", index);
                    self.source.error(&at, "portcullis::config::bad_name", message, help);
                }
            }
        }
        (fields.len() == raw.len()).then_some(fields)
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
