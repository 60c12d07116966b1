//! `portcullis log` as a person types it, over a log that the library wrote.

use std::path::Path;
use std::time::Duration;

use portcullis_record::{
    Door, Entry, Log, LogSettings, Outcome, PrincipalEntry, RequestEntry, Stage, VerdictEntry,
};
use portcullis_request::Reference;

use crate::support::{run, stderr, stdout};

fn entry(reference: Reference, who: &str, country: &str) -> Entry {
    let denied = country != "US";
    Entry {
        reference: reference.uuid(),
        time: format!("{:.6}", jiff::Timestamp::now()),
        door: Door::Proxy,
        stage: Stage::Decide,
        request: RequestEntry {
            method: "GET".to_owned(),
            scheme: "https".to_owned(),
            host: "shop.test".to_owned(),
            path: "/premium/a".to_owned(),
            client: "192.0.2.1".to_owned(),
            ..RequestEntry::default()
        },
        app: Some("shop".to_owned()),
        route: Some("premium".to_owned()),
        principal: Some(PrincipalEntry {
            kind: "User".to_owned(),
            id: who.to_owned(),
            method: "token".to_owned(),
            issuer: None,
            key: None,
        }),
        absence: None,
        facts: [("context.geo.country".to_owned(), country.into())].into(),
        missing: std::collections::BTreeMap::new(),
        complete: false,
        verdict: Some(VerdictEntry {
            decision: if denied { "deny" } else { "allow" }.to_owned(),
            policies: vec!["region".to_owned()],
            nearest: Vec::new(),
            errors: Vec::new(),
            undecided: Vec::new(),
        }),
        reason: denied.then(|| "region_restricted".to_owned()),
        status: denied.then_some(403),
        detail: None,
        snapshot: "v1".to_owned(),
        decided_us: 41,
    }
}

/// A log of four decisions in a folder `log`.
fn write(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let settings = LogSettings {
            checkpoint_copy: Some(folder.join("copy")),
            wait: Duration::from_secs(60),
            ..LogSettings::new(folder.join("log"))
        };
        let log = Log::open(settings).unwrap();
        for (who, country) in [("alice", "DE"), ("bob", "FR"), ("alice", "US"), ("bob", "DE")] {
            let reference = Reference::new(std::time::SystemTime::now());
            log.submit(entry(reference, who, country)).await.unwrap();
            log.outcome(Outcome {
                reference: reference.uuid(),
                status: if country == "US" { 200 } else { 403 },
                origin_status: (country == "US").then_some(200),
                intercepted: false,
                fault: None,
                bytes: 10,
                total_us: 100,
            });
        }
        log.close().await;
    });
}

/// What a command prints, and how it ends.
fn log(folder: &Path, arguments: &[&str]) -> (String, String, Option<i32>) {
    let all = [&["log"], arguments, &["--folder", "log"]].concat();
    let output = run(folder, &all);
    (stdout(&output), stderr(&output), output.status.code())
}

#[test]
fn decisions_are_shown_filtered_counted_and_exported() {
    let folder = super::folder();
    write(folder.path());
    let lines = |arguments: &[&str]| {
        let (told, complained, code) = log(folder.path(), arguments);
        assert_eq!(code, Some(0), "{complained}");
        told.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines(&[]).len(), 4);
    let denied = lines(&["--denied", "--principal", "bob", "--since", "1h"]);
    assert_eq!(denied.len(), 2);
    assert!(
        denied[0].contains("denied  403  GET shop.test/premium/a  User bob  region_restricted  "),
        "{denied:?}"
    );
    assert_eq!(lines(&["--status", "200"]).len(), 1);
    assert_eq!(lines(&["--limit", "1"]).len(), 1);
    let counted = lines(&["--denied", "--by", "reason,country"]);
    assert_eq!(
        counted,
        ["         2  region_restricted  DE", "         1  region_restricted  FR", "         3  in all"]
    );
    let csv = lines(&["--export", "csv"]);
    assert!(csv.len() == 5 && csv[0].starts_with("time,reference,decision"));
    for form in ["jsonl", "ocsf"] {
        let events = lines(&["--export", form, "--allowed"]);
        let event: serde_json::Value = serde_json::from_str(&events[0]).unwrap();
        assert!(events.len() == 1 && event.is_object());
    }
    let (told, _, code) = log(folder.path(), &["--app", "nothing"]);
    assert_eq!((told.as_str(), code), ("", Some(1)));
    let (_, complained, code) = log(folder.path(), &["--since", "yesterday"]);
    assert!(complained.contains("how long ago") && code == Some(2), "{complained}");
}

#[test]
fn the_log_is_proved_and_what_is_wrong_is_named() {
    let folder = super::folder();
    write(folder.path());
    let (key, _, _) = log(folder.path(), &["key"]);
    assert!(key.starts_with("portcullis/decision-log/"));
    let verify = ["verify", "--key", key.trim(), "--from-checkpoint", "copy"];
    let (told, complained, code) = log(folder.path(), &verify);
    assert!(told.contains("the log is whole") && code == Some(0), "{told}{complained}");

    let segment = std::fs::read_dir(folder.path().join("log"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .unwrap();
    let text = std::fs::read_to_string(&segment).unwrap();
    std::fs::write(&segment, text.replacen("\"alice\"", "\"mallo\"", 1)).unwrap();
    let (told, _, code) = log(folder.path(), &verify);
    assert!(told.contains(", line 2, byte ") && told.contains(": the line was changed"), "{told}");
    assert_eq!(code, Some(1));
    let (json, _, _) = log(folder.path(), &["verify", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["whole"], &json["findings"][0]["line"]), (&false.into(), &2.into()));
    let (_, complained, code) = log(folder.path(), &["verify", "--key", "a+b"]);
    assert!(complained.contains("this is no public key") && code == Some(1), "{complained}");
}

#[test]
fn somebody_is_forgotten_only_when_it_is_meant() {
    let folder = super::folder();
    write(folder.path());
    let (_, complained, code) = log(folder.path(), &["forget", "alice"]);
    assert!(complained.contains("for good") && code == Some(1), "{complained}");
    assert_eq!(log(folder.path(), &["--principal", "alice"]).2, Some(0));
    let (told, complained, code) = log(folder.path(), &["forget", "alice", "--yes"]);
    assert!(told.contains("erased 2 decisions and 2 outcomes") && code == Some(0), "{told}{complained}");
    assert_eq!(log(folder.path(), &["--principal", "alice"]).2, Some(1));
    let (told, _, code) = log(folder.path(), &["verify", "--from-checkpoint", "copy"]);
    assert!(told.contains("4 lines were erased") && code == Some(0), "{told}");
    assert_eq!(log(folder.path(), &["forget", "alice", "--yes"]).2, Some(1), "nobody is left to forget");
    let (pseudonym, _, _) = log(folder.path(), &["pseudonym", "alice"]);
    assert!(pseudonym.starts_with('~') && pseudonym.trim().len() == 33);
}

#[test]
fn no_log_is_a_clear_error() {
    let folder = super::folder();
    for arguments in [&["verify"][..], &["key"], &["forget", "alice", "--yes"], &[]] {
        let (_, complained, code) = log(folder.path(), arguments);
        assert!(complained.contains("there is no log in `log`") && code == Some(1), "{complained}");
    }
}
