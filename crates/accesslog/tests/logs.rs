//! Whole logs, made from a seed: what is put into them must be found, and what is not must not be claimed.
//!
//! The traffic is plain on purpose: what matters is that each kind of refusal is told from the others, in every format, and
//! that bad input is named and never fatal.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

mod traffic;

use std::io::Write;
use std::path::PathBuf;

use clap::Parser;
use portcullis_accesslog::command::{Exit, Logs};
use portcullis_accesslog::explain::{Known, Report, explain};
use portcullis_accesslog::format::Format;
use portcullis_accesslog::read::read;
use traffic::{Line, Writing, site};

fn report_of(paths: &[PathBuf]) -> Report {
    explain(read(paths, None, &|_| {}), &Known::default())
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn log(refuse: impl Fn(&Line) -> bool, writing: Writing) -> String {
    site(11, 24_000)
        .map(|mut line| {
            if refuse(&line) {
                line.status = 403;
            }
            writing.write(&line)
        })
        .collect()
}

fn first(log: &str) -> (String, String) {
    let folder = Folder::new();
    let report = report_of(&[folder.file("access.log", log.as_bytes())]);
    let first = report.causes.first().expect("a cause");
    (first.id.to_owned(), format!("{} {:?} {:?}", first.title, first.since, first.evidence))
}

/// What is put in, the id that must come first, and what its words must name.
type Case = (&'static str, fn(&Line) -> bool, &'static str);

const CASES: &[Case] = &[
    ("logs.deploy", |line| line.minute >= 870 && line.path.starts_with("/api"), "14:30"),
    ("logs.ip-range", |line| line.address.starts_with("198.18."), "198.18.0.0/16"),
    ("logs.ua-family", |line| line.agent.contains("ShopApp") && line.minute >= 600, "ShopApp"),
    ("logs.crawler-blocked", |line| line.agent.contains("Googlebot"), "Googlebot"),
    ("logs.path-rule", |line| line.path.starts_with("/blog"), "/blog"),
    (
        "logs.hotlink",
        |line| line.referrer.contains("forum.test") && line.path.starts_with("/img"),
        "forum.test",
    ),
    ("logs.method", |line| line.method == "DELETE", "DELETE"),
    ("logs.waf-payload", |line| line.path.contains("%27"), "%27"),
    (
        "logs.expired-token",
        |line| line.minute >= 540 && line.user % 5 == 1 && line.path.starts_with("/api"),
        "09:0",
    ),
    ("none.no-spike", |line| line.dice % 300 == 0, "0.3"),
];

#[test]
fn what_is_put_in_is_found() {
    for (id, refuse, named) in CASES {
        let (found, words) = first(&log(refuse, Writing::Combined));
        assert_eq!(found, *id, "{words}");
        assert!(words.contains(named), "{id}: {named} in {words}");
    }
}

#[test]
fn every_format_tells_the_same() {
    for writing in
        [Writing::Virtual, Writing::Upstream, Writing::Json, Writing::Caddy, Writing::Haproxy, Writing::W3c]
    {
        let (found, words) = first(&log(|line| line.minute >= 870 && line.path.starts_with("/api"), writing));
        assert_eq!(found, "logs.deploy", "{writing:?}: {words}");
        assert!(words.contains("14:30"), "{writing:?}: {words}");
    }
}

#[test]
fn one_node_of_three_is_named() {
    let (found, words) = first(&log(|line| line.node == 1, Writing::Upstream));
    assert_eq!(found, "logs.upstream-node", "{words}");
    assert!(words.contains("10.0.3.12:8080"), "{words}");
}

#[test]
fn scanners_are_benign_and_do_not_hide_a_cause() {
    let scan = |share: u64| -> String {
        let lines = site(5, 20_000).flat_map(move |line| {
            let scanner = (line.dice % 1_000 < share).then(|| Line {
                address: format!("45.9.1.{}", line.dice % 4),
                path: ["/.env", "/wp-login.php", "/.git/config"][line.dice as usize % 3].to_owned(),
                agent: "zgrab".to_owned(),
                referrer: String::new(),
                status: 403,
                ..line.clone()
            });
            std::iter::once(line).chain(scanner)
        });
        lines.map(|line| Writing::Combined.write(&line)).collect()
    };
    assert_eq!(first(&scan(30)).0, "logs.scanner-noise");
    let both = scan(30).replace("\"GET /blog/1 HTTP/1.1\" 200", "\"GET /blog/1 HTTP/1.1\" 403");
    let (found, words) = first(&both);
    assert_eq!(found, "logs.path-rule", "{words}");
}

#[test]
fn a_limit_is_told_from_a_deployment() {
    // A surge from 11:00 to 12:00 by five times the traffic, of which all above 40 a minute is refused.
    let mut counted = [0u32; 1_440];
    let lines = site(3, 24_000).flat_map(|line| {
        let times = if (660..720).contains(&line.minute) { 5 } else { 1 };
        std::iter::repeat_n(line, times)
    });
    let log: String = lines
        .map(|mut line| {
            counted[line.minute as usize] += 1;
            if counted[line.minute as usize] > 40 {
                line.status = 403;
            }
            Writing::Combined.write(&line)
        })
        .collect();
    let (found, words) = first(&log);
    assert_eq!(found, "logs.peak-load", "{words}");
}

#[test]
fn packed_and_rotated_sets_are_read_as_one() {
    let folder = Folder::new();
    let whole = log(|line| line.minute >= 870 && line.path.starts_with("/api"), Writing::Combined);
    let middle = whole[..whole.len() / 2].rfind('\n').unwrap() + 1;
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&whole.as_bytes()[..middle]).unwrap();
    let old = folder.file("access.log.1.gz", &gz.finish().unwrap());
    let zst = zstd::encode_all(&whole.as_bytes()[middle..], 1).unwrap();
    let new = folder.file("access.log.zst", &zst);
    let plain = folder.file("whole.log", whole.as_bytes());
    let (packed, plain) = (report_of(&[new, old]), report_of(&[plain]));
    assert_eq!(packed.reading.tally.requests, plain.reading.tally.requests);
    assert_eq!(packed.reading.tally.refused, plain.reading.tally.refused);
    assert_eq!(packed.causes[0].id, "logs.deploy");
    assert_eq!(packed.causes[0].title, plain.causes[0].title);
}

