use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::{Moment, TimeZone};

fn at(zone: &str, instant: &str) -> Moment {
    let instant: jiff::Timestamp = instant.parse().unwrap();
    TimeZone::named(zone).unwrap().moment(SystemTime::try_from(instant).unwrap())
}

/// Hour, minute and ISO weekday.
fn local(zone: &str, instant: &str) -> (u16, u16, u8) {
    let moment = at(zone, instant);
    (moment.minute / 60, moment.minute % 60, moment.weekday)
}

#[test]
fn follows_daylight_saving_time_to_the_minute() {
    // Spring: 02:00 becomes 03:00 on Sunday, 29 March 2026.
    assert_eq!(local("Europe/Berlin", "2026-03-29T00:59:59Z"), (1, 59, 7));
    assert_eq!(local("Europe/Berlin", "2026-03-29T01:00:00Z"), (3, 0, 7));
    // Autumn: 03:00 becomes 02:00 on Sunday, 25 October 2026; 02:30 comes twice.
    assert_eq!(local("Europe/Berlin", "2026-10-25T00:30:00Z"), (2, 30, 7));
    assert_eq!(local("Europe/Berlin", "2026-10-25T01:30:00Z"), (2, 30, 7));
    assert_eq!(local("Europe/Berlin", "2026-10-25T02:30:00Z"), (3, 30, 7));
    // Elsewhere on another date, and where the change is half an hour.
    assert_eq!(local("America/New_York", "2026-03-08T07:00:00Z"), (3, 0, 7));
    assert_eq!(local("Australia/Lord_Howe", "2026-04-04T14:59:00Z"), (1, 59, 7));
    assert_eq!(local("Australia/Lord_Howe", "2026-04-04T15:00:00Z"), (1, 30, 7));
}

#[test]
fn the_weekday_is_the_local_one() {
    // Saturday night in UTC.
    assert_eq!(local("UTC", "2026-11-21T23:30:00Z"), (23, 30, 6));
    assert_eq!(local("Pacific/Auckland", "2026-11-21T23:30:00Z"), (12, 30, 7));
    assert_eq!(local("America/Los_Angeles", "2026-11-23T07:59:00Z"), (23, 59, 7));
    assert_eq!(local("Asia/Kathmandu", "2026-11-22T18:15:00Z"), (0, 0, 1));
}

#[test]
fn the_epoch_and_times_before_it() {
    assert_eq!(at("UTC", "1970-01-01T00:00:00Z"), Moment { unix_ms: 0, minute: 0, weekday: 4 });
    assert_eq!(at("UTC", "1969-12-31T23:59:59Z"), Moment { unix_ms: -1000, minute: 1439, weekday: 3 });
}

#[test]
fn a_mad_clock_is_no_panic() {
    let zone = TimeZone::named("Europe/Berlin").unwrap();
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 50);
    let past = SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(1 << 50)).unwrap();
    assert!(zone.moment(far).unix_ms > 250_000_000_000_000);
    assert!(zone.moment(past).unix_ms < -300_000_000_000_000);
}

#[test]
fn names_are_found_and_mistakes_suggest() {
    assert_eq!(TimeZone::named("europe/berlin").unwrap().name(), "Europe/Berlin");
    assert_eq!(TimeZone::utc().name(), "UTC");
    let said = |name: &str| TimeZone::named(name).unwrap_err().to_string();
    assert_eq!(said("Europe/Berln"), "unknown time zone `Europe/Berln`\nhint: did you mean `Europe/Berlin`?");
    assert!(said("berlin").contains("did you mean `Europe/Berlin`"), "{}", said("berlin"));
    assert!(said("").contains("IANA"), "{}", said(""));
    assert!(said("+02:00").contains("hint"), "{}", said("+02:00"));
    assert!(said("Etc/Unknown").contains("unknown time zone"));
    assert!(said(&"x".repeat(10_000)).len() < 300);
}

proptest! {
    #[test]
    fn agrees_with_the_offset_at_every_instant(seconds in -2_000_000_000_i64..4_000_000_000) {
        for name in ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Pacific/Apia"] {
            let zone = TimeZone::named(name).unwrap();
            let instant = jiff::Timestamp::from_second(seconds).unwrap();
            let moment = zone.moment(SystemTime::try_from(instant).unwrap());
            // From the offset alone, in whole numbers: an independent way to the same answer.
            let shifted = seconds + i64::from(zone.0.to_offset(instant).seconds());
            prop_assert_eq!(i64::from(moment.minute), shifted.rem_euclid(86_400) / 60);
            prop_assert_eq!(i64::from(moment.weekday), (shifted.div_euclid(86_400) + 3).rem_euclid(7) + 1);
            prop_assert_eq!(moment.unix_ms, seconds * 1000);
        }
    }
}
