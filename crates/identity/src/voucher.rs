//! Our own signed word on who a caller is: short-lived tokens for origins, and the keys to check them with (RFC 7519,
//! RFC 7517). It is the opposite of everything else in this crate, which checks the words of others.
//!
//! INVARIANT: a private key is written once, readable by its owner only, and never leaves its file and this process. Our
//! tokens mean nothing to ourselves: no issuer setting can name these keys by accident, since they are only published.

mod keys;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::rand::SystemRandom;
use http::HeaderValue;
use quick_cache::sync::Cache;
use serde_json::{Map, Value};

use crate::{Principal, PrincipalKind, base64url};
use keys::KeyRing;

/// Signs words on callers.
pub struct Voucher {
    issuer: String,
    lifetime: Duration,
    key_lifetime: Duration,
    folder: PathBuf,
    keys: ArcSwap<KeyRing>,
    made: Cache<[u8; 32], (HeaderValue, SystemTime)>,
}

/// Why no word can be given.
#[derive(Debug, thiserror::Error)]
pub enum VoucherError {
    /// The folder or a file in it.
    #[error(
        "cannot keep the keys for upstreams in `{path}`: {why}; it must be a folder that we may write to"
    )]
    Folder {
        /// Which file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// A key file that holds no key of ours.
    #[error("`{0}` holds no key for upstreams; move it away, and a new one is made")]
    NoKey(String),
    /// The cryptographic library refused.
    #[error("the cryptographic library could not make a key or a signature")]
    Cryptography,
    /// More than fits into a header, even without groups and roles.
    #[error("what is known of the caller does not fit into a header")]
    TooLong,
}

impl Voucher {
    /// Opens the keys in `folder`, making the folder and the first key where there is none.
    ///
    /// Tokens say `iss` = `issuer` and live for `lifetime`; a key signs for `key_lifetime`.
    ///
    /// # Errors
    /// [`VoucherError`] if a key can neither be read nor made.
    pub fn open(
        folder: &Path,
        issuer: String,
        lifetime: Duration,
        key_lifetime: Duration,
        now: SystemTime,
    ) -> Result<Self, VoucherError> {
        let keys = KeyRing::open(folder, key_lifetime, lifetime, now)?;
        Ok(Self {
            issuer,
            lifetime,
            key_lifetime,
            folder: folder.to_owned(),
            keys: ArcSwap::from_pointee(keys),
            made: Cache::new(MOST_KEPT),
        })
    }

    /// Makes a new key if the present one is too old, and forgets those whose tokens have all ended. Reads and writes
    /// files: not on the way of a request.
    ///
    /// # Errors
    /// As [`Voucher::open`]; the keys at hand stay in use.
    pub fn renew(&self, now: SystemTime) -> Result<(), VoucherError> {
        if self.keys.load().is_due(self.key_lifetime, self.lifetime, now) {
            let keys = KeyRing::open(&self.folder, self.key_lifetime, self.lifetime, now)?;
            self.keys.store(keys.into());
        }
        Ok(())
    }

    /// The word on one caller, as a header's value. The same word is given again for half of its life.
    ///
    /// # Errors
    /// [`VoucherError::TooLong`] or [`VoucherError::Cryptography`].
    pub fn vouch(
        &self,
        caller: &Principal,
        tier: Option<&str>,
        audience: &str,
        now: SystemTime,
    ) -> Result<HeaderValue, VoucherError> {
        let keys = self.keys.load();
        let about = self.about(keys.signing.id(), caller, tier, audience);
        if let Some((token, made)) = self.made.get(&about) {
            // A clock that was set back must not prolong anything: what was made in the future is made anew.
            if now.duration_since(made).is_ok_and(|age| age < self.lifetime / 2) {
                return Ok(token);
            }
        }
        let full = self.claims(caller, tier, audience, now, true);
        let token = match self.sign(&keys, &full)? {
            token if token.len() <= LONGEST => token,
            _ => self.sign(&keys, &self.claims(caller, tier, audience, now, false))?,
        };
        if token.len() > LONGEST {
            return Err(VoucherError::TooLong);
        }
        let mut token = HeaderValue::try_from(token).map_err(|_| VoucherError::TooLong)?;
        token.set_sensitive(true);
        self.made.insert(about, (token.clone(), now));
        Ok(token)
    }

