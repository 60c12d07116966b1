//! How often something may be asked: which count a request belongs to, and what is said when it is over.
//!
//! INVARIANT: an app's limits by address are counted for every request of it, before anybody asks who the caller is or
//! whether the route exists; all others, every limit of a route among them, count only what the policies allowed. So no
//! answer of a limit tells what is there.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_context::{Fact, Situation};
use portcullis_identity::{How, Principal};
use portcullis_quota::{Key, Limiter, MOST_KEYS, Outcome, Rate, fields};
use portcullis_request::CanonicalRequest;

/// One limit of an app or a route.
pub struct Limit {
    /// Its name, unique within the configuration: `shop/search`. Said to callers in the RateLimit fields.
    pub name: String,
    /// Who shares one count.
    pub by: LimitBy,
    /// Counts only callers on these plans; empty: every caller.
    pub tiers: Vec<String>,
    limiter: ArcSwap<Limiter>,
}

/// Who shares one count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitBy {
    /// Each address (IPv6: each /64).
    Address,
    /// Each principal; callers without identity count by address.
    Principal,
    /// Each credential: an API key, or a token's issuer and subject.
    Credential,
    /// Everybody together.
    Everybody,
}

/// A limit that a request went beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// Which one.
    pub name: String,
    /// When it may be tried again.
    pub retry_after: Duration,
}

impl Limit {
    /// A limit of `requests` in each `per`, of which `burst` at once, that nobody has used yet.
    #[must_use]
    pub fn new(
        name: String,
        by: LimitBy,
        tiers: Vec<String>,
        requests: NonZeroU32,
        per: Duration,
        burst: NonZeroU32,
    ) -> Self {
        let limiter = ArcSwap::from_pointee(Limiter::new(Rate { requests, per, burst }, MOST_KEYS));
        Self { name, by, tiers, limiter }
    }

    /// Goes on counting where `previous` stands, if it counts the same.
    pub(crate) fn adopt(&self, previous: &Limit) {
        let counted = previous.limiter.load_full();
        if self.by == previous.by && counted.same_as(self.limiter.load().rate(), MOST_KEYS) {
            self.limiter.store(counted);
        }
    }

    /// How many counts it holds at the moment.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.limiter.load().keys()
    }

    fn counts(&self, situation: &Situation) -> bool {
        self.tiers.is_empty()
            || matches!(&situation.tier, Fact::Known(tier) if self.tiers.iter().any(|listed| listed == tier))
    }
}

impl std::fmt::Debug for Limit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Limit");
        shown.field("name", &self.name).field("by", &self.by).field("rate", self.limiter.load().rate());
        shown.finish_non_exhaustive()
    }
}

/// Counts a request by its address, and writes where the caller stands into `told`.
///
/// # Errors
/// The first limit that it went beyond.
pub(crate) fn by_address(
    limits: &[Arc<Limit>],
    request: &CanonicalRequest,
    told: &mut HeaderMap,
) -> Result<(), Exceeded> {
    let counted = limits.iter().filter(|limit| limit.by == LimitBy::Address);
    take(counted.map(|limit| (&**limit, Key::of_address(request.client))), told)
}

/// Counts a request that the policies allowed. Addresses count for the app before, in [`by_address`], and for the route
/// here: counted any earlier, they would tell strangers of a route that is hidden from them.
///
/// # Errors
/// The first limit that it went beyond.
pub(crate) fn by_caller(
    app: &[Arc<Limit>],
    route: &[Arc<Limit>],
    caller: Option<&Principal>,
    request: &CanonicalRequest,
    situation: &Situation,
    told: &mut HeaderMap,
) -> Result<(), Exceeded> {
    let of_app = app.iter().filter(|limit| limit.by != LimitBy::Address);
    let counted = of_app.chain(route).filter(|limit| limit.counts(situation));
    take(counted.map(|limit| (&**limit, key(limit.by, caller, request))), told)
}

fn key(by: LimitBy, caller: Option<&Principal>, request: &CanonicalRequest) -> Key {
    match (by, caller) {
        (LimitBy::Everybody, _) => Key::of(&[b"everybody"]),
        (LimitBy::Address, _) | (_, None) => Key::of_address(request.client),
        (LimitBy::Principal, Some(caller)) => {
            Key::of(&[b"principal", crate::bind::facts::kind(caller.kind).as_bytes(), caller.id.as_bytes()])
        }
        (LimitBy::Credential, Some(caller)) => match &caller.how {
            How::ApiKey { prefix } => Key::of(&[b"key", prefix.as_bytes()]),
            How::Token { issuer, .. } => Key::of(&[b"token", issuer.as_bytes(), caller.id.as_bytes()]),
        },
    }
}

fn take<'l>(counted: impl Iterator<Item = (&'l Limit, Key)>, told: &mut HeaderMap) -> Result<(), Exceeded> {
    let now = Instant::now();
    for (limit, key) in counted {
        let limiter = limit.limiter.load();
        let (standing, exceeded) = match limiter.take(key, now) {
            Outcome::Granted(standing) => (standing, None),
            Outcome::Exceeded { standing, retry_after } => (standing, Some(retry_after)),
        };
        tell(told, fields::POLICY, &fields::policy_value(&limit.name, limiter.rate()));
        tell(told, fields::LIMIT, &fields::limit_value(&limit.name, &standing));
        if let Some(retry_after) = exceeded {
            return Err(Exceeded { name: limit.name.clone(), retry_after });
        }
    }
    Ok(())
}

/// Both fields are lists, so a line for each limit is one list (RFC 9110 §5.2).
fn tell(told: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        told.append(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests;
