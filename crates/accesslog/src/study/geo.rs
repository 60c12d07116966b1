//! Countries and owners of networks, from MaxMind databases that the user has.

use std::net::IpAddr;
use std::path::Path;

use maxminddb::geoip2;

/// One or more databases: of countries or cities, of autonomous systems.
#[derive(Debug, Default)]
pub struct Geo {
    databases: Vec<maxminddb::Reader<Vec<u8>>>,
}

/// Where an address is, as far as it is known.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) country: String,
    pub(crate) owner: String,
}

impl Geo {
    /// Adds a database.
    ///
    /// # Errors
    /// Says why it cannot be read.
    pub fn open(&mut self, path: &Path) -> Result<(), String> {
        let database = maxminddb::Reader::open_readfile(path)
            .map_err(|fault| format!("cannot read the database `{}`: {fault}", path.display()))?;
        self.databases.push(database);
        Ok(())
    }

    /// Where an address is.
    pub(crate) fn place(&self, address: IpAddr) -> Place {
        let mut place = Place::default();
        for database in &self.databases {
            let Ok(found) = database.lookup(address) else { continue };
            if database.metadata().database_type.contains("ASN") {
                if let Ok(Some(asn)) = found.decode::<geoip2::Asn<'_>>()
                    && let Some(number) = asn.autonomous_system_number
                {
                    let name = asn.autonomous_system_organization.unwrap_or_default();
                    place.owner = format!("AS{number} {name}").trim_end().to_owned();
                }
            } else if let Ok(Some(country)) = found.decode::<geoip2::Country<'_>>()
                && let Some(code) = country.country.iso_code
            {
                place.country = code.to_owned();
            }
        }
        place
    }
}
