//! From checked parts to the snapshot that decides.

use std::sync::Arc;
use std::time::SystemTime;

use portcullis_context::Situator;
use portcullis_decision::{Program, World};
use portcullis_endpoints::{AdminToken, IssuerReadiness, Readiness, WrittenAt};
use portcullis_gate::{Gate, Snapshot, bind};
use portcullis_identity::{ApiKeys, Identifier, KeyStore, KeysState, Voucher};
use portcullis_record::Log;

use crate::config::{AdminConfig, UpstreamIdentityConfig};
use crate::load::{self, Parts};
use crate::serve::ServeFault;
use crate::serve::reload::State;

/// Makes a snapshot; what was fetched for `previous` is kept where it still serves.
pub(crate) fn snapshot(
    parts: Parts,
    store: &KeyStore,
    previous: Option<&Snapshot>,
) -> Result<Snapshot, ServeFault> {
    let fault = |fault: &dyn std::fmt::Display| ServeFault::Assemble(fault.to_string());
    let apps = parts.apps;
    let entities =
        bind::entities::entities(&parts.directory, &apps, &parts.policies.schema).map_err(|faults| {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            ServeFault::Assemble(faults.join("\n"))
        })?;
    let program = Program::compile_with_schema(&parts.policies.set, &parts.policies.schema)
        .map_err(|error| fault(&error))?;
    let world = World::new(&program, &entities);
    let keys =
        match (parts.config.api_keys.as_ref(), previous.and_then(|before| before.identifier.api_keys())) {
            (None, _) => None,
            (Some(_), Some(known)) => Some(known.clone()),
            (Some(_), None) => Some(ApiKeys::load(store)?),
        };
    let mut identifier = Identifier::new(parts.config.issuers, keys).map_err(|error| fault(&error))?;
    if let Some(keys) = parts.config.api_keys {
        identifier = identifier.with_api_key_header(keys.header);
    }
    if let Some(previous) = previous {
        identifier = identifier.adopt(&previous.identifier);
        apps.adopt_limits(&previous.apps);
    }
    let vouching = match &parts.config.upstream_identity {
        Some(identity) => {
            let folder = parts.config.server.data.join("upstream-identity");
            let UpstreamIdentityConfig { issuer, lifetime, key_lifetime } = identity.clone();
            let now = SystemTime::now();
            let voucher = Voucher::open(&folder, issuer, lifetime, key_lifetime, now);
            Some(Arc::new(voucher.map_err(|error| fault(&error))?))
        }
        None => None,
    };
    let directory = Arc::new(parts.directory);
    Ok(Snapshot {
        version: parts.version,
        trusted: parts.config.server.trusted_peers,
        apps,
        policies: parts.policies,
        program,
        world,
        directory: Arc::clone(&directory),
        identifier: Arc::new(identifier),
        vouching,
        situator: Situator::new(parts.geo, parts.zones, directory, parts.config.time_zone),
        renderer: parts.renderer,
        redaction: parts.config.redaction,
        on_forbid_fault: parts.config.policies.on_forbid_fault,
    })
}

/// The admin listener's token.
pub(crate) fn admin_token(admin: &AdminConfig) -> AdminToken {
    AdminToken::new(admin.token.expose().as_bytes())
}

/// What `/readyz` says.
pub(crate) fn readiness(
    gate: Arc<Gate>,
    log: Arc<Log>,
    state: Arc<State>,
) -> Box<dyn Fn() -> Readiness + Send + Sync> {
    Box::new(move || {
        let snapshot = gate.snapshot();
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
        let log = log.status();
        Readiness {
            ready: log.broken.is_none() && issuers.iter().all(|issuer| issuer.usable),
            snapshot: snapshot.version.clone(),
            last_reload_fault: state.fault(),
            issuers,
            log_fault: log.broken,
            records_missed: log.dropped,
        }
    })
}

/// Where policies of the snapshot in force are written.
pub(crate) fn written_at(gate: Arc<Gate>) -> Box<WrittenAt> {
    Box::new(move |policy| load::written_at(&gate.snapshot().policies, policy))
}
