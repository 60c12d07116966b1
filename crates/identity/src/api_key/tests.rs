use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{ApiKeyError, ApiKeys, KeyInfo, KeyStore, NewKey, Prefix};
use crate::testing::{at, now, present};
use crate::{Absence, How, Principal, PrincipalKind, Secret};

fn new_key(id: &str) -> NewKey {
    NewKey {
        kind: PrincipalKind::Service,
        id: id.to_owned(),
        name: "nightly build".to_owned(),
        scopes: vec!["orders:read".to_owned()],
        groups: vec!["robots".to_owned()],
        roles: vec!["builder".to_owned()],
        tier: Some("gold".to_owned()),
        expires: None,
    }
}

struct World {
    folder: tempfile::TempDir,
    store: KeyStore,
    keys: ApiKeys,
    info: KeyInfo,
    secret: Secret,
}

/// A store with one key, and its snapshot.
fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = KeyStore::open(&folder.path().join("state.db")).unwrap();
    let (info, secret) = store.create(&new_key("ci")).unwrap();
    let keys = ApiKeys::load(&store).unwrap();
    World { folder, store, keys, info, secret }
}

fn code(identified: Result<Arc<Principal>, Absence>) -> &'static str {
    match identified {
        Ok(_) => "ok",
        Err(Absence::Invalid(fault) | Absence::Unavailable(fault)) => fault.code,
        Err(other) => panic!("{other:?}"),
    }
}

impl World {
    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("state.db")
    }

    fn found(&self) -> &'static str {
        code(self.keys.identify(self.secret.expose(), now()))
    }
}

#[test]
fn a_key_identifies_its_principal() {
    let world = world();
    let principal = world.keys.identify(world.secret.expose(), now()).unwrap();
    assert_eq!((principal.kind, principal.id.as_str()), (PrincipalKind::Service, "ci"));
    assert_eq!(principal.how, How::ApiKey { prefix: world.info.prefix.clone() });
    assert_eq!(principal.scopes, ["orders:read"]);
    assert_eq!(
        (&principal.groups[..], &principal.roles[..]),
        (&["robots".to_owned()][..], &["builder".to_owned()][..])
    );
    assert_eq!(principal.tier.as_deref(), Some("gold"));
    assert_eq!(world.store.list().unwrap(), std::slice::from_ref(&world.info));
}

#[test]
fn a_key_has_its_form_and_no_other_text_is_one() {
    let World { keys, info, secret, .. } = world();
    let key = secret.expose().to_owned();
    assert_eq!((key.len(), &key[..3], &key[3..11]), (55, "pk_", info.prefix.as_str()));
    assert!(!format!("{secret:?}{info:?}").contains(&key[12..]));
    let last = key.chars().last().unwrap();
    let next = char::from_u32(u32::from(last) + 1).unwrap();
    let wrong = [
        String::new(),
        "pk_".to_owned(),
        key[..54].to_owned(),
        format!("{key}A"),
        format!("{key}="),
        format!(" {key}"),
        key.replacen("pk_", "PK_", 1),
        key.replacen("pk_", "sk_", 1),
        key.to_ascii_uppercase(),
        format!("{}{next}", &key[..54]),
        format!("pk_{}-{}", info.prefix, &key[12..]),
        format!("pk_iiiiiiii_{}", &key[12..]),
        format!("pk_00000000_{}", &key[12..]),
        format!("pk_{}_{}", info.prefix, "A".repeat(43)),
        "é".repeat(30),
        "\u{0}".repeat(55),
    ];
    for text in wrong {
        assert_eq!(code(keys.identify(&text, now())), "api_key_unknown", "{text:?}");
    }
}

#[test]
fn every_changed_character_makes_it_another_key() {
    let World { keys, secret, .. } = world();
    for place in 0..secret.expose().len() {
        let mut changed = secret.expose().to_owned().into_bytes();
        changed[place] = if changed[place] == b'a' { b'b' } else { b'a' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(code(keys.identify(&changed, now())), "api_key_unknown", "character {place}");
    }
}

#[test]
fn a_revocation_bites_with_the_next_reload() {
    let world = world();
    assert!(!world.keys.reload_if_changed(&world.store).unwrap(), "nothing changed");
    assert!(world.store.revoke(&world.info.prefix).unwrap());
    assert_eq!(world.found(), "ok", "not yet reloaded");
    assert!(world.keys.clone().reload_if_changed(&world.store).unwrap());
    assert_eq!(world.found(), "api_key_revoked", "clones share the snapshot");
    assert!(!world.store.revoke(&world.info.prefix).unwrap(), "already");
    assert!(!world.store.revoke("nosuchpk").unwrap());
    assert!(world.store.list().unwrap()[0].revoked.is_some());
}

#[test]
fn another_process_is_noticed() {
    let world = world();
    let other = KeyStore::open(&world.path()).unwrap();
    let (_, second) = other.create(&new_key("second")).unwrap();
    assert_eq!(code(world.keys.identify(second.expose(), now())), "api_key_unknown");
    assert!(world.keys.reload_if_changed(&world.store).unwrap());
    assert_eq!(code(world.keys.identify(second.expose(), now())), "ok");
    assert!(other.revoke(&world.info.prefix).unwrap());
    assert!(world.keys.reload_if_changed(&world.store).unwrap());
    assert_eq!(world.found(), "api_key_revoked");
    assert!(!world.keys.reload_if_changed(&world.store).unwrap());
}

#[test]
fn several_writers_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let store = KeyStore::open(path).unwrap();
                for number in 0..10 {
                    store.create(&new_key(&format!("{writer}-{number}"))).unwrap();
                }
            });
        }
    });
    assert_eq!(KeyStore::open(&path).unwrap().list().unwrap().len(), 40);
}

