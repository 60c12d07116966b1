//! A protected application and its routes, as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, RawHealth, RawLimit, RawPayload, RawProtocol, RawUpstreamTls, SizeText};

/// A protected application.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawApp {
    /// Its name, in policies `App::"shop"`.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// Hosts it answers to, without port.
    #[schemars(required)]
    pub(crate) hosts: Option<Vec<String>>,
    /// The part of those hosts that is its own, as a path pattern; several apps may share a host this way, and the most
    /// specific one counts. The whole host by default.
    #[serde(default)]
    pub(crate) path: Option<String>,
    /// Where its requests go: `http://host:port` or `https://host:port`, without path.
    #[serde(default)]
    pub(crate) upstream: Option<String>,
    /// Instead of `upstream`, where the same service has several addresses; each request goes to the one that is least
    /// busy.
    #[serde(default)]
    pub(crate) upstreams: Vec<String>,
    /// Which version of HTTP it speaks.
    #[serde(default)]
    pub(crate) protocol: RawProtocol,
    /// How an upstream asked over TLS is known. Its certificate is always checked.
    #[serde(default)]
    pub(crate) upstream_tls: RawUpstreamTls,
    /// Asks each address regularly whether it is there. Without this table only requests that fail show it.
    #[serde(default)]
    pub(crate) health: Option<RawHealth>,
    /// How often a request is tried again, at another address first: where nothing was sent, or where the method may be
    /// repeated and nothing came back. Two.
    #[serde(default = "retries")]
    #[schemars(range(min = 0, max = 10))]
    pub(crate) retries: u32,
    /// Most bytes of a request body. 1 GiB: uploads pass, and nobody fills a disk by accident.
    #[serde(default = "max_body_size")]
    pub(crate) max_body_size: SizeText,
    /// Answers of the upstream that our page takes the place of, status kept: `["403", "404", "5xx"]`. Stack traces and
    /// version numbers stay inside. None by default.
    #[serde(default)]
    pub(crate) intercept: Vec<String>,
    /// Whether connections may be upgraded (WebSocket). On by default; the request that asks for it is decided as any
    /// other.
    #[serde(default = "upgrades")]
    pub(crate) upgrades: bool,
    /// Paths that are read less strictly than all others. None by default; each is explained in the chapter on requests.
    /// Apps that share a host must agree.
    #[serde(default)]
    pub(crate) loosen: Vec<String>,
    /// Whether browsers that come in plain text are sent to the TLS listener. Off by default.
    #[serde(default)]
    pub(crate) https_redirect: bool,
    /// Whether the upstream gets the credential that identified the caller. Off by default: whoever has it is the caller
    /// elsewhere.
    #[serde(default)]
    pub(crate) forward_credentials: bool,
    /// How often it may be asked.
    #[serde(default)]
    pub(crate) limit: Vec<RawLimit>,
    /// The body that API callers get with a refusal.
    #[serde(default)]
    pub(crate) shape: RawShape,
    /// Its name on pages; `name` by default.
    #[serde(default)]
    pub(crate) display_name: Option<String>,
    /// Shown on refusals: an e-mail address or a URL. None by default.
    #[serde(default)]
    pub(crate) contact: Option<String>,
    /// The `realm` of challenges; `name` by default.
    #[serde(default)]
    pub(crate) realm: Option<String>,
    /// Origins whose scripts may read refusals: `"https://shop.example"`. None by default; their pages then see only
    /// that something failed.
    #[serde(default)]
    pub(crate) cors_origins: Vec<String>,
    /// Whether the upstream sees the caller's `Host`. Off by default: it sees its own name, which virtual hosts need.
    #[serde(default)]
    pub(crate) preserve_host: bool,
    /// Longest wait for a connection to the upstream. Two seconds are long within one network.
    #[serde(default = "connect_timeout")]
    pub(crate) connect_timeout: DurationText,
    /// Longest wait for the head of the upstream's response; streams may then last. Thirty seconds, as browsers' users
    /// have left by then.
    #[serde(default = "response_timeout")]
    pub(crate) response_timeout: DurationText,
    /// Whether our page replaces the upstream's own 404, so that a hidden route looks like one that does not exist;
    /// `@hide` needs it. Off by default, because it takes the upstream's page away.
    #[serde(default)]
    pub(crate) renders_404: bool,
    /// Texts of refusals by public code, instead of the built-in ones.
    #[serde(default)]
    pub(crate) texts: BTreeMap<String, String>,
    /// Who is let in on routes that do not say so themselves.
    #[serde(default)]
    pub(crate) access: RawAccess,
    /// What must hold on every route, besides what the route itself requires.
    #[serde(default)]
    pub(crate) require: RawRequire,
    /// Sentences for callers, by requirement: `{ country = "Content unavailable in your location" }`.
    #[serde(default)]
    pub(crate) messages: BTreeMap<String, String>,
    /// Its routes; the most specific that covers a request counts. Without any there is one, `all`, at `/**`.
    #[serde(default)]
    pub(crate) route: Vec<RawRoute>,
}

