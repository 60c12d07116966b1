//! Keeping issuers' keys fresh, beside the request path: on a schedule, sooner when a token names an unknown key,
//! later and later while an issuer fails. It decides *when*; `fetch` knows *how*.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::fetch::{self, FetchError, KeyFetcher};
use crate::issuer::{Issuer, IssuerError};
use crate::jwks::KeySet;
use crate::keys::IssuerKeys;
use crate::{Identifier, IssuerStatus, KeySource};

impl Identifier {
    /// Fetches all keys once, side by side, and says how they are then. Good before the first request, and for
    /// `check`.
    pub async fn refresh(&self, fetcher: &KeyFetcher) -> Vec<IssuerStatus> {
        let mut tasks = JoinSet::new();
        for issuer in self.issuers() {
            let (issuer, fetcher) = (Arc::clone(issuer), fetcher.clone());
            tasks.spawn(async move {
                attempt(&issuer.keys, &issuer.settings.issuer, fetcher.fetch(&issuer.settings.keys)).await
            });
        }
        while tasks.join_next().await.is_some() {}
        self.keys_status()
    }

    /// Keeps all keys fresh until `shutdown` completes or this future is dropped. Keys that are missing are fetched
    /// at once; adopted ones when they are due. After a reload, end the loop of the former identifier.
    pub async fn refresh_loop(self: Arc<Self>, fetcher: KeyFetcher, shutdown: impl Future<Output = ()>) {
        let mut tasks = JoinSet::new();
        for issuer in self.issuers() {
            let (issuer, fetcher) = (Arc::clone(issuer), fetcher.clone());
            tasks.spawn(async move {
                let settings = &issuer.settings;
                let fetch = || fetcher.fetch(&settings.keys);
                keep_fresh(&issuer.keys, &settings.issuer, settings.refresh, fetch).await;
            });
        }
        shutdown.await;
    }
}

/// Reads the key file of an issuer that has one.
pub(crate) fn read_file_now(issuer: &Issuer) -> Result<(), IssuerError> {
    let KeySource::File(path) = &issuer.settings.keys else { return Ok(()) };
    let name = || (issuer.settings.issuer.clone(), path.display().to_string());
    match fetch::read_file(path) {
        Ok(set) => {
            issuer.keys.replace(set, SystemTime::now());
            Ok(())
        }
        Err(FetchError::File(fault)) => {
            let (issuer, path) = name();
            Err(IssuerError::KeyFile { issuer, path, fault })
        }
        Err(other) => {
            let (issuer, path) = name();
            let fault = other.into_jwks_error();
            Err(IssuerError::KeySet { issuer, path, fault })
        }
    }
}

/// Fetches for ever, each time when it is due.
async fn keep_fresh<F, R>(keys: &IssuerKeys, issuer: &str, refresh: Duration, fetch: F)
where
    F: Fn() -> R,
    R: Future<Output = Result<KeySet, FetchError>>,
{
    let mut due = match keys.age(SystemTime::now()) {
        None => Due { nudged: Instant::now(), regular: Instant::now() },
        Some(age) => Due { nudged: Instant::now(), regular: Instant::now() + refresh.saturating_sub(age) },
    };
    loop {
        tokio::select! {
            biased;
            () = sleep_until(due.regular) => {}
            () = keys.nudged() => sleep_until(due.nudged.min(due.regular)).await,
        }
        let failures = attempt(keys, issuer, fetch()).await;
        due = Due::after(failures, refresh, Instant::now(), random_unit());
    }
}

/// One refresh. Says how many have failed in a row, this one included.
async fn attempt(
    keys: &IssuerKeys,
    issuer: &str,
    fetched: impl Future<Output = Result<KeySet, FetchError>>,
) -> u32 {
    match fetched.await {
        Ok(set) => {
            let failures = keys.health().failures;
            if failures > 0 {
                tracing::info!(issuer, failures, "the issuer's keys are refreshed again");
            }
            for why in set.set_aside() {
                tracing::debug!(issuer, %why, "a key of the issuer is not used");
            }
            keys.replace(set, SystemTime::now());
            0
        }
        Err(fault) => {
            let why = fault.to_string();
            tracing::warn!(issuer, %why, "the issuer's keys could not be refreshed; the last good ones stay");
            keys.failed(why)
        }
    }
}

/// When to fetch next.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    /// If a nudge asks for it. A stranger can cause nudges, so never before this.
    nudged: Instant,
    /// In any case.
    regular: Instant,
}

impl Due {
    /// `unit` is a random number in 0..1, so that many gates do not ask in step.
    fn after(failures: u32, refresh: Duration, now: Instant, unit: f64) -> Self {
        if failures == 0 {
            let regular = now + refresh.mul_f64(1.0 - unit / 10.0);
            return Self { nudged: now + NUDGE_GAP, regular };
        }
        let doubled = FIRST_BACK_OFF.saturating_mul(1 << (failures - 1).min(16));
        let back_off = doubled.min(LONGEST_BACK_OFF).min(refresh).max(FIRST_BACK_OFF);
        let regular = now + back_off.mul_f64(1.0 - unit / 2.0);
        Self { nudged: regular, regular }
    }
}

fn random_unit() -> f64 {
    let mut bytes = [0; 4];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}

/// Unknown keys cause at most six fetches a minute, whatever strangers send.
const NUDGE_GAP: Duration = Duration::from_secs(10);
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
/// While an issuer without usable keys fails, its tokens are answered 503; a minute after it heals they are not.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
