//! What operators see of a running gate, and what they may tell it: the closures behind the admin listener, and the values
//! that the metrics read when they are shown.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use portcullis_endpoints::{
    Admin, AdminToken, DatabaseReadiness, IssuerReadiness, LimitStatus, Operations, Readiness, ReloadReport,
    Status,
};
use portcullis_gate::{Gate, Snapshot};
use portcullis_identity::KeysState;
use portcullis_measure::Watched;
use portcullis_record::Log;

use super::reload::{Reloaded, Reloads, State};
use crate::config::AdminConfig;
use crate::rehearsal::beside;

/// What is read from a running gate.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) gate: Arc<Gate>,
    pub(crate) log: Arc<Log>,
    pub(crate) state: Arc<State>,
}

/// Health, readiness and decisions.
pub(crate) fn admin(seen: &Seen, settings: &AdminConfig, log_folder: PathBuf) -> Admin {
    let (of_readiness, of_policies) = (seen.clone(), Arc::clone(&seen.gate));
    Admin {
        token: AdminToken::new(settings.token.expose().as_bytes()),
        hosts: Vec::new(),
        log_folder: log_folder.clone(),
        readiness: Box::new(move || readiness(&of_readiness)),
        explain: Box::new(move |remembered| beside(&of_policies.snapshot(), &log_folder, remembered)),
    }
}

/// Reload, metrics and status.
pub(crate) fn operations(seen: &Seen, settings: &AdminConfig, reloads: Reloads) -> Operations {
    let [of_metrics, of_status, of_databases] = [&seen.gate; 3].map(Arc::clone);
    Operations {
        reload: Box::new(move || {
            let reloads = reloads.clone();
            Box::pin(async move { report(reloads.reload().await) })
        }),
        metrics: Box::new(move || of_metrics.metrics().render()),
        metrics_without_token: settings.open_metrics,
        status: Box::new(move || status(&of_status.snapshot())),
        databases: Box::new(move || databases(&of_databases.snapshot())),
    }
}

/// Lets the metrics read what others hold.
pub(crate) fn watch(seen: &Seen) {
    let metrics = Arc::clone(seen.gate.metrics());
    let of_log = |read: fn(&portcullis_record::LogStatus) -> u64| {
        let log = Arc::clone(&seen.log);
        Box::new(move || read(&log.status()))
    };
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    metrics.watch(Watched::LogQueue, of_log(|log| u64::try_from(log.queue).unwrap_or(u64::MAX)));
    metrics.watch(Watched::RecordsWritten, of_log(|log| log.written));
    metrics.watch(Watched::RecordsMissed, of_log(|log| log.dropped));
    metrics.watch(Watched::RecordsLeftOut, of_log(|log| log.left_out));
    metrics.watch(Watched::LogBroken, of_log(|log| u64::from(log.broken.is_some())));
    // The gate holds the metrics, so what they hold of the gate must not keep it alive.
    let of_snapshot = |read: fn(&Snapshot) -> usize| {
        let gate = Arc::downgrade(&seen.gate);
        Box::new(move || gate.upgrade().map_or(0, |gate| count(read(&gate.snapshot()))))
    };
    metrics.watch(Watched::Policies, of_snapshot(|snapshot| snapshot.policies.origins.len()));
    metrics.watch(Watched::Apps, of_snapshot(|snapshot| snapshot.apps.iter().count()));
    metrics.watch(
        Watched::LimiterKeys,
        of_snapshot(|snapshot| snapshot.apps.limits().map(|limit| limit.keys()).sum()),
    );
    metrics.watch(
        Watched::IssuersWithoutKeys,
        of_snapshot(|snapshot| {
            let issuers = snapshot.identifier.keys_status();
            issuers.iter().filter(|issuer| issuer.state != KeysState::Usable).count()
        }),
    );
}

fn readiness(seen: &Seen) -> Readiness {
    let snapshot = seen.gate.snapshot();
    let issuers: Vec<_> = snapshot
        .identifier
        .keys_status()
        .into_iter()
        .map(|status| IssuerReadiness {
            usable: status.state == KeysState::Usable,
            detail: match (status.state, status.last_error) {
                (KeysState::Usable, None) => format!("{} keys", status.keys),
                (KeysState::Usable, Some(fault)) => {
                    format!("{} keys; last refresh failed: {fault}", status.keys)
                }
                (KeysState::Stale, fault) => format!("keys too old: {}", fault.unwrap_or_default()),
                (KeysState::Missing, fault) => format!("no keys yet: {}", fault.unwrap_or_default()),
            },
            issuer: status.issuer,
        })
        .collect();
    let log = seen.log.status();
    Readiness {
        ready: log.broken.is_none() && issuers.iter().all(|issuer| issuer.usable),
        snapshot: snapshot.version.clone(),
        last_reload_fault: seen.state.fault(),
        issuers,
        shadow_fault: snapshot.shadow_fault.clone(),
        log_fault: log.broken,
        records_missed: log.dropped,
    }
}

fn status(snapshot: &Snapshot) -> Status {
    Status {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        snapshot: snapshot.version.clone(),
        apps: snapshot.apps.iter().map(|app| app.name.clone()).collect(),
        policies: snapshot.policies.origins.len(),
        origins: Vec::new(),
        limits: snapshot
            .apps
            .limits()
            .map(|limit| LimitStatus { name: limit.name.clone(), counts: limit.keys() })
            .collect(),
    }
}

fn databases(snapshot: &Snapshot) -> Vec<DatabaseReadiness> {
    let (geo, now) = (snapshot.situator.geo(), SystemTime::now());
    geo.databases()
        .map(|database| {
            let usable = !geo.is_stale(database, now);
            let seconds = i64::try_from(database.build_epoch()).unwrap_or(i64::MAX);
            let built =
                jiff::Timestamp::from_second(seconds).map(|built| built.to_string()).unwrap_or_default();
            let believed = if usable { "" } else { "; too old to be believed" };
            let kind = database.database_type();
            DatabaseReadiness {
                name: database.name().to_owned(),
                usable,
                detail: format!("{kind}, built {built}{believed}"),
            }
        })
        .collect()
}

fn report(reloaded: Option<Reloaded>) -> ReloadReport {
    match reloaded {
        None => ReloadReport::Busy,
        Some(Reloaded::TakenUp { version, after_restart }) => ReloadReport::TakenUp {
            version,
            after_restart: after_restart.into_iter().map(str::to_owned).collect(),
        },
        Some(Reloaded::Unchanged { version }) => ReloadReport::Unchanged { version },
        Some(Reloaded::Refused { findings }) => ReloadReport::Refused { findings },
        Some(Reloaded::Restless) => ReloadReport::Busy,
    }
}
