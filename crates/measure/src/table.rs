//! Every metric: its name, kind, labels and meaning, once. What is rendered and the chapter of the book both come from
//! here, so that neither can say what the other does not.

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// What a metric is to OpenMetrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; sent with `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Classes of durations; sent with `_bucket`, `_sum` and `_count`.
    Histogram,
    /// A text as a label; sent with `_info`.
    Info,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// The family's name, with its unit, without the suffix of its kind.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its labels, in the order they are sent.
    pub labels: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
}

impl Described {
    const fn new(
        kind: Kind,
        name: &'static str,
        labels: &'static [&'static str],
        meaning: &'static str,
    ) -> Self {
        Self { name, kind, labels, meaning }
    }

    /// The name that is asked for in a query.
    #[must_use]
    pub fn sample(&self) -> String {
        match self.kind {
            Kind::Counter => format!("{}_total", self.name),
            Kind::Info => format!("{}_info", self.name),
            Kind::Gauge | Kind::Histogram => self.name.to_owned(),
        }
    }

    /// The name without its unit, and the unit: the library puts them together.
    pub(crate) fn parts(&self) -> (&'static str, Option<&'static Unit>) {
        let units = [("_seconds", &Unit::Seconds), ("_bytes", &Unit::Bytes)];
        let parts =
            units.into_iter().find_map(|(suffix, unit)| Some((self.name.strip_suffix(suffix)?, unit)));
        parts.map_or((self.name, None), |(name, unit)| (name, Some(unit)))
    }

    pub(crate) fn metric_type(&self) -> MetricType {
        match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
            Kind::Info => MetricType::Info,
        }
    }
}

macro_rules! metrics {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $meaning:literal,)+) => {
        $(pub(crate) const $constant: Described = Described::new(Kind::$kind, $name, &[$($label),*], $meaning);)+

        /// Every metric, in the order they are rendered.
        pub const METRICS: &[Described] = &[$($constant),+];
    };
}

