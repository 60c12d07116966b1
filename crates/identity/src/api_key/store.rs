//! The SQLite file that keeps API keys: making, listing, revoking. Several processes may have it open. Never on the
//! way of a request.
//!
//! INVARIANT: a fault loses nothing. A damaged or newer file is reported and left exactly as it is.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, TransactionBehavior, params};

use super::{KeyHash, KeyInfo, NewKey, Prefix};
use crate::{PrincipalKind, Secret, text};

/// The store.
pub struct KeyStore {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Changes made through this connection, which SQLite's own counter leaves out.
    own_changes: AtomicU64,
}

/// A key as it is kept.
pub(super) struct StoredKey {
    pub(super) prefix: Prefix,
    pub(super) hash: KeyHash,
    pub(super) info: KeyInfo,
}

/// Differs whenever the store changed, by whomever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    others: i64,
    own: u64,
}

/// Why the key store cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// The file or its folder cannot be made or opened.
    #[error("cannot open the key store `{path}`: {why}")]
    Open {
        /// Which file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// Others may write to it, and so make keys.
    #[error("the key store `{0}` is writable by others, who could make keys; `chmod 600` it")]
    Writable(String),
    /// It is damaged, or no SQLite file.
    #[error(
        "the key store `{path}` is damaged or not a database ({why}); it was left as it is, restore a backup"
    )]
    Damaged {
        /// Which file.
        path: String,
        /// What SQLite said.
        why: String,
    },
    /// A newer Portcullis wrote it.
    #[error(
        "the key store `{path}` has the format {found}; this version reads up to {known}, so use a newer one"
    )]
    Newer {
        /// Which file.
        path: String,
        /// Its format.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// SQLite refused.
    #[error("the key store `{path}` failed: {why}")]
    Failed {
        /// Which file.
        path: String,
        /// What SQLite said.
        why: String,
    },
    /// What was asked for cannot be a key.
    #[error("not a key that can be made: {0}")]
    Refused(String),
    /// No randomness.
    #[error("the system gave no random bytes")]
    Random,
}

