//! The keys as the request path sees them: in memory, swapped whole when the store changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::time::Instant;

use super::store::{ApiKeyError, KeyStore, StoredKey, Version};
use super::{KeyHash, Prefix};
use crate::{Absence, How, Principal, fault};

/// All keys of a store. Cheap to clone; clones share the snapshot, so one reload is for all.
#[derive(Clone)]
pub struct ApiKeys(Arc<Shared>);

struct Shared {
    keys: ArcSwap<HashMap<Prefix, Key>>,
    version: Mutex<Version>,
    /// Since when the store cannot be read.
    failing_since: ArcSwap<Option<Instant>>,
}

struct Key {
    hash: KeyHash,
    principal: Arc<Principal>,
    expires: Option<SystemTime>,
    revoked: Option<SystemTime>,
}

impl ApiKeys {
    /// Reads the store.
    pub fn load(store: &KeyStore) -> Result<Self, ApiKeyError> {
        let (version, keys) = read(store)?;
        Ok(Self(Arc::new(Shared {
            keys: ArcSwap::from_pointee(keys),
            version: Mutex::new(version),
            failing_since: ArcSwap::default(),
        })))
    }

    /// Reads the store again if it changed, and says whether it did. Called every second, it makes a revocation bite
    /// within one. On a fault the keys stay as they are; after ten seconds of faults they are `Unavailable`, since one
    /// of them may have been revoked meanwhile.
    pub fn reload_if_changed(&self, store: &KeyStore) -> Result<bool, ApiKeyError> {
        let reloaded = self.try_reload(store);
        match &reloaded {
            Ok(_) if self.0.failing_since.load().is_some() => self.0.failing_since.store(Arc::default()),
            Err(_) if self.0.failing_since.load().is_none() => {
                self.0.failing_since.store(Arc::new(Some(Instant::now())));
            }
            Ok(_) | Err(_) => {}
        }
        reloaded
    }

    /// Who this key stands for.
    pub(crate) fn identify(&self, key: &str, now: SystemTime) -> Result<Arc<Principal>, Absence> {
        if let Some(since) = **self.0.failing_since.load()
            && since.elapsed() >= BELIEVED_WITHOUT_STORE
        {
            return Err(fault::API_KEYS_UNAVAILABLE.because("the key store cannot be read"));
        }
        let Some(prefix) = Prefix::of_key(key) else {
            return Err(fault::API_KEY_UNKNOWN.because("not in the form of a key"));
        };
        let keys = self.0.keys.load();
        let hash = KeyHash::of(key);
        let Some(known) = keys.get(&prefix) else {
            return Err(fault::API_KEY_UNKNOWN.because(format!("no key has the prefix `{}`", prefix.text())));
        };
        if !known.hash.matches(&hash) {
            return Err(
                fault::API_KEY_UNKNOWN.because(format!("wrong secret for the prefix `{}`", prefix.text()))
            );
        }
        // Only who holds the whole key learns what became of it.
        if known.revoked.is_some() {
            return Err(fault::API_KEY_REVOKED.because(format!("the key `{}`", prefix.text())));
        }
        if known.expires.is_some_and(|end| now >= end) {
            return Err(fault::API_KEY_EXPIRED.because(format!("the key `{}`", prefix.text())));
        }
        Ok(Arc::clone(&known.principal))
    }

    fn try_reload(&self, store: &KeyStore) -> Result<bool, ApiKeyError> {
        let mut known = self.0.version.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == store.version()? {
            return Ok(false);
        }
        let (version, keys) = read(store)?;
        self.0.keys.store(Arc::new(keys));
        *known = version;
        Ok(true)
    }
}

/// The version is read first: a change while reading is seen by the next call.
fn read(store: &KeyStore) -> Result<(Version, HashMap<Prefix, Key>), ApiKeyError> {
    let version = store.version()?;
    let keys = store.read_all()?.into_iter().map(|stored| (stored.prefix, Key::from(stored))).collect();
    Ok((version, keys))
}

impl From<StoredKey> for Key {
    fn from(stored: StoredKey) -> Self {
        let StoredKey { hash, info, .. } = stored;
        let principal = Principal {
            kind: info.kind,
            id: info.id,
            how: How::ApiKey { prefix: info.prefix },
            attributes: std::collections::BTreeMap::new(),
            groups: info.groups,
            roles: info.roles,
            tier: info.tier,
            device: None,
            scopes: info.scopes,
            acr: None,
            amr: Vec::new(),
            auth_time: None,
            expires: info.expires,
        };
        Self { hash, principal: Arc::new(principal), expires: info.expires, revoked: info.revoked }
    }
}

const BELIEVED_WITHOUT_STORE: Duration = Duration::from_secs(10);
