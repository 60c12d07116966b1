use portcullis_decision::Value;

use super::*;
use crate::testing::alice;

fn path(text: &str) -> FactPath {
    text.parse().unwrap()
}

#[test]
fn facts_are_set_read_and_taken_away() {
    let mut question = alice();
    let country = path("context.geo.country");
    assert_eq!(question.get(&country), Some(&Value::String("DE".into())));
    question.set(&country, Value::String("US".into()));
    assert_eq!(question.get(&country), Some(&Value::String("US".into())));
    question.remove(&country);
    assert_eq!(question.get(&country), None);
    question.set(&path("principal.address.city"), Value::String("Ulm".into()));
    assert_eq!(question.get(&path("principal.address.city")), Some(&Value::String("Ulm".into())));
    question.remove(&path("principal.address.city"));
    assert_eq!(question.get(&path("principal.address")), Some(&Value::Record(Vec::new())));
    question.remove(&path("principal.tier"));
    assert_eq!(question.get(&path("principal.tier")), None);
}

#[test]
fn what_is_set_is_no_longer_unknown() {
    let mut question = alice();
    question.unknown.insert(path("context.device.managed"), "broken".to_owned());
    assert_eq!(question.facts().unavailable, [["device", "managed"]]);
    question.set(&path("context.device.managed"), Value::Bool(true));
    assert!(question.facts().unavailable.is_empty());
}

#[test]
fn names_of_facts_are_checked() {
    for good in ["principal.tier", "context.geo.country", "context.device"] {
        assert_eq!(path(good).to_string(), good);
    }
    for bad in ["tier", "principal", "context.", "resource.owner", "context..geo", ""] {
        assert!(bad.parse::<FactPath>().is_err(), "{bad}");
    }
}