    /// The public keys: the present one, and those whose tokens may still be on their way.
    #[must_use]
    pub fn jwks(&self, now: SystemTime) -> String {
        let keys: Vec<Value> = self.keys.load().published(self.lifetime, now).collect();
        serde_json::json!({ "keys": keys }).to_string()
    }

    fn sign(&self, keys: &KeyRing, claims: &Map<String, Value>) -> Result<String, VoucherError> {
        let header = serde_json::json!({ "alg": "ES256", "kid": keys.signing.id(), "typ": "JWT" });
        let payload = serde_json::to_vec(claims).map_err(|_| VoucherError::TooLong)?;
        let header = base64url::encode(header.to_string().as_bytes());
        let signed = format!("{header}.{}", base64url::encode(&payload));
        let signature = keys.signing.sign(&SystemRandom::new(), signed.as_bytes())?;
        Ok(format!("{signed}.{}", base64url::encode(&signature)))
    }

    fn claims(
        &self,
        caller: &Principal,
        tier: Option<&str>,
        audience: &str,
        now: SystemTime,
        whole: bool,
    ) -> Map<String, Value> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| {
            claims.insert(name.to_owned(), value);
        };
        put("iss", self.issuer.clone().into());
        put("sub", caller.id.clone().into());
        put("aud", audience.into());
        put("iat", now.into());
        put("exp", now.saturating_add(self.lifetime.as_secs()).into());
        put("kind", kind(caller).into());
        if let Some(tier) = tier {
            put("tier", tier.into());
        }
        if let Some(acr) = &caller.acr {
            put("acr", acr.clone().into());
        }
        if !caller.scopes.is_empty() && whole {
            put("scope", caller.scopes.join(" ").into());
        }
        for (name, list) in [("groups", &caller.groups), ("roles", &caller.roles)] {
            if !list.is_empty() && whole {
                put(name, list.clone().into());
            }
        }
        if !whole {
            // The origin must be able to tell "in no group" from "in too many to say".
            put("shortened", true.into());
        }
        claims
    }

    /// What makes one word another.
    fn about(&self, key: &str, caller: &Principal, tier: Option<&str>, audience: &str) -> [u8; 32] {
        let mut digest = Context::new(&SHA256);
        let mut part = |text: &str| {
            digest.update(&text.len().to_le_bytes());
            digest.update(text.as_bytes());
        };
        for text in [
            key,
            audience,
            kind(caller),
            &caller.id,
            tier.unwrap_or("\0"),
            caller.acr.as_deref().unwrap_or("\0"),
        ] {
            part(text);
        }
        for list in [&caller.scopes, &caller.groups, &caller.roles] {
            part(&list.len().to_string());
            list.iter().for_each(|text| part(text));
        }
        let mut about = [0; 32];
        about.copy_from_slice(digest.finish().as_ref());
        about
    }
}

fn kind(caller: &Principal) -> &'static str {
    match caller.kind {
        PrincipalKind::User => "User",
        PrincipalKind::Service => "Service",
    }
}

/// Longest token, bytes: with the rest of a head it must fit into the 8 KiB that many servers read.
const LONGEST: usize = 4096;