#[test]
fn bad_input_is_counted_and_named_and_never_fatal() {
    let folder = Folder::new();
    let mut bytes = log(|line| line.path.starts_with("/blog"), Writing::Combined).into_bytes();
    bytes.extend_from_slice(b"what is this\n\xff\xfe\x00rubbish\n");
    bytes.extend_from_slice(&vec![b'x'; 200_000]);
    bytes.extend_from_slice(b"\n{\"time\":\"2026-03-03T20:00:00Z\",\"remote_addr\":\"1.2.3.4\",\"request\":\"GET / HTTP/1.1\",\"status\":200}\n");
    bytes.extend_from_slice(
        b"1.2.3.4 - - [03/Mar/2026:05:00:00 +0500] \"GET /\xe9 HTTP/1.1\" 200 1 \"-\" \"-\"\nhalf a li",
    );
    let good = folder.file("access.log", &bytes);
    let report = report_of(&[
        good,
        folder.0.path().to_owned(),
        folder.0.path().join("missing"),
        folder.file("empty", b""),
    ]);
    let tally = &report.reading.tally;
    assert_eq!((tally.broken, tally.foreign), (4, 1), "{:?}", report.remarks);
    assert!(tally.not_text >= 1 && tally.backwards == 2, "{:?}", report.remarks);
    assert_eq!(tally.offsets.len(), 2);
    assert_eq!(report.reading.unreadable.len(), 2);
    assert!(report.reading.unreadable[0].why.contains("directory"));
    assert_eq!(report.causes[0].id, "logs.path-rule");
    for named in ["fit no format", "another format", "not UTF-8", "backwards", "several offsets"] {
        assert!(report.remarks.iter().any(|remark| remark.contains(named)), "{named}: {:?}", report.remarks);
    }
}

#[test]
fn a_packed_file_that_ends_too_early_is_read_as_far_as_it_goes() {
    let folder = Folder::new();
    let whole = log(|line| line.path.starts_with("/blog"), Writing::Combined);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(whole.as_bytes()).unwrap();
    let packed = gz.finish().unwrap();
    let cut = folder.file("access.log.gz", &packed[..packed.len() / 2]);
    let report = report_of(&[cut]);
    assert!(report.reading.tally.requests > 1_000);
    assert!(report.reading.unreadable[0].why.contains("too early"), "{:?}", report.reading.unreadable);
}

