//! Records for the tests of this crate.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use portcullis_request::Reference;

use crate::LogSettings;
use crate::entry::{Door, Entry, Outcome, PrincipalEntry, RequestEntry, Stage, VerdictEntry};

/// A reference of a moment, so many seconds after now.
pub(crate) fn reference_in(seconds: i64) -> Reference {
    let away = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    Reference::new(if seconds < 0 { now - away } else { now + away })
}

/// The defaults, for tests that are not about patience: their machine may be busy with others.
pub(crate) fn patient(folder: impl Into<PathBuf>) -> LogSettings {
    LogSettings { wait: Duration::from_secs(60), ..LogSettings::new(folder) }
}

/// An ordinary denial.
pub(crate) fn entry(reference: Reference) -> Entry {
    Entry {
        reference: reference.uuid(),
        time: "2026-11-24T01:30:00.123456Z".to_owned(),
        door: Door::Proxy,
        stage: Stage::Decide,
        request: RequestEntry {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            host: "shop.test".to_owned(),
            path: "/premium-content/a".to_owned(),
            query: Some("page=2".to_owned()),
            client: "192.0.2.1".to_owned(),
            peer: None,
            user_agent: Some("curl/8".to_owned()),
        },
        app: Some("media".to_owned()),
        route: Some("premium".to_owned()),
        principal: Some(PrincipalEntry {
            kind: "User".to_owned(),
            id: "alice".to_owned(),
            method: "token".to_owned(),
            issuer: Some("https://login.test".to_owned()),
            key: Some("k1".to_owned()),
        }),
        absence: None,
        facts: BTreeMap::from([("context.geo.country".to_owned(), "DE".into())]),
        missing: BTreeMap::new(),
        complete: false,
        verdict: Some(VerdictEntry {
            decision: "deny".to_owned(),
            policies: vec!["region".to_owned()],
            nearest: Vec::new(),
            errors: Vec::new(),
            undecided: Vec::new(),
        }),
        reason: Some("region_restricted".to_owned()),
        status: Some(403),
        detail: None,
        snapshot: "v1".to_owned(),
        decided_us: 41,
    }
}

/// What followed.
pub(crate) fn outcome(reference: Reference) -> Outcome {
    Outcome {
        reference: reference.uuid(),
        status: 403,
        origin_status: None,
        intercepted: false,
        fault: None,
        bytes: 88,
        total_us: 1234,
    }
}
