use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use portcullis_identity::{How, Principal, PrincipalKind};

use super::Situator;
use crate::{Describes, Directory, Fact, GeoSources, TimeZone, Zones};

const DIRECTORY: &str = r#"
[[user]]
id = "ann"
tier = "gold"
[[user]]
id = "bob"
[[service]]
id = "robot"
tier = "batch"
[[device]]
id = "anns-laptop"
owner = "ann"
managed = true
last_seen = 2026-03-01T09:30:00Z
[[device]]
id = "kiosk"
compliant = false
[[device]]
id = "robots-box"
owner = "robot"
"#;

fn situator() -> Situator {
    let directory = Directory::load(&[("people.toml".to_owned(), DIRECTORY.to_owned())]).unwrap();
    let zones =
        Zones::new(BTreeMap::from([("office".to_owned(), vec!["10.0.0.0/8".parse().unwrap()])])).unwrap();
    let geo = GeoSources::default().with_unavailable(
        Describes { country: true, ..Describes::default() },
        "`country.mmdb` could not be read",
    );
    Situator::new(geo, zones, Arc::new(directory), TimeZone::named("Europe/Berlin").unwrap())
}

fn principal(kind: PrincipalKind, id: &str) -> Principal {
    Principal {
        kind,
        id: id.to_owned(),
        how: How::ApiKey { prefix: "test".to_owned() },
        attributes: BTreeMap::new(),
        groups: Vec::new(),
        roles: Vec::new(),
        tier: None,
        device: None,
        scopes: Vec::new(),
        acr: None,
        amr: Vec::new(),
        auth_time: None,
        expires: None,
    }
}

fn user_on(id: &str, device: &str) -> Principal {
    Principal { device: Some(device.to_owned()), ..principal(PrincipalKind::User, id) }
}

fn device(principal: &Principal) -> Fact<String> {
    match situator().situate(Some(principal), client(), SystemTime::UNIX_EPOCH).device {
        Fact::Known(device) => Fact::Known(device.id),
        Fact::Absent(why) => Fact::Absent(why),
        Fact::Unavailable(why) => Fact::Unavailable(why),
    }
}

fn tier(principal: &Principal) -> Fact<String> {
    situator().situate(Some(principal), client(), SystemTime::UNIX_EPOCH).tier
}

fn client() -> IpAddr {
    "10.1.2.3".parse().unwrap()
}

fn absent(why: &str) -> Fact<String> {
    Fact::Absent(why.to_owned())
}

fn known(value: &str) -> Fact<String> {
    Fact::Known(value.to_owned())
}

#[test]
fn everything_around_an_unknown_caller() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(12 * 3600);
    let situation = situator().situate(None, "::ffff:10.1.2.3".parse().unwrap(), now);
    assert_eq!(situation.place.country, Fact::Unavailable("`country.mmdb` could not be read".to_owned()));
    assert_eq!(situation.place.region, absent("no geo database describes regions"));
    assert_eq!(situation.zones, ["office"]);
    assert!(matches!(situation.device, Fact::Absent(_)));
    assert!(matches!(situation.tier, Fact::Absent(_)));
    assert_eq!((situation.moment.minute, situation.moment.weekday), (13 * 60, 4));
}

#[test]
fn a_device_counts_for_its_owner_alone() {
    assert_eq!(device(&user_on("ann", "anns-laptop")), known("anns-laptop"));
    assert_eq!(
        device(&user_on("bob", "anns-laptop")),
        absent("device `anns-laptop` belongs to somebody else")
    );
    assert_eq!(device(&user_on("ann", "robots-box")), absent("device `robots-box` belongs to somebody else"));
    let robot =
        Principal { device: Some("robots-box".to_owned()), ..principal(PrincipalKind::Service, "robot") };
    assert_eq!(device(&robot), known("robots-box"));
}

#[test]
fn a_service_that_is_called_like_a_user_has_not_their_device() {
    let impostor = Principal { kind: PrincipalKind::Service, ..user_on("ann", "anns-laptop") };
    assert_eq!(device(&impostor), absent("device `anns-laptop` belongs to somebody else"));
}

#[test]
fn a_device_of_nobody_counts_for_everybody() {
    assert_eq!(device(&user_on("ann", "kiosk")), known("kiosk"));
    assert_eq!(device(&user_on("stranger", "kiosk")), known("kiosk"));
}

#[test]
fn no_device_and_an_unknown_one_are_absent() {
    assert_eq!(device(&principal(PrincipalKind::User, "ann")), absent("the credential names no device"));
    assert_eq!(device(&user_on("ann", "ghost")), absent("device `ghost` is not in the directory"));
    let Fact::Absent(why) = device(&user_on("ann", &"x".repeat(10_000))) else { panic!("a device") };
    assert!(why.len() < 300);
}

#[test]
fn posture_is_the_directory_s() {
    let situation =
        situator().situate(Some(&user_on("ann", "anns-laptop")), client(), SystemTime::UNIX_EPOCH);
    let Fact::Known(device) = situation.device else { panic!("no device") };
    assert_eq!((device.managed, device.compliant, device.encrypted), (Some(true), None, None));
    assert_eq!(device.last_seen_ms, Some(1_772_357_400_000));
}

#[test]
fn the_directory_names_the_plan_before_the_token() {
    let claims = |kind, id| Principal { tier: Some("platinum".to_owned()), ..principal(kind, id) };
    assert_eq!(tier(&claims(PrincipalKind::User, "ann")), known("gold"));
    assert_eq!(tier(&claims(PrincipalKind::User, "bob")), known("platinum"));
    assert_eq!(tier(&claims(PrincipalKind::User, "stranger")), known("platinum"));
    // A service of that name is somebody else.
    assert_eq!(tier(&claims(PrincipalKind::Service, "ann")), known("platinum"));
    assert_eq!(tier(&claims(PrincipalKind::Service, "robot")), known("batch"));
    assert!(matches!(tier(&principal(PrincipalKind::User, "bob")), Fact::Absent(_)));
}
