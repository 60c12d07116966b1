//! Traces for OpenTelemetry: finished spans are gathered by the SDK's batches and sent as OTLP over HTTP by our own client.
//! Which requests are traced, and what is told of them, is decided by the gate.
//!
//! INVARIANT: a request never waits for a collector: what does not fit into the queue is counted and given up, a trace's
//! parts together.

mod client;
mod convert;
mod exporter;
mod json;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor};
use portcullis_measure::trace::{Callers, Sampling, Sink, Span};
use portcullis_measure::{Metrics, Watched};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::config::TelemetryConfig;
use client::Collector;
use exporter::Exporter;

/// Why traces cannot be sent. Never holds a header's value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TelemetryError {
    /// No runtime to send from.
    #[error("traces are sent by the runtime, and there is none: {0}")]
    Runtime(#[from] tokio::runtime::TryCurrentError),
    /// The collector's address.
    #[error("traces cannot be sent to this address: {0}; write where OTLP is taken: `http://127.0.0.1:4318`")]
    Endpoint(#[from] http::Error),
    /// A header's value.
    #[error(
        "the value of `telemetry.headers.{0}` is no header value; it has a line end or a control character"
    )]
    Header(http::HeaderName),
    /// TLS.
    #[error("TLS cannot be set up for traces: {0}")]
    Tls(#[from] rustls::Error),
}

/// Traces on their way to a collector.
pub(crate) struct Telemetry {
    spans: Arc<Spans>,
    sampling: Sampling,
    ending: watch::Sender<bool>,
}

/// Begins to send traces.
pub(crate) fn start(config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
    start_at_pace(config, &Pace::USUAL)
}

impl Telemetry {
    /// Where finished spans go.
    pub(crate) fn sink(&self) -> Arc<dyn Sink> {
        Arc::<Spans>::clone(&self.spans)
    }

    /// Which requests are traced.
    pub(crate) fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// Shows among the metrics how many spans were sent and given up.
    pub(crate) fn watched_by(&self, metrics: &Metrics) {
        let (sent, dropped) = (Arc::clone(&self.spans.counts), Arc::clone(&self.spans.counts));
        metrics.watch(Watched::SpansSent, Box::new(move || sent.sent.load(Ordering::Relaxed)));
        metrics.watch(Watched::SpansDropped, Box::new(move || dropped.dropped.load(Ordering::Relaxed)));
    }

    /// Sends what waits, once and within five seconds, and gives up the rest.
    pub(crate) async fn stop(self) {
        self.ending.send_replace(true);
        let spans = Arc::clone(&self.spans);
        // Waits for the thread of the batches, which itself waits for this runtime.
        let flushed = tokio::task::spawn_blocking(move || spans.batches.shutdown_with_timeout(LAST_WORDS));
        match flushed.await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => tracing::warn!(%fault, "the last traces were not sent"),
            Err(fault) => tracing::error!(%fault, "sending traces ended badly"),
        }
        self.spans.counts.close();
    }
}

/// Takes finished spans.
struct Spans {
    batches: BatchSpanProcessor,
    scope: InstrumentationScope,
    counts: Arc<Counts>,
}

impl Sink for Spans {
    fn finished(&self, span: Span) {
        let parts = 1 + span.children().len();
        if self.counts.make_room(parts) {
            convert::spans(span, &self.scope).for_each(|part| self.batches.on_end(part));
        }
    }
}

/// What became of spans. Each is counted once, as sent or as dropped.
#[derive(Debug, Default)]
struct Counts {
    /// In the queue or being sent; [`CLOSED`] after the end.
    waiting: AtomicUsize,
    sent: AtomicU64,
    dropped: AtomicU64,
}

impl Counts {
    /// Whether so many more fit; if not, they are given up. The SDK's own queue is as long, so that it never drops what
    /// nobody counts.
    fn make_room(&self, parts: usize) -> bool {
        let more = |waiting: usize| waiting.checked_add(parts).filter(|waiting| *waiting <= LONGEST_QUEUE);
        let fit = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if !fit {
            add(&self.dropped, parts);
        }
        fit
    }

    /// So many no longer wait: the collector took all but `refused` of them. After the end they were given up already.
    fn settle(&self, parts: usize, refused: usize) {
        let fewer = |waiting: usize| if waiting == CLOSED { None } else { waiting.checked_sub(parts) };
        if self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok() {
            let refused = refused.min(parts);
            add(&self.sent, parts - refused);
            add(&self.dropped, refused);
        }
    }

    /// What still waits is given up, and nothing fits any more.
    fn close(&self) {
        let left = self.waiting.swap(CLOSED, Ordering::Relaxed);
        add(&self.dropped, if left == CLOSED { 0 } else { left });
    }
}

fn add(count: &AtomicU64, parts: usize) {
    count.fetch_add(u64::try_from(parts).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// How patiently spans are sent.
struct Pace {
    /// Longest wait of a span for others to be sent with.
    gather: Duration,
    /// Longest wait for the collector's answer.
    answer: Duration,
    /// Waits before further tries, where a try may succeed later (OTLP specification, "Retryable Response Codes").
    pauses: &'static [Duration],
}

impl Pace {
    /// What the OpenTelemetry specification has as defaults for batches (five seconds) and OTLP (ten seconds).
    const USUAL: Self = Self {
        gather: Duration::from_secs(5),
        answer: Duration::from_secs(10),
        pauses: &[Duration::from_secs(1), Duration::from_secs(4)],
    };
}

fn start_at_pace(config: &TelemetryConfig, pace: &Pace) -> Result<Telemetry, TelemetryError> {
    let runtime = Handle::try_current()?;
    let counts = Arc::<Counts>::default();
    let (ending, ended) = watch::channel(false);
    let collector = Collector::new(config, pace, ended)?;
    let exporter = Exporter::new(collector, runtime, Arc::clone(&counts));
    let batch = BatchConfigBuilder::default()
        .with_max_queue_size(LONGEST_QUEUE)
        .with_max_export_batch_size(LARGEST_BATCH)
        .with_scheduled_delay(pace.gather)
        .build();
    let mut batches = BatchSpanProcessor::new(exporter, batch);
    let version = env!("CARGO_PKG_VERSION");
    let resource = Resource::builder()
        .with_service_name(config.service_name.clone())
        .with_attribute(opentelemetry::KeyValue::new("service.version", version))
        .build();
    batches.set_resource(&resource);
    let scope = InstrumentationScope::builder("portcullis").with_version(version).build();
    let spans = Arc::new(Spans { batches, scope, counts });
    let sampling = Sampling { per_thousand: config.per_thousand, callers: Callers::Continued };
    Ok(Telemetry { spans, sampling, ending })
}

/// Most spans that wait or are being sent: the specification's default, some 2 MiB.
const LONGEST_QUEUE: usize = 2048;

/// More than ever wait.
const CLOSED: usize = usize::MAX;

/// Most spans sent at once, as above.
const LARGEST_BATCH: usize = 512;

/// Longest wait for the last batch.
const LAST_WORDS: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
