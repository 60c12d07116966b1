//! From counts to what the library encodes, in the order of the table. Sets of labels are sorted, so that the same counts
//! give the same text.

use std::fmt;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};

use super::Counts;
use crate::event::{By, Label, Stage, Watched};
use crate::family::Family;
use crate::histogram;
use crate::process::{self, unix_seconds};
use crate::table::{self, Described};
use crate::tally::{Statuses, Tally};

impl fmt::Debug for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Counts(…)")
    }
}

impl Collector for Counts {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut show = Show(encoder);
        show.family(&table::REQUESTS, &self.requests)?;
        show.many(&table::RESPONSES, self.responses())?;
        show.many(&table::STAGE, self.stages())?;
        show.family(&table::RATE_LIMITED, &self.rate_limited)?;
        show.family(&table::PAYLOAD_REFUSED, &self.payload_refused)?;
        show.many(&table::INTERCEPTED, statuses(&self.intercepted, None))?;
        show.family(&table::ORIGIN_TRIES, &self.origin_tries)?;
        show.family(&table::ORIGIN_UP, &self.origin_up)?;
        self.show_reloads(&mut show)?;
        show.tally(&table::SHADOWS, &self.shadows)?;
        self.show_connections(&mut show)?;
        self.show_watched(&mut show)?;
        self.show_process(&mut show)
    }
}

impl Counts {
    fn responses(&self) -> Vec<Sample> {
        let each = By::ALL.iter().zip(&self.responses);
        each.flat_map(|(by, all)| statuses(all, Some(by.text()))).collect()
    }

    fn stages(&self) -> Vec<Sample> {
        let each = Stage::ALL.iter().zip(&self.stages);
        each.map(|(stage, all)| (vec![stage.text().to_owned()], Value::Durations(all.read()))).collect()
    }

    fn show_reloads(&self, show: &mut Show<'_>) -> fmt::Result {
        show.tally(&table::RELOADS, &self.reloads)?;
        let successful = self.reload_successful.load(Ordering::Relaxed);
        show.one(&table::RELOAD_SUCCESSFUL, Some(Value::Whole(u64::from(successful))))?;
        let (since, version) = {
            let in_force = self.in_force();
            (in_force.since, in_force.version.clone())
        };
        show.one(&table::RELOAD_TIME, Some(Value::Seconds(unix_seconds(since))))?;
        show.info(&table::SNAPSHOT, &version)?;
        show.info(&table::BUILD, env!("CARGO_PKG_VERSION"))
    }

    fn show_connections(&self, show: &mut Show<'_>) -> fmt::Result {
        // What closed is read first: a connection that comes and goes meanwhile is then not counted as less than none.
        let closed: Vec<_> = self.connections_closed.all().collect();
        let open = closed.into_iter().map(|(kind, closed)| {
            let open = self.connections.get(kind).saturating_sub(closed);
            (vec![kind.text().to_owned()], Value::Whole(open))
        });
        let open: Vec<_> = open.collect();
        show.tally(&table::CONNECTIONS, &self.connections)?;
        show.many(&table::CONNECTIONS_OPEN, open)?;
        show.tally(&table::CONNECTIONS_REFUSED, &self.connections_refused)?;
        let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        show.one(&table::HANDSHAKES_FAILED, Some(Value::Whole(count(&self.handshakes_failed))))?;
        let closed = count(&self.tunnels_closed);
        let opened = count(&self.tunnels);
        show.one(&table::TUNNELS, Some(Value::Whole(opened)))?;
        show.one(&table::TUNNELS_OPEN, Some(Value::Whole(opened.saturating_sub(closed))))?;
        let lookups = [("hit", &self.token_cache_hits), ("miss", &self.token_cache_misses)];
        let lookups =
            lookups.map(|(result, lookups)| (vec![result.to_owned()], Value::Whole(count(lookups))));
        show.many(&table::TOKEN_CACHE, lookups)
    }

