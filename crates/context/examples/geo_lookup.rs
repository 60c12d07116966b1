//! Measures a geo database: `cargo run --release -p portcullis-context --example geo_lookup -- FILE…`.
//!
//! Prints what each file is, how long it takes to open and verify, how long a look-up takes over random addresses, and
//! the memory of the process. Needs a real database, and is therefore an example and no test.

// An example is a command: it prints, and it ends where it cannot go on.
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Instant, SystemTime};

use portcullis_context::{Fact, GeoDatabase, GeoSources};

const LOOK_UPS: u64 = 1_000_000;

fn main() {
    let before = resident();
    let mut databases = Vec::new();
    for path in std::env::args().skip(1) {
        let start = Instant::now();
        let database = GeoDatabase::open(&path).expect("a geo database");
        println!(
            "{path}: {}, built {}, {} MiB, opened and verified in {} ms, reads {}",
            database.database_type(),
            database.build_epoch(),
            database.size() >> 20,
            start.elapsed().as_millis(),
            database.layout()
        );
        databases.push(database);
    }
    println!("resident memory: {before} KiB before, {} KiB with the databases", resident());
    let sources = GeoSources::new(databases, None);
    measure(&sources, "IPv4", |random| IpAddr::V4(Ipv4Addr::from_bits((random >> 32) as u32)));
    measure(&sources, "IPv6", |random| {
        // Global unicast (2000::/3), where databases have networks.
        IpAddr::V6(Ipv6Addr::from_bits((0x2000_u128 << 112) | (u128::from(random) << 61)))
    });
}

fn measure(sources: &GeoSources, family: &str, address: impl Fn(u64) -> IpAddr) {
    let now = SystemTime::now();
    let (mut known, mut unavailable) = (0_u64, 0_u64);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let start = Instant::now();
    for _ in 0..LOOK_UPS {
        // xorshift64: the same addresses in every run.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let place = black_box(sources.place(address(random), now));
        known += u64::from(matches!(place.country, Fact::Known(_)) || matches!(place.asn, Fact::Known(_)));
        let faults = [
            matches!(place.country, Fact::Unavailable(_)),
            matches!(place.region, Fact::Unavailable(_)),
            matches!(place.asn, Fact::Unavailable(_)),
        ];
        unavailable += u64::from(faults.contains(&true));
    }
    let nanoseconds = start.elapsed().as_nanos() / u128::from(LOOK_UPS);
    println!("{family}: {nanoseconds} ns a look-up, {known} of {LOOK_UPS} known, {unavailable} unavailable");
}

/// Resident memory in KiB where the system tells (Linux), else 0.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
