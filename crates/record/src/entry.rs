//! The record of one decision and the outcome that follows it, as they stand in the log.

use serde::{Deserialize, Serialize};

/// The way a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// The reverse proxy.
    Proxy,
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
}

/// One decision, remembered. Never holds a credential.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
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
    pub app: Option<String>,
    /// The route within the app.
    pub route: Option<String>,
    /// Who asked, if known.
    pub principal: Option<PrincipalEntry>,
    /// Why there is no principal: a credential fault's code and detail.
    pub absence: Option<String>,
    /// The facts of the decision, by path: `context.geo.country` → `"DE"`.
    pub facts: std::collections::BTreeMap<String, serde_json::Value>,
    /// Facts that were missing, and why: `context.geo.region` → "absent: …" or "unavailable: …".
    pub missing: std::collections::BTreeMap<String, String>,
    /// What the policies said, if they were asked.
    pub verdict: Option<VerdictEntry>,
    /// The public reason's code, if refused.
    pub reason: Option<String>,
    /// The status sent by us; `None` when the request went on to the origin.
    pub status: Option<u16>,
    /// What the operator should know beyond the public reason: the ambiguity, the fault.
    pub detail: Option<String>,
    /// The snapshot that decided: hash of configuration, policies, schema, directory, geo versions.
    pub snapshot: String,
    /// Microseconds from the head's admission to this record.
    pub decided_us: u64,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    pub query: Option<String>,
    /// The caller's address.
    pub client: String,
    /// The other end of the connection, if different.
    pub peer: Option<String>,
    /// `User-Agent`, cut.
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
    pub issuer: Option<String>,
    /// `kid`, or the API key's prefix.
    pub key: Option<String>,
}

/// What the policies said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictEntry {
    /// `allow`, `deny` or `undecided`.
    pub decision: String,
    /// The policies that determined it.
    pub policies: Vec<String>,
    /// On a default denial, the nearest permits: id, clauses failed, clauses.
    pub nearest: Vec<(String, usize, usize)>,
    /// Policies that erred, with Cedar's text.
    pub errors: Vec<(String, String)>,
    /// Unavailable facts that could have changed it.
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
    pub origin_status: Option<u16>,
    /// What failed at the origin, if anything did.
    pub fault: Option<String>,
    /// Body bytes sent to the caller.
    pub bytes: u64,
    /// Microseconds from admission to the end of the answer.
    pub total_us: u64,
}
