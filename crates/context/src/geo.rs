//! Geo databases.

use crate::Fact;

/// What the geo databases say about an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166-1 alpha-2: `US`.
    pub country: Fact<String>,
    /// ISO 3166-2 without the country: `CA`.
    pub region: Fact<String>,
    /// Autonomous system number.
    pub asn: Fact<u32>,
}