impl KeyStore {
    /// Opens the store, making it (mode 0600) and its folder (mode 0700) if they are not there.
    pub fn open(path: &Path) -> Result<Self, ApiKeyError> {
        make_private(path)?;
        let store = |fault: rusqlite::Error| fault_at(path, &fault);
        let mut connection = Connection::open(path).map_err(store)?;
        connection.busy_timeout(BUSY).map_err(store)?;
        // Readers and the writer do not wait for each other. Durable before it is acknowledged.
        connection.pragma_update(None, "journal_mode", "wal").map_err(store)?;
        connection.pragma_update(None, "synchronous", "full").map_err(store)?;
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(store)?;
        if verdict != "ok" {
            return Err(ApiKeyError::Damaged { path: path.display().to_string(), why: verdict });
        }
        migrate(&mut connection, path)?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection), own_changes: AtomicU64::new(0) })
    }

    /// Makes a key. The secret is shown here and never again.
    pub fn create(&self, new: &NewKey) -> Result<(KeyInfo, Secret), ApiKeyError> {
        let now = seconds(SystemTime::now());
        check(new, now)?;
        let mut connection = self.lock();
        let work = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let work = work.map_err(|fault| self.fault(&fault))?;
        let count: i64 = work
            .query_row("SELECT count(*) FROM api_keys", [], |row| row.get(0))
            .map_err(|fault| self.fault(&fault))?;
        if count >= MOST_KEYS {
            return Err(ApiKeyError::Refused(format!(
                "there are {count} keys already, revoked ones included"
            )));
        }
        let (prefix, secret) = super::generate().map_err(|_| ApiKeyError::Random)?;
        // Forty random bits seldom collide; if they do, the primary key refuses and nothing is lost.
        work.execute(
            "INSERT INTO api_keys (prefix, hash, kind, id, name, scopes, groups, roles, tier, created, expires) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                prefix.text(),
                KeyHash::of(secret.expose()).0,
                kind_text(new.kind),
                new.id,
                new.name,
                list_text(&new.scopes),
                list_text(&new.groups),
                list_text(&new.roles),
                new.tier,
                now,
                new.expires.map(seconds),
            ],
        )
        .map_err(|fault| self.fault(&fault))?;
        work.commit().map_err(|fault| self.fault(&fault))?;
        self.own_changes.fetch_add(1, Ordering::Release);
        let info = KeyInfo {
            prefix: prefix.text(),
            kind: new.kind,
            id: new.id.clone(),
            name: new.name.clone(),
            scopes: new.scopes.clone(),
            groups: new.groups.clone(),
            roles: new.roles.clone(),
            tier: new.tier.clone(),
            created: time(now),
            expires: new.expires.map(seconds).map(time),
            revoked: None,
        };
        Ok((info, secret))
    }

    /// All keys, revoked ones included, oldest first.
    pub fn list(&self) -> Result<Vec<KeyInfo>, ApiKeyError> {
        Ok(self.read_all()?.into_iter().map(|stored| stored.info).collect())
    }

    /// Ends a key. Says whether there was an active one with this prefix.
    pub fn revoke(&self, prefix: &str) -> Result<bool, ApiKeyError> {
        let changed = self
            .lock()
            .execute(
                "UPDATE api_keys SET revoked = ?2 WHERE prefix = ?1 AND revoked IS NULL",
                params![prefix, seconds(SystemTime::now())],
            )
            .map_err(|fault| self.fault(&fault))?;
        self.own_changes.fetch_add(1, Ordering::Release);
        Ok(changed > 0)
    }

    pub(super) fn version(&self) -> Result<Version, ApiKeyError> {
        let others = self
            .lock()
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .map_err(|fault| self.fault(&fault))?;
        Ok(Version { others, own: self.own_changes.load(Ordering::Acquire) })
    }

    pub(super) fn read_all(&self) -> Result<Vec<StoredKey>, ApiKeyError> {
        let connection = self.lock();
        let mut query = connection
            .prepare(
                "SELECT prefix, hash, kind, id, name, scopes, groups, roles, tier, created, expires, revoked \
                 FROM api_keys ORDER BY created, prefix LIMIT ?1",
            )
            .map_err(|fault| self.fault(&fault))?;
        let rows = query.query_map([MOST_KEYS], |row| Ok(stored(row))).map_err(|fault| self.fault(&fault))?;
        let mut keys = Vec::new();
        for row in rows {
            // A row that cannot be read is damage: leaving it out could leave out a revocation.
            keys.push(row.and_then(|stored| stored).map_err(|fault| self.fault(&fault))?);
        }
        Ok(keys)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, fault: &rusqlite::Error) -> ApiKeyError {
        fault_at(&self.path, fault)
    }
}

fn make_private(path: &Path) -> Result<(), ApiKeyError> {
    let open = |fault: std::io::Error| ApiKeyError::Open {
        path: path.display().to_string(),
        why: fault.to_string(),
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(open)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(open)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().map_err(open)?.permissions());
        if mode & 0o022 != 0 {
            return Err(ApiKeyError::Writable(path.display().to_string()));
        }
    }
    drop(file);
    Ok(())
}

/// The file is shared with other kinds of state, so each has its own version.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), ApiKeyError> {
    let store = |fault: rusqlite::Error| fault_at(path, &fault);
    let work = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store)?;
    work.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_version (part TEXT PRIMARY KEY, version INTEGER NOT NULL)",
    )
    .map_err(store)?;
    let found: Option<i64> = work
        .query_row("SELECT version FROM schema_version WHERE part = 'api_keys'", [], |row| row.get(0))
        .optional()
        .map_err(store)?;
    match found {
        Some(SCHEMA) => {}
        None => {
            work.execute_batch(TABLES).map_err(store)?;
            work.execute("INSERT INTO schema_version VALUES ('api_keys', ?1)", [SCHEMA]).map_err(store)?;
        }
        Some(found) => {
            return Err(ApiKeyError::Newer { path: path.display().to_string(), found, known: SCHEMA });
        }
    }
    work.commit().map_err(store)
}

