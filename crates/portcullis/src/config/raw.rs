//! The configuration as it is written: one struct per table, nothing interpreted. What the values mean together, and
//! whether they can be meant at all, is `checked`'s business. The doc comments here are the text of the reference page.
//!
//! INVARIANT: every key has a default or is required, and the doc comment gives the default's reason.

mod app;
mod doors;
mod issuer;
mod limit;
mod log;
mod payload;
mod server;
mod text;
mod upstream;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use app::{RawAccess, RawApp, RawRequire, RawRoute, RawShape};
pub(crate) use doors::{RawForwardAuth, RawTelemetry, RawUpstreamIdentity};
pub(crate) use issuer::{RawClaims, RawIssuer, RawKind};
pub(crate) use limit::{RawLimit, RawLimitBy};
pub(crate) use log::{RawDrop, RawFacts, RawLog, RawWhenBroken};
pub(crate) use payload::{RawField, RawFieldKind, RawForm, RawPayload};
pub(crate) use server::{RawServer, RawTls};
pub(crate) use text::{DurationText, PathText, SizeText};
pub(crate) use upstream::{RawHealth, RawProtocol, RawUpstreamTls};

/// A Portcullis configuration, `portcullis.toml`. Paths are relative to the folder of this file.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, title = "portcullis.toml")]
pub(crate) struct RawConfig {
    /// The listener that callers reach.
    pub(crate) server: RawServer,
    /// The listener for operators: health, readiness, decisions. Without this table there is none, because a port that
    /// nobody asked for is a port that nobody guards.
    pub(crate) admin: Option<RawAdmin>,
    /// The door for proxies that ask before they forward. Without this table there is none.
    pub(crate) forward_auth: Option<RawForwardAuth>,
    /// Where the Cedar policies are.
    pub(crate) policies: RawPolicies,
    /// Where users, groups, roles, plans and devices are written down. Without it only tokens and API keys say who is
    /// what.
    pub(crate) directory: Option<RawDirectory>,
    /// Where addresses are looked up.
    pub(crate) geo: RawGeo,
    /// Named networks.
    pub(crate) network: RawNetwork,
    /// The clock that `hours` and time conditions read.
    pub(crate) time: RawTime,
    /// Token issuers that are believed. None by default: nobody's word counts until you say so.
    pub(crate) issuer: Vec<RawIssuer>,
    /// API keys, a way in without an identity provider; made with `portcullis key create`.
    pub(crate) api_keys: RawApiKeys,
    /// The decision log.
    pub(crate) log: RawLog,
    /// The signed word on who the caller is, for upstreams.
    pub(crate) upstream_identity: RawUpstreamIdentity,
    /// Traces for OpenTelemetry.
    pub(crate) telemetry: Option<RawTelemetry>,
    /// How answers look.
    pub(crate) answers: RawAnswers,
    /// The protected applications. A host that no app names is answered 421.
    pub(crate) app: Vec<RawApp>,
}

/// The listener for operators.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawAdmin {
    /// Address and port to listen on. Loopback by default: what it shows is not for callers.
    #[serde(default = "admin_listen")]
    pub(crate) listen: String,
    /// The bearer token that operators send: `{ file = "…" }` or `{ env = "…" }`. A secret is never written into the
    /// configuration, which is copied, mailed and committed.
    #[schemars(required)]
    pub(crate) token: Option<RawSecret>,
    /// Whether `/metrics` is told without the token, for scrapers that cannot send one. Off by default: the counts say
    /// which apps there are and how they fare.
    #[serde(default)]
    pub(crate) open_metrics: bool,
}

fn admin_listen() -> String {
    "127.0.0.1:8081".to_owned()
}

/// Where a secret is.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawSecret {
    /// A file that holds it and nothing else; readable by its owner only.
    pub(crate) file: Option<PathText>,
    /// An environment variable that holds it.
    pub(crate) env: Option<String>,
}

