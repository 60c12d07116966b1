//! A scenario as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) about: String,
    /// The one door at which it makes sense: `proxy`.
    pub(super) only: Option<Only>,
    /// Why it makes none at the other.
    pub(super) because: Option<String>,
    #[serde(default)]
    pub(super) given: Given,
    #[serde(default)]
    pub(super) request: Option<Request>,
    pub(super) expect: Expect,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Only {
    /// What it is about is between the caller and whoever holds its connection, or the origin.
    Proxy,
}

/// The world, beside what every scenario has: one app `shop` on `shop.test`, one issuer, loopback trusted.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    /// Keys of the app, as TOML.
    #[serde(default)]
    pub(super) app: String,
    /// Its routes, as TOML.
    #[serde(default)]
    pub(super) routes: String,
    /// Further configuration, as TOML.
    #[serde(default)]
    pub(super) configuration: String,
    /// Written policies.
    #[serde(default)]
    pub(super) policies: String,
    /// What is added to the schema that ships.
    #[serde(default)]
    pub(super) schema: String,
    /// A directory file.
    #[serde(default)]
    pub(super) directory: String,
    /// Network to country.
    #[serde(default)]
    pub(super) countries: BTreeMap<String, String>,
    /// Network to region, in a database too old to be believed.
    #[serde(default)]
    pub(super) stale_regions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// Method and target.
    pub(super) line: String,
    /// Methods and targets that are asked for first, with the same header lines and without content.
    #[serde(default)]
    pub(super) before: Vec<String>,
    /// Content; its length is added.
    pub(super) content: Option<String>,
    /// `Host`, if not `shop.test`.
    pub(super) host: Option<String>,
    /// Claims that differ from a good token's; `exp_in` is relative to now.
    pub(super) token: Option<serde_json::Map<String, serde_json::Value>>,
    /// A key to make and use.
    pub(super) api_key: Option<ApiKey>,
    /// Further header lines.
    #[serde(default)]
    pub(super) headers: Vec<String>,
    /// The caller's address, as the trusted peer tells it.
    pub(super) from: Option<String>,
    /// Whether the peer is not trusted after all.
    #[serde(default)]
    pub(super) untrusted_peer: bool,
}

impl Case {
    /// How many requests are made before the scenario's own.
    pub(super) fn before(&self) -> usize {
        self.request.as_ref().map_or(0, |request| request.before.len())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKey {
    pub(super) id: String,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
    #[serde(default)]
    pub(super) revoked: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    /// Codes that loading must find; nothing is asked then.
    #[serde(default)]
    pub(super) findings: Vec<String>,
    #[serde(default)]
    pub(super) status: u16,
    /// The public reason in the body and in the record.
    pub(super) code: Option<String>,
    /// A part of some challenge.
    pub(super) challenge: Option<String>,
    /// Headers with their whole value.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Headers that must not be there.
    #[serde(default)]
    pub(super) absent: Vec<String>,
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) body_contains: Vec<String>,
    /// Another request whose answer must be the same, byte for byte.
    pub(super) same_as: Option<String>,
    /// What reached the origin; without it and without an allow nothing may have.
    pub(super) origin_saw: Option<Seen>,
    /// Members of the record.
    #[serde(default)]
    pub(super) record: BTreeMap<String, serde_json::Value>,
    /// Lines of what `why` tells, in part.
    #[serde(default)]
    pub(super) why: Vec<String>,
    /// Every change that `why` offers, with whoever could make it: `the support desk: principal.tier: "pro" (is absent)`.
    pub(super) changes: Option<Vec<String>>,
    /// Members of the outcome line.
    #[serde(default)]
    pub(super) outcome: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    pub(super) target: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) absent: Vec<String>,
}
