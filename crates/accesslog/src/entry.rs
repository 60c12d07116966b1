//! One line of an access log, whatever wrote it: what was asked, by whom, and what was answered.
//!
//! Fields are borrowed from the line unless an escape had to be undone. An empty field means that the log does not say; the
//! dash that most formats write for "nothing" is read as empty by [`said`].

use std::borrow::Cow;

/// What a line says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry<'a> {
    /// When the answer was logged, where the line says so.
    pub time: Option<Stamp>,
    /// The caller's address, without port.
    pub address: Cow<'a, str>,
    /// The signed-in account.
    pub user: Cow<'a, str>,
    /// The method.
    pub method: Cow<'a, str>,
    /// Path and query, as sent.
    pub target: Cow<'a, str>,
    /// `HTTP/1.1` and the like.
    pub protocol: Cow<'a, str>,
    /// The status that was answered.
    pub status: u16,
    /// Bytes of the answer's body.
    pub size: Option<u64>,
    /// The page that sent the caller here.
    pub referrer: Cow<'a, str>,
    /// The `User-Agent`.
    pub agent: Cow<'a, str>,
    /// The node behind the proxy that handled the request.
    pub upstream: Cow<'a, str>,
    /// The host that was asked for.
    pub host: Cow<'a, str>,
    /// How long the answer took, in microseconds.
    pub duration: Option<u64>,
    /// What the line says about who answered: HAProxy's termination state, Envoy's flags, a balancer's action.
    pub note: Cow<'a, str>,
}

/// A moment, and the offset from UTC that the log wrote it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds since 1970 in UTC.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub offset: i16,
}

/// The least that every line is asked: when, and which status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// When, where the line says so.
    pub time: Option<Stamp>,
    /// The status.
    pub status: u16,
}

impl Entry<'_> {
    /// The least that every line is asked.
    #[must_use]
    pub fn glance(&self) -> Glance {
        Glance { time: self.time, status: self.status }
    }

    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split(['?', '#']).next().unwrap_or_default()
    }

    /// The query without its question mark; empty where there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// The field, or nothing where it is the dash that stands for nothing.
#[must_use]
pub fn said(field: &str) -> &str {
    if field == "-" { "" } else { field }
}

/// Whether a status is one: what servers write, with room for those of their own making (nginx 499, IIS 600s never).
pub(crate) fn is_status(status: u16) -> bool {
    (100..=599).contains(&status)
}