fn fault_at(path: &Path, fault: &rusqlite::Error) -> ApiKeyError {
    let (path, why) = (path.display().to_string(), fault.to_string());
    let unreadable = matches!(
        fault,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
    );
    match fault.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => ApiKeyError::Damaged { path, why },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            ApiKeyError::Open { path, why }
        }
        _ if unreadable => ApiKeyError::Damaged { path, why },
        _ => ApiKeyError::Failed { path, why },
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredKey> {
    let prefix: String = row.get(0)?;
    let prefix = Prefix::parse(&prefix).ok_or_else(|| unreadable(0, "not a prefix"))?;
    let kind: String = row.get(2)?;
    let info = KeyInfo {
        prefix: prefix.text(),
        kind: kind_of(&kind).ok_or_else(|| unreadable(2, "not a kind of principal"))?,
        id: row.get(3)?,
        name: row.get(4)?,
        scopes: list(row, 5)?,
        groups: list(row, 6)?,
        roles: list(row, 7)?,
        tier: row.get(8)?,
        created: time(row.get(9)?),
        expires: row.get::<_, Option<i64>>(10)?.map(time),
        revoked: row.get::<_, Option<i64>>(11)?.map(time),
    };
    Ok(StoredKey { prefix, hash: KeyHash(row.get(1)?), info })
}

fn list(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|_| unreadable(column, "not a list of texts"))
}

fn unreadable(column: usize, why: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
}

fn list_text(list: &[String]) -> String {
    serde_json::Value::from(list.to_vec()).to_string()
}

fn kind_text(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::User => "User",
        PrincipalKind::Service => "Service",
    }
}

fn kind_of(text: &str) -> Option<PrincipalKind> {
    [PrincipalKind::User, PrincipalKind::Service].into_iter().find(|kind| kind_text(*kind) == text)
}

fn check(new: &NewKey, now: i64) -> Result<(), ApiKeyError> {
    let refused = |why: &str| Err(ApiKeyError::Refused(why.to_owned()));
    if !text::is_plain(&new.id, 255) {
        return refused("its principal's identifier must have 1 to 255 bytes and no control characters");
    }
    if !new.name.is_empty() && !text::is_plain(&new.name, 200) {
        return refused("its name may have at most 200 bytes and no control characters");
    }
    if [&new.scopes, &new.groups, &new.roles].iter().any(|list| list.len() > MOST_ENTRIES) {
        return refused("at most 100 scopes, groups and roles each");
    }
    if let Some(scope) = new.scopes.iter().find(|scope| !text::is_scope(scope)) {
        return refused(&format!("{scope:?} is not an OAuth scope (RFC 6749 §3.3)"));
    }
    if !new.groups.iter().chain(&new.roles).chain(&new.tier).all(|entry| text::is_plain(entry, 255)) {
        return refused("groups, roles and tier must have 1 to 255 bytes and no control characters");
    }
    if new.expires.is_some_and(|end| seconds(end) <= now) {
        return refused("it would have expired already");
    }
    Ok(())
}

/// Whole seconds since 1970, rounded down: a key ends no later than it was asked to.
fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A time beyond what the system can name is the beginning: such a key has expired.
fn time(seconds: i64) -> SystemTime {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

const TABLES: &str = "CREATE TABLE api_keys (
    prefix TEXT PRIMARY KEY,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    groups TEXT NOT NULL,
    roles TEXT NOT NULL,
    tier TEXT,
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER
) WITHOUT ROWID";
const SCHEMA: i64 = 1;
/// All of them are held in memory, about half a kilobyte each.
const MOST_KEYS: i64 = 100_000;
const MOST_ENTRIES: usize = 100;
/// How long to wait for another process that is writing.
const BUSY: Duration = Duration::from_secs(5);
