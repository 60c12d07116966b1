//! Writes a log of so many decisions, as a gate under full load would, and measures what is done with it:
//! `cargo run --release -p portcullis-record --example measure -- FOLDER 1000000`.
//! A log that is there already is measured as it is. With `write` behind it, it only writes and packs nothing; with
//! `make` it only makes the records, without their facts; with `gather` it gathers and redacts those too. What lies between
//! `make` and `write`, as `perf stat` counts it, is what the log costs.
#![allow(clippy::print_stdout, reason = "what it measures is its output")]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use portcullis_record::search::{Field, Filter, Glance, count, search};
use portcullis_record::verify::{Against, verify};
use portcullis_record::{
    Door, Entry, Fact, FactSet, Gathered, Log, LogSettings, Outcome, PrincipalEntry, Redaction, RequestEntry,
    Stage, VerdictEntry, keys, read,
};
use portcullis_request::Reference;

type Done<T> = Result<T, Box<dyn std::error::Error>>;

const TASKS: u64 = 64;

fn main() -> Done<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(decisions)) = (arguments.next(), arguments.next()) else {
        return Err("say a folder and how many decisions".into());
    };
    let (folder, decisions) = (Path::new(&folder), decisions.parse::<u64>()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.next().as_deref() {
        Some("make") => {
            make(decisions, |_| Gathered::default());
            return Ok(());
        }
        Some("gather") => {
            let redaction = Redaction::default();
            make(decisions, |number| gathered(number, &redaction));
            return Ok(());
        }
        Some("write") => return runtime.block_on(write(folder, decisions, false)),
        Some(other) => return Err(format!("`{other}` is neither `make` nor `gather` nor `write`").into()),
        None if folder.exists() => {}
        None => runtime.block_on(write(folder, decisions, true))?,
    }
    let bytes = std::fs::read_dir(folder)?
        .filter_map(|file| file.ok()?.metadata().ok())
        .map(|file| file.len())
        .sum::<u64>();
    println!("on disk: {} MB in {} files", bytes / 1_000_000, std::fs::read_dir(folder)?.count());
    let began = Instant::now();
    let log = Log::open(LogSettings { keep_bytes: 1 << 40, ..LogSettings::new(folder) })?;
    println!("opened again in {:.1?}", began.elapsed());
    drop(log);
    looked_up(folder)?;
    proved(folder)?;
    searched(folder)
}

/// Makes records and outcomes, and nothing of them.
fn make(decisions: u64, facts: impl Fn(u64) -> Gathered) {
    for number in 0..decisions {
        let reference = Reference::new(SystemTime::now());
        std::hint::black_box((entry(number, reference, facts(number)), outcome(reference, 200)));
    }
}

async fn write(folder: &Path, decisions: u64, compress: bool) -> Done<()> {
    let settings = LogSettings { keep_bytes: 1 << 40, compress, ..LogSettings::new(folder) };
    let log = Arc::new(Log::open(settings.clone())?);
    let began = Instant::now();
    let redaction = Redaction::default();
    let mut running = Vec::new();
    for task in 0..TASKS {
        let log = Arc::clone(&log);
        let redaction = redaction.clone();
        running.push(tokio::spawn(async move {
            for number in (task..decisions).step_by(TASKS as usize) {
                let reference = Reference::new(SystemTime::now());
                let entry = entry(number, reference, gathered(number, &redaction));
                let status = entry.status.unwrap_or(200);
                log.submit(entry).await?;
                // Outcomes never wait: a gate has at most as many under way as it has requests.
                while log.status().queue > 2048 {
                    tokio::task::yield_now().await;
                }
                log.outcome(outcome(reference, status));
            }
            Ok::<_, portcullis_record::LogFault>(())
        }));
    }
    for task in running {
        task.await??;
    }
    log.close().await;
    let (took, status) = (began.elapsed(), log.status());
    println!(
        "written: {decisions} decisions and their outcomes in {took:.1?}, {:.0} decisions/s, {} lines missed",
        decisions as f64 / took.as_secs_f64(),
        status.dropped
    );
    if !compress {
        return Ok(());
    }
    // What has ended is packed meanwhile, and to its end before anything is measured.
    let plain = |file: &std::fs::DirEntry| file.file_name().to_string_lossy().ends_with(".jsonl");
    while std::fs::read_dir(folder)?.filter_map(Result::ok).filter(plain).count() > 1 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(Log::open(settings.clone())?);
    }
    println!("packed after {:.1?}", began.elapsed());
    Ok(())
}

fn proved(folder: &Path) -> Done<()> {
    let against = Against { verifier: keys::verifier(folder)?, checkpoints: Vec::new() };
    let began = Instant::now();
    let report = verify(folder, &against)?;
    let took = began.elapsed();
    println!(
        "verify: {} lines, {} MB of text in {took:.2?}, {:.0} MB/s; {} checkpoints, {} findings",
        report.lines,
        report.bytes / 1_000_000,
        report.bytes as f64 / 1e6 / took.as_secs_f64(),
        report.checkpoints,
        report.findings.len()
    );
    Ok(())
}

