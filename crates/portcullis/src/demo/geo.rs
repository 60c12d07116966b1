//! The demo's geo databases, made when it starts: documentation addresses (RFC 5737) spread over a few places.

use std::path::Path;
use std::time::{Duration, SystemTime};

use ipnet::IpNet;
use mmdb_writer::{Value, Writer};

use super::{DemoError, io};

/// Where the demo's addresses are. Loopback is in Germany, so that a plain `curl` comes from there.
const COUNTRIES: &[(&str, &str)] =
    &[("127.0.0.0/8", "DE"), ("203.0.113.0/24", "US"), ("198.51.100.0/24", "FR"), ("192.0.2.0/24", "CA")];

/// What the region database said when it was made.
const REGIONS: &[(&str, &str, &str)] = &[("203.0.113.0/24", "US", "CA"), ("127.0.0.0/8", "DE", "BE")];

/// How long ago the region database was made: far beyond `geo.max_age`, so that its facts are unavailable.
const REGION_AGE: Duration = Duration::from_secs(3 * 365 * 24 * 60 * 60);

/// Writes both databases into `folder`.
pub(super) fn write(folder: &Path) -> Result<(), DemoError> {
    let mut countries = Writer::builder("Demo-Country").build();
    for (network, country) in COUNTRIES {
        let record = Value::map([("country", Value::map([("iso_code", text(country))]))]);
        insert(&mut countries, network, record)?;
    }
    let mut regions = Writer::builder("Demo-City").build_epoch(SystemTime::now() - REGION_AGE).build();
    for (network, country, region) in REGIONS {
        let record = Value::map([
            ("country", Value::map([("iso_code", text(country))])),
            ("subdivisions", Value::array([Value::map([("iso_code", text(region))])])),
        ]);
        insert(&mut regions, network, record)?;
    }
    std::fs::create_dir_all(folder).map_err(io("make the geo folder"))?;
    for (name, database) in [("country.mmdb", countries), ("region.mmdb", regions)] {
        let bytes = database.to_bytes().map_err(|fault| DemoError::World(fault.to_string()))?;
        std::fs::write(folder.join(name), bytes).map_err(io("write a geo database"))?;
    }
    Ok(())
}

fn insert(database: &mut Writer, network: &str, record: Value) -> Result<(), DemoError> {
    let world = |fault: String| DemoError::World(format!("geo network `{network}`: {fault}"));
    let parsed: IpNet = network.parse().map_err(|fault: ipnet::AddrParseError| world(fault.to_string()))?;
    database.insert_value(parsed, record).map_err(|fault| world(fault.to_string()))
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}
