//! Rate limits, checked.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use portcullis_gate::{Limit, LimitBy};

use super::{Checker, DAY, NAMES, SECOND, is_name};
use crate::config::finding::quoted;
use crate::config::raw::{RawLimit, RawLimitBy};
use crate::config::source::{below, element};

/// Limits of one app or route: each is asked on every request.
const MOST_LIMITS: usize = 16;

impl Checker<'_> {
    /// `scope` is what names become unique by: the app, or the app and its route.
    pub(super) fn rate_limits(&mut self, path: &str, scope: &str, raw: &[RawLimit]) -> Vec<Arc<Limit>> {
        if raw.len() > MOST_LIMITS {
            let message = format!("{} limits; at most {MOST_LIMITS} are asked", raw.len());
            self.source.error(path, "portcullis::config::too_many", message, "join some of them");
            return Vec::new();
        }
        let mut names = BTreeSet::new();
        let mut limits = Vec::new();
        for (index, raw) in raw.iter().enumerate() {
            let at = element(path, index);
            if let Some(name) = raw.name.as_deref().filter(|name| !names.insert((*name).to_owned())) {
                let message = format!("the limit {} is configured twice", quoted(name));
                let help = "give each a name of its own";
                self.source.error(&below(&at, "name"), "portcullis::config::same_limit", message, help);
            }
            limits.extend(self.rate_limit(&at, scope, raw).map(Arc::new));
        }
        limits
    }

    fn rate_limit(&mut self, path: &str, scope: &str, raw: &RawLimit) -> Option<Limit> {
        let name = raw.name.as_deref()?;
        if !is_name(name) {
            let message = format!("{} cannot name a limit", quoted(name));
            self.source.error(&below(path, "name"), "portcullis::config::bad_name", message, NAMES);
            return None;
        }
        let by = match raw.by {
            RawLimitBy::Principal => LimitBy::Principal,
            RawLimitBy::Address => LimitBy::Address,
            RawLimitBy::Key => LimitBy::Credential,
            RawLimitBy::Everybody => LimitBy::Everybody,
        };
        if by == LimitBy::Address && !raw.tier.is_empty() {
            let message = "requests are counted by address before anybody knows the caller's plan".to_owned();
            let help = "count by `principal`, or leave `tier` out";
            self.source.error(&below(path, "tier"), "portcullis::config::conflict", message, help);
        }
        let per = self.duration(&below(path, "per"), &raw.per.as_ref()?.0, SECOND, DAY);
        let requests = NonZeroU32::new(raw.requests?)?;
        let burst = raw.burst.and_then(NonZeroU32::new).unwrap_or(requests);
        Some(Limit::new(format!("{scope}/{name}"), by, raw.tier.clone(), requests, per?, burst))
    }
}
