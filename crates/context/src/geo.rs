//! Where an address is, from databases in memory: country, region, network operator.
//!
//! Several databases are asked in order and the first that knows an attribute is believed. `registered_country` and
//! `represented_country` are deliberately not read: they say who holds the network (a satellite operator, an embassy),
//! not where the caller is, and a rule about places must not be decided by paperwork.
//! INVARIANT: a database that cannot tell makes its attributes unavailable; a later one would only guess what it would
//! have said, which matters where the first holds the operator's corrections.

mod database;
mod layout;
mod told;

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

pub use database::{GeoDatabase, GeoError};
pub use layout::{Describes, Layout};

use crate::Fact;
use told::{Answers, Told};

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

/// The configured databases, in the order in which they are believed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct GeoSources {
    sources: Vec<Source>,
    max_age: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Source {
    Database(GeoDatabase),
    Unavailable { describes: Describes, reason: String },
}

impl GeoSources {
    /// Believes `databases` in this order, each until `max_age` after it was built. Without a limit they are believed
    /// for ever: how fast places change is the operator's to judge.
    #[must_use]
    pub fn new(databases: Vec<GeoDatabase>, max_age: Option<Duration>) -> Self {
        Self { sources: databases.into_iter().map(Source::Database).collect(), max_age }
    }

    /// Adds, as the next in order, a database that is configured and could not be loaded: what it would describe is
    /// unavailable for `reason` unless a database before it knows.
    #[must_use]
    pub fn with_unavailable(mut self, describes: Describes, reason: impl Into<String>) -> Self {
        self.sources.push(Source::Unavailable { describes, reason: reason.into() });
        self
    }

    /// Adds a database as the next in order.
    #[must_use]
    pub fn with_database(mut self, database: GeoDatabase) -> Self {
        self.sources.push(Source::Database(database));
        self
    }

    /// The databases that are loaded, in order.
    pub fn databases(&self) -> impl Iterator<Item = &GeoDatabase> {
        self.sources.iter().filter_map(|source| match source {
            Source::Database(database) => Some(database),
            Source::Unavailable { .. } => None,
        })
    }

    /// Whether a database of ours is too old to be believed at `now`.
    #[must_use]
    pub fn is_stale(&self, database: &GeoDatabase, now: SystemTime) -> bool {
        let built = SystemTime::UNIX_EPOCH + Duration::from_secs(database.build_epoch());
        self.max_age.is_some_and(|most| now.duration_since(built).is_ok_and(|age| age > most))
    }

    /// What the configured databases describe together, loaded or not.
    #[must_use]
    pub fn describes(&self) -> Describes {
        self.sources.iter().fold(Describes::default(), |all, source| all.or(source.describes()))
    }

    /// Where an address is. An IPv4 address mapped into IPv6 is looked up as IPv4.
    #[must_use]
    pub fn place(&self, address: IpAddr, now: SystemTime) -> Place {
        let address = address.to_canonical();
        let mut answers = Answers::default();
        for source in &self.sources {
            let wanted = source.describes().and(answers.open());
            if wanted.is_nothing() {
                continue;
            }
            match source {
                Source::Unavailable { reason, .. } => answers.fail(wanted, reason),
                Source::Database(database) => match database.stale(self.max_age, now) {
                    Some(reason) => answers.fail(wanted, &reason),
                    None => database.answer(address, wanted, &mut answers),
                },
            }
        }
        let described = self.describes();
        Place {
            country: fact(answers.country, described.country, "country", "countries"),
            region: fact(answers.region, described.region, "region", "regions"),
            asn: fact(answers.asn, described.asn, "network operator", "network operators"),
        }
    }
}

impl Source {
    fn describes(&self) -> Describes {
        match self {
            Self::Database(database) => database.describes(),
            Self::Unavailable { describes, .. } => *describes,
        }
    }
}

fn fact<T>(told: Told<T>, described: bool, one: &str, many: &str) -> Fact<T> {
    match told {
        Told::Known(value) => Fact::Known(value),
        Told::Fault(reason) => Fact::Unavailable(reason),
        Told::Nothing if described => Fact::Absent(format!("no geo database knows the {one} of the address")),
        Told::Nothing => Fact::Absent(format!("no geo database describes {many}")),
    }
}

#[cfg(test)]
mod tests;
