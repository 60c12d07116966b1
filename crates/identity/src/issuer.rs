//! Settings of one token issuer, as checked configuration hands them over.

use std::path::PathBuf;
use std::time::Duration;

use crate::PrincipalKind;

/// Where an issuer's public keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A JWKS document by `https://` URL (`http://` only to a loopback address).
    Url(String),
    /// A JWKS file.
    File(PathBuf),
}

/// Which claim holds what. A name with dots is one claim name if present as such, else a path into objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// The principal's identifier: `sub`.
    pub id: String,
    /// Groups: array of strings or one string.
    pub groups: Option<String>,
    /// Roles, likewise.
    pub roles: Option<String>,
    /// The plan.
    pub tier: Option<String>,
    /// The device's identifier.
    pub device: Option<String>,
    /// Scopes: a space-separated string or an array (`scope`).
    pub scopes: String,
    /// Further principal attributes: attribute → claim.
    pub attributes: std::collections::BTreeMap<String, String>,
}

/// One issuer that is believed, for whom and how far.
#[derive(Debug, Clone)]
pub struct IssuerSettings {
    /// Exact `iss`.
    pub issuer: String,
    /// Acceptable `aud` values, at least one.
    pub audiences: Vec<String>,
    /// JOSE names of the signature algorithms accepted: `RS256` … `EdDSA`; never `none`, never HMAC.
    pub algorithms: Vec<String>,
    /// Acceptable `typ` header values (compared without `application/` and case); a missing `typ` only if `""` is
    /// among them.
    pub types: Vec<String>,
    /// Where its keys come from.
    pub keys: KeySource,
    /// Clock skew allowed on `exp`, `nbf`, `iat`.
    pub leeway: Duration,
    /// Longest time keys are used without a successful refresh; afterwards its tokens are `Unavailable`.
    pub stale_keys_after: Duration,
    /// How often keys are refreshed when nothing goes wrong.
    pub refresh: Duration,
    /// What its subjects are.
    pub kind: PrincipalKind,
    /// Put before the identifier, so that two issuers' `alice` are two principals. Empty for none.
    pub id_prefix: String,
    /// Which claim holds what.
    pub claims: ClaimNames,
}
