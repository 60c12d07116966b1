mod damage;

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ipnet::IpNet;
use mmdb_writer::{IpVersion, Value, Writer};

use super::{Describes, GeoDatabase, GeoError, GeoSources, Place};
use crate::Fact;

const BUILT: Duration = Duration::from_secs(1_790_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn now() -> SystemTime {
    UNIX_EPOCH + BUILT + DAY
}

fn bytes_of(version: IpVersion, database_type: &str, records: &[(&str, Value)]) -> Vec<u8> {
    let mut writer =
        Writer::builder(database_type).ip_version(version).build_epoch(UNIX_EPOCH + BUILT).build();
    for (network, record) in records {
        writer.insert_value(network.parse::<IpNet>().unwrap(), record.clone()).unwrap();
    }
    writer.to_bytes().unwrap()
}

fn database(database_type: &str, records: &[(&str, Value)]) -> GeoDatabase {
    GeoDatabase::from_bytes("folder/test.mmdb", bytes_of(IpVersion::V6, database_type, records)).unwrap()
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::map(entries)
}

fn names(english: &str) -> Value {
    map([("names", map([("en", text(english))]))])
}

fn iso(code: &str) -> Value {
    map([("iso_code", text(code))])
}

fn place(database: &GeoDatabase, address: &str) -> Place {
    GeoSources::new(vec![database.clone()], None).place(address.parse().unwrap(), now())
}

fn country(database: &GeoDatabase, address: &str) -> Fact<String> {
    place(database, address).country
}

fn known<T>(value: impl Into<T>) -> Fact<T> {
    Fact::Known(value.into())
}

fn absent<T>(why: &str) -> Fact<T> {
    Fact::Absent(why.to_owned())
}

fn only_country() -> Describes {
    Describes { country: true, ..Describes::default() }
}

/// Records of MaxMind's City databases; the network of an operator registered elsewhere among them.
fn city() -> GeoDatabase {
    let sacramento = map([
        ("city", names("Sacramento")),
        ("country", iso("US")),
        ("registered_country", iso("DE")),
        ("represented_country", iso("FR")),
        ("subdivisions", Value::from(vec![iso("CA"), iso("067")])),
    ]);
    database(
        "GeoLite2-City",
        &[
            ("192.0.2.0/24", sacramento),
            ("198.51.100.0/24", map([("country", iso("MC"))])),
            ("203.0.113.0/24", map([("registered_country", iso("DE"))])),
            ("2001:db8::/32", map([("country", iso("JP")), ("subdivisions", Value::from(vec![iso("13")]))])),
        ],
    )
}

#[test]
fn maxmind_city_and_country() {
    let city = city();
    assert_eq!(city.layout().to_string(), "country.iso_code, subdivisions.0.iso_code");
    assert_eq!(city.describes(), Describes { country: true, region: true, asn: false });
    assert_eq!((city.database_type(), city.build_epoch()), ("GeoLite2-City", BUILT.as_secs()));
    assert_eq!(
        place(&city, "192.0.2.1"),
        Place {
            country: known("US"),
            region: known("CA"),
            asn: absent("no geo database describes network operators")
        }
    );
    assert_eq!(place(&city, "2001:db8::1").region, known("13"));
    let monaco = place(&city, "198.51.100.1");
    assert_eq!(monaco.country, known("MC"));
    assert_eq!(monaco.region, absent("no geo database knows the region of the address"));
    assert_eq!(country(&city, "10.0.0.1"), absent("no geo database knows the country of the address"));
}

#[test]
fn where_a_network_is_registered_is_not_where_the_caller_is() {
    assert_eq!(country(&city(), "203.0.113.1"), absent("no geo database knows the country of the address"));
    assert_eq!(country(&city(), "192.0.2.1"), known("US"));
}

#[test]
fn mapped_addresses_are_the_ipv4_addresses() {
    assert_eq!(country(&city(), "::ffff:192.0.2.1"), known("US"));
    let four =
        bytes_of(IpVersion::V4, "country ipv4", &[("192.0.2.0/24", map([("country_code", text("US"))]))]);
    let four = GeoDatabase::from_bytes("four.mmdb", four).unwrap();
    assert_eq!(country(&four, "::ffff:192.0.2.1"), known("US"));
    // A database without IPv6 works and knows nothing of it.
    assert_eq!(country(&four, "2001:db8::1"), absent("no geo database knows the country of the address"));
}

#[test]
fn a_record_about_ipv6_says_nothing_of_ipv4() {
    let six = database("country ipv6", &[("::/8", map([("country_code", text("US"))]))]);
    assert_eq!(country(&six, "::1:2:3"), known("US"));
    assert_eq!(country(&six, "192.0.2.1"), absent("no geo database knows the country of the address"));
}

#[test]
fn db_ip_lite_has_region_names_but_no_codes() {
    let record = map([("country", iso("US")), ("subdivisions", Value::from(vec![names("California")]))]);
    let dbip = database("DBIP-City-Lite", &[("192.0.2.0/24", record)]);
    assert_eq!(dbip.describes(), only_country());
    assert_eq!(place(&dbip, "192.0.2.1").region, absent("no geo database describes regions"));
    let asn = database(
        "DBIP-ASN-Lite (compat=GeoLite2-ASN)",
        &[("192.0.2.0/24", map([("autonomous_system_number", Value::from(64_500_u32))]))],
    );
    assert_eq!(place(&asn, "192.0.2.1").asn, known(64_500_u32));
    assert_eq!(place(&asn, "192.0.2.1").country, absent("no geo database describes countries"));
}

#[test]
fn maxmind_enterprise_keeps_the_operator_among_traits() {
    let traits = map([("autonomous_system_number", Value::from(64_500_u32))]);
    let enterprise =
        database("GeoIP2-Enterprise", &[("192.0.2.0/24", map([("country", iso("US")), ("traits", traits)]))]);
    assert_eq!(enterprise.layout().to_string(), "country.iso_code, traits.autonomous_system_number");
    assert_eq!(place(&enterprise, "192.0.2.1").asn, known(64_500_u32));
}

#[test]
fn iplocate_in_both_ways_of_writing_a_number() {
    let countries = database(
        "iplocate-ip-to-country",
        &[("192.0.2.0/24", map([("country_code", text("US")), ("network", text("x"))]))],
    );
    assert_eq!(countries.layout().to_string(), "country_code");
    assert_eq!(country(&countries, "192.0.2.1"), known("US"));
    for number in [Value::from(64_500_u32), Value::from(64_500_u64), text("64500"), text("AS64500")] {
        let record = map([("asn", number.clone()), ("country_code", text("DE"))]);
        let asn = database("iplocate-ip-to-asn", &[("192.0.2.0/24", record)]);
        assert_eq!(place(&asn, "192.0.2.1").asn, known(64_500_u32), "{number:?}");
        // Its country is the operator's.
        assert_eq!(place(&asn, "192.0.2.1").country, absent("no geo database describes countries"));
    }
}

#[test]
fn ipinfo_in_its_two_editions() {
    let lite = map([
        ("asn", text("AS64500")),
        ("country", text("United States")),
        ("country_code", text("US")),
        ("continent_code", text("NA")),
    ]);
    let lite = database("ipinfo lite.mmdb", &[("192.0.2.0/24", lite)]);
    assert_eq!(lite.layout().to_string(), "country_code, asn");
    assert_eq!(
        (place(&lite, "192.0.2.1").country, place(&lite, "192.0.2.1").asn),
        (known("US"), known(64_500_u32))
    );
    let older =
        map([("asn", text("AS64500")), ("country", text("US")), ("country_name", text("United States"))]);
    let older = database("ipinfo generic_country_asn.mmdb", &[("192.0.2.0/24", older)]);
    assert_eq!(older.layout().to_string(), "country, asn");
    assert_eq!(country(&older, "192.0.2.1"), known("US"));
}

#[test]
fn ip_location_db_flat_layouts() {
    let city =
        map([("city", text("Sacramento")), ("country_code", text("US")), ("state1", text("California"))]);
    let city = database("city ipvAll", &[("192.0.2.0/24", city)]);
    assert_eq!((city.layout().to_string().as_str(), city.describes()), ("country_code", only_country()));
    let asn = map([
        ("autonomous_system_number", Value::from(64_500_u32)),
        ("autonomous_system_organization", text("Example")),
    ]);
    let asn = database("asn ipvAll", &[("192.0.2.0/24", asn)]);
    assert_eq!(asn.describes(), Describes { asn: true, ..Describes::default() });
    assert_eq!(place(&asn, "192.0.2.1").asn, known(64_500_u32));
}

#[test]
fn the_words_for_nothing_are_absent() {
    for nothing in ["", "ZZ", "XX"] {
        let records = [("192.0.2.0/24", map([("country_code", text(nothing))]))];
        assert!(matches!(country(&database("country", &records), "192.0.2.1"), Fact::Absent(_)), "{nothing}");
    }
    for nothing in [Value::from(0_u32), text(""), text("0"), text("AS0")] {
        let records = [("192.0.2.0/24", map([("asn", nothing.clone())]))];
        assert!(matches!(place(&database("asn", &records), "192.0.2.1").asn, Fact::Absent(_)), "{nothing:?}");
    }
}

#[test]
fn malformed_records_are_unavailable() {
    let good = ("192.0.2.0/24", map([("country_code", text("US"))]));
    for bad in [
        text("us"),
        text("USA"),
        text("U"),
        text("U1"),
        text("ÜS"),
        Value::from(1_u32),
        map([("x", text("US"))]),
    ] {
        let database =
            database("country", &[good.clone(), ("198.51.100.0/24", map([("country_code", bad.clone())]))]);
        let Fact::Unavailable(why) = country(&database, "198.51.100.1") else {
            panic!("{bad:?} was believed")
        };
        assert!(why.starts_with("malformed record in geo database `test.mmdb`: "), "{why}");
        assert_eq!(country(&database, "192.0.2.1"), known("US"));
    }
    let good = ("192.0.2.0/24", map([("asn", text("AS64500"))]));
    for bad in [
        text("ASN64500"),
        text("AS"),
        text("+5"),
        text("AS4294967296"),
        Value::from(-1_i32),
        Value::from(true),
    ] {
        let database = database("asn", &[good.clone(), ("198.51.100.0/24", map([("asn", bad.clone())]))]);
        assert!(matches!(place(&database, "198.51.100.1").asn, Fact::Unavailable(_)), "{bad:?}");
    }
    let regions = |code: &str| map([("country", iso("US")), ("subdivisions", Value::from(vec![iso(code)]))]);
    for bad in ["ca", "US-CA", "CALI"] {
        let database =
            database("City", &[("192.0.2.0/24", regions("CA")), ("198.51.100.0/24", regions(bad))]);
        assert!(matches!(place(&database, "198.51.100.1").region, Fact::Unavailable(_)), "{bad}");
        assert_eq!(country(&database, "198.51.100.1"), known("US"));
    }
}

#[test]
fn the_first_that_knows_is_believed() {
    let corrections = database("country", &[("192.0.2.0/25", map([("country_code", text("DE"))]))]);
    let asn = database("asn", &[("192.0.2.0/24", map([("asn", Value::from(64_500_u32))]))]);
    let sources = GeoSources::new(vec![corrections, asn, city()], None);
    let at = |address: &str| sources.place(address.parse().unwrap(), now());
    assert_eq!(at("192.0.2.1"), Place { country: known("DE"), region: known("CA"), asn: known(64_500_u32) });
    assert_eq!(at("192.0.2.200").country, known("US"));
    assert_eq!(sources.databases().count(), 3);
    assert_eq!(sources.describes(), Describes::everything());
}

#[test]
fn a_source_that_cannot_tell_is_not_passed_over() {
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let failed = GeoSources::default().with_unavailable(only_country(), "corrections.mmdb could not be read");
    assert_eq!(
        failed.place(address, now()),
        Place {
            country: Fact::Unavailable("corrections.mmdb could not be read".to_owned()),
            region: absent("no geo database describes regions"),
            asn: absent("no geo database describes network operators"),
        }
    );
    let place = failed.with_database(city()).place(address, now());
    assert!(matches!(place.country, Fact::Unavailable(_)));
    assert_eq!(place.region, known("CA"));
    // After one that knows it is not asked.
    let after = GeoSources::new(vec![city()], None).with_unavailable(Describes::everything(), "gone");
    assert_eq!(after.place(address, now()).country, known("US"));
    assert_eq!(after.place(address, now()).asn, Fact::Unavailable("gone".to_owned()));
}

#[test]
fn nothing_configured_is_absent() {
    let place = GeoSources::default().place("192.0.2.1".parse().unwrap(), now());
    assert_eq!(place.country, absent("no geo database describes countries"));
}

#[test]
fn age_is_limited() {
    let at = |max_age, now| {
        GeoSources::new(vec![city()], max_age).place("192.0.2.1".parse().unwrap(), now).country
    };
    let built = UNIX_EPOCH + BUILT;
    let month = Some(DAY * 30);
    assert_eq!(at(month, built + DAY * 30), known("US"));
    assert_eq!(
        at(month, built + DAY * 31),
        Fact::Unavailable("geo database `test.mmdb` is 31 days old and believed for 30".to_owned())
    );
    assert_eq!(at(None, built + DAY * 3650), known("US"));
    // A day of disagreement between clocks is forgiven; a date far ahead would never grow old.
    assert_eq!(at(month, built - DAY), known("US"));
    assert!(matches!(at(month, built - DAY * 2), Fact::Unavailable(_)));
    assert!(matches!(at(month, UNIX_EPOCH - DAY), Fact::Unavailable(_)));
    assert_eq!(at(None, UNIX_EPOCH - DAY), known("US"));
}

#[test]
fn a_database_without_a_date_has_no_age() {
    let mut writer = Writer::builder("country").build_epoch(UNIX_EPOCH).build();
    writer
        .insert_value("192.0.2.0/24".parse::<IpNet>().unwrap(), map([("country_code", text("US"))]))
        .unwrap();
    let undated = GeoDatabase::from_bytes("undated.mmdb", writer.to_bytes().unwrap()).unwrap();
    let sources = GeoSources::new(vec![undated.clone()], Some(DAY));
    assert!(matches!(sources.place("192.0.2.1".parse().unwrap(), now()).country, Fact::Unavailable(_)));
    assert_eq!(country(&undated, "192.0.2.1"), known("US"));
}

#[test]
fn descriptions_are_not_required() {
    // The writer leaves them empty unless told; some publishers fill them.
    let mut writer = Writer::builder("country").description(&[("en", "described")]).build();
    writer
        .insert_value("192.0.2.0/24".parse::<IpNet>().unwrap(), map([("country_code", text("US"))]))
        .unwrap();
    let described = GeoDatabase::from_bytes("described.mmdb", writer.to_bytes().unwrap()).unwrap();
    assert_eq!(country(&described, "192.0.2.1"), known("US"));
}

#[test]
fn a_file_is_opened_whole_and_survives_what_happens_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("country.mmdb");
    std::fs::write(
        &path,
        bytes_of(IpVersion::V6, "country", &[("192.0.2.0/24", map([("country_code", text("US"))]))]),
    )
    .unwrap();
    let opened = GeoDatabase::open(&path).unwrap();
    std::fs::write(&path, b"").unwrap();
    assert_eq!(country(&opened, "192.0.2.1"), known("US"));
    let emptied = GeoDatabase::open(&path).unwrap_err().to_string();
    assert!(
        emptied.contains("country.mmdb") && emptied.contains("the file is empty: download it again"),
        "{emptied}"
    );
    std::fs::remove_file(&path).unwrap();
    let missing = GeoDatabase::open(&path).unwrap_err();
    assert!(matches!(missing, GeoError::Unreadable { .. }));
    assert!(missing.to_string().contains("hint: check the path"), "{missing}");
}