metrics! {
    REQUESTS: Counter "portcullis_requests" ["door", "app", "answer", "reason"]
        "Requests by the way in, the app, how they ended (forwarded, refused, answered by ourselves, failed) and the public reason",
    RESPONSES: Counter "portcullis_responses" ["status", "by"]
        "Answers by status and by who made them: a 403 of ours and a 403 of an origin count apart",
    STAGE: Histogram "portcullis_stage_seconds" ["stage"]
        "How long the stages of a request take; origin is from the permit to the head of the origin's answer",
    RATE_LIMITED: Counter "portcullis_rate_limited" ["limit"]
        "Requests refused with 429, by the limit that was used up",
    PAYLOAD_REFUSED: Counter "portcullis_payload_refused" ["code"]
        "Requests refused for their body, by the code of the fault",
    INTERCEPTED: Counter "portcullis_intercepted" ["status"]
        "Answers of origins whose page was replaced by ours, by the status they had",
    ORIGIN_TRIES: Counter "portcullis_origin_tries" ["app", "outcome"]
        "Tries at origins: answered, connect_failed, timeout, broken, or retried because it failed and could safely be tried again",
    ORIGIN_UP: Gauge "portcullis_origin_up" ["app", "address"]
        "1 while an address of an origin passes its health check, else 0",
    RELOADS: Counter "portcullis_reloads" ["outcome"]
        "Looks at changed files: taken_up, unchanged in meaning, or refused because they do not load",
    RELOAD_SUCCESSFUL: Gauge "portcullis_last_reload_successful" []
        "1 if the files say what is in force, 0 if their last change was refused",
    RELOAD_TIME: Gauge "portcullis_last_reload_success_timestamp_seconds" []
        "When the files were last found good, at the start or by a reload, in Unix time",
    SNAPSHOT: Info "portcullis_snapshot" ["version"]
        "The version of the configuration and policies in force",
    BUILD: Info "portcullis_build" ["version"]
        "The version of the program",
    SHADOWS: Counter "portcullis_shadow_decisions" ["outcome"]
        "What shadow policies came to beside those in force: same, newly_allowed, newly_refused, changed_reason; dropped where too many waited, failed by a fault of ours",
    CONNECTIONS: Counter "portcullis_connections" ["kind"]
        "Connections of callers, by what they speak",
    CONNECTIONS_OPEN: Gauge "portcullis_connections_open" ["kind"]
        "Connections of callers that are open, by what they speak",
    CONNECTIONS_REFUSED: Counter "portcullis_connections_refused" ["reason"]
        "Connections of callers that were closed for what they did or for how many they were",
    HANDSHAKES_FAILED: Counter "portcullis_handshakes_failed" []
        "TLS handshakes of callers that failed",
    TUNNELS: Counter "portcullis_tunnels" []
        "Tunnels (WebSocket and other upgrades) that were opened",
    TUNNELS_OPEN: Gauge "portcullis_tunnels_open" []
        "Tunnels that are open",
    TOKEN_CACHE: Counter "portcullis_token_cache_lookups" ["result"]
        "Tokens looked up among those verified before: hit or miss",
    TOKEN_CACHE_ENTRIES: Gauge "portcullis_token_cache_entries" []
        "Verified tokens that are remembered",
    ISSUERS_WITHOUT_KEYS: Gauge "portcullis_issuers_without_keys" []
        "Issuers whose keys are missing or too old: their callers are answered with 503",
    LOG_QUEUE: Gauge "portcullis_log_queue_records" []
        "Records that wait to be written to the decision log",
    RECORDS_WRITTEN: Counter "portcullis_records_written" []
        "Records written to the decision log",
    RECORDS_MISSED: Counter "portcullis_records_missed" []
        "Records that could not be written to the decision log",
    RECORDS_LEFT_OUT: Counter "portcullis_records_left_out" []
        "Decisions that `log.drop` left out of the decision log",
    LOG_BROKEN: Gauge "portcullis_log_broken" []
        "1 while the decision log cannot be written, else 0",
    LIMITER_KEYS: Gauge "portcullis_limiter_keys" []
        "Callers that rate limits count apart at this moment",
    POLICIES: Gauge "portcullis_policies" []
        "Policies that decide at this moment",
    APPS: Gauge "portcullis_apps" []
        "Apps of the configuration in force",
    SPANS_SENT: Counter "portcullis_spans_sent" []
        "Spans that the collector took",
    SPANS_DROPPED: Counter "portcullis_spans_dropped" []
        "Spans that were given up: too many waited, or the collector did not take them",
    PROCESS_START: Gauge "process_start_time_seconds" []
        "When the process began to measure, in Unix time",
    PROCESS_RESIDENT: Gauge "process_resident_memory_bytes" []
        "Memory of the process that is present",
    PROCESS_OPEN_FILES: Gauge "process_open_fds" []
        "Files and sockets that are open",
    PROCESS_MOST_FILES: Gauge "process_max_fds" []
        "How many files and sockets may be open",
    PROCESS_THREADS: Gauge "process_threads" []
        "Threads of the process",
}

/// The chapter of the book.
#[must_use]
pub fn markdown() -> String {
    let mut out = INTRODUCTION.to_owned();
    for about in METRICS {
        let kind = match about.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        };
        let labels: Vec<_> = about.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        out.push_str(&format!("| `{}` | {kind} | {labels} | {} |\n", about.sample(), about.meaning));
    }
    out
}

const INTRODUCTION: &str = "\
# Metrics

`GET /metrics` on the admin listener shows these, as OpenMetrics text, which Prometheus reads. Counting never delays a
request: what was counted before is found without a lock.

Labels that come from configuration and policies (`app`, `reason`, `limit`, `code`, `address`) may have a thousand different
sets of values a metric. Whatever comes after that counts as `other`; an origin's address is left out instead. Values are
cut at 128 bytes. `reason` is the public reason and empty where nothing was refused; `app` is empty where no app was found.
A status that does not have three digits counts as 0.

| metric | kind | labels | |
|---|---|---|---|
";

#[cfg(test)]
mod tests {
    #[test]
    fn the_chapter_of_the_book_is_generated() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/metrics.md");
        let generated = super::markdown();
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(file, &generated).unwrap();
        }
        let stands = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            stands == generated,
            "docs/src/metrics.md is not what the table says; run this test with UPDATE_GENERATED=1"
        );
    }
}
