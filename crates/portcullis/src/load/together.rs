//! What the configuration and the files it names say together: faults and doubts that are found at the key that names
//! the file, not in the file.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portcullis_context::GeoDatabase;
use portcullis_identity::{Identifier, KeySource};
use portcullis_policy::Policies;
use portcullis_response::catalogue;

use crate::config::{Config, Named, Source, suggest};

/// Each issuer's settings and key file, as `run` will read them; addresses are not asked here.
pub(super) fn issuers(source: &mut Source, named: &Named) {
    for (at, issuer) in &named.issuers {
        let (at, help) = match &issuer.keys {
            KeySource::File(_) => (
                format!("{at}.jwks_file"),
                "a key set looks like `{\"keys\": [{\"kty\": \"EC\", \"kid\": …}]}`",
            ),
            KeySource::Url(_) => (at.clone(), ""),
        };
        if let Err(fault) = Identifier::new(vec![issuer.clone()], None) {
            source.error(&at, "portcullis::identity::issuer", fault.to_string(), help);
        }
    }
}

/// What policies read is recorded, and the header of API keys would be recorded with them.
pub(super) fn read_headers(source: &mut Source, config: &Config, policies: &Policies) {
    let Some(keys) = &config.api_keys else { return };
    if policies.headers.iter().any(|read| read.name == keys.header.as_str()) {
        let message =
            format!("`{}` carries API keys, and the schema lets policies read it", keys.header.as_str());
        let help = "take it out of `RequestHeaders`: what policies read is recorded";
        source.error("api_keys.header", "portcullis::schema::header", message, help);
    }
}

/// A database beyond its age is loaded and not believed: the gate runs, and rules that need it answer 503.
pub(super) fn stale_databases(source: &mut Source, databases: &[(String, GeoDatabase)], max_age: Duration) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    for (at, database) in databases {
        let age = now.saturating_sub(Duration::from_secs(database.build_epoch()));
        if age > max_age {
            let message = match database.build_epoch() {
                0 => "the geo database does not say when it was built, so it is not believed".to_owned(),
                _ => {
                    format!("the geo database is {} days old, and no longer believed", age.as_secs() / 86_400)
                }
            };
            let help = "update it; until then, rules that need what it describes are answered 503";
            source.warning(at, "portcullis::geo::stale", message, help);
        }
    }
}

/// A rule about countries without a database is answered 503 for everybody.
pub(super) fn missing_databases(source: &mut Source, named: &Named) {
    if source.has("geo.databases") && (!named.databases.is_empty() || source.is_faulty("geo.databases")) {
        return;
    }
    for guard in &named.guards {
        if !guard.require.country.is_empty() || !guard.require.not_country.is_empty() {
            let message = "a country is required, and there is no geo database".to_owned();
            let help = "name one in `[geo] databases`; until then these requests are answered 503";
            source.warning_at(guard.span.clone(), "portcullis::geo::missing", message, help);
        }
    }
}

/// Texts of apps are by public code: one of ours, or one that a policy gives.
pub(super) fn unread_texts(source: &mut Source, named: &Named, policies: &Policies) {
    let own: Vec<&str> = policies.reasons.values().map(|reason| reason.code.as_str()).collect();
    for (at, key) in &named.texts {
        if catalogue::find(key).is_none() && !own.contains(&key.as_str()) {
            let known: Vec<&str> = catalogue::nearest(key).into_iter().chain(own.iter().copied()).collect();
            let message = format!("nobody will read this: no refusal has the code `{key}`");
            source.warning(at, "portcullis::config::unknown_text", message, suggest(key, known));
        }
    }
}
