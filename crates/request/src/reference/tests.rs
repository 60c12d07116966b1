//! Both spellings, read back as people type them.

use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::{Reference, ReferenceError};

#[test]
fn a_new_reference_is_a_uuid_of_version_7_in_order_of_time() {
    let at = |nanos| {
        Reference::new(UNIX_EPOCH + Duration::from_millis(1_700_000_000_123) + Duration::from_nanos(nanos))
    };
    let reference = at(0);
    let uuid = uuid::Uuid::parse_str(&reference.uuid()).expect("a UUID");
    assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
    assert_eq!(reference.unix_ms(), 1_700_000_000_123);
    assert!(at(0) < at(250) && at(250) < at(500) && at(999_750) < at(1_000_000));
    assert_ne!(at(0), at(0), "the rest is random");
}

#[test]
fn before_1970_is_the_beginning_of_time() {
    assert_eq!(Reference::new(UNIX_EPOCH - Duration::from_secs(1)).unix_ms(), 0);
}

#[test]
fn people_see_five_groups() {
    let reference = Reference::from_u128(0x0190_163d_8694_739b_aea5_966c_26f8_ad91);

    assert_eq!(reference.to_string().split('-').map(str::len).collect::<Vec<_>>(), [6, 5, 5, 5, 5]);
    assert_eq!(Reference::from_u128(0).to_string(), "000000-00000-00000-00000-00000");
    assert_eq!(Reference::from_u128(31).to_string(), "000000-00000-00000-00000-0000Z");
    assert_eq!(Reference::from_u128(u128::MAX).to_string(), "7ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ");
    assert_eq!(Reference::from_u128(31).uuid(), "00000000-0000-0000-0000-00000000001f");
}

#[test]
fn misread_letters_count_as_the_digits_they_look_like() {
    let plain: Reference = "010101-01010-10101-01010-10101".parse().expect("a reference");
    assert_eq!("oIoLoi-olOiO-I0L01-o1oIo-LoioL".parse(), Ok(plain));
}

#[test]
fn errors_say_what_a_reference_looks_like() {
    for (text, hint) in [
        ("", "0 letters and digits"),
        ("06BQX7-M2K4T", "11 letters and digits"),
        ("06BQX7-M2K4T-8V3NR-1C5ZD-9WEHU", "`U`"),
        ("8ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ", "first character"),
        ("g0000000-0000-0000-0000-000000000000", "`g`"),
    ] {
        let fault = text.parse::<Reference>().expect_err(text);
        assert!(fault.to_string().contains(hint) && fault.to_string().contains("06BQX7-"), "{text}: {fault}");
    }
    let long = "0".repeat(100_000).parse::<Reference>();
    assert!(matches!(long, Err(ReferenceError::Length { found: 33, .. })));
}

proptest! {
    #[test]
    fn every_spelling_reads_back(bits in any::<u128>()) {
        let reference = Reference::from_u128(bits);
        let text = reference.to_string();
        let spellings =
            [text.clone(), text.to_lowercase(), text.replace('-', ""), text.replace('-', " "), reference.uuid(),
             reference.uuid().to_uppercase(), reference.uuid().replace('-', "")];
        for spelling in spellings {
            prop_assert_eq!(spelling.parse(), Ok(reference), "{}", spelling);
        }
    }

    #[test]
    fn text_sorts_as_references_do(left in any::<u128>(), right in any::<u128>()) {
        let (left, right) = (Reference::from_u128(left), Reference::from_u128(right));
        prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
    }
}
