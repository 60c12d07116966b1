//! Measures how many recorded decisions a second are decided again, reading included, on a log that it writes first:
//! `cargo run --release -p portcullis-rehearse --example replay -- [RECORDS] [THREADS]`.
#![allow(clippy::print_stdout, reason = "what it measures is its output")]

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use portcullis_context::Directory;
use portcullis_gate::{App, Apps, ForbidFault, OriginTarget, Route};
use portcullis_policy::{Policies, SourceText};
use portcullis_record::{Door, Entry, Outcome, PrincipalEntry, RequestEntry, Stage, VerdictEntry};
use portcullis_rehearse::replay::{Candidate, Kind, Routes, Settings, replay};
use portcullis_request::{Loosened, PathPattern};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let records: u32 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let threads = arguments.next().map(|text| text.parse()).transpose()?;
    for complete in [false, true] {
        let folder = std::env::temp_dir().join(format!("portcullis-replay-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let bytes = write(&folder, records, complete)?;
        for policies in [10, 1_000] {
            let candidate = candidate(policies)?;
            let settings = Settings { examples: 5, threads, ..Settings::default() };
            let started = Instant::now();
            let report = replay(&folder, &candidate, &settings, &())?;
            let took = started.elapsed().as_secs_f64();
            println!(
                "{} facts, {policies} policies: {:.0} decisions/s, {:.0} MB/s ({} decided, {took:.2} s; {})",
                if complete { "all" } else { "read" },
                report.replayed as f64 / took,
                bytes as f64 / took / 1e6,
                report.replayed,
                Kind::ALL.map(|kind| format!("{} {}", report.count(kind), kind.name())).join(", "),
            );
        }
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

/// Routes that requests are spread over.
const ROUTES: u32 = 50;

fn candidate(count: u32) -> Result<Candidate, Box<dyn Error>> {
    let mut text = String::from(
        "@id(\"region\") @reason(\"region_restricted\") forbid (principal, action, resource)\n\
         when { context.geo has country && context.geo.country == \"KP\" };\n\
         @id(\"device\") @reason(\"device_untrusted\") forbid (principal, action == Action::\"DELETE\", resource)\n\
         unless { context has device && context.device has compliant && context.device.compliant };\n\
         @id(\"plan\") @otherwise(\"tier_required\") permit (principal in Group::\"staff\", action, resource)\n\
         when { principal has tier && [\"free\", \"premium\", \"gold\"].contains(principal.tier) };\n",
    );
    for number in 3..count {
        let route = number % ROUTES;
        writeln!(
            text,
            "@id(\"p{number}\") @otherwise(\"tier_required\")\n\
             permit (principal in Group::\"group-{}\", action, resource == Route::\"shop/r{route}\")\n\
             when {{ principal has tier && [\"premium\", \"gold\"].contains(principal.tier) }};",
            number % 20
        )?;
    }
    let written = SourceText { name: "policies/shop.cedar".to_owned(), text };
    let loaded = Policies::load(&[written], None, &[]);
    let policies = loaded.policies.ok_or_else(|| format!("{:?}", loaded.findings))?;
    let routes = (0..ROUTES).map(|number| {
        Ok(Route {
            name: format!("r{number}"),
            pattern: PathPattern::parse(&format!("/r{number}/**"))?,
            methods: Vec::new(),
            public: false,
            entity: format!("shop/r{number}"),
            payload: None,
            limits: Vec::new(),
        })
    });
    let apps = Apps::new(vec![App {
        name: "shop".to_owned(),
        hosts: vec!["shop.example".to_owned()],
        mount: PathPattern::parse("/**")?,
        branding: Default::default(),
        loosened: Loosened::default(),
        https: None,
        origin: Arc::new(OriginTarget::plain("127.0.0.1:9".parse()?)),
        forward_credentials: false,
        limits: Vec::new(),
        routes: routes.collect::<Result<_, Box<dyn Error>>>()?,
    }]);
    let groups: String = (0..20)
        .map(|number| format!("[[group]]\nid = \"group-{number}\"\n"))
        .chain(["[[group]]\nid = \"staff\"\n".to_owned()])
        .collect();
    let directory = Directory::load(&[("directory.toml".to_owned(), groups)])
        .map_err(|findings| format!("{findings:?}"))?;
    Ok(Candidate::new(policies, apps, &directory, ForbidFault::Unavailable, Routes::AsRecorded)?)
}

/// Writes a log as a gate does: a decision and an outcome for each request, in segments of 64 MiB.
fn write(folder: &Path, records: u32, complete: bool) -> Result<u64, Box<dyn Error>> {
    const SEGMENT: u64 = 64 << 20;
    let (mut bytes, mut number) = (0_u64, 0_u32);
    while number < records {
        let (minute, second) = (number / 60_000, number / 1_000 % 60);
        let (hour, minute) = (minute / 60 % 24, minute % 60);
        let name = format!("decisions-20260303T{hour:02}{minute:02}{second:02}.{:06}Z.jsonl", number % 1_000);
        let mut file = BufWriter::new(std::fs::File::create(folder.join(name))?);
        let mut size = 0_u64;
        while number < records && size < SEGMENT {
            let entry = entry(number, complete);
            let outcome = Outcome {
                reference: entry.reference.clone(),
                status: 200,
                origin_status: Some(200),
                intercepted: false,
                fault: None,
                bytes: 5120,
                total_us: 8_123,
            };
            let decision = serde_json::to_string(&entry)?;
            let outcome = serde_json::to_string(&outcome)?;
            let lines = format!(
                "{{\"kind\":\"decision\",\"v\":1,{}\n{{\"kind\":\"outcome\",\"v\":1,{}\n",
                decision.get(1..).unwrap_or_default(),
                outcome.get(1..).unwrap_or_default()
            );
            file.write_all(lines.as_bytes())?;
            size += lines.len() as u64;
            number += 1;
        }
        file.flush()?;
        bytes += size;
    }
    Ok(bytes)
}

fn entry(number: u32, complete: bool) -> Entry {
    let (route, user) = (number % ROUTES, number % 10_007);
    let path = format!("/r{route}/reports/{number}");
    let (minute, second) = (number / 60_000, number / 1_000 % 60);
    let time =
        format!("2026-03-03T{:02}:{:02}:{second:02}.{:06}Z", minute / 60 % 24, minute % 60, number % 1_000);
    let read = [
        ("action", json!("GET")),
        ("resource", json!(format!("Route::\"shop/r{route}\""))),
        ("principal.in", json!([format!("Group::\"group-{}\"", user % 20), "Group::\"staff\""])),
        ("principal.tier", json!(one_of(&["free", "premium", "gold"], user))),
        ("context.geo.country", json!(one_of(&["DE", "US", "FR", "KP"], number % 37 / 12))),
        ("context.device.compliant", json!(true)),
        ("context.request.path", json!(path)),
    ];
    let all = [
        ("principal.email", json!(format!("user-{user}@shop.example"))),
        ("context.geo.region", json!("DE-BE")),
        ("context.geo.asn", json!(64_500 + user)),
        ("context.network.ip", json!(format!("192.0.2.{}", number % 256))),
        ("context.network.zones", json!(["office"])),
        ("context.device.id", json!(format!("laptop-{user:05}"))),
        ("context.device.managed", json!(true)),
        ("context.device.encrypted", json!(true)),
        ("context.device.os", json!("linux")),
        ("context.device.os_version", json!("6.12")),
        ("context.device.last_seen", json!("2026-03-01T10:00:00Z")),
        ("context.auth.method", json!("jwt")),
        ("context.auth.issuer", json!("https://login.shop.example")),
        ("context.auth.scopes", json!(["orders:read", "reports:read"])),
        ("context.auth.amr", json!(["pwd", "otp"])),
        ("context.auth.acr", json!("mfa")),
        ("context.auth.time", json!("2026-03-03T08:00:00Z")),
        ("context.request.method", json!("GET")),
        ("context.request.scheme", json!("https")),
        ("context.request.host", json!("shop.example")),
        ("context.time.now", json!(time.clone())),
        ("context.time.minute", json!(number % 1440)),
        ("context.time.weekday", json!(2)),
    ];
    let more = if complete { &all[..] } else { &[] };
    let facts = read.iter().chain(more).map(|(path, value)| ((*path).to_owned(), value.clone()));
    Entry {
        reference: format!("0198f3a0-0000-7000-8000-{number:012x}"),
        door: Door::Proxy,
        stage: Stage::Decide,
        request: RequestEntry {
            method: "GET".to_owned(),
            scheme: "https".to_owned(),
            host: "shop.example".to_owned(),
            path,
            query: Some("page=2&sort=name".to_owned()),
            client: format!("192.0.2.{}", number % 256),
            peer: None,
            user_agent: Some(
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
            ),
        },
        time,
        app: Some("shop".to_owned()),
        route: Some(format!("r{route}")),
        principal: Some(PrincipalEntry {
            kind: "User".to_owned(),
            id: format!("user-{user}@shop.example"),
            method: "token".to_owned(),
            issuer: Some("https://login.shop.example".to_owned()),
            key: Some("2026-11".to_owned()),
        }),
        absence: None,
        facts: facts.collect(),
        missing: Default::default(),
        complete,
        verdict: Some(VerdictEntry {
            decision: "allow".to_owned(),
            policies: vec!["guard.shop.access".to_owned()],
            nearest: Vec::new(),
            errors: Vec::new(),
            undecided: Vec::new(),
        }),
        reason: None,
        status: None,
        detail: None,
        snapshot: "9d2c5a0b7f319d2c5a0b7f319d2c5a0b7f319d2c5a0b7f319d2c5a0b7f31aaaa".to_owned(),
        decided_us: 41,
    }
}

fn one_of(texts: &[&'static str], number: u32) -> &'static str {
    texts.iter().cycle().nth(number as usize % texts.len().max(1)).copied().unwrap_or_default()
}