fn retries() -> u32 {
    2
}

fn max_body_size() -> SizeText {
    "1GiB".into()
}

fn upgrades() -> bool {
    true
}

fn connect_timeout() -> DurationText {
    "2s".into()
}

fn response_timeout() -> DurationText {
    "30s".into()
}

/// The body that API callers get with a refusal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawShape {
    /// RFC 9457 `application/problem+json`.
    #[default]
    Problem,
    /// `{"error": "region_restricted", "message": "…"}`
    Simple,
    /// `{"error": {"code": 403, "message": "…", "details": "…"}}`
    Nested,
}

/// Who is let in, before requirements and forbids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawAccess {
    /// Whom the written policies permit: nobody, until one does.
    #[default]
    Policies,
    /// Every identified caller.
    Identified,
    /// Everyone, known or not. Still decided, still recorded.
    Anyone,
}

/// One route of an app.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawRoute {
    /// Its name within the app, in policies `Route::"shop/premium"`.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// The paths it covers: `/a/b` exactly, `*` for one segment, a final `/**` for the path itself and all below.
    #[schemars(required)]
    pub(crate) path: Option<String>,
    /// The methods it covers; all by default.
    #[serde(default)]
    pub(crate) methods: Vec<String>,
    /// Who is let in; what the app says by default.
    #[serde(default)]
    pub(crate) access: Option<RawAccess>,
    /// What must hold besides.
    #[serde(default)]
    pub(crate) require: RawRequire,
    /// Sentences for callers, by requirement.
    #[serde(default)]
    pub(crate) messages: BTreeMap<String, String>,
    /// What its bodies must be. Anything by default.
    #[serde(default)]
    pub(crate) payload: Option<RawPayload>,
    /// How often it may be asked, besides what the app says.
    #[serde(default)]
    pub(crate) limit: Vec<RawLimit>,
}

/// What must hold for a request to pass. Requirements only ever restrict; each that is named must hold.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawRequire {
    /// In one of these roles.
    pub(crate) role: Vec<String>,
    /// In one of these groups.
    pub(crate) group: Vec<String>,
    /// On one of these plans.
    pub(crate) tier: Vec<String>,
    /// In one of these countries (ISO 3166-1 alpha-2: `"US"`).
    pub(crate) country: Vec<String>,
    /// In none of these countries. A caller whose country is not known is let in.
    pub(crate) not_country: Vec<String>,
    /// In one of these zones of `[network.zones]`.
    pub(crate) network: Vec<String>,
    /// On a device of which all this holds.
    pub(crate) device: RawDevice,
    /// With every one of these OAuth scopes.
    pub(crate) scope: Vec<String>,
    /// Authenticated at one of these levels (`acr`); else the caller is asked to step up.
    pub(crate) acr: Vec<String>,
    /// Authenticated at most this long ago; else the caller is asked to step up.
    pub(crate) max_age: Option<DurationText>,
    /// Within these hours of `[time]`'s clock: `"Mon-Fri 08:00-18:00"`, `"22:00-06:00"`.
    pub(crate) hours: Option<String>,
}

/// What is asked of the caller's device. A device that is not known meets none of it.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawDevice {
    /// Enrolled in device management.
    pub(crate) managed: bool,
    /// Reported compliant by it.
    pub(crate) compliant: bool,
    /// Its disk encrypted.
    pub(crate) encrypted: bool,
    /// Last report at most this many days ago.
    #[schemars(range(min = 1, max = 3650))]
    pub(crate) seen_within_days: Option<u32>,
}