fn searched(folder: &Path) -> Done<()> {
    let filters = [
        ("--principal user-77", Filter { principals: vec!["user-77".to_owned()], ..Filter::default() }),
        (
            "--denied --reason region_restricted",
            Filter {
                allowed: Some(false),
                reasons: vec!["region_restricted".to_owned()],
                ..Filter::default()
            },
        ),
        ("--path /reports/12", Filter { paths: vec!["/reports/12".to_owned()], ..Filter::default() }),
        ("--status 404", Filter { statuses: vec![404], ..Filter::default() }),
        ("--denied", Filter { allowed: Some(false), ..Filter::default() }),
    ];
    for (name, filter) in filters {
        let (began, mut found) = (Instant::now(), 0);
        search(folder, &filter, |_| {
            found += 1;
            ControlFlow::Continue(())
        })?;
        println!("search {name}: {found} found in {:.2?}", began.elapsed());
    }
    let by: Vec<Field> = ["reason", "country"].into_iter().map(str::parse).collect::<Result<_, _>>()?;
    let began = Instant::now();
    let counts = count(folder, &Filter::default(), &by, Some(jiff::SignedDuration::from_mins(5)))?;
    println!(
        "count --by reason,country --per 5m: {} decisions in {} groups in {:.2?}",
        counts.total,
        counts.groups.len(),
        began.elapsed()
    );
    Ok(())
}

/// Looks up decisions from everywhere in the log, each once, and one that is not there.
fn looked_up(folder: &Path) -> Done<()> {
    let filter = Filter { paths: vec!["/reports/12".to_owned()], ..Filter::default() };
    let mut references = Vec::new();
    search(folder, &filter, |line| {
        references.extend(Glance::of(line).and_then(|glance| glance.reference.parse::<Reference>().ok()));
        ControlFlow::Continue(())
    })?;
    let step = (references.len() / 200).max(1);
    let mut times = Vec::new();
    for reference in references.into_iter().step_by(step) {
        let began = Instant::now();
        let found = read::find(folder, reference)?.ok_or("not found")?;
        times.push(began.elapsed());
        if found.outcome.is_none() {
            return Err("an outcome was not found".into());
        }
    }
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    let last = times.last().copied().unwrap_or_default();
    println!(
        "lookup: {} references, median {:.2?}, 99 % {:.2?}, slowest {last:.2?}",
        times.len(),
        at(50),
        at(99)
    );
    let began = Instant::now();
    let none = read::find(folder, Reference::new(SystemTime::now() - Duration::from_secs(1)))?;
    println!("lookup of one that is not there: {:.2?} ({})", began.elapsed(), none.is_none());
    Ok(())
}

/// The facts of a request, redacted, as a gate gathers them.
fn gathered(number: u64, redaction: &Redaction) -> Gathered {
    let country =
        ["DE", "FR", "US", "JP", "BR"].into_iter().cycle().nth((number % 5) as usize).unwrap_or("DE");
    let facts = [
        ("action", "GET"),
        ("context.auth.acr", "mfa"),
        ("context.auth.issuer", "https://login.shop.example"),
        ("context.device.id", "laptop-0042"),
        ("context.geo.country", country),
        ("context.network.ip", "192.0.2.1"),
        ("principal.tier", "premium"),
        ("resource", "Route::\"media/premium\""),
    ];
    let mut gathering = redaction.gather();
    for (name, value) in facts {
        gathering.put(name, Fact::Text(value.into()));
    }
    gathering.done()
}

/// Records of ordinary size: one in five is denied.
fn entry<F: FactSet>(number: u64, reference: Reference, facts: F) -> Entry<F> {
    let denied = number.is_multiple_of(5);
    Entry {
        reference: reference.uuid(),
        time: format!("{:.6}", jiff::Timestamp::now()),
        door: Door::Proxy,
        stage: Stage::Decide,
        request: RequestEntry {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            host: "shop.example".to_owned(),
            path: format!("/reports/{}", number % 5003),
            query: Some("page=2&sort=name".to_owned()),
            client: format!("192.0.2.{}", number % 251),
            peer: None,
            user_agent: Some(
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
            ),
        },
        app: Some("media".to_owned()),
        route: Some("premium".to_owned()),
        principal: Some(PrincipalEntry {
            kind: "User".to_owned(),
            id: format!("user-{}", number % 9973),
            method: "token".to_owned(),
            issuer: Some("https://login.shop.example".to_owned()),
            key: Some("2026-11".to_owned()),
        }),
        absence: None,
        facts,
        missing: std::collections::BTreeMap::new(),
        complete: false,
        verdict: Some(VerdictEntry {
            decision: if denied { "deny" } else { "allow" }.to_owned(),
            policies: vec!["guard.media.premium.access".to_owned()],
            nearest: Vec::new(),
            errors: Vec::new(),
            undecided: Vec::new(),
        }),
        reason: denied.then(|| {
            if number.is_multiple_of(10) { "region_restricted" } else { "tier_required" }.to_owned()
        }),
        status: denied.then_some(403),
        detail: None,
        snapshot: "9d2c5a0b7f31".to_owned(),
        decided_us: 41,
    }
}

fn outcome(reference: Reference, status: u16) -> Outcome {
    let status = if reference.as_u128().is_multiple_of(1009) { 404 } else { status };
    Outcome {
        reference: reference.uuid(),
        status,
        origin_status: Some(status),
        intercepted: false,
        fault: None,
        bytes: 5120,
        total_us: 1830,
    }
}