#[test]
fn errors_name_the_file_and_what_to_do() {
    let said = |bytes: &[u8]| GeoDatabase::from_bytes("geo/x.mmdb", bytes.to_vec()).unwrap_err().to_string();
    for (bytes, hint) in [
        (&b"\x1f\x8b\x08\x00 compressed"[..], "unpack it"),
        (b"PK\x03\x04 archive", "unpack it"),
        (b"<!doctype html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"nonsense", "download it again"),
    ] {
        let error = said(bytes);
        assert!(error.starts_with("geo database `geo/x.mmdb` is damaged or incomplete: "), "{error}");
        assert!(error.contains(hint), "{error}");
    }
    let other =
        bytes_of(IpVersion::V6, "Anonymous-IP", &[("192.0.2.0/24", map([("is_vpn", Value::from(true))]))]);
    assert_eq!(
        said(&other),
        "geo database `geo/x.mmdb` (type `Anonymous-IP`) describes neither country, region nor network operator\n\
         hint: use a Country, City or ASN database of MaxMind, DB-IP, IPLocate, IPinfo or ip-location-db"
    );
    let empty = bytes_of(IpVersion::V6, "country", &[]);
    assert!(matches!(GeoDatabase::from_bytes("x", empty), Err(GeoError::Undescriptive { .. })));
}
