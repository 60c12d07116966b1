//! The decision log, as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, SizeText};

/// The decision log.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawLog {
    /// What happens to requests that cannot be recorded. By default they are answered 503: an access that leaves no
    /// trace is worse than an outage that everybody sees.
    pub(crate) when_broken: RawWhenBroken,
    /// Records that may wait for the disk. Four thousand cover a pause of some hundred milliseconds at ten thousand
    /// requests a second, in a few megabytes.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) queue: u32,
    /// A segment is closed at this size. 64 MiB can be copied, searched and compressed in seconds.
    pub(crate) segment_size: SizeText,
    /// A segment is closed at this age, so that a quiet log still has one file a day.
    pub(crate) segment_age: DurationText,
    /// The oldest segments are deleted beyond this size altogether. Ten gibibytes are some ten million records, and
    /// fit on the smallest disks in use.
    pub(crate) keep_size: SizeText,
    /// Segments are deleted beyond this age. Ninety days are what common audit rules ask to have at hand.
    pub(crate) keep_age: DurationText,
    /// What is never written in clear.
    pub(crate) redact: RawRedact,
}

impl Default for RawLog {
    fn default() -> Self {
        Self {
            when_broken: RawWhenBroken::default(),
            queue: 4096,
            segment_size: "64MiB".into(),
            segment_age: "1d".into(),
            keep_size: "10GiB".into(),
            keep_age: "90d".into(),
            redact: RawRedact::default(),
        }
    }
}

/// What happens to requests that cannot be recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawWhenBroken {
    /// They are answered 503.
    #[default]
    FailClosed,
    /// They pass, and the gap is counted and recorded afterwards.
    FailOpen,
}

/// What is never written in clear, besides credentials, which never are.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawRedact {
    /// Names of query parameters whose values are replaced, in addition to those that commonly hold secrets
    /// (`token`, `password`, …).
    pub(crate) query: Vec<String>,
    /// Facts whose values are replaced, by path: `"principal.email"`.
    pub(crate) facts: Vec<String>,
}