/// Where the Cedar policies are.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawPolicies {
    /// Folder whose `*.cedar` files are all in force, subfolders included. Where the table is left out and there is no
    /// such folder, only the guards of apps and routes are in force.
    pub(crate) folder: PathText,
    /// A Cedar schema that extends the one that ships: further attributes, entity types and actions. Not needed by
    /// default.
    pub(crate) schema: Option<PathText>,
    /// What it means when a `forbid` cannot be evaluated and nothing else refuses. By default nobody knows whether it
    /// would have refused, and that is 503.
    pub(crate) on_forbid_error: RawOnForbidError,
    /// Folder of policies that are asked and never obeyed: in the place of those of `folder`, beside the guards, each request
    /// is decided by them a second time after its answer, and `portcullis shadow` shows what would have been different. None
    /// by default. Policies there that cannot be used are a warning, and are not asked.
    pub(crate) shadow: Option<PathText>,
    /// The share of requests that shadow policies are asked about, from 0 to 1. All by default: what a sample leaves out is
    /// what somebody complains about.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) shadow_sample: f64,
    /// What the policy tests beside the policies, files named `*.test.toml`, are to `check`, to the start and to a reload.
    pub(crate) tests: RawTests,
}

/// What policy tests that fail mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawTests {
    /// They are not run; `portcullis test` runs them all the same.
    Ignore,
    /// A test that fails is a warning. The default: a test may fail because the directory changed, and whoever lost a right
    /// there must lose it now, not when somebody has corrected the test.
    #[default]
    Warn,
    /// A test that fails is an error: nothing starts, and no reload is taken up, until it is corrected. For installations
    /// whose tests name nobody of the directory, or whose directory changes by review.
    Require,
}

impl Default for RawPolicies {
    fn default() -> Self {
        Self {
            folder: "policies".into(),
            schema: None,
            on_forbid_error: RawOnForbidError::default(),
            shadow: None,
            shadow_sample: 1.0,
            tests: RawTests::default(),
        }
    }
}

/// What a `forbid` that cannot be evaluated means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawOnForbidError {
    /// 503: a fault is not a decision.
    #[default]
    Unavailable,
    /// 403: for operators who prefer to call it a refusal.
    Refuse,
}

/// Where users, groups, roles, plans and devices are written down.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawDirectory {
    /// Folder whose `*.toml` files together are the directory.
    pub(crate) folder: PathText,
}

impl Default for RawDirectory {
    fn default() -> Self {
        Self { folder: "directory".into() }
    }
}

/// Where addresses are looked up.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawGeo {
    /// MMDB files (MaxMind, DB-IP or IPLocate layout), asked in this order; the first that knows an attribute counts.
    /// Without any, countries are unavailable, and a rule that needs one is answered 503.
    pub(crate) databases: Vec<PathText>,
    /// How old a database may be before it is no longer believed. Sixty days: vendors publish weekly to monthly, so an
    /// older file means that its update has failed for a while.
    pub(crate) max_age: DurationText,
}

impl Default for RawGeo {
    fn default() -> Self {
        Self { databases: Vec::new(), max_age: "60d".into() }
    }
}

/// Named networks.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawNetwork {
    /// Networks (CIDR) by zone name, for `require.network` and `context.network.zones`.
    pub(crate) zones: BTreeMap<String, Vec<String>>,
}

/// The clock that rules read.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawTime {
    /// An IANA time zone, `"Europe/Berlin"`. UTC by default, because it is the only one that never jumps.
    pub(crate) zone: String,
}

impl Default for RawTime {
    fn default() -> Self {
        Self { zone: "UTC".to_owned() }
    }
}

/// API keys.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawApiKeys {
    /// Whether API keys are accepted at all. On by default: as long as no key was made, none is valid.
    pub(crate) enabled: bool,
    /// The request header that carries the key.
    pub(crate) header: String,
}

impl Default for RawApiKeys {
    fn default() -> Self {
        Self { enabled: true, header: "X-API-Key".to_owned() }
    }
}

/// How answers look.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawAnswers {
    /// Folder of page templates that replace the built-in ones of the same name. A template never changes a status.
    pub(crate) templates: Option<PathText>,
}
