//! The keys of our word on callers, one file each: `<seconds since 1970>.key`, PKCS #8. The newest signs.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::VoucherError;
use crate::base64url;

/// How much longer than its tokens a key stays published: origins keep the keys they fetched for a while, and their
/// clocks differ.
const PUBLISHED_LONGER: Duration = Duration::from_secs(24 * 60 * 60);

/// Largest key file, bytes; ours have 138.
const LARGEST: u64 = 4096;

/// Most key files. More were put there by accident.
const MOST: usize = 64;

/// The keys there are.
pub(super) struct KeyRing {
    /// The newest.
    pub(super) signing: SigningKey,
    /// Earlier ones, newest first.
    earlier: Vec<SigningKey>,
}

/// One key.
pub(super) struct SigningKey {
    pair: EcdsaKeyPair,
    id: String,
    made: Duration,
}

impl KeyRing {
    /// Reads the keys, makes one if the newest is missing or too old, and removes those that are no longer published.
    pub(super) fn open(
        folder: &Path,
        key_lifetime: Duration,
        lifetime: Duration,
        now: SystemTime,
    ) -> Result<Self, VoucherError> {
        let fault = |fault: std::io::Error| folder_fault(folder, &fault);
        std::fs::create_dir_all(folder).map_err(fault)?;
        let mut keys = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(fault)?.take(MOST) {
            let path = entry.map_err(fault)?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if let (Some(seconds), Some("key")) = (stem, path.extension().and_then(|end| end.to_str())) {
                keys.push(read(&path, Duration::from_secs(seconds))?);
            }
        }
        keys.sort_by_key(|key| std::cmp::Reverse(key.made));
        if keys.first().is_none_or(|newest| newest.age(now) > key_lifetime) {
            keys.insert(0, make(folder, made(now))?);
        }
        let mut keys = keys.into_iter();
        let mut ring =
            Self { signing: keys.next().ok_or(VoucherError::Cryptography)?, earlier: keys.collect() };
        let (kept, ended): (Vec<_>, Vec<_>) =
            ring.earlier.into_iter().partition(|_| ring.signing.age(now) <= published(lifetime));
        ring.earlier = kept;
        for key in ended {
            let path = folder.join(file_name(key.made));
            std::fs::remove_file(&path).map_err(|fault| folder_fault(&path, &fault))?;
        }
        Ok(ring)
    }

    /// Whether opening the ring again would change it.
    pub(super) fn is_due(&self, key_lifetime: Duration, lifetime: Duration, now: SystemTime) -> bool {
        let age = self.signing.age(now);
        age > key_lifetime || (!self.earlier.is_empty() && age > published(lifetime))
    }

    /// The public halves that are published, newest first.
    pub(super) fn published(&self, lifetime: Duration, now: SystemTime) -> impl Iterator<Item = Value> {
        let earlier = self.signing.age(now) <= published(lifetime);
        std::iter::once(&self.signing)
            .chain(self.earlier.iter().filter(move |_| earlier))
            .map(SigningKey::jwk)
    }
}

impl SigningKey {
    /// Its `kid`.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// An ES256 signature (RFC 7518 §3.4).
    pub(super) fn sign(&self, random: &SystemRandom, message: &[u8]) -> Result<Vec<u8>, VoucherError> {
        let signature = self.pair.sign(random, message).map_err(|_| VoucherError::Cryptography)?;
        Ok(signature.as_ref().to_vec())
    }

    fn new(pkcs8: &[u8], made: Duration) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
        let hash = digest(&SHA256, pair.public_key().as_ref());
        let id = base64url::encode(hash.as_ref().get(..9)?);
        Some(Self { pair, id, made })
    }

    /// Nothing for one that was made in the future.
    fn age(&self, now: SystemTime) -> Duration {
        made(now).saturating_sub(self.made)
    }

    fn jwk(&self) -> Value {
        // 0x04, then both coordinates (SEC 1 §2.3.3).
        let (_, point) = self.pair.public_key().as_ref().split_at(1);
        let (x, y) = point.split_at(point.len() / 2);
        json!({
            "kty": "EC", "crv": "P-256", "x": base64url::encode(x), "y": base64url::encode(y),
            "kid": self.id, "alg": "ES256", "use": "sig",
        })
    }
}

/// Seconds since 1970.
pub(super) fn made(now: SystemTime) -> Duration {
    Duration::from_secs(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

fn published(lifetime: Duration) -> Duration {
    lifetime.saturating_add(PUBLISHED_LONGER)
}

fn file_name(made: Duration) -> String {
    format!("{}.key", made.as_secs())
}

fn read(path: &Path, made: Duration) -> Result<SigningKey, VoucherError> {
    let fault = |fault: std::io::Error| folder_fault(path, &fault);
    let mut bytes = Zeroizing::new(Vec::with_capacity(512));
    std::fs::File::open(path).map_err(fault)?.take(LARGEST).read_to_end(&mut bytes).map_err(fault)?;
    SigningKey::new(&bytes, made).ok_or_else(|| VoucherError::NoKey(path.display().to_string()))
}

fn make(folder: &Path, made: Duration) -> Result<SigningKey, VoucherError> {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| VoucherError::Cryptography)?;
    let key = SigningKey::new(document.as_ref(), made).ok_or(VoucherError::Cryptography)?;
    // Written beside and then moved: a file that is there is whole.
    let (beside, path) = (folder.join("new"), folder.join(file_name(made)));
    let written = private(&beside).and_then(|mut file| {
        file.write_all(document.as_ref())?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    });
    written.map_err(|fault| folder_fault(&path, &fault))?;
    Ok(key)
}

#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    // What an interrupted start left behind may have other permissions.
    match std::fs::remove_file(path) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => return Err(fault),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> std::io::Result<std::fs::File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

fn folder_fault(path: &Path, fault: &std::io::Error) -> VoucherError {
    VoucherError::Folder { path: path.display().to_string(), why: fault.to_string() }
}
