use portcullis_request::Reference;

use super::*;
use crate::testing::{entry, outcome};

const UUID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn remembered() -> Remembered {
    let reference: Reference = UUID.parse().unwrap();
    Remembered { entry: entry(reference), outcome: Some(outcome(reference)) }
}

fn beside() -> Beside {
    let places = [("region".to_owned(), "policies/media.cedar:7".to_owned())];
    Beside { places: places.into(), ..Beside::default() }
}

fn told(change: impl FnOnce(&mut Remembered)) -> String {
    let mut remembered = remembered();
    change(&mut remembered);
    tell(&remembered, &beside())
}

#[test]
fn a_denial_is_told_whole() {
    let expected = "\
Decision 01H455-VB4PE-XTNQK-KPR84-SN02Q
Refused with 403 region_restricted: a policy forbade it.

  asked       GET http://shop.test/premium-content/a?page=2
  when        2026-11-24T01:30:00.123456Z
  from        192.0.2.1
  caller      User alice, by token of https://login.test (key k1)
  app         media, route premium
  user agent  curl/8

Forbidden by
  region (policies/media.cedar:7)

Facts
  context.geo.country  \"DE\"

What followed
  the caller got 403 and 88 bytes, 1.2 ms after asking

Decided on snapshot v1 in 41 µs.
";
    assert_eq!(
        told(|_| {}).lines().skip(1).collect::<Vec<_>>(),
        expected.lines().skip(1).collect::<Vec<_>>()
    );
    let shown = UUID.parse::<Reference>().unwrap().to_string();
    assert!(told(|_| {}).starts_with(&format!("Decision {shown}\n")));
}

#[test]
fn a_default_denial_names_what_came_nearest_and_what_was_missing() {
    let text = told(|remembered| {
        let verdict = remembered.entry.verdict.as_mut().unwrap();
        verdict.policies.clear();
        verdict.nearest = vec![("region".to_owned(), 1, 3), ("other".to_owned(), 1, 1)];
        verdict.errors = vec![("broken".to_owned(), "type error".to_owned())];
        remembered.entry.missing.insert("context.device".to_owned(), "absent: never seen".to_owned());
        remembered.outcome = None;
    });
    assert!(text.contains("Refused with 403 region_restricted: no permit held.\n"), "{text}");
    assert!(
        text.contains("  region (policies/media.cedar:7): 1 of its 3 conditions did not hold\n"),
        "{text}"
    );
    assert!(text.contains("  other: 1 of its 1 condition did not hold\n"), "{text}");
    assert!(text.contains("could not be evaluated\n  broken: type error\n"), "{text}");
    assert!(text.contains("  context.device       absent: never seen\n"), "{text}");
    assert!(text.contains("nothing is recorded"), "{text}");
    let none = told(|remembered| remembered.entry.verdict.as_mut().unwrap().policies.clear());
    assert!(none.contains("none: no permit is about this caller"), "{none}");
}

#[test]
fn what_went_on_and_what_could_not_be_decided_are_no_refusals_by_policy() {
    let text = told(|remembered| {
        (remembered.entry.status, remembered.entry.reason) = (None, None);
        remembered.entry.verdict.as_mut().unwrap().decision = "allow".to_owned();
        let outcome = remembered.outcome.as_mut().unwrap();
        (outcome.status, outcome.origin_status) = (502, None);
        outcome.fault = Some("connection refused".to_owned());
    });
    assert!(text.contains("Allowed: it went on") && text.contains("fault: connection refused"), "{text}");
    let text = told(|remembered| {
        remembered.entry.status = Some(503);
        let verdict = remembered.entry.verdict.as_mut().unwrap();
        (verdict.decision, verdict.undecided) = ("undecided".to_owned(), vec!["context.geo".to_owned()]);
        verdict.policies.clear();
    });
    assert!(text.contains("Nobody could decide") && text.contains("\n  context.geo\n"), "{text}");
}

#[test]
fn each_stage_has_its_words() {
    for (stage, words) in [
        (Stage::Admit, "not one unambiguous request"),
        (Stage::Route, "no app or route"),
        (Stage::Identify, "could not be identified"),
    ] {
        let text = told(|remembered| (remembered.entry.stage, remembered.entry.verdict) = (stage, None));
        assert!(text.contains(words), "{text}");
    }
    let text = told(|remembered| {
        (remembered.entry.verdict, remembered.entry.reason) = (None, None);
        remembered.entry.status = Some(204);
    });
    assert!(text.contains("Answered 204 by the gate itself."), "{text}");
}

#[test]
fn what_callers_sent_cannot_write_to_the_terminal() {
    let text = told(|remembered| {
        remembered.entry.request.path = "/a\u{1b}[2J\u{202e}".to_owned();
        remembered.entry.detail = Some("line\nForbidden by".to_owned());
    });
    assert!(text.contains(r"/a\u{1b}[2J\u{202e}") && text.contains(r"line\u{a}Forbidden by"), "{text}");
    assert!(text.chars().all(|character| character == '\n' || !character.is_control()));
}

#[test]
fn programs_are_told_the_same() {
    let told = to_json(&remembered(), &beside());
    assert_eq!(told["decided"], "refused");
    assert_eq!(told["uuid"], UUID);
    assert_eq!(told["policies"], json!([{"policy": "region", "written_at": "policies/media.cedar:7"}]));
    assert_eq!(told["record"]["facts"]["context.geo.country"], "DE");
    assert_eq!(told["outcome"]["bytes"], 88);
}
