//! Everything around one request, gathered from what is already in memory.
//!
//! It touches neither network nor disk and reads no clock. INVARIANT: a device lends its posture only to its owner.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use portcullis_identity::{Principal, PrincipalKind};

use crate::clock::TimeZone;
use crate::geo::GeoSources;
use crate::network::Zones;
use crate::{Device, Directory, Fact, Moment, Place};

/// Where a caller is, on what device, on which plan, and when.
#[derive(Debug, Clone)]
pub struct Situation {
    /// Country, region and network operator of the address; each attribute is a fact of its own.
    pub place: Place,
    /// Names of the zones the address is in, sorted.
    pub zones: Vec<String>,
    /// The caller's device.
    pub device: Fact<Device>,
    /// The caller's plan: the directory's word before the token's.
    pub tier: Fact<String>,
    /// Now, on the configured clock.
    pub moment: Moment,
}

/// Gathers situations from one state of geo databases, zones and directory.
#[derive(Debug, Clone)]
pub struct Situator {
    geo: GeoSources,
    zones: Zones,
    directory: Arc<Directory>,
    zone: TimeZone,
}

impl Situator {
    /// Situates by these sources; `zone` is the time zone that hours are meant in.
    #[must_use]
    pub fn new(geo: GeoSources, zones: Zones, directory: Arc<Directory>, zone: TimeZone) -> Self {
        Self { geo, zones, directory, zone }
    }

    /// The geo databases that are asked.
    #[must_use]
    pub fn geo(&self) -> &GeoSources {
        &self.geo
    }

    /// Gathers the facts around a caller at `client`, the address settled after trusted peers.
    #[must_use]
    pub fn situate(&self, principal: Option<&Principal>, client: IpAddr, now: SystemTime) -> Situation {
        Situation {
            place: self.geo.place(client, now),
            zones: self.zones.of(client).into_iter().map(str::to_owned).collect(),
            device: self.device(principal),
            tier: self.tier(principal),
            moment: self.zone.moment(now),
        }
    }

    fn device(&self, principal: Option<&Principal>) -> Fact<Device> {
        let Some(principal) = principal else {
            return Fact::Absent("the caller is unknown, and so is their device".to_owned());
        };
        let Some(id) = &principal.device else {
            return Fact::Absent("the credential names no device".to_owned());
        };
        let Some(device) = self.directory.devices.get(id) else {
            return Fact::Absent(format!("device `{}` is not in the directory", shown(id)));
        };
        if let Some(owner) = &device.owner
            && !self.is(principal, owner)
        {
            return Fact::Absent(format!("device `{}` belongs to somebody else", shown(id)));
        }
        Fact::Known(device.clone())
    }

    /// Whether a principal is the owner a device names. A user and a service may share an identifier: the directory,
    /// which refuses an owner that could be both, says which of them is meant.
    fn is(&self, principal: &Principal, owner: &str) -> bool {
        principal.id == owner && self.directory.person(principal.kind, owner).is_some()
    }

    fn tier(&self, principal: Option<&Principal>) -> Fact<String> {
        let Some(principal) = principal else {
            return Fact::Absent("the caller is unknown, and so is their plan".to_owned());
        };
        let directory =
            self.directory.person(principal.kind, &principal.id).and_then(|person| person.tier.as_ref());
        match directory.or(principal.tier.as_ref()) {
            Some(tier) => Fact::Known(tier.clone()),
            None => Fact::Absent(
                match principal.kind {
                    PrincipalKind::User => "neither the directory nor the credential names the user's plan",
                    PrincipalKind::Service => {
                        "neither the directory nor the credential names the service's plan"
                    }
                }
                .to_owned(),
            ),
        }
    }
}

/// An identifier comes from a token, which may be long; a reason stays short.
fn shown(id: &str) -> String {
    const SHOWN: usize = 128;
    id.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
