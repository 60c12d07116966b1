mod reader;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use self::reader::{Exposition, read};
use super::Metrics;
use crate::event::{
    Answered, By, ConnectionKind, ConnectionRefused, Door, Label, OriginOutcome, Reload, Stage, Watched,
};
use crate::family::MOST_SETS;
use crate::table::{Kind, METRICS};

/// Everything happened once.
fn busy() -> Metrics {
    let metrics = Metrics::new();
    metrics.request(Door::Proxy, Answered::Forwarded, "", "shop");
    metrics.request(Door::ForwardAuth, Answered::Refused, "region_restricted", "shop");
    metrics.status(403, By::Portcullis);
    metrics.status(403, By::Origin);
    Stage::ALL.iter().for_each(|stage| metrics.stage(*stage, Duration::from_micros(30)));
    metrics.rate_limited("per_address");
    metrics.payload_refused("payload_too_large");
    metrics.intercepted(500);
    metrics.origin_try("shop", OriginOutcome::Answered);
    metrics.origin_health("shop", "127.0.0.1:9000", true);
    metrics.reload(Reload::TakenUp);
    metrics.snapshot("0f3a");
    metrics.connection_opened(ConnectionKind::TlsHttp2);
    metrics.connection_refused(ConnectionRefused::Resets);
    metrics.handshake_failed();
    metrics.tunnel_opened();
    metrics.token_cache(true);
    for value in Watched::ALL {
        metrics.watch(*value, Box::new(|| 7));
    }
    metrics
}

