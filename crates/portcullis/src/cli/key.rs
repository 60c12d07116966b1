//! `portcullis key`: API keys.

use std::time::{Duration, SystemTime};

use portcullis_identity::{KeyStore, NewKey, PrincipalKind};

use super::{ConfigPath, Exit, complain, say};
use crate::load;

/// Make, list and revoke API keys.
#[derive(Debug, clap::Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    path: ConfigPath,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key and print it, once: only its hash is kept.
    Create(Create),
    /// List keys; never the secrets.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// End a key. A running gate takes it up within a second.
    Revoke {
        /// The key's prefix, as `key list` shows it.
        prefix: String,
    },
}

#[derive(Debug, clap::Args)]
struct Create {
    /// The identifier of the principal the key stands for.
    #[arg(value_name = "ID")]
    id: String,
    /// The key stands for a person (`User`), not a program (`Service`).
    #[arg(long)]
    user: bool,
    /// What the key is for, shown by `key list`.
    #[arg(long, value_name = "TEXT", default_value = "")]
    name: String,
    /// An OAuth scope it carries; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A group it puts the principal in; may be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// A role it gives the principal; may be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// The plan of the principal.
    #[arg(long, value_name = "TIER")]
    tier: Option<String>,
    /// Days until it expires.
    #[arg(long, value_name = "DAYS")]
    expires_in_days: Option<u16>,
}

impl Key {
    pub(crate) fn run(&self) -> Exit {
        let Some(file) = load::load_untested(&self.path.config).state_file else {
            complain(
                format_args!("cannot tell from `{}` where the keys are", self.path.config.display()),
                Some("`portcullis check` says what is wrong with it; `--config FILE` names another"),
            );
            return Exit::Failed;
        };
        let done = KeyStore::open(&file).and_then(|store| match &self.action {
            Action::Create(new) => create(&store, new),
            Action::List { json } => list(&store, *json),
            Action::Revoke { prefix } => revoke(&store, prefix),
        });
        done.unwrap_or_else(|fault| {
            complain(fault, None);
            Exit::Failed
        })
    }
}

type Done = Result<Exit, portcullis_identity::ApiKeyError>;

fn create(store: &KeyStore, new: &Create) -> Done {
    let days = |days: u16| SystemTime::now() + Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    let (info, secret) = store.create(&NewKey {
        kind: if new.user { PrincipalKind::User } else { PrincipalKind::Service },
        id: new.id.clone(),
        name: new.name.clone(),
        scopes: new.scopes.clone(),
        groups: new.groups.clone(),
        roles: new.roles.clone(),
        tier: new.tier.clone(),
        expires: new.expires_in_days.map(days),
    })?;
    say(secret.expose());
    complain(
        format_args!(
            "this is the only time the key is shown; `portcullis key revoke {}` ends it",
            info.prefix
        ),
        None,
    );
    Ok(Exit::Done)
}

fn list(store: &KeyStore, json: bool) -> Done {
    let keys = store.list()?;
    if json {
        let rows: Vec<_> = keys
            .iter()
            .map(|key| {
                serde_json::json!({
                    "prefix": key.prefix, "principal": principal(key.kind, &key.id), "name": key.name,
                    "created": date(Some(key.created)), "expires": date(key.expires), "revoked": date(key.revoked),
                })
            })
            .collect();
        say(serde_json::Value::Array(rows));
        return Ok(Exit::Done);
    }
    for key in &keys {
        let state = match (key.revoked, key.expires) {
            (Some(at), _) => format!("revoked {}", date(Some(at)).unwrap_or_default()),
            (None, Some(at)) => format!("expires {}", date(Some(at)).unwrap_or_default()),
            (None, None) => "active".to_owned(),
        };
        say(format_args!("{:<12} {:<28} {state:<32} {}", key.prefix, principal(key.kind, &key.id), key.name));
    }
    Ok(Exit::Done)
}

fn revoke(store: &KeyStore, prefix: &str) -> Done {
    if store.revoke(prefix)? {
        Ok(Exit::Done)
    } else {
        complain(
            format_args!("no active key has the prefix `{prefix}`"),
            Some("`portcullis key list` shows them all"),
        );
        Ok(Exit::Wrong)
    }
}

fn principal(kind: PrincipalKind, id: &str) -> String {
    match kind {
        PrincipalKind::User => format!("User {id}"),
        PrincipalKind::Service => format!("Service {id}"),
    }
}

fn date(time: Option<SystemTime>) -> Option<String> {
    let time = jiff::Timestamp::try_from(time?).ok()?;
    Some(format!("{time:.0}"))
}
