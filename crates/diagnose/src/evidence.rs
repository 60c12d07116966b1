//! What is known of causes before anything is looked at: signals, findings, and how probable each signal is under each
//! cause. All of it is data in `evidence/` and `findings/`, embedded when compiled; here it is only read and joined.
//!
//! INVARIANT: every signal that a finding or profile names exists, and every probability lies strictly between 0 and 1.

mod finding;
mod signal;

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use thiserror::Error;

pub use finding::{Finding, OnSystem};
pub use signal::{Matched, Signal};

/// A cause's place in [`Evidence::findings`].
pub type CauseIndex = usize;
/// A signal's place in [`Evidence::signals`].
pub type SignalIndex = usize;

/// All that is known of causes.
#[derive(Debug)]
pub struct Evidence {
    /// In the order of the files.
    pub signals: Vec<Signal>,
    /// In the order of the files.
    pub findings: Vec<Finding>,
    by_signal: HashMap<String, SignalIndex>,
    by_cause: HashMap<String, CauseIndex>,
}

/// Why the embedded data cannot be used. A test keeps it from happening.
#[derive(Debug, Error)]
pub enum EvidenceError {
    /// No TOML, or not in this form.
    #[error("`{file}`: {fault}")]
    Unreadable {
        /// Which file.
        file: &'static str,
        /// What the parser says.
        fault: String,
    },
    /// A pattern that does not compile.
    #[error("signal `{signal}`: {fault}")]
    Pattern {
        /// Which signal.
        signal: String,
        /// What the library says.
        fault: String,
    },
    /// Named but not defined.
    #[error("{by} names `{name}`, which is not defined")]
    Unknown {
        /// Who names it.
        by: String,
        /// What.
        name: String,
    },
    /// Twice the same name.
    #[error("`{0}` is defined twice")]
    Twice(String),
    /// A probability that is none, or one that allows no doubt.
    #[error("{by}: {value} is no probability between 0 and 1")]
    Probability {
        /// Where.
        by: String,
        /// What stands there.
        value: f64,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profiles {
    layer: BTreeMap<String, Profile>,
    behaviour: BTreeMap<String, Profile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    #[serde(default)]
    seen: BTreeMap<String, f64>,
}

impl Evidence {
    /// Reads the embedded files.
    ///
    /// # Errors
    ///
    /// Says what in them is wrong.
    pub fn embedded() -> Result<Self, EvidenceError> {
        let mut signals = Vec::new();
        for (file, text) in SIGNALS {
            signals.extend(signal::read(file, text)?);
        }
        let mut by_signal = HashMap::new();
        for (index, signal) in signals.iter().enumerate() {
            probability(&format!("signal `{}`", signal.id), signal.base)?;
            if by_signal.insert(signal.id.clone(), index).is_some() {
                return Err(EvidenceError::Twice(signal.id.clone()));
            }
        }
        let profiles: Profiles = toml::from_str(PROFILES)
            .map_err(|fault| EvidenceError::Unreadable { file: "profiles.toml", fault: fault.to_string() })?;
        let mut findings = Vec::new();
        let mut by_cause = HashMap::new();
        for (file, text) in FINDINGS {
            for written in finding::read(file, text)? {
                let likelihood = likelihood(&written, &profiles, &by_signal, signals.len())?;
                if by_cause.insert(written.id.clone(), findings.len()).is_some() {
                    return Err(EvidenceError::Twice(written.id));
                }
                findings.push(Finding { likelihood, ..written });
            }
        }
        Ok(Self { signals, findings, by_signal, by_cause })
    }

    /// A signal by its name.
    #[must_use]
    pub fn signal(&self, id: &str) -> Option<SignalIndex> {
        self.by_signal.get(id).copied()
    }

    /// A finding by its id.
    #[must_use]
    pub fn finding(&self, id: &str) -> Option<&Finding> {
        self.by_cause.get(id).and_then(|index| self.findings.get(*index))
    }

    /// The place of a finding.
    #[must_use]
    pub fn cause(&self, id: &str) -> Option<CauseIndex> {
        self.by_cause.get(id).copied()
    }

    /// The outcomes of a probe: the signals whose name begins with its own.
    pub fn outcomes<'a>(&'a self, probe: &'a str) -> impl Iterator<Item = (SignalIndex, &'a Signal)> {
        let of_probe =
            move |signal: &Signal| signal.id.split_once(':').is_some_and(|(family, _)| family == probe);
        self.signals.iter().enumerate().filter(move |(_, signal)| of_probe(signal))
    }

    /// The signals of a group.
    pub fn group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = (SignalIndex, &'a Signal)> {
        self.signals.iter().enumerate().filter(move |(_, signal)| signal.group == group)
    }
}

/// Joins the tables that hold for a finding: its layer's, then what every cause has in common, then its behaviours', then
/// its own. What stands later wins.
fn likelihood(
    finding: &Finding,
    profiles: &Profiles,
    by_signal: &HashMap<String, SignalIndex>,
    signals: usize,
) -> Result<Vec<Option<f64>>, EvidenceError> {
    let by = || format!("finding `{}`", finding.id);
    let unknown = |name: &str| EvidenceError::Unknown { by: by(), name: name.to_owned() };
    let mut tables = vec![
        &profiles.layer.get(&finding.layer).ok_or_else(|| unknown(&finding.layer))?.seen,
        &profiles.behaviour.get("default").ok_or_else(|| unknown("default"))?.seen,
    ];
    for behaviour in &finding.behaves {
        tables.push(&profiles.behaviour.get(behaviour).ok_or_else(|| unknown(behaviour))?.seen);
    }
    tables.push(&finding.seen);
    let mut joined = vec![None; signals];
    for (name, value) in tables.into_iter().flatten() {
        let index = by_signal.get(name).ok_or_else(|| unknown(name))?;
        probability(&by(), *value)?;
        if let Some(place) = joined.get_mut(*index) {
            *place = Some(*value);
        }
    }
    Ok(joined)
}

fn probability(by: &str, value: f64) -> Result<(), EvidenceError> {
    if value > 0.0 && value < 1.0 {
        Ok(())
    } else {
        Err(EvidenceError::Probability { by: by.to_owned(), value })
    }
}

const PROFILES: &str = include_str!("../evidence/profiles.toml");

/// Files of `evidence/signals/`; a test compares the list with the folder.
const SIGNALS: &[(&str, &str)] = &[
    ("signals/asked.toml", include_str!("../evidence/signals/asked.toml")),
    ("signals/server.toml", include_str!("../evidence/signals/server.toml")),
    ("signals/page.toml", include_str!("../evidence/signals/page.toml")),
    ("signals/field.toml", include_str!("../evidence/signals/field.toml")),
    ("signals/says.toml", include_str!("../evidence/signals/says.toml")),
    ("signals/contrast.toml", include_str!("../evidence/signals/contrast.toml")),
];

/// Files of `findings/`, in the order in which they are listed for people; a test compares the list with the folder.
const FINDINGS: &[(&str, &str)] = &[
    ("findings/nginx-access.toml", include_str!("../findings/nginx-access.toml")),
    ("findings/nginx-files.toml", include_str!("../findings/nginx-files.toml")),
    ("findings/nginx-requests.toml", include_str!("../findings/nginx-requests.toml")),
    ("findings/apache-rules.toml", include_str!("../findings/apache-rules.toml")),
    ("findings/apache-files.toml", include_str!("../findings/apache-files.toml")),
    ("findings/modsecurity.toml", include_str!("../findings/modsecurity.toml")),
    ("findings/haproxy.toml", include_str!("../findings/haproxy.toml")),
    ("findings/proxies.toml", include_str!("../findings/proxies.toml")),
    ("findings/squid.toml", include_str!("../findings/squid.toml")),
    ("findings/app-identity.toml", include_str!("../findings/app-identity.toml")),
    ("findings/app-framework.toml", include_str!("../findings/app-framework.toml")),
    ("findings/app-limits.toml", include_str!("../findings/app-limits.toml")),
    ("findings/object-store.toml", include_str!("../findings/object-store.toml")),
    ("findings/aws.toml", include_str!("../findings/aws.toml")),
    ("findings/cloudflare.toml", include_str!("../findings/cloudflare.toml")),
    ("findings/edges.toml", include_str!("../findings/edges.toml")),
    ("findings/services.toml", include_str!("../findings/services.toml")),
    ("findings/network.toml", include_str!("../findings/network.toml")),
    ("findings/portcullis.toml", include_str!("../findings/portcullis.toml")),
    ("findings/logs.toml", include_str!("../findings/logs.toml")),
    ("findings/none.toml", include_str!("../findings/none.toml")),
];

#[cfg(test)]
mod tests;