fn shown(metrics: &Metrics) -> Exposition {
    let text = metrics.render();
    read(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

fn value(metrics: &Metrics, series: &str) -> f64 {
    let shown = shown(metrics);
    *shown.series.get(series).unwrap_or_else(|| panic!("no `{series}` in {:#?}", shown.series.keys()))
}

#[test]
fn every_metric_of_the_table_is_shown_as_it_says_and_no_other() {
    let shown = shown(&busy());
    let names: Vec<_> = shown.families.iter().map(|family| &*family.name).collect();
    assert_eq!(names, METRICS.iter().map(|about| about.name).collect::<Vec<_>>());
    for (family, about) in shown.families.iter().zip(METRICS) {
        let kind = match about.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        };
        assert_eq!(family.kind, kind, "{}", about.name);
        assert_eq!(family.help, about.meaning, "{}", about.name);
        assert!(!family.samples.is_empty() || !cfg!(target_os = "linux"), "{} shows nothing", about.name);
        for labels in &family.samples {
            let labels: Vec<_> = labels.iter().filter(|label| *label != "le").collect();
            assert_eq!(labels, about.labels, "{}", about.name);
        }
    }
}

#[test]
fn names_follow_the_conventions() {
    for about in METRICS {
        let name = about.name;
        assert!(name.starts_with("portcullis_") || name.starts_with("process_"), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert!(!name.contains("__") && !name.ends_with('_'), "{name}");
        for suffix in ["_total", "_count", "_sum", "_bucket", "_info", "_created"] {
            assert!(!name.ends_with(suffix), "{name}: the suffix comes from the kind");
        }
        for unit in ["_milliseconds", "_ms", "_micros", "_kb", "_percent"] {
            assert!(!name.ends_with(unit), "{name}: only base units");
        }
        assert!(about.kind != Kind::Histogram || name.ends_with("_seconds"), "{name}: no unit");
        assert!(about.meaning.len() >= 15 && !about.meaning.ends_with('.'), "{name}: {}", about.meaning);
        assert!(!about.meaning.contains(['\n', '\\', '"', '|']), "{name}: {}", about.meaning);
        for label in about.labels {
            assert!(label.bytes().all(|byte| byte.is_ascii_lowercase()) && *label != "le", "{name}: {label}");
        }
    }
}

#[test]
fn a_refusal_of_ours_and_of_the_origin_count_apart() {
    let metrics = busy();
    metrics.status(403, By::Origin);
    assert_eq!(value(&metrics, r#"portcullis_responses_total{status="403",by="portcullis"}"#), 1.0);
    assert_eq!(value(&metrics, r#"portcullis_responses_total{status="403",by="origin"}"#), 2.0);
    metrics.status(7, By::Origin);
    metrics.status(60_000, By::Origin);
    assert_eq!(value(&metrics, r#"portcullis_responses_total{status="0",by="origin"}"#), 2.0);
}

#[test]
fn requests_are_told_apart_by_door_app_answer_and_reason() {
    let metrics = busy();
    metrics.request(Door::ForwardAuth, Answered::Refused, "region_restricted", "shop");
    let refused = r#"portcullis_requests_total{door="forward_auth",app="shop",answer="refused",reason="region_restricted"}"#;
    assert_eq!(value(&metrics, refused), 2.0);
    let forwarded = r#"portcullis_requests_total{door="proxy",app="shop",answer="forwarded",reason=""}"#;
    assert_eq!(value(&metrics, forwarded), 1.0);
}

#[test]
fn reasons_without_end_do_not_grow_without_end() {
    let metrics = Metrics::new();
    for reason in 0..3 * MOST_SETS {
        metrics.request(Door::Proxy, Answered::Refused, &reason.to_string(), "shop");
    }
    let shown = shown(&metrics);
    let requests = shown.families.iter().find(|family| family.name == "portcullis_requests").unwrap();
    assert_eq!(requests.samples.len(), MOST_SETS + 1);
    let other = r#"portcullis_requests_total{door="proxy",app="other",answer="refused",reason="other"}"#;
    assert_eq!(shown.series[other], 2000.0);
}

#[test]
fn stages_are_classed_by_seconds() {
    let metrics = Metrics::new();
    metrics.stage(Stage::Decide, Duration::from_micros(3));
    metrics.stage(Stage::Decide, Duration::from_secs(60));
    let of = |series: &str| value(&metrics, series);
    assert_eq!(of(r#"portcullis_stage_seconds_count{stage="decide"}"#), 2.0);
    assert_eq!(of(r#"portcullis_stage_seconds_sum{stage="decide"}"#), 60.000_003);
    assert_eq!(of(r#"portcullis_stage_seconds_bucket{le="30.0",stage="decide"}"#), 1.0);
    assert_eq!(of(r#"portcullis_stage_seconds_bucket{le="+Inf",stage="decide"}"#), 2.0);
    assert_eq!(of(r#"portcullis_stage_seconds_count{stage="admit"}"#), 0.0);
}

#[test]
fn what_is_open_is_what_was_opened_and_not_closed() {
    let metrics = busy();
    metrics.connection_opened(ConnectionKind::TlsHttp2);
    metrics.connection_closed(ConnectionKind::TlsHttp2);
    metrics.tunnel_closed();
    assert_eq!(value(&metrics, r#"portcullis_connections_open{kind="tls_h2"}"#), 1.0);
    assert_eq!(value(&metrics, r#"portcullis_connections_total{kind="tls_h2"}"#), 2.0);
    assert_eq!(value(&metrics, r#"portcullis_connections_open{kind="h1"}"#), 0.0);
    assert_eq!(value(&metrics, "portcullis_tunnels_open"), 0.0);
    metrics.connection_closed(ConnectionKind::Http1);
    assert_eq!(value(&metrics, r#"portcullis_connections_open{kind="h1"}"#), 0.0, "less than none is none");
}

#[test]
fn a_refused_reload_shows_until_the_files_are_good_again() {
    let metrics = Metrics::new();
    assert_eq!(value(&metrics, "portcullis_last_reload_successful"), 1.0);
    let before = value(&metrics, "portcullis_last_reload_success_timestamp_seconds");
    metrics.reload(Reload::Refused);
    assert_eq!(value(&metrics, "portcullis_last_reload_successful"), 0.0);
    assert_eq!(value(&metrics, "portcullis_last_reload_success_timestamp_seconds"), before);
    metrics.reload(Reload::Unchanged);
    assert_eq!(value(&metrics, "portcullis_last_reload_successful"), 1.0);
    assert!(value(&metrics, "portcullis_last_reload_success_timestamp_seconds") >= before);
    metrics.snapshot("a");
    metrics.snapshot("b");
    assert_eq!(value(&metrics, r#"portcullis_snapshot_info{version="b"}"#), 1.0);
    assert!(!metrics.render().contains(r#"version="a""#));
}

#[test]
fn watched_values_are_read_when_shown_and_unknown_ones_left_out() {
    let metrics = Metrics::new();
    assert!(!shown(&metrics).series.contains_key("portcullis_log_queue_records"));
    let queue = Arc::new(std::sync::atomic::AtomicU64::new(3));
    let read = Arc::clone(&queue);
    metrics.watch(Watched::LogQueue, Box::new(|| 99));
    metrics.watch(Watched::LogQueue, Box::new(move || read.load(std::sync::atomic::Ordering::Relaxed)));
    assert_eq!(value(&metrics, "portcullis_log_queue_records"), 3.0);
    queue.store(5, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(value(&metrics, "portcullis_log_queue_records"), 5.0);
}

#[test]
fn an_origin_that_is_no_longer_configured_is_no_longer_shown() {
    let metrics = busy();
    metrics.origin_health("shop", "127.0.0.1:9001", false);
    let up = r#"portcullis_origin_up{app="shop",address="127.0.0.1:9000"}"#;
    assert_eq!(value(&metrics, up), 1.0);
    metrics.origin_health("shop", "127.0.0.1:9000", false);
    assert_eq!(value(&metrics, up), 0.0);
    metrics.origin_gone("shop", "127.0.0.1:9000");
    let shown = shown(&metrics);
    assert!(!shown.series.contains_key(up));
    assert!(shown.series.contains_key(r#"portcullis_origin_up{app="shop",address="127.0.0.1:9001"}"#));
}

#[test]
fn the_same_counts_give_the_same_text() {
    let stable = |metrics: &Metrics| {
        let lines = metrics.render();
        let lines = lines.lines().filter(|line| !line.contains("process_") && !line.contains("timestamp"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (one, other) = (Metrics::new(), Metrics::new());
    for reason in 0..50 {
        one.request(Door::Proxy, Answered::Refused, &reason.to_string(), "shop");
        other.request(Door::Proxy, Answered::Refused, &(49 - reason).to_string(), "shop");
    }
    assert_eq!(stable(&one), stable(&other));
}

#[test]
#[cfg(target_os = "linux")]
fn the_process_is_measured() {
    let metrics = Metrics::new();
    assert!(value(&metrics, "process_resident_memory_bytes") > 100_000.0);
    let (open, most) = (value(&metrics, "process_open_fds"), value(&metrics, "process_max_fds"));
    assert!(open >= 3.0 && open <= most, "{open} of {most}");
    assert!(value(&metrics, "process_start_time_seconds") > 1.7e9);
}

proptest! {
    /// Whatever a policy's author calls a reason: no value breaks out of its label.
    #[test]
    fn any_text_is_one_label_of_one_series(reason in any::<String>(), app in "\\PC{0,20}") {
        let metrics = Metrics::new();
        metrics.request(Door::Proxy, Answered::Refused, &reason, &app);
        let text = metrics.render();
        let shown = read(&text).map_err(TestCaseError::fail)?;
        let requests = shown.families.iter().find(|family| family.name == "portcullis_requests").unwrap();
        prop_assert_eq!(requests.samples.len(), 1);
        let known: BTreeMap<_, _> = read(&Metrics::new().render()).unwrap().series;
        prop_assert_eq!(shown.series.len(), known.len() + 1);
    }
}
