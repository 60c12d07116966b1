//! What stands in the log: the record of one decision, the outcome that follows it, and gaps.
//!
//! How a line is written and read is not here but in `line`. Reading is forward-compatible: members that are not
//! known are ignored, members that may be empty may be missing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::facts::FactSet;

/// The way a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// The reverse proxy.
    Proxy,
    /// Another proxy that asks before it forwards.
    ForwardAuth,
    /// One that a later version knows.
    #[serde(other)]
    Unknown,
}

/// The stage that ended the way of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not one unambiguous request.
    Admit,
    /// No app or route for it.
    Route,
    /// No principal.
    Identify,
    /// The policies decided (or could not).
    Decide,
    /// One that a later version knows.
    #[serde(other)]
    Unknown,
}

/// One decision, remembered. Never holds a credential. Its facts are values where it is read, and written already where it is
/// about to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "F: FactSet", deserialize = "F: FactSet + Deserialize<'de>"))]
pub struct Entry<F = BTreeMap<String, Value>> {
    /// The decision's identifier (UUID text).
    pub reference: String,
    /// RFC 3339, UTC, microseconds.
    pub time: String,
    /// The way in.
    pub door: Door,
    /// The stage that ended it.
    pub stage: Stage,
    /// What was asked, after redaction.
    pub request: RequestEntry,
    /// The app and route it matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The route within the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Who asked, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<PrincipalEntry>,
    /// Why there is no principal: a credential fault's code and detail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absence: Option<String>,
    /// The facts of the decision, by path: `context.geo.country` → `"DE"`.
    #[serde(default, skip_serializing_if = "FactSet::is_empty")]
    pub facts: F,
    /// Facts that were missing, and why: `context.geo.region` → "absent: …" or "unavailable: …".
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub missing: BTreeMap<String, String>,
    /// Whether these are all facts; if not, those that the policies of the snapshot name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complete: bool,
    /// What the policies said, if they were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictEntry>,
    /// The public reason's code, if refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The status sent by us; `None` when the request went on to the origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What the operator should know beyond the public reason: the ambiguity, the fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The snapshot that decided: hash of configuration, policies, schema, directory, geo versions.
    pub snapshot: String,
    /// Microseconds from the head's admission to this record.
    pub decided_us: u64,
}

/// What was asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestEntry {
    /// As sent.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Canonical host, or as sent where there is none.
    pub host: String,
    /// Canonical path, or the raw target, escaped and cut, where there is none.
    pub path: String,
    /// The query after redaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The caller's address.
    pub client: String,
    /// The other end of the connection, if different.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// `User-Agent`, cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrincipalEntry {
    /// `User` or `Service`.
    pub kind: String,
    /// Its identifier.
    pub id: String,
    /// `token` or `api_key`.
    pub method: String,
    /// The issuer, for tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `kid`, or the API key's prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What the policies said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictEntry {
    /// `allow`, `deny` or `undecided`.
    pub decision: String,
    /// The policies that determined it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// On a default denial, the nearest permits: id, clauses failed, clauses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<(String, usize, usize)>,
    /// Policies that erred, with Cedar's text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<(String, String)>,
    /// Unavailable facts that could have changed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<String>,
}

/// What happened afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The decision's identifier.
    pub reference: String,
    /// The status the caller got.
    pub status: u16,
    /// The origin's own status, if it was asked and answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_status: Option<u16>,
    /// Whether a page of ours took the place of what the origin said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub intercepted: bool,
    /// What failed at the origin, if anything did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Body bytes sent to the caller.
    pub bytes: u64,
    /// Microseconds from admission to the end of the answer.
    pub total_us: u64,
}

/// Lines that are missing from the log, exactly counted. Written as soon as the log can be written to again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When this line was written: RFC 3339, UTC, microseconds.
    pub time: String,
    /// When the first of them went missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Decisions without a record.
    #[serde(default)]
    pub decisions: u64,
    /// Outcomes without a line.
    #[serde(default)]
    pub outcomes: u64,
    /// Bytes of an unfinished last line that were cut off when the log was opened.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut_bytes: u64,
    /// What became of those decisions: `fail_closed` answered them with 503, `fail_open` carried them out.
    pub when_broken: WhenBroken,
    /// What was in the way.
    pub why: String,
}

/// What happens to requests while the log cannot take their record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenBroken {
    /// They are answered with 503: nothing happens that nobody can look up afterwards. The default, because who
    /// makes the log fail must not thereby get in unseen.
    #[default]
    FailClosed,
    /// They are carried out, and the log says later how many went unrecorded.
    FailOpen,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
