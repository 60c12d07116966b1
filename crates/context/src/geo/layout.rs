//! Where a database keeps what it knows. The MMDB format fixes how records are written, not what stands in them, so
//! the layout is found by looking at records when the database is opened, and does not change afterwards.
//!
//! The name of the publisher is not asked for: DB-IP's free city database says `City` and has no region codes.

use std::collections::HashSet;
use std::fmt;

use maxminddb::{LookupResult, PathElement, Reader};

use super::told::Number;

/// Which attributes of a place a source describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Describes {
    /// The country.
    pub country: bool,
    /// The region within it.
    pub region: bool,
    /// The autonomous system.
    pub asn: bool,
}

impl Describes {
    /// Everything a source can describe: for a database that could not be read, when nobody knows what is in it.
    #[must_use]
    pub fn everything() -> Self {
        Self { country: true, region: true, asn: true }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self {
            country: self.country || other.country,
            region: self.region || other.region,
            asn: self.asn || other.asn,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            country: self.country && other.country,
            region: self.region && other.region,
            asn: self.asn && other.asn,
        }
    }

    pub(super) fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// Where in a record each attribute stands. Prints as `country.iso_code, subdivisions.0.iso_code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub(super) country: Option<Path>,
    pub(super) region: Option<Path>,
    pub(super) asn: Option<Path>,
}

/// The way to one attribute of a record.
pub(super) type Path = &'static [PathElement<'static>];

use PathElement::{Index, Key};

/// MaxMind and DB-IP; IPLocate and ip-location-db; IPinfo. The most specific first.
const COUNTRY: [Path; 3] = [&[Key("country"), Key("iso_code")], &[Key("country_code")], &[Key("country")]];
/// The first subdivision is the largest. Flat layouts have names only (`state1`), except IPinfo's.
const REGION: [Path; 2] = [&[Key("subdivisions"), Index(0), Key("iso_code")], &[Key("region_code")]];
/// MaxMind, DB-IP and ip-location-db; MaxMind Enterprise; IPLocate and IPinfo.
const ASN: [Path; 3] =
    [&[Key("autonomous_system_number")], &[Key("traits"), Key("autonomous_system_number")], &[Key("asn")]];
/// Keys that a record about the place of an address has beside its flat country.
const OF_A_PLACE: [&str; 4] = ["country_name", "continent", "continent_code", "continent_name"];

/// Different records looked at. A country database has about 250; in a city database this many reach well beyond the
/// first regions.
const RECORDS_PROBED: usize = 4_096;
/// Networks walked to find them: a second or less.
const NETWORKS_PROBED: usize = 2_000_000;

impl Layout {
    /// Finds out by looking at records; `None` when none of them has a place in a layout we know.
    pub(super) fn probe(reader: &Reader<Vec<u8>>) -> Result<Option<Self>, maxminddb::MaxMindDbError> {
        let about_countries = reader.metadata().database_type.to_lowercase().contains("country");
        let mut seen = HashSet::new();
        let mut found = Found::default();
        for network in reader.networks(maxminddb::WithinOptions::default())?.take(NETWORKS_PROBED) {
            let record = network?;
            if record.offset().is_none_or(|offset| !seen.insert(offset)) {
                continue;
            }
            found.look(&record, about_countries);
            if seen.len() >= RECORDS_PROBED {
                break;
            }
        }
        let first = |paths: &[Path], found: &[bool]| {
            paths.iter().zip(found).find(|(_, found)| **found).map(|(path, _)| *path)
        };
        let layout = Self {
            country: first(&COUNTRY, &found.country),
            region: first(&REGION, &found.region),
            asn: first(&ASN, &found.asn),
        };
        Ok(Some(layout).filter(|layout| !layout.describes().is_nothing()))
    }

    /// Which attributes it has a place for.
    #[must_use]
    pub fn describes(&self) -> Describes {
        Describes { country: self.country.is_some(), region: self.region.is_some(), asn: self.asn.is_some() }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<String> =
            [self.country, self.region, self.asn].into_iter().flatten().map(written).collect();
        formatter.write_str(&paths.join(", "))
    }
}

fn written(path: Path) -> String {
    let part = |element: &PathElement<'_>| match element {
        Key(key) => (*key).to_owned(),
        Index(index) | PathElement::IndexFromEnd(index) => index.to_string(),
    };
    path.iter().map(part).collect::<Vec<_>>().join(".")
}

#[derive(Default)]
struct Found {
    country: [bool; COUNTRY.len()],
    region: [bool; REGION.len()],
    asn: [bool; ASN.len()],
}

impl Found {
    fn look(&mut self, record: &LookupResult<'_, Vec<u8>>, about_countries: bool) {
        let has_asn = ASN.iter().any(|path| is_number(record, path));
        // In a record about a network operator a flat country is where the operator is registered, which is not where
        // the caller is.
        let of_a_place = about_countries
            || !has_asn
            || OF_A_PLACE.iter().any(|key| is_text(record, &[Key(key)]))
            || is_text(record, COUNTRY[1]) && is_text(record, COUNTRY[2]);
        for (path, found) in COUNTRY.iter().zip(&mut self.country) {
            *found |= is_text(record, path) && (path.len() > 1 || of_a_place);
        }
        for (path, found) in REGION.iter().zip(&mut self.region) {
            *found |= is_text(record, path);
        }
        for (path, found) in ASN.iter().zip(&mut self.asn) {
            *found |= is_number(record, path);
        }
    }
}

fn is_text(record: &LookupResult<'_, Vec<u8>>, path: &[PathElement<'_>]) -> bool {
    matches!(record.decode_path::<&str>(path), Ok(Some(_)))
}

fn is_number(record: &LookupResult<'_, Vec<u8>>, path: &[PathElement<'_>]) -> bool {
    matches!(record.decode_path::<Number>(path), Ok(Some(_)))
}
