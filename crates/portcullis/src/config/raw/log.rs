//! The decision log, as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, PathText, SizeText};

/// The decision log.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawLog {
    /// What happens to requests that cannot be recorded. By default they are answered 503: an access that leaves no
    /// trace is worse than an outage that everybody sees.
    pub(crate) when_broken: RawWhenBroken,
    /// How long a request waits for its record to be written before it cannot be recorded. One second is longer than a
    /// disk's hiccup and shorter than the patience of a load balancer.
    pub(crate) wait: DurationText,
    /// When what was written is forced to the disk itself: `always`, before each answer; `interval:50ms`, that long
    /// after it was written at most; `checkpoint`, with each checkpoint. It is about power cuts: a killed process loses
    /// nothing in any case. One second is a moment that people remember, and no answer waits for a disk.
    pub(crate) sync: String,
    /// How often what was written is vouched for by a signed checkpoint, while something is written. What somebody
    /// could change unseen is younger than that.
    pub(crate) checkpoint_every: DurationText,
    /// A file that every checkpoint is added to, best on another machine's disk: whoever changes log and checkpoints
    /// here cannot change it there.
    pub(crate) checkpoint_copy: Option<PathText>,
    /// Whether segments are compressed (zstd) when they are closed: to about a sixth.
    pub(crate) compress: bool,
    /// Records that may wait for the disk. Four thousand cover some hundredths of a second at full load, in a few
    /// megabytes.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) queue: u32,
    /// A segment is closed at this size. 64 MiB can be copied, searched and compressed in seconds.
    pub(crate) segment_size: SizeText,
    /// A segment is closed at this age, so that a quiet log still has one file a day.
    pub(crate) segment_age: DurationText,
    /// The oldest segments are deleted beyond this size altogether. Four gibibytes are millions of decisions, and fit
    /// on the smallest disks in use.
    pub(crate) keep_size: SizeText,
    /// Segments are deleted beyond this age. Ninety days are what common audit rules ask to have at hand.
    pub(crate) keep_age: DurationText,
    /// Which facts a record keeps.
    pub(crate) facts: RawFacts,
    /// What is never written in clear, besides credentials, which never are.
    pub(crate) redact: RawRedact,
    /// Boring decisions that are recorded only in part. The first rule that matches a decision holds for it; how many
    /// were left out is written into the log, so that totals stay exact.
    pub(crate) drop: Vec<RawDrop>,
}

/// Decisions that are recorded only in part. What is not said matches everything.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawDrop {
    /// The apps whose decisions these are, by name.
    pub(crate) app: Vec<String>,
    /// The routes whose decisions these are, by name.
    pub(crate) route: Vec<String>,
    /// What the path begins with, any of these.
    pub(crate) path: Vec<String>,
    /// The status sent by us, any of these. What an upstream sends is known only when the record is written.
    pub(crate) status: Vec<u16>,
    /// Whether the request was allowed.
    pub(crate) allowed: Option<bool>,
    /// Which part is recorded all the same: `0.01` is one in a hundred.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) keep: f64,
    /// Denials, too. By default they are always recorded: they are what people ask about.
    pub(crate) denials: bool,
}

impl Default for RawLog {
    fn default() -> Self {
        Self {
            when_broken: RawWhenBroken::default(),
            wait: "1s".into(),
            sync: "interval:1s".to_owned(),
            checkpoint_every: "10s".into(),
            checkpoint_copy: None,
            compress: true,
            queue: 4096,
            segment_size: "64MiB".into(),
            segment_age: "1d".into(),
            keep_size: "4GiB".into(),
            keep_age: "90d".into(),
            facts: RawFacts::default(),
            redact: RawRedact::default(),
            drop: Vec::new(),
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

/// Which facts a record keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawFacts {
    /// Those that the policies in force name. No other could have changed the decision, and what is not written down
    /// cannot be read by the wrong people.
    #[default]
    Read,
    /// All of them: recorded traffic can then be decided again by policies that ask for something new.
    All,
}

/// What is never written in clear.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawRedact {
    /// Further query parameters whose values are replaced: each whose name is, or has in it, one of these. Those that
    /// commonly hold secrets (`token`, `password`, …) always are.
    pub(crate) query: Vec<String>,
    /// Further headers whose values are replaced.
    pub(crate) headers: Vec<String>,
    /// Further claims whose values are replaced, wherever in a fact's path they stand: `"email"`.
    pub(crate) claims: Vec<String>,
    /// Further facts whose values are replaced, by path: `"context.geo"` covers all below it.
    pub(crate) facts: Vec<String>,
    /// What is replaced by a pseudonym, the same one in every record: `"principal"`, `"client"`, `"user_agent"`, or a
    /// fact by its path. Its key is in the log's folder; who has it can follow one person by name.
    pub(crate) hash: Vec<String>,
    /// Query parameters that are kept although their names look secret: `"country_code"`.
    pub(crate) keep: Vec<String>,
}
