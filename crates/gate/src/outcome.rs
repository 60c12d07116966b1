//! The outcome line of one decision: written exactly once, when the answer ended or was given up.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use portcullis_measure::{By, Metrics, OriginOutcome, Stage};
use portcullis_record::{Handed, Log, Outcome};
use portcullis_request::Reference;

use crate::shadow::Shadowed;
use crate::traced::Traced;

/// Collects what happened after a decision and writes it when finished; dropped unfinished, it says so.
#[must_use = "an outcome that is not finished is recorded as aborted"]
pub struct OutcomeWriter {
    log: Arc<Log>,
    metrics: Arc<Metrics>,
    traced: Option<Traced>,
    started: Instant,
    sent_on: Option<Instant>,
    shadowed: Option<Shadowed>,
    outcome: Option<Outcome>,
    /// Its decision is left out of the log, and so is it.
    left_out: bool,
}

impl OutcomeWriter {
    pub(crate) fn new(
        log: Arc<Log>,
        metrics: Arc<Metrics>,
        traced: Option<Traced>,
        reference: Reference,
        started: Instant,
        status: u16,
    ) -> Self {
        let outcome = Outcome {
            reference: reference.uuid(),
            status,
            origin_status: None,
            intercepted: false,
            fault: None,
            bytes: 0,
            total_us: 0,
        };
        Self {
            log,
            metrics,
            traced,
            started,
            sent_on: None,
            shadowed: None,
            outcome: Some(outcome),
            left_out: false,
        }
    }

    /// Has shadow policies asked when the answer has ended.
    pub(crate) fn shadowed(mut self, shadowed: Option<Shadowed>) -> Self {
        self.shadowed = shadowed;
        self
    }

    /// What became of the decision's record becomes of this line, too.
    pub(crate) fn of(mut self, handed: Handed) -> Self {
        self.left_out = handed == Handed::LeftOut;
        self
    }

    /// The status the caller gets.
    pub fn status(&mut self, status: u16) {
        self.change(|outcome| outcome.status = status);
    }

    /// The request goes to its origin, which is told whose trace it is in.
    pub(crate) fn onward(&mut self, headers: &mut HeaderMap) {
        self.sent_on = Some(Instant::now());
        if let Some(traced) = self.traced.as_mut() {
            traced.onward(headers);
        }
    }

    /// The status the origin gave.
    pub fn origin_status(&mut self, status: u16) {
        self.origin(OriginOutcome::Answered);
        self.change(|outcome| outcome.origin_status = Some(status));
    }

    /// A page of ours takes the place of what the origin said.
    pub fn intercepted(&mut self) {
        self.change(|outcome| outcome.intercepted = true);
    }

    /// What failed after the decision; the first fault stays.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.origin(OriginOutcome::Broken);
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

    /// The origin answered, or did not.
    fn origin(&mut self, outcome: OriginOutcome) {
        if let Some(sent_on) = self.sent_on.take() {
            self.metrics.stage(Stage::Origin, sent_on.elapsed());
        }
        if let Some(traced) = self.traced.as_mut() {
            traced.origin(outcome);
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Outcome)) {
        if let Some(outcome) = self.outcome.as_mut() {
            change(outcome);
        }
    }

    fn write(&mut self) {
        if let Some(mut outcome) = self.outcome.take() {
            outcome.total_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
            // What the caller got is the origin's own only where it is what the origin gave.
            let by = match outcome.origin_status {
                Some(status) if status == outcome.status && !outcome.intercepted => By::Origin,
                _ => By::Portcullis,
            };
            if outcome.intercepted {
                self.metrics.intercepted(outcome.status);
            }
            self.metrics.status(outcome.status, by);
            if let Some(traced) = self.traced.take() {
                traced.end(outcome.status);
            }
            if !self.left_out {
                self.log.outcome(outcome);
            }
            if let Some(shadowed) = self.shadowed.take() {
                shadowed.offer();
            }
        }
    }
}

impl Drop for OutcomeWriter {
    fn drop(&mut self) {
        self.fault("aborted: the connection ended before the answer did");
        self.write();
    }
}
