//! Texts with a meaning of their own: durations, sizes, paths. They are still only texts here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A whole number with a unit: `ms`, `s`, `m`, `h`, `d` or `w`; `"30s"`, `"24h"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(title = "duration")]
pub(crate) struct DurationText(pub(crate) String);

/// A whole number with a unit: `B`, `KiB`, `MiB`, `GiB` or `TiB`; `"64MiB"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(title = "size")]
pub(crate) struct SizeText(pub(crate) String);

/// A file or folder, relative to the folder of the configuration file.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(title = "path")]
pub(crate) struct PathText(pub(crate) String);

impl From<&str> for DurationText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<&str> for SizeText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<&str> for PathText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
