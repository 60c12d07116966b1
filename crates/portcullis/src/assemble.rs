//! From checked parts to the snapshot that decides.

use std::sync::Arc;
use std::time::SystemTime;

use portcullis_context::Situator;
use portcullis_decision::{Program, World};
use portcullis_gate::{ShadowSet, Snapshot, bind};
use portcullis_identity::{ApiKeys, Identifier, KeyStore, Voucher};

use crate::config::UpstreamIdentityConfig;
use crate::load::{Parts, Shadow};
use crate::serve::ServeFault;

/// Makes a snapshot; what was fetched for `previous` is kept where it still serves.
pub(crate) fn snapshot(
    mut parts: Parts,
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
    // The official set is ten times the size of the program; nobody needs it any more.
    let set = std::mem::take(&mut parts.policies.set);
    let program =
        Program::compile_with_schema(&set, &parts.policies.schema).map_err(|error| fault(&error))?;
    drop(set);
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
    let (shadow, shadow_fault) =
        match parts.shadow.map(|shadow| shadow.and_then(|one| shadow_set(one, &world))) {
            None => (None, None),
            Some(Ok(set)) => (Some(Arc::new(set)), None),
            Some(Err(fault)) => {
                tracing::warn!(fault, "the shadow policies cannot be used and are not asked");
                (None, Some(fault))
            }
        };
    let directory = Arc::new(parts.directory);
    Ok(Snapshot {
        version: parts.texts.version(),
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
        recorded_facts: parts.config.recorded_facts,
        on_forbid_fault: parts.config.policies.on_forbid_fault,
        shadow,
        shadow_fault,
    })
}

/// Makes policies ready that are only asked.
fn shadow_set(shadow: Shadow, world: &World) -> Result<ShadowSet, String> {
    let Shadow { mut policies, version, sample, on_forbid_fault } = shadow;
    let set = std::mem::take(&mut policies.set);
    let program = Program::compile_with_schema(&set, &policies.schema).map_err(|fault| fault.to_string())?;
    drop(set);
    Ok(ShadowSet { version, policies, program, world: world.clone(), on_forbid_fault, sample })
}
