//! A token issuer, as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, PathText};

/// A token issuer that is believed.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawIssuer {
    /// The exact value of the `iss` claim, usually the provider's `https://` address.
    #[schemars(required)]
    pub(crate) issuer: Option<String>,
    /// Values of the `aud` claim that are meant for us. At least one: a token for somebody else's service must not open
    /// ours.
    #[schemars(required)]
    pub(crate) audiences: Option<Vec<String>>,
    /// Where its public keys (JWKS) are fetched. `https://`, or `http://` to a loopback address. Either this or
    /// `jwks_file`.
    #[serde(default)]
    pub(crate) jwks_url: Option<String>,
    /// A JWKS file with its public keys.
    #[serde(default)]
    pub(crate) jwks_file: Option<PathText>,
    /// Signature algorithms accepted: of `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`,
    /// `EdDSA`. By default the two that nearly all providers use, because each one accepted is one more to get wrong.
    #[serde(default = "algorithms")]
    pub(crate) algorithms: Vec<String>,
    /// Values of the token's `typ` header accepted, without `application/`; `""` accepts its absence. By default
    /// those of access tokens (RFC 9068) and the plain `JWT` that most providers still write.
    #[serde(default = "types")]
    pub(crate) types: Vec<String>,
    /// Clock difference forgiven in `exp`, `nbf` and `iat`; at most five minutes. Thirty seconds cover machines that
    /// keep time at all.
    #[serde(default = "leeway")]
    pub(crate) leeway: DurationText,
    /// How often keys are fetched when nothing goes wrong. Five minutes: a withdrawn key is gone soon, and the provider
    /// notices nothing. An unknown key is asked for at once.
    #[serde(default = "refresh")]
    pub(crate) refresh: DurationText,
    /// How long the last keys are used while the provider cannot be reached; afterwards its tokens are answered 503.
    /// A day outlasts most outages without believing withdrawn keys for long.
    #[serde(default = "stale_keys_after")]
    pub(crate) stale_keys_after: DurationText,
    /// What its subjects are.
    #[serde(default)]
    pub(crate) principal: RawKind,
    /// Put before the identifier. Nothing by default; with two issuers, use it to tell their `alice` apart.
    #[serde(default)]
    pub(crate) id_prefix: String,
    /// Which claim holds what.
    #[serde(default)]
    pub(crate) claims: RawClaims,
}

fn algorithms() -> Vec<String> {
    ["ES256", "RS256"].map(str::to_owned).into()
}

fn types() -> Vec<String> {
    ["at+jwt", "JWT"].map(str::to_owned).into()
}

fn leeway() -> DurationText {
    "30s".into()
}

fn refresh() -> DurationText {
    "5m".into()
}

fn stale_keys_after() -> DurationText {
    "24h".into()
}

/// What an issuer's subjects are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawKind {
    /// People: `User`.
    #[default]
    User,
    /// Programs on their own behalf: `Service`.
    Service,
}

/// Which claim holds what. A name with dots is one claim if the token has it as such, else a path into objects. Groups,
/// roles, plan and device are read only where named: an issuer is believed in what it is asked for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawClaims {
    /// The identifier. `sub` is the only claim that providers promise never to give to somebody else.
    pub(crate) id: String,
    /// Groups: an array of strings, or one string.
    pub(crate) groups: Option<String>,
    /// Roles: an array of strings, or one string.
    pub(crate) roles: Option<String>,
    /// The subscription plan.
    pub(crate) tier: Option<String>,
    /// The device's identifier.
    pub(crate) device: Option<String>,
    /// Scopes: a string with spaces between them (RFC 8693 §4.2), or an array.
    pub(crate) scopes: String,
    /// Further attributes of the principal, by name: `{ department = "department" }`. The schema must declare them.
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Default for RawClaims {
    fn default() -> Self {
        Self {
            id: "sub".to_owned(),
            groups: None,
            roles: None,
            tier: None,
            device: None,
            scopes: "scope".to_owned(),
            attributes: BTreeMap::new(),
        }
    }
}
