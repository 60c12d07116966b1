use std::path::Path;

use super::*;
use crate::entry::{Entry, Gap, WhenBroken};
use crate::log::segment;
use crate::testing::{entry, outcome, reference_in};
use crate::{archive, line};

fn at(minute: u32) -> String {
    format!("2026-11-24T10:{minute:02}:00.000000Z")
}

fn decision(minute: u32, change: impl FnOnce(&mut Entry)) -> Vec<u8> {
    let mut entry = entry(reference_in(0));
    entry.time = at(minute);
    change(&mut entry);
    line::decision(&entry).unwrap()
}

fn allow(entry: &mut Entry) {
    (entry.reason, entry.status) = (None, None);
    if let Some(verdict) = &mut entry.verdict {
        verdict.decision = "allow".to_owned();
        verdict.policies = vec!["readers".to_owned()];
    }
}

/// Three denials, two of them in one region, and two allowed requests, one of which failed at its origin; in a packed
/// segment and a plain one.
fn log() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let failed = reference_in(0);
    let mut later = outcome(failed);
    (later.status, later.origin_status) = (502, Some(502));
    let first = [
        decision(0, |_| {}),
        decision(1, |entry| entry.facts = [("context.geo.country".to_owned(), "FR".into())].into()),
        decision(2, |entry| {
            allow(entry);
            entry.reference = failed.uuid();
        }),
    ];
    let gap = Gap {
        time: at(3),
        since: None,
        decisions: 7,
        outcomes: 0,
        cut_bytes: 0,
        when_broken: WhenBroken::FailOpen,
        why: "full".to_owned(),
    };
    let sampled = crate::log::sample::Sampled { time: at(3), decisions: 5, rules: Vec::new() };
    let second = [
        line::outcome(&later).unwrap(),
        line::gap(&gap).unwrap(),
        line::structure("sampled", &sampled).unwrap(),
        decision(7, |entry| {
            allow(entry);
            entry.request.path = "/quo\"te".to_owned();
        }),
        decision(8, |entry| {
            entry.reason = Some("tier_required".to_owned());
            entry.app = Some("shop".to_owned());
            entry.principal = None;
            entry.absence = Some("expired: an hour ago".to_owned());
        }),
    ];
    let path = |text: &str| folder.path().join(segment::name(text.parse().unwrap()));
    std::fs::write(path(&at(0)), first.concat()).unwrap();
    archive::pack(&path(&at(0))).unwrap();
    std::fs::write(path(&at(5)), second.concat()).unwrap();
    folder
}

