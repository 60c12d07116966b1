use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Network, Stored, official};

fn network() -> impl Strategy<Value = Network> {
    // Few bits differ, so that ranges meet.
    let v4 = (0_u32..4, 28_u8..=32, any::<bool>()).prop_map(|(low, prefix, whole)| Network {
        address: IpAddr::from((0x0a00_0000_u32 | low).to_be_bytes()),
        prefix: if whole { 0 } else { prefix },
    });
    let v6 = (0_u128..4, 124_u8..=128, any::<bool>()).prop_map(|(low, prefix, mapped)| Network {
        address: IpAddr::from((if mapped { 0xffff_0a00_0000 | low } else { (1 << 127) | low }).to_be_bytes()),
        prefix,
    });
    prop_oneof![v4, v6]
}

fn value() -> impl Strategy<Value = Stored> {
    let plain = prop_oneof![
        any::<bool>().prop_map(Stored::Bool),
        any::<i64>().prop_map(Stored::Long),
        ".{0,4}".prop_map(|text| Stored::Text(text.into())),
        network().prop_map(Stored::Network),
        any::<i64>().prop_map(Stored::Decimal),
        any::<i64>().prop_map(Stored::Datetime),
        any::<i64>().prop_map(Stored::Duration),
    ];
    plain.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| Stored::Set(Arc::new(items.into_iter().collect()))),
            prop::collection::vec(("[ab]", inner), 0..3).prop_map(|fields| {
                let fields = fields.into_iter().map(|(name, value)| (name.into(), value));
                Stored::Record(Arc::new(super::Fields::new(fields)))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn ranges_lie_in_each_other_as_cedar_says(a in network(), b in network()) {
        let official = official::call("isInRange", &[Stored::Network(a), Stored::Network(b)]);
        prop_assert_eq!(official, Some(Stored::Bool(a.is_in(b))));
        for (function, ours) in [("isLoopback", a.is_loopback()), ("isMulticast", a.is_multicast())] {
            prop_assert_eq!(official::call(function, &[Stored::Network(a)]), Some(Stored::Bool(ours)));
        }
    }

    /// Every value reaches the reference evaluator, and comes back as it went.
    #[test]
    fn values_go_to_cedar_and_back(value in value()) {
        let there = official::official(&value);
        prop_assert!(there.is_some(), "{:?}", value);
        prop_assert_eq!(there.map(|there| official::stored(&there)), Some(value));
    }
}
