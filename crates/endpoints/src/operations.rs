//! What operators may do and look at beside health and decisions: reload, metrics, status.
//!
//! The rest of the process is known through the closures in [`Operations`] alone. Whether a request may have any of this
//! is decided in `admin`, before anything here is asked.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use crate::answer;

/// Asks for a reload and waits for what came of it.
pub type Reload = dyn Fn() -> Pin<Box<dyn Future<Output = ReloadReport> + Send>> + Send + Sync;

/// What operators may do and look at.
pub struct Operations {
    /// Takes up changed files now.
    pub reload: Box<Reload>,
    /// Everything that is counted, as OpenMetrics text.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// Whether `/metrics` is told to whoever reaches the listener. A scraper that cannot send a token needs it; else it
    /// should not be, since the counts tell strangers what apps there are and how they fare.
    pub metrics_without_token: bool,
    /// What is in force, and how it fares.
    pub status: Box<dyn Fn() -> Status + Send + Sync>,
    /// The geo databases in force.
    pub databases: Box<dyn Fn() -> Vec<DatabaseReadiness> + Send + Sync>,
}

/// What a reload came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReloadReport {
    /// The files differed from what was in force, and are in force now.
    TakenUp {
        /// The snapshot in force.
        version: String,
        /// Keys of the configuration whose new values wait for a restart.
        after_restart: Vec<String>,
    },
    /// The files are as they are in force.
    Unchanged {
        /// The snapshot in force.
        version: String,
    },
    /// The files do not load. What was in force stays in force.
    Refused {
        /// Everything that is wrong.
        findings: Vec<String>,
    },
    /// Others asked too, or the files changed while they were read: nothing was taken up.
    Busy,
}

/// What is in force, and how it fares.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Status {
    /// The version of the program.
    pub program: String,
    /// The snapshot in force.
    pub snapshot: String,
    /// Apps in force, in the order of the configuration.
    pub apps: Vec<String>,
    /// How many policies decide.
    pub policies: usize,
    /// The servers behind the apps.
    pub origins: Vec<OriginStatus>,
    /// The limits, and how much they hold.
    pub limits: Vec<LimitStatus>,
}

/// One address of one app's servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OriginStatus {
    /// The app.
    pub app: String,
    /// Host and port.
    pub address: String,
    /// Whether requests are sent there; `None` where nobody has asked it yet.
    pub up: Option<bool>,
    /// For people: since when, what went wrong.
    pub detail: String,
}

/// One limit on how often something may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitStatus {
    /// Its name.
    pub name: String,
    /// How many counts it holds at the moment.
    pub counts: usize,
}

/// One geo database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatabaseReadiness {
    /// Its file.
    pub name: String,
    /// Whether facts are taken from it; a request that needs others is answered 503.
    pub usable: bool,
    /// For people: its kind, when it was built, what is wrong with it.
    pub detail: String,
}

impl ReloadReport {
    /// 200 with what is in force, 422 with what is wrong, 409 where it should be asked again.
    pub(crate) fn answer(&self) -> Response<Bytes> {
        match self {
            Self::TakenUp { version, after_restart } => answer::json(
                StatusCode::OK,
                &serde_json::json!({ "changed": true, "snapshot": version, "after_restart": after_restart }),
            ),
            Self::Unchanged { version } => answer::json(
                StatusCode::OK,
                &serde_json::json!({ "changed": false, "snapshot": version, "after_restart": [] }),
            ),
            Self::Refused { findings } => answer::problem_with(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the files do not load, so what was in force stays in force; mend what is listed and reload again",
                serde_json::json!({ "findings": findings }),
            ),
            Self::Busy => answer::again(
                StatusCode::CONFLICT,
                "another reload is under way or the files are being written; ask again in a moment",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
