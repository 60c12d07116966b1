//! Cases as data: a small site that answers by rules, a reported request, and the cause it must come to. They were written
//! from what servers, clouds and frameworks document, each before the finding was tuned to it. Nothing is mocked: sockets,
//! client, planner and inference are the product's own; only the pause between requests is left out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "that is how tests fail"
)]

mod server;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portcullis_diagnose::asked::curl;
use portcullis_diagnose::client::{Client, Patience};
use portcullis_diagnose::evidence::Evidence;
use portcullis_diagnose::examine::{Limits, examine};
use portcullis_diagnose::report::{Report, make};
use serde::Deserialize;
use server::{Asked, Server, reply};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

/// One case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The cause first, then ids that the evidence cannot tell from it.
    expect: Vec<String>,
    /// What is typed behind `curl`, without the address.
    #[serde(default)]
    options: String,
    path: String,
    answer: Vec<Answer>,
}

/// The first whose conditions all hold answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    prefix: Option<String>,
    /// How the path ends.
    #[serde(default)]
    ends: Option<String>,
    #[serde(default)]
    method: Option<String>,
    /// `name: part of the value`
    #[serde(default)]
    has: Option<String>,
    #[serde(default)]
    lacks: Option<String>,
    /// Not the first so many.
    #[serde(default)]
    after: Option<usize>,
    /// Every so many, beginning with the first.
    #[serde(default)]
    every: Option<usize>,
    status: u16,
    #[serde(default)]
    headers: Vec<String>,
    #[serde(default)]
    body: String,
}

impl Answer {
    fn fits(&self, asked: &Asked, count: usize) -> bool {
        let part = |wanted: &str| {
            let (name, value) = wanted.split_once(':').unwrap_or((wanted, ""));
            let value = value.trim().to_lowercase();
            let there = asked.header(name.trim()).to_lowercase();
            if value.is_empty() { !there.is_empty() } else { there.contains(&value) }
        };
        let path = asked.path.split('?').next().unwrap_or_default();
        self.path
            .as_ref()
            .is_none_or(|wanted| if wanted.contains('?') { *wanted == asked.path } else { wanted == path })
            && self.prefix.as_ref().is_none_or(|wanted| asked.path.starts_with(wanted))
            && self.ends.as_ref().is_none_or(|wanted| path.ends_with(wanted))
            && self
                .method
                .as_ref()
                .is_none_or(|wanted| wanted.split('|').any(|method| method == asked.method))
            && self.has.as_deref().is_none_or(part)
            && self.lacks.as_deref().is_none_or(|wanted| !part(wanted))
            && self.after.is_none_or(|after| count >= after)
            && self.every.is_none_or(|every| count.is_multiple_of(every))
    }
}

fn diagnose(evidence: &Evidence, client: &Client, case: &Case) -> Report {
    let answers = case.answer.clone();
    // Every server but HAProxy says when it answered.
    let dated = !case.expect.iter().any(|id| id.starts_with("haproxy."));
    let count = AtomicUsize::new(0);
    let server = Server::start(move |asked: &Asked| {
        let count = count.fetch_add(1, Ordering::SeqCst);
        let answer =
            answers.iter().find(|answer| answer.fits(asked, count)).expect("a case answers everything");
        let mut headers: Vec<(&str, &str)> = answer
            .headers
            .iter()
            .map(|line| line.split_once(':').expect("a header"))
            .map(|(name, value)| (name, value.trim()))
            .collect();
        if dated {
            headers.push(("Date", "Tue, 03 Mar 2026 10:00:00 GMT"));
        }
        reply(answer.status, &headers, if asked.method == "HEAD" { "" } else { &answer.body })
    });
    let command = format!("curl {} '{}'", case.options, server.url(&case.path));
    let asked = curl::parse_pasted(&command).expect(&command).asked;
    let repeat_unsafe = case.options.contains("--next");
    let limits =
        Limits { pace: Duration::ZERO, pause: Duration::from_millis(1), repeat_unsafe, ..Limits::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let examination = runtime.block_on(examine(evidence, client, &asked, limits, &[], &mut |_| {}));
    make(evidence, &examination, &[], Vec::new())
}

#[test]
fn every_case_comes_to_its_cause() {
    let evidence = Evidence::embedded().unwrap();
    let only = std::env::var("CASE").ok();
    let mut cases = Vec::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        cases.extend(toml::from_str::<File>(&text).unwrap().case);
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases.retain(|case| only.as_ref().is_none_or(|only| case.name.contains(only.as_str())));
    let client = Client::new("portcullis-doctor/0.1.0", Patience::default());
    // Waiting for sockets is most of the work.
    let reports: Vec<Report> = std::thread::scope(|scope| {
        let chunks: Vec<_> = cases
            .chunks(cases.len().div_ceil(4).max(1))
            .map(|chunk| {
                let (evidence, client) = (&evidence, &client);
                scope.spawn(move || {
                    chunk.iter().map(|case| diagnose(evidence, client, case)).collect::<Vec<_>>()
                })
            })
            .collect();
        chunks.into_iter().flat_map(|chunk| chunk.join().unwrap()).collect()
    });
    let mut missed = Vec::new();
    let mut brier = 0.0;
    let mut probes = Vec::new();
    for (case, report) in cases.iter().zip(&reports) {
        let got = report.causes.first().map_or("none", |cause| cause.id.as_str());
        let right = case.expect.iter().any(|id| id == got);
        let confidence = report.causes.first().map_or(1.0, |cause| cause.confidence);
        brier += (confidence - f64::from(u8::from(right))).powi(2);
        probes.push(report.probes.len());
        if !right || only.is_some() {
            let ranked: Vec<_> =
                report.causes.iter().map(|cause| format!("{} {:.2}", cause.id, cause.confidence)).collect();
            let sent: Vec<_> =
                report.probes.iter().map(|sent| format!("{} {:?}", sent.what, sent.status)).collect();
            missed.push(format!("{}: wanted {:?}, got {ranked:?}\n    {sent:?}", case.name, case.expect));
        }
    }
    probes.sort_unstable();
    let all = probes.len();
    println!(
        "{all} cases, {} missed, Brier {:.3}, median of requests {:?}",
        missed.len(),
        brier / f64::from(u32::try_from(all).unwrap()),
        probes.get(all / 2)
    );
    assert!(missed.is_empty(), "{} of {all} cases missed:\n{}", missed.len(), missed.join("\n"));
}
