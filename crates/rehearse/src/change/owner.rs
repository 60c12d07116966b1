//! Who could change a fact. The order is the order in which they are asked.

use serde::Serialize;

use crate::question::FactPath;

/// Who could change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Whoever sent the request: by signing in again, or from where they are meant to ask.
    Caller,
    /// Nobody: it comes with time.
    Time,
    /// Whoever manages devices.
    DeviceManagement,
    /// Whoever keeps accounts, groups and plans.
    SupportDesk,
}

impl Owner {
    /// For people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Caller => "the caller",
            Self::Time => "time",
            Self::DeviceManagement => "device management",
            Self::SupportDesk => "the support desk",
        }
    }

    pub(super) fn of(path: Option<&FactPath>) -> Self {
        match path {
            Some(path) if CALLERS.iter().any(|part| path.is_in(part)) => Self::Caller,
            Some(path) if path.is_in(&["time"]) => Self::Time,
            Some(path) if path.is_in(&["device"]) => Self::DeviceManagement,
            _ => Self::SupportDesk,
        }
    }
}

/// Whether a fact is what was asked: to ask for something else is no way to get this. How it was asked, in headers, is not.
pub(super) fn is_given(path: &FactPath) -> bool {
    path.is_in(&["request"]) && !path.is_in(HEADERS)
}

const HEADERS: &[&str] = &["request", "headers"];
const CALLERS: [&[&str]; 4] = [&["auth"], &["geo"], &["network"], HEADERS];
