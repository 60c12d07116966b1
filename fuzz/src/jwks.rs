//! Key sets: any bytes as the document of an issuer.
//!
//! Holds for every input: a set that is read has keys, verifies only tokens whose own key stands in it, and says the
//! same when its keys stand in another order; reading it and asking it never fails otherwise than by saying so.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use portcullis_identity::Identifier;
use serde_json::Value;

use crate::believed;

/// What must hold.
pub fn check(input: &[u8]) {
    let Some(read) = load(input) else { return };
    let status = read.keys_status().swap_remove(0);
    assert!(status.keys > 0, "a key set without keys was taken over");
    let document: Value = serde_json::from_slice(input).expect("a key set that was read is JSON");
    let listed = document["keys"].as_array().expect("a key set that was read has keys");
    assert!(listed.len() <= 100 && status.keys + status.set_aside.len() <= listed.len());
    assert!(status.keys + status.set_aside.len() == listed.len() || repeats(listed));
    let public = listed.iter().filter(|key| PRIVATE.iter().all(|part| key.get(part).is_none())).count();
    assert!(status.keys <= public, "a key that shows its private part is believed");
    for reason in &status.set_aside {
        assert!(!reason.contains(char::is_control), "{reason:?} is not fit for a log");
    }

    let verified = verified(&read);
    for (token, known) in verified.iter().zip(keys()) {
        if let Some(id) = token {
            // A key is its own members; others may stand beside them.
            let parts: &[&str] = match known["kty"].as_str() {
                Some("RSA") => &["kty", "n", "e"],
                Some("EC") => &["kty", "crv", "x", "y"],
                _ => &["kty", "crv", "x"],
            };
            let same = |listed: &Value| parts.iter().all(|part| listed[part] == known[part]);
            assert!(listed.iter().any(same), "verified as {id}, but its key is not in the set");
        }
    }
    let mut reversed = document.clone();
    reversed["keys"].as_array_mut().expect("an array").reverse();
    let again = load(reversed.to_string().as_bytes()).expect("the same keys in another order");
    assert_eq!(verified, self::verified(&again), "the order of keys decides");
}

fn load(document: &[u8]) -> Option<Identifier> {
    std::fs::write(&*FILE, document).expect("a file");
    let settings = believed::settings(believed::ISSUER, "", &FILE);
    let read = Identifier::new(vec![settings], None);
    std::fs::remove_file(&*FILE).expect("the file");
    read.map(|identifier| identifier.with_token_cache(0)).ok()
}

/// For each token of the corpus: whom it is from, if the set verifies it.
fn verified(identifier: &Identifier) -> Vec<Option<String>> {
    let identify = |token: &str| {
        let headers = believed::authorization(format!("Bearer {token}").as_bytes()).expect("a field");
        identifier.identify(&headers, believed::now()).ok().map(|principal| principal.id.clone())
    };
    believed::tokens().map(identify).collect()
}

/// The keys that signed the tokens, in the same order.
fn keys() -> Vec<Value> {
    let document: Value = serde_json::from_str(believed::JWKS).expect("JSON");
    document["keys"].as_array().expect("keys").clone()
}

/// Whether a key may stand there twice, which counts once.
fn repeats(listed: &[Value]) -> bool {
    let material = |key: &Value| ["kty", "n", "e", "crv", "x", "y", "kid"].map(|part| key[part].clone());
    listed
        .iter()
        .enumerate()
        .any(|(at, key)| listed[..at].iter().any(|other| material(other) == material(key)))
}

/// Members that only the signer may know.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// In memory where the system has such a folder, since it is written for every input.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    folder.join(format!("portcullis-fuzz-jwks-{}.json", std::process::id()))
});