#[test]
fn a_key_ends_when_it_should() {
    let world = world();
    let (_, secret) =
        world.store.create(&NewKey { expires: Some(at(present() + 100)), ..new_key("short") }).unwrap();
    world.keys.reload_if_changed(&world.store).unwrap();
    let found = |second| code(world.keys.identify(secret.expose(), at(second)));
    assert_eq!(found(present() + 99), "ok");
    assert_eq!(found(present() + 100), "api_key_expired");
    let principal = world.keys.identify(secret.expose(), now()).unwrap();
    assert_eq!(principal.expires, Some(at(present() + 100)));
}

#[test]
fn what_cannot_be_a_key_is_not_made() {
    let store = world().store;
    let refused = |change: &dyn Fn(&mut NewKey)| {
        let mut new = new_key("x");
        change(&mut new);
        matches!(store.create(&new), Err(ApiKeyError::Refused(_)))
    };
    assert!(!refused(&|_| {}));
    assert!(!refused(&|new| new.name.clear()));
    assert!(refused(&|new| new.id.clear()));
    assert!(refused(&|new| new.id = "a\nb".to_owned()));
    assert!(refused(&|new| new.id = "a".repeat(256)));
    assert!(refused(&|new| new.name = "a".repeat(201)));
    assert!(refused(&|new| new.name = "\u{1b}[31m".to_owned()));
    assert!(refused(&|new| new.scopes = vec!["a b".to_owned()]));
    assert!(refused(&|new| new.groups = vec![String::new()]));
    assert!(refused(&|new| new.roles = vec!["a\u{0}".to_owned()]));
    assert!(refused(&|new| new.tier = Some(String::new())));
    assert!(refused(&|new| new.groups = vec!["g".to_owned(); 101]));
    assert!(refused(&|new| new.expires = Some(SystemTime::UNIX_EPOCH)));
    assert!(refused(&|new| new.expires = Some(SystemTime::now() - Duration::from_secs(5))));
}

#[test]
fn the_file_is_private_and_has_no_secret_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("state.db");
    let store = KeyStore::open(&path).unwrap();
    let (_, secret) = store.create(&new_key("ci")).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = entry.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let content = std::fs::read(&file).unwrap();
        let hidden = &secret.expose().as_bytes()[12..];
        assert!(!content.windows(hidden.len()).any(|window| window == hidden), "{}", file.display());
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(KeyStore::open(&path), Err(ApiKeyError::Writable(_))));
}

#[test]
fn a_damaged_or_newer_store_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    for content in [&b"this is not a database, and long enough to have a header of one"[..], &[0xff; 5_000]] {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(KeyStore::open(&path), Err(ApiKeyError::Damaged { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
    std::fs::remove_file(&path).unwrap();
    drop(KeyStore::open(&path).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute("UPDATE schema_version SET version = 99", []).unwrap();
    drop(raw);
    assert!(matches!(KeyStore::open(&path), Err(ApiKeyError::Newer { found: 99, known: 1, .. })));
    assert!(matches!(KeyStore::open("/dev/null/state.db".as_ref()), Err(ApiKeyError::Open { .. })));
}

#[test]
fn a_row_that_cannot_be_read_spoils_the_reload_not_the_snapshot() {
    let world = world();
    let raw = rusqlite::Connection::open(world.path()).unwrap();
    for damage in [
        "UPDATE api_keys SET kind = 'Robot'",
        "UPDATE api_keys SET kind = 'Service', scopes = '{}'",
        "UPDATE api_keys SET scopes = '[]', created = 'yesterday'",
    ] {
        raw.execute(damage, []).unwrap();
        let fault = world.keys.reload_if_changed(&world.store).unwrap_err();
        assert!(matches!(fault, ApiKeyError::Damaged { .. }), "{damage}: {fault}");
        assert_eq!(world.found(), "ok", "the last good snapshot stays");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_unreadable_makes_keys_unavailable_until_it_heals() {
    let world = world();
    let raw = rusqlite::Connection::open(world.path()).unwrap();
    raw.execute("UPDATE api_keys SET kind = 'Robot'", []).unwrap();
    world.keys.reload_if_changed(&world.store).unwrap_err();
    tokio::time::advance(Duration::from_secs(9)).await;
    world.keys.reload_if_changed(&world.store).unwrap_err();
    assert_eq!(world.found(), "ok");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(world.found(), "api_keys_unavailable", "one of them may have been revoked");
    raw.execute("UPDATE api_keys SET kind = 'Service'", []).unwrap();
    assert!(world.keys.reload_if_changed(&world.store).unwrap());
    assert_eq!(world.found(), "ok");
}

#[test]
fn prefixes_are_plain() {
    let made: Vec<_> = (0..200).map(|_| super::generate().unwrap()).collect();
    for (prefix, secret) in &made {
        assert_eq!(Prefix::parse(&prefix.text()), Some(*prefix));
        assert_eq!(Prefix::of_key(secret.expose()), Some(*prefix));
    }
    let mut prefixes: Vec<_> = made.iter().map(|(prefix, _)| *prefix).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    assert_eq!(prefixes.len(), 200);
}