#[test]
fn error_logs_give_the_reason() {
    let folder = Folder::new();
    let access = log(|line| line.path.starts_with("/blog"), Writing::Combined);
    let refused = access.lines().filter(|line| line.contains("\" 403 ")).count();
    let error = r#"2026/03/03 10:00:00 [error] 7#7: *1 directory index of "/srv/blog/" is forbidden, client: 1.2.3.4, server: _, request: "GET /blog/ HTTP/1.1""#;
    let errors = format!("{error}\n").repeat(refused);
    let files = [folder.file("access.log", access.as_bytes()), folder.file("error.log", errors.as_bytes())];
    let report = report_of(&files);
    let ids: Vec<_> = report.causes.iter().map(|cause| cause.id).collect();
    assert_eq!(ids[..2], ["nginx.no-index-autoindex-off", "logs.path-rule"]);
    assert_eq!(report.answered_by.as_ref().map(|by| by.0), Some("nginx"));
}

#[test]
fn how_a_file_is_cut_into_pieces_changes_nothing() {
    // More than three pieces, so that lines cross their edges.
    let folder = Folder::new();
    let whole: String = site(9, 40_000).map(|line| Writing::Combined.write(&line)).collect();
    assert!(whole.len() > 3 << 20);
    let path = folder.file("access.log", whole.as_bytes());
    let tally = read(&[path], None, &|_| {}).tally;
    assert_eq!(tally.requests, 40_000);
    assert_eq!(tally.bytes, whole.len() as u64);
    let without_end = folder.file("b.log", &whole.as_bytes()[..whole.len() - 1]);
    assert_eq!(read(&[without_end], None, &|_| {}).tally.requests, 40_000);
}

#[test]
fn a_format_that_is_given_is_used() {
    let folder = Folder::new();
    let lines: String = site(2, 2_000)
        .map(|line| {
            format!(
                "{}|{}|{}|{}\n",
                line.address,
                line.clock(),
                if line.path.starts_with("/blog") { 403 } else { 200 },
                line.path
            )
        })
        .collect();
    let path = folder.file("odd.log", lines.as_bytes());
    let format = Format::named("$remote_addr|$time_local|$status|$request_uri").unwrap();
    let report = explain(read(std::slice::from_ref(&path), Some(&format), &|_| {}), &Known::default());
    assert_eq!(report.causes[0].id, "logs.path-rule");
    assert_eq!(read(&[path], None, &|_| {}).tally.requests, 0);
}

#[test]
fn nothing_of_a_log_escapes_into_the_page() {
    let folder = Folder::new();
    let lines = site(2, 4_000).map(|mut line| {
        if line.path.starts_with("/blog") {
            line.status = 403;
            line.agent = "<script>alert(1)</script>/1 \u{1b}[2J".to_owned();
        }
        Writing::Combined.write(&line)
    });
    let path = folder.file("access.log", lines.collect::<String>().as_bytes());
    let page = folder.0.path().join("page.html");
    let alone =
        Alone::parse_from(["logs", "--html", page.to_str().unwrap(), "--json", path.to_str().unwrap()]);
    assert_eq!(alone.logs.run(), Exit::Explained);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>") && !page.contains('\u{1b}'));
    assert!(!page.contains("src=") && !page.contains("href="), "the page fetches nothing");
}

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    logs: Logs,
}

fn exit_of(arguments: &[&str]) -> Exit {
    Alone::parse_from(std::iter::once(&"logs").chain(arguments)).logs.run()
}

#[test]
fn the_exit_says_how_it_went() {
    let folder = Folder::new();
    let quiet = log(|_| false, Writing::Combined);
    let quiet = folder.file("quiet.log", quiet.as_bytes());
    assert_eq!(exit_of(&["--json", quiet.to_str().unwrap()]), Exit::Explained);
    assert_eq!(exit_of(&["/nowhere/access.log"]), Exit::Unreadable);
    assert_eq!(exit_of(&[folder.file("empty.log", b"").to_str().unwrap()]), Exit::Unreadable);
    assert!(Alone::try_parse_from(["logs"]).is_err(), "a file has to be named");
    assert!(Alone::try_parse_from(["logs", "--format", "nonsense", "x"]).is_err());
    assert!(Alone::try_parse_from(["logs", "--deploy", "late", "x"]).is_err());
}