/// The minutes of what matches, in order.
fn minutes(folder: &Path, filter: &Filter) -> Vec<String> {
    let mut found = Vec::new();
    search(folder, filter, |line| {
        found.push(Glance::of(line).unwrap().time[14..16].to_owned());
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

#[test]
fn everything_that_is_said_must_hold() {
    let folder = log();
    let all = Filter::default();
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let time = |minute| at(minute).parse().ok();
    for (filter, expected) in [
        (all.clone(), vec!["00", "01", "02", "07", "08"]),
        (Filter { allowed: Some(false), ..all.clone() }, vec!["00", "01", "08"]),
        (Filter { allowed: Some(true), ..all.clone() }, vec!["02", "07"]),
        (Filter { reasons: texts(&["tier_required", "other"]), ..all.clone() }, vec!["08"]),
        (Filter { statuses: vec![403], ..all.clone() }, vec!["00", "01", "08"]),
        (Filter { statuses: vec![502], ..all.clone() }, vec!["02"]),
        (Filter { since: time(1), until: time(7), ..all.clone() }, vec!["01", "02"]),
        (Filter { principals: texts(&["alice"]), ..all.clone() }, vec!["00", "01", "02", "07"]),
        (Filter { principals: texts(&["lice"]), ..all.clone() }, vec![]),
        (Filter { paths: texts(&["/quo\"", "/x"]), ..all.clone() }, vec!["07"]),
        (Filter { apps: texts(&["shop"]), ..all.clone() }, vec!["08"]),
        (Filter { policies: texts(&["readers"]), ..all.clone() }, vec!["02", "07"]),
        (Filter { policies: texts(&["readers"]), allowed: Some(false), ..all }, vec![]),
    ] {
        assert_eq!(minutes(folder.path(), &filter), expected, "{filter:?}");
    }
}

#[test]
fn a_search_ends_when_it_is_told_to() {
    let folder = log();
    let mut seen = 0;
    search(folder.path(), &Filter::default(), |_| {
        seen += 1;
        if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(seen, 2);
}

#[test]
fn groups_are_counted_and_what_the_log_does_not_have_is_said() {
    let folder = log();
    let by = ["reason", "country"].map(|field| field.parse::<Field>().unwrap());
    let counts = count(folder.path(), &Filter::default(), &by, None).unwrap();
    let groups: Vec<_> = counts.groups.iter().map(|((_, group), count)| (group.join("/"), *count)).collect();
    let expected =
        [("/DE", 2), ("region_restricted/DE", 1), ("region_restricted/FR", 1), ("tier_required/DE", 1)];
    assert_eq!(groups, expected.map(|(group, count)| (group.to_owned(), count)));
    assert_eq!((counts.total, counts.left_out, counts.missing), (5, 5, 7));

    let spans = count(folder.path(), &Filter::default(), &[], Some(SignedDuration::from_mins(5))).unwrap();
    let spans: Vec<_> =
        spans.groups.iter().map(|((span, _), count)| (span.unwrap().to_string(), *count)).collect();
    let expected = [("2026-11-24T10:00:00Z", 3), ("2026-11-24T10:05:00Z", 2)];
    assert_eq!(spans, expected.map(|(span, count)| (span.to_owned(), count)));
    assert!("who".parse::<Field>().is_err());
}

#[test]
fn rows_are_whole_and_harmless() {
    let line = decision(0, |entry| {
        entry.request.path = "=1+1\u{1b}[2J,\"x\"".to_owned();
        entry.request.user_agent = Some("=cmd".to_owned());
    });
    let text = String::from_utf8(line).unwrap();
    let glance = Glance::of(text.trim_end()).unwrap();
    let person = show::line(&glance);
    assert!(
        person.starts_with("2026-11-24T10:00:00.000Z  denied  403  GET shop.test=1+1\\u{1b}[2J"),
        "{person}"
    );
    assert!(person.contains("  User alice  region_restricted  "));
    let csv = show::csv(&glance);
    assert!(csv.contains(",\"'=1+1\\u{1b}[2J,\"\"x\"\"\",") && csv.contains(",'=cmd,"), "{csv}");
    assert_eq!(show::CSV_HEADER.split(',').count(), 17);
    let event = show::ocsf(&glance);
    assert_eq!((&event["class_uid"], &event["type_uid"]), (&4002.into(), &400_203.into()));
    assert_eq!(event["time"], 1_795_514_400_000_i64);
    assert_eq!((&event["action_id"], &event["http_response"]["code"]), (&2.into(), &403.into()));
    assert_eq!(event["actor"]["user"]["uid"], "alice");
    assert_eq!(event["authorizations"][0]["policy"]["name"], "region");
}

#[test]
fn what_is_written_meanwhile_is_followed_into_the_next_segment() {
    let folder = tempfile::tempdir().unwrap();
    let write = |minute: u32, lines: &[Vec<u8>]| {
        let path = folder.path().join(segment::name(at(minute).parse().unwrap()));
        let known = std::fs::read(&path).unwrap_or_default();
        std::fs::write(path, [known, lines.concat()].concat()).unwrap();
    };
    write(0, &[decision(0, |_| {})]);
    let (mut step, mut found) = (0, Vec::new());
    follow::follow(
        folder.path(),
        &Filter { allowed: Some(false), ..Filter::default() },
        |line| {
            found.push(Glance::of(line).unwrap().time[14..16].to_owned());
            ControlFlow::Continue(())
        },
        || {
            step += 1;
            match step {
                1 => write(0, &[decision(1, |_| {}), decision(2, allow)]),
                2 => {
                    write(0, &[decision(3, |_| {})]);
                    write(5, &[decision(6, |_| {})]);
                }
                3 => {}
                _ => return ControlFlow::Break(()),
            }
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    assert_eq!(found, ["01", "03", "06"], "what was there before is not shown");
}

#[test]
fn a_fact_is_found_by_its_name_and_not_within_another() {
    let facts = [
        ("a".to_owned(), serde_json::json!({"context.x": "inner", "deep": {"context.x": 1}})),
        ("b".to_owned(), serde_json::json!("{ \"context.x\": 2")),
        ("context.x".to_owned(), serde_json::json!("ou\"ter")),
        ("context.y".to_owned(), serde_json::json!([1, {"z": 2}])),
    ];
    let line = decision(0, |entry| entry.facts = facts.into());
    let text = String::from_utf8(line).unwrap();
    let glance = Glance::of(text.trim_end()).unwrap();
    assert_eq!(glance.fact("context.y").as_deref(), Some("[1,{\"z\":2}]"));
    assert_eq!(glance.fact("nothing"), None);
    assert_eq!(glance.fact("context.x").as_deref(), Some("ou\"ter"));
}
