//! How often something may be asked, as the configuration says.

use std::num::NonZeroU32;
use std::time::Duration;

/// One limit of an app or a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Its name, unique within the configuration: `shop/search`. Said to callers in the RateLimit fields.
    pub name: String,
    /// Who shares one count.
    pub by: LimitBy,
    /// Counts only callers on these plans; empty: every caller.
    pub tiers: Vec<String>,
    /// So many requests …
    pub requests: NonZeroU32,
    /// … in so much time,
    pub per: Duration,
    /// of which so many at once.
    pub burst: NonZeroU32,
}

/// Who shares one count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitBy {
    /// Each address (IPv6: each /64). Counted before anybody asks who the caller is, so refused requests count too.
    Address,
    /// Each principal; callers without identity count by address. Counts what the policies allowed.
    Principal,
    /// Each credential: an API key, or a token's issuer and subject. Counts what the policies allowed.
    Credential,
    /// Everybody together. Counts what the policies allowed.
    Everybody,
}
