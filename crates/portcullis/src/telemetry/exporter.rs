//! What the SDK's thread of batches calls: encodes a batch, has the runtime send it, and counts what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Handle;

use super::client::{Collector, Undelivered};
use super::{Counts, json};

/// Sends batches to a collector.
#[derive(Debug)]
pub(super) struct Exporter {
    collector: Arc<Collector>,
    runtime: Handle,
    resource: Resource,
    counts: Arc<Counts>,
    /// Whether the last batch failed: a collector that is away is said once, not with every batch.
    failing: AtomicBool,
}

impl Exporter {
    pub(super) fn new(collector: Collector, runtime: Handle, counts: Arc<Counts>) -> Self {
        let resource = Resource::builder_empty().build();
        Self { collector: Arc::new(collector), runtime, resource, counts, failing: AtomicBool::new(false) }
    }

    async fn deliver(&self, batch: &[SpanData]) -> Result<u64, Undelivered> {
        let body = json::request(&self.resource, batch).map_err(Undelivered::Encoding)?;
        let collector = Arc::clone(&self.collector);
        // The SDK's thread has no runtime of its own: sockets and clocks are those of ours.
        let sending = self.runtime.spawn(async move { collector.deliver(Bytes::from(body)).await });
        sending.await.unwrap_or(Err(Undelivered::Ended))
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let delivered = self.deliver(&batch).await;
        let refused = match delivered {
            Ok(refused) => usize::try_from(refused).unwrap_or(usize::MAX),
            Err(_) => batch.len(),
        };
        self.counts.settle(batch.len(), refused);
        let failed_before = self.failing.swap(delivered.is_err(), Ordering::Relaxed);
        match delivered {
            Ok(refused) => {
                if refused > 0 {
                    tracing::warn!(refused, "the collector refused some spans");
                }
                if failed_before {
                    tracing::info!("traces are sent again");
                }
                Ok(())
            }
            Err(fault) => {
                if !failed_before {
                    tracing::warn!(%fault, "traces cannot be sent; they are counted and given up until they can");
                }
                Err(OTelSdkError::InternalFailure(fault.to_string()))
            }
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.clone();
    }
}
