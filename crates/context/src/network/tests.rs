use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;

use super::{MAX_NETWORKS, ZoneError, Zones, network};

fn zones(named: &[(&str, &[&str])]) -> Zones {
    let named = named.iter().map(|(name, networks)| {
        ((*name).to_owned(), networks.iter().map(|written| network(written).unwrap()).collect())
    });
    Zones::new(named.collect()).unwrap()
}

fn address(written: &str) -> IpAddr {
    written.parse().unwrap()
}

#[test]
fn an_address_is_in_every_zone_that_holds_it() {
    let zones = zones(&[
        ("vpn", &["10.8.0.0/16", "2001:db8:8::/48"]),
        ("office", &["10.0.0.0/8", "192.0.2.7"]),
        ("everyone", &["0.0.0.0/0", "::/0"]),
        ("nobody", &[]),
    ]);
    assert_eq!(zones.of(address("10.8.1.1")), ["everyone", "office", "vpn"]);
    assert_eq!(zones.of(address("10.9.1.1")), ["everyone", "office"]);
    assert_eq!(zones.of(address("192.0.2.7")), ["everyone", "office"]);
    assert_eq!(zones.of(address("192.0.2.8")), ["everyone"]);
    assert_eq!(zones.of(address("2001:db8:8::1")), ["everyone", "vpn"]);
    assert_eq!(zones.names().collect::<Vec<_>>(), ["everyone", "nobody", "office", "vpn"]);
    assert!(Zones::default().of(address("10.8.1.1")).is_empty());
}

#[test]
fn a_mapped_address_is_the_ipv4_address() {
    let zones = zones(&[("four", &["10.0.0.0/8"]), ("six", &["::/0"])]);
    assert_eq!(zones.of(address("::ffff:10.1.2.3")), ["four"]);
    // Deprecated "compatible" addresses are IPv6 and nothing else.
    assert_eq!(zones.of(address("::10.1.2.3")), ["six"]);
}

#[test]
fn a_network_named_twice_counts_once() {
    let zones = zones(&[("a", &["10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/9"])]);
    assert_eq!(zones.of(address("10.0.0.1")), ["a"]);
}

#[test]
fn errors_say_what_to_write() {
    let said = |written: &str| network(written).unwrap_err().to_string();
    assert_eq!(
        said("10.0.0.1/8"),
        "`10.0.0.1/8` has host bits set\nhint: write `10.0.0.0/8` for the whole network, `10.0.0.1` for the one \
         address"
    );
    assert!(said("2001:db8::1/32").contains("write `2001:db8::/32`"));
    assert!(said("::ffff:10.0.0.0/104").contains("write `10.0.0.0/8`"));
    assert!(said("::ffff:10.0.0.1").contains("write `10.0.0.1/32`"));
    assert!(said("10.0.0.0/33").contains("0 to 32, not `33`"), "{}", said("10.0.0.0/33"));
    assert!(said("2001:db8::/129").contains("0 to 128"));
    assert!(said("10.0.0.0/255.0.0.0").contains("prefix length"));
    for wrong in ["", "office", "10.0.0/8", " 10.0.0.0/8", "010.0.0.0/8", "10.0.0.0/08x", "10.0.0.0/"] {
        assert!(matches!(network(wrong), Err(ZoneError::NotANetwork { .. })), "{wrong}");
    }
    assert!(said(&"1".repeat(10_000)).len() < 300);
}

#[test]
fn zones_are_checked_whole() {
    let with = |name: &str, networks: Vec<IpNet>| Zones::new(BTreeMap::from([(name.to_owned(), networks)]));
    let host_bits: IpNet = "10.0.0.1/8".parse().unwrap();
    assert!(matches!(with("office", vec![host_bits]), Err(ZoneError::HostBits { .. })));
    for name in ["", "a b", "line\nbreak", &"x".repeat(65)] {
        assert!(matches!(with(name, Vec::new()), Err(ZoneError::Name { .. })), "{name}");
    }
    let many = vec!["10.0.0.0/8".parse().unwrap(); MAX_NETWORKS + 1];
    assert_eq!(with("office", many).unwrap_err(), ZoneError::TooMany { count: MAX_NETWORKS + 1 });
}

fn any_network() -> impl Strategy<Value = IpNet> {
    // Few distinct leading bits, so that networks and addresses meet.
    let four = (0..4_u32, any::<u32>(), 0..=32_u8).prop_map(|(top, low, length)| {
        IpNet::V4(Ipv4Net::new(Ipv4Addr::from_bits((top << 30) | (low & 0xff)), length).unwrap().trunc())
    });
    let six = (0..4_u128, any::<u8>(), 0..=128_u8).prop_map(|(top, low, length)| {
        IpNet::V6(Ipv6Net::new(Ipv6Addr::from_bits((top << 125) | u128::from(low)), length).unwrap().trunc())
    });
    prop_oneof![four, six]
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0..4_u32, any::<u8>())
            .prop_map(|(top, low)| Ipv4Addr::from_bits((top << 30) | u32::from(low)).into()),
        (0..4_u128, any::<u8>())
            .prop_map(|(top, low)| Ipv6Addr::from_bits((top << 125) | u128::from(low)).into()),
        (0..4_u32, any::<u8>()).prop_map(|(top, low)| {
            Ipv4Addr::from_bits((top << 30) | u32::from(low)).to_ipv6_mapped().into()
        }),
    ]
}

proptest! {
    #[test]
    fn agrees_with_asking_every_network(
        zones in proptest::collection::btree_map("[a-e]", proptest::collection::vec(any_network(), 0..6), 0..5),
        addresses in proptest::collection::vec(any_address(), 1..20),
    ) {
        let built = Zones::new(zones.clone()).unwrap();
        for address in addresses {
            let naive: Vec<&str> = zones
                .iter()
                .filter(|(_, networks)| networks.iter().any(|network| network.contains(&address.to_canonical())))
                .map(|(name, _)| name.as_str())
                .collect();
            prop_assert_eq!(built.of(address), naive, "{}", address);
        }
    }

    #[test]
    fn reading_never_panics_and_yields_clean_networks(written in "[0-9a-f:./]{0,30}") {
        if let Ok(network) = network(&written) {
            prop_assert_eq!(network, network.trunc());
        }
    }
}
