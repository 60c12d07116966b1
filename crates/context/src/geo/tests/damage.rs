//! Files that are cut or overwritten.

use std::net::IpAddr;

use mmdb_writer::{IpVersion, Value};
use proptest::prelude::*;

use super::{bytes_of, iso, map, names, now};
use crate::{Fact, GeoDatabase, GeoError, GeoSources};

fn sample() -> Vec<u8> {
    let record = |country: &str, region: &str| {
        map([
            ("country", iso(country)),
            ("subdivisions", Value::from(vec![iso(region)])),
            ("city", names("Somewhere")),
        ])
    };
    bytes_of(
        IpVersion::V6,
        "GeoLite2-City",
        &[
            ("192.0.2.0/24", record("US", "CA")),
            ("198.51.100.0/25", record("DE", "HH")),
            ("2001:db8::/32", record("JP", "13")),
        ],
    )
}

#[test]
fn every_truncation_is_an_error() {
    let whole = sample();
    GeoDatabase::from_bytes("whole.mmdb", whole.clone()).unwrap();
    for length in 0..whole.len() {
        let cut = GeoDatabase::from_bytes("cut.mmdb", whole[..length].to_vec());
        assert!(matches!(cut, Err(GeoError::Damaged { .. })), "cut to {length} of {}: {cut:?}", whole.len());
    }
}

proptest! {
    #[test]
    fn damage_never_panics(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        gap in proptest::option::of((any::<prop::sample::Index>(), 1..64_usize)),
        addresses in proptest::collection::vec(any::<u128>(), 8),
    ) {
        let mut bytes = sample();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((at, length)) = gap {
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.drain(at..end);
        }
        // There is no checksum in the format: what passes may answer differently, but as facts.
        if let Ok(database) = GeoDatabase::from_bytes("damaged.mmdb", bytes) {
            let fixed = ["192.0.2.1", "198.51.100.1", "2001:db8::1"].map(|address| address.parse::<IpAddr>().unwrap());
            let random = addresses.iter().map(|bits| IpAddr::from(bits.to_be_bytes()));
            for address in fixed.into_iter().chain(random) {
                let place = GeoSources::new(vec![database.clone()], None).place(address, now());
                if let Fact::Known(country) = place.country {
                    prop_assert!(country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()));
                }
            }
        }
    }
}
