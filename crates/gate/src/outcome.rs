//! The outcome line of one decision: written exactly once, when the answer ended or was given up.

use std::sync::Arc;
use std::time::Instant;

use portcullis_record::{Log, Outcome};
use portcullis_request::Reference;

/// Collects what happened after a decision and writes it when finished; dropped unfinished, it says so.
#[must_use = "an outcome that is not finished is recorded as aborted"]
pub struct OutcomeWriter {
    log: Arc<Log>,
    started: Instant,
    outcome: Option<Outcome>,
}

impl OutcomeWriter {
    pub(crate) fn new(log: Arc<Log>, reference: Reference, started: Instant, status: u16) -> Self {
        let outcome = Outcome {
            reference: reference.uuid(),
            status,
            origin_status: None,
            fault: None,
            bytes: 0,
            total_us: 0,
        };
        Self { log, started, outcome: Some(outcome) }
    }

    /// The status the caller gets.
    pub fn status(&mut self, status: u16) {
        self.change(|outcome| outcome.status = status);
    }

    /// The status the origin gave.
    pub fn origin_status(&mut self, status: u16) {
        self.change(|outcome| outcome.origin_status = Some(status));
    }

    /// What failed after the decision; the first fault stays.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.change(|outcome| {
            outcome.fault.get_or_insert_with(|| fault.into());
        });
    }

    /// Body bytes handed to the caller's connection.
    pub fn add_bytes(&mut self, bytes: u64) {
        self.change(|outcome| outcome.bytes = outcome.bytes.saturating_add(bytes));
    }

    /// The answer ended as it should.
    pub fn finish(mut self) {
        self.write();
    }

    fn change(&mut self, change: impl FnOnce(&mut Outcome)) {
        if let Some(outcome) = self.outcome.as_mut() {
            change(outcome);
        }
    }

    fn write(&mut self) {
        if let Some(mut outcome) = self.outcome.take() {
            outcome.total_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.log.outcome(outcome);
        }
    }
}

impl Drop for OutcomeWriter {
    fn drop(&mut self) {
        self.fault("aborted: the connection ended before the answer did");
        self.write();
    }
}
