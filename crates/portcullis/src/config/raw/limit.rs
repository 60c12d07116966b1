//! How often an app or a route may be asked, as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DurationText;

/// A rate limit. What goes beyond it is answered 429 with `Retry-After`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawLimit {
    /// Its name, which callers see in the `RateLimit` fields.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// Who shares one count.
    #[serde(default)]
    pub(crate) by: RawLimitBy,
    /// Counts only callers on these plans; every caller by default.
    #[serde(default)]
    pub(crate) tier: Vec<String>,
    /// So many requests …
    #[schemars(required, range(min = 1, max = 1_000_000_000))]
    pub(crate) requests: Option<u32>,
    /// … in so much time.
    #[schemars(required)]
    pub(crate) per: Option<DurationText>,
    /// So many of them at once; as many as `requests` by default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(crate) burst: Option<u32>,
}

/// Who shares one count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawLimitBy {
    /// Each user or service; callers without identity by address. Counts what the policies allowed.
    #[default]
    Principal,
    /// Each address (IPv6: each /64). On an app it counts every request, also refused ones, since it is counted before
    /// anybody asks who the caller is; on a route it counts what the policies allowed.
    Address,
    /// Each credential: an API key, or the subject of a token. Counts what the policies allowed.
    Key,
    /// Everybody together. Counts what the policies allowed.
    Everybody,
}