    fn show_watched(&self, show: &mut Show<'_>) -> fmt::Result {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |value: Watched| {
            let found = watched.iter().find(|(known, _)| *known == value);
            found.map(|(_, read)| Value::Whole(read()))
        };
        for (about, value) in [
            (&table::TOKEN_CACHE_ENTRIES, Watched::TokenCacheEntries),
            (&table::ISSUERS_WITHOUT_KEYS, Watched::IssuersWithoutKeys),
            (&table::LOG_QUEUE, Watched::LogQueue),
            (&table::RECORDS_WRITTEN, Watched::RecordsWritten),
            (&table::RECORDS_MISSED, Watched::RecordsMissed),
            (&table::RECORDS_LEFT_OUT, Watched::RecordsLeftOut),
            (&table::LOG_BROKEN, Watched::LogBroken),
            (&table::LIMITER_KEYS, Watched::LimiterKeys),
            (&table::POLICIES, Watched::Policies),
            (&table::APPS, Watched::Apps),
            (&table::SPANS_SENT, Watched::SpansSent),
            (&table::SPANS_DROPPED, Watched::SpansDropped),
        ] {
            show.one(about, read(value))?;
        }
        Ok(())
    }

    fn show_process(&self, show: &mut Show<'_>) -> fmt::Result {
        let process = process::Reading::now();
        show.one(&table::PROCESS_START, Some(Value::Seconds(unix_seconds(self.started))))?;
        show.one(&table::PROCESS_RESIDENT, process.resident_bytes.map(Value::Whole))?;
        show.one(&table::PROCESS_OPEN_FILES, process.open_files.map(Value::Whole))?;
        show.one(&table::PROCESS_MOST_FILES, process.most_files.map(Value::Whole))?;
        show.one(&table::PROCESS_THREADS, process.threads.map(Value::Whole))
    }
}

/// Label values in the order of the table, and what they stand with.
type Sample = (Vec<String>, Value);

enum Value {
    Whole(u64),
    Seconds(f64),
    Durations(histogram::Reading),
}

fn statuses(all: &Statuses, by: Option<&'static str>) -> Vec<Sample> {
    let labels = |status: u64| [status.to_string()].into_iter().chain(by.map(str::to_owned)).collect();
    all.seen().map(|(status, count)| (labels(status), Value::Whole(count))).collect()
}

/// Where metrics are shown, one after the other.
struct Show<'e>(DescriptorEncoder<'e>);

impl Show<'_> {
    /// A metric without labels; a value that is not known is left out, and only its description stays.
    fn one(&mut self, about: &Described, value: Option<Value>) -> fmt::Result {
        let mut metric = self.describe(about)?;
        value.map_or(Ok(()), |value| value.encode(about, &mut metric))
    }

    fn many(&mut self, about: &Described, samples: impl IntoIterator<Item = Sample>) -> fmt::Result {
        let mut metric = self.describe(about)?;
        for (texts, value) in samples {
            let labels: Vec<_> = about.labels.iter().copied().zip(texts).collect();
            value.encode(about, &mut metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn family<const N: usize>(&mut self, about: &Described, family: &Family<N>) -> fmt::Result {
        let texts = |labels: [std::sync::Arc<str>; N]| labels.iter().map(ToString::to_string).collect();
        let all = family.all().into_iter();
        self.many(about, all.map(|(labels, count)| (texts(labels), Value::Whole(count))))
    }

    fn tally<L: Label>(&mut self, about: &Described, tally: &Tally<L>) -> fmt::Result {
        let samples = tally.all().map(|(label, count)| (vec![label.text().to_owned()], Value::Whole(count)));
        self.many(about, samples)
    }

    fn info(&mut self, about: &Described, text: &str) -> fmt::Result {
        let labels: Vec<_> = about.labels.iter().map(|label| (*label, text)).collect();
        self.describe(about)?.encode_info(&labels)
    }

    fn describe<'s>(&'s mut self, about: &Described) -> Result<MetricEncoder<'s>, fmt::Error> {
        let (name, unit) = about.parts();
        self.0.encode_descriptor(name, about.meaning, unit, about.metric_type())
    }
}

impl Value {
    fn encode(&self, about: &Described, metric: &mut MetricEncoder<'_>) -> fmt::Result {
        match (self, about.kind) {
            (Self::Whole(count), table::Kind::Counter) => {
                metric.encode_counter::<NoLabelSet, u64, u64>(count, None)
            }
            (Self::Whole(value), _) => metric.encode_gauge(value),
            (Self::Seconds(seconds), _) => metric.encode_gauge(seconds),
            (Self::Durations(all), _) => {
                metric.encode_histogram::<NoLabelSet>(all.sum, all.count, &all.classes, None)
            }
        }
    }
}
