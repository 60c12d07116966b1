//! Everything around one request, gathered.

use crate::{Device, Fact, Moment, Place};

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

// pub struct Situator { /* GeoSources, Zones, Arc<Directory>, TimeZone, device freshness limit */ }
// impl Situator {
//     /// Gathers the facts; touches neither network nor disk.
//     pub fn situate(&self, principal: Option<&Principal>, client: IpAddr, now: SystemTime) -> Situation;
// }