/// Words kept: one for each caller and app of the last half minute, a few megabytes at most.
const MOST_KEPT: usize = 4096;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::How;

    fn caller(id: &str, groups: Vec<String>) -> Principal {
        Principal {
            kind: PrincipalKind::User,
            id: id.to_owned(),
            how: How::ApiKey { prefix: "abc".to_owned() },
            attributes: BTreeMap::new(),
            groups,
            roles: Vec::new(),
            tier: None,
            device: None,
            scopes: vec!["read".to_owned()],
            acr: None,
            amr: Vec::new(),
            auth_time: None,
            expires: None,
        }
    }

    const MINUTE: Duration = Duration::from_secs(60);
    const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    fn open(folder: &Path, now: SystemTime) -> Voucher {
        Voucher::open(folder, "portcullis".to_owned(), MINUTE, MONTH, now).unwrap()
    }

    /// What an origin does, with another library.
    fn checked(
        voucher: &Voucher,
        token: &HeaderValue,
        audience: &str,
        now: SystemTime,
    ) -> Option<Map<String, Value>> {
        let token = token.to_str().unwrap();
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&voucher.jwks(now)).unwrap();
        let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(set.find(&kid)?).unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
        rules.set_audience(&[audience]);
        rules.set_issuer(&["portcullis"]);
        rules.validate_exp = false;
        jsonwebtoken::decode::<Map<String, Value>>(token, &key, &rules).ok().map(|data| data.claims)
    }

    #[test]
    fn origins_can_check_it_and_only_the_one_it_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let voucher = open(folder.path(), now);
        let token =
            voucher.vouch(&caller("alice", vec!["staff".to_owned()]), Some("gold"), "shop", now).unwrap();
        let claims = checked(&voucher, &token, "shop", now).unwrap();
        assert_eq!((claims["sub"].as_str(), claims["tier"].as_str()), (Some("alice"), Some("gold")));
        assert_eq!(claims["groups"], serde_json::json!(["staff"]));
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 60);
        assert!(checked(&voucher, &token, "admin", now).is_none());
        assert!(!format!("{token:?}").contains("eyJ"), "a token is printed");
    }

    #[test]
    fn one_word_is_never_anothers() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let voucher = open(folder.path(), now);
        let word = |who: &Principal, tier, app, now| voucher.vouch(who, tier, app, now).unwrap();
        let alice = caller("alice", Vec::new());
        let first = word(&alice, None, "shop", now);
        assert_eq!(first, word(&alice, None, "shop", now + MINUTE / 3), "given again while it is fresh");
        let mut service = alice.clone();
        service.kind = PrincipalKind::Service;
        for other in [
            word(&alice, None, "shop", now + MINUTE * 2 / 3),
            word(&alice, None, "shop", now - MINUTE),
            word(&alice, Some("gold"), "shop", now),
            word(&alice, None, "admin", now),
            word(&caller("bob", Vec::new()), None, "shop", now),
            word(&caller("alice", vec!["staff".to_owned()]), None, "shop", now),
            word(&service, None, "shop", now),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn too_many_groups_are_told_apart_from_none() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let voucher = open(folder.path(), now);
        let many = (0..1000).map(|n| format!("group-{n}")).collect();
        let token = voucher.vouch(&caller("alice", many), None, "shop", now).unwrap();
        let claims = checked(&voucher, &token, "shop", now).unwrap();
        assert_eq!((claims.get("groups"), &claims["shortened"]), (None, &Value::Bool(true)));
        assert!(matches!(
            voucher.vouch(&caller(&"a".repeat(LONGEST), Vec::new()), None, "shop", now),
            Err(VoucherError::TooLong)
        ));
    }

    #[test]
    fn keys_outlive_a_restart_and_are_replaced_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let first = open(folder.path(), now);
        let token = first.vouch(&caller("alice", Vec::new()), None, "shop", now).unwrap();
        let again = open(folder.path(), now + MINUTE);
        assert!(checked(&again, &token, "shop", now + MINUTE).is_some());

        let later = now + MONTH + MINUTE;
        again.renew(later).unwrap();
        assert!(checked(&again, &token, "shop", later).is_some(), "tokens of the last key are still checked");
        let fresh = again.vouch(&caller("alice", Vec::new()), None, "shop", later).unwrap();
        assert!(checked(&again, &fresh, "shop", later).is_some());
        let kid = |token: &HeaderValue| jsonwebtoken::decode_header(token.to_str().unwrap()).unwrap().kid;
        assert_ne!(kid(&token), kid(&fresh));

        let long_after = later + Duration::from_secs(2 * 24 * 60 * 60);
        again.renew(long_after).unwrap();
        assert!(checked(&again, &token, "shop", long_after).is_none(), "the old key is forgotten");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_no_key_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("1700000000.key");
        std::fs::write(&file, b"not a key").unwrap();
        let now = SystemTime::now();
        let fault = Voucher::open(folder.path(), "p".to_owned(), MINUTE, MONTH, now).err().unwrap();
        assert!(fault.to_string().contains("1700000000.key"), "{fault}");
        assert_eq!(std::fs::read(&file).unwrap(), b"not a key");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_a_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        drop(open(folder.path(), now));
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
