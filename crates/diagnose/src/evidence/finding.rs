//! One cause: its words and its detection, as written in `findings/`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::EvidenceError;

/// One cause.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Stable name.
    pub id: String,
    /// Who answers when this is the cause.
    pub layer: String,
    /// One line.
    pub title: String,
    /// What is observed.
    pub looks_for: String,
    /// Why it means that.
    pub means: String,
    /// What to do.
    pub steps: Vec<String>,
    /// What to type or change.
    #[serde(default)]
    pub lines: Option<String>,
    /// How to see that it worked.
    #[serde(default)]
    pub verify: String,
    /// Who can mend it.
    #[serde(default)]
    pub owner: String,
    /// Specifications.
    #[serde(default)]
    pub links: Vec<String>,
    /// What it may be taken for from outside.
    #[serde(default)]
    pub confused_with: Vec<String>,
    /// Steps by system, where the cause is on the caller's side.
    #[serde(default)]
    pub on: Option<OnSystem>,
    /// Its weight among causes before anything is seen; nought for what no single request can show.
    #[serde(default)]
    pub prior: f64,
    /// Behaviours of `evidence/profiles.toml` it shares.
    #[serde(default)]
    pub behaves: Vec<String>,
    /// Probabilities of its own.
    #[serde(default)]
    pub seen: BTreeMap<String, f64>,
    /// Joined: by signal; none where the cause says nothing of it, so that the base rate holds.
    #[serde(skip)]
    pub likelihood: Vec<Option<f64>>,
}

/// Steps by operating system.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnSystem {
    /// Windows.
    #[serde(default)]
    pub windows: Vec<String>,
    /// macOS.
    #[serde(default)]
    pub macos: Vec<String>,
    /// Linux.
    #[serde(default)]
    pub linux: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    finding: Vec<Finding>,
}

pub(super) fn read(file: &'static str, text: &str) -> Result<Vec<Finding>, EvidenceError> {
    let read: File =
        toml::from_str(text).map_err(|fault| EvidenceError::Unreadable { file, fault: fault.to_string() })?;
    Ok(read.finding)
}
