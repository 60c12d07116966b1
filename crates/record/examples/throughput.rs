//! Measures how many records a second the log takes, in both modes, from several tasks at once:
//! `cargo run --release -p portcullis-record --example throughput`.
#![allow(clippy::print_stdout, reason = "what it measures is its output")]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use portcullis_record::{
    Door, Entry, Log, LogSettings, PrincipalEntry, RequestEntry, Stage, SyncPoint, VerdictEntry, WhenBroken,
};
use portcullis_request::Reference;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for (name, when_broken, sync, tasks, count) in [
        ("fail_closed", WhenBroken::FailClosed, SyncPoint::default(), 64, 5000),
        ("fail_closed, one task", WhenBroken::FailClosed, SyncPoint::default(), 1, 5000),
        ("fail_closed, forced to disk", WhenBroken::FailClosed, SyncPoint::Always, 64, 500),
        ("fail_open", WhenBroken::FailOpen, SyncPoint::default(), 64, 5000),
    ] {
        let folder = std::env::temp_dir().join(format!("portcullis-throughput-{}", std::process::id()));
        let settings = LogSettings { when_broken, sync, ..LogSettings::new(&folder) };
        let (written, dropped, took) = runtime.block_on(measure(settings, tasks, count))?;
        let second = written as f64 / took.as_secs_f64();
        println!("{name}: {second:.0} records/s ({written} written, {dropped} dropped, {took:.2?})");
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

async fn measure(
    settings: LogSettings,
    tasks: u32,
    count: u32,
) -> Result<(u64, u64, Duration), Box<dyn std::error::Error>> {
    let log = Arc::new(Log::open(settings)?);
    let started = Instant::now();
    let mut running = Vec::new();
    for _ in 0..tasks {
        let log = Arc::clone(&log);
        running.push(tokio::spawn(async move {
            for _ in 0..count {
                log.submit(entry()).await?;
            }
            Ok::<_, portcullis_record::LogFault>(())
        }));
    }
    for task in running {
        task.await??;
    }
    log.close().await;
    let status = log.status();
    Ok((status.written, status.dropped, started.elapsed()))
}

/// A record of ordinary size.
fn entry() -> Entry {
    let facts = [
        ("action", "GET"),
        ("context.auth.acr", "mfa"),
        ("context.auth.issuer", "https://login.shop.example"),
        ("context.device.id", "laptop-0042"),
        ("context.geo.country", "DE"),
        ("context.network.ip", "192.0.2.1"),
        ("context.request.path", "/premium-content/reports/2026"),
        ("principal.tier", "premium"),
        ("resource", "Route::\"media/premium\""),
    ];
    let now = SystemTime::now();
    Entry {
        reference: Reference::new(now).uuid(),
        time: jiff::Timestamp::try_from(now).map(|time| format!("{time:.6}")).unwrap_or_default(),
        door: Door::Proxy,
        stage: Stage::Decide,
        request: RequestEntry {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            host: "shop.example".to_owned(),
            path: "/premium-content/reports/2026".to_owned(),
            query: Some("page=2&sort=name".to_owned()),
            client: "192.0.2.1".to_owned(),
            peer: None,
            user_agent: Some(
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
            ),
        },
        app: Some("media".to_owned()),
        route: Some("premium".to_owned()),
        principal: Some(PrincipalEntry {
            kind: "User".to_owned(),
            id: "alice@shop.example".to_owned(),
            method: "token".to_owned(),
            issuer: Some("https://login.shop.example".to_owned()),
            key: Some("2026-11".to_owned()),
        }),
        absence: None,
        facts: facts.into_iter().map(|(path, value)| (path.to_owned(), value.into())).collect(),
        missing: std::collections::BTreeMap::new(),
        complete: true,
        verdict: Some(VerdictEntry {
            decision: "allow".to_owned(),
            policies: vec!["guard.media.premium.access".to_owned()],
            nearest: Vec::new(),
            errors: Vec::new(),
            undecided: Vec::new(),
        }),
        reason: None,
        status: None,
        detail: None,
        snapshot: "9d2c5a0b7f31".to_owned(),
        decided_us: 41,
    }
}
