//! The trace of one request, from its head to the end of its answer (W3C Trace Context).
//!
//! What is told of a request is what its record holds too, without facts or principal: traces leave the house.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::HeaderMap;
use portcullis_measure::trace::{Callers, Finished, Onward, Sampling, Sink, Span, SpanId, TraceContext};
use portcullis_measure::{Answered, Door, OriginOutcome, Stage};
use portcullis_request::Reference;

/// Where traces go, and of which requests there are any.
#[derive(Clone)]
pub struct Traces {
    sink: Arc<dyn Sink>,
    per_thousand: u32,
}

/// The trace of one request.
pub(crate) struct Traced {
    sink: Arc<dyn Sink>,
    context: TraceContext,
    received: SystemTime,
    about: Option<About>,
    origin: Option<(SpanId, SystemTime, Instant)>,
    origin_took: Option<(Duration, OriginOutcome)>,
}

/// What the record says of it.
struct About {
    reference: Reference,
    door: Door,
    method: String,
    app: String,
    route: String,
    answered: Answered,
    reason: String,
    took: Vec<(Stage, Duration)>,
}

impl Traces {
    /// Traces go to `sink`: of callers that say so, and so many of a thousand others.
    #[must_use]
    pub fn new(sink: Arc<dyn Sink>, per_thousand: u32) -> Self {
        Self { sink, per_thousand }
    }

    /// The trace of a request. Only a trusted peer's word counts for whether it is sampled: anybody else could fill the
    /// collector.
    pub(crate) fn begin(
        &self,
        headers: &HeaderMap,
        reference: Reference,
        received: SystemTime,
        trusted: bool,
    ) -> Traced {
        let callers = if trusted { Callers::Continued } else { Callers::Ignored };
        let sampling = Sampling { per_thousand: self.per_thousand, callers };
        let context = TraceContext::of(headers, sampling, reference.as_u128());
        let sink = Arc::clone(&self.sink);
        Traced { sink, context, received, about: None, origin: None, origin_took: None }
    }
}

impl Traced {
    /// Decided: what is known so far.
    pub(crate) fn decided(&mut self, draft: &crate::draft::Draft, answered: Answered, reason: &str) {
        if !self.context.sampled() {
            return;
        }
        let entry = &draft.entry;
        self.about = Some(About {
            reference: draft.reference,
            door: crate::draft::counted_door(entry.door),
            method: entry.request.method.clone(),
            app: entry.app.clone().unwrap_or_default(),
            route: entry.route.clone().unwrap_or_default(),
            answered,
            reason: reason.to_owned(),
            took: draft.took.clone(),
        });
    }

    /// The request goes to its origin, which is told whose trace it is in.
    pub(crate) fn onward(&mut self, headers: &mut HeaderMap) {
        let onward: Onward = self.context.onward(0);
        self.origin = Some((onward.span, SystemTime::now(), Instant::now()));
        onward.write(headers);
    }

    /// The origin answered, or did not.
    pub(crate) fn origin(&mut self, outcome: OriginOutcome) {
        if let (Some((_, _, began)), None) = (&self.origin, &self.origin_took) {
            self.origin_took = Some((began.elapsed(), outcome));
        }
    }

    /// The answer ended.
    pub(crate) fn end(self, status: u16) {
        let Some(about) = self.about else { return };
        let reference = about.reference.to_string();
        let finished = Finished {
            reference: &reference,
            door: about.door,
            method: &about.method,
            app: &about.app,
            route: &about.route,
            answered: about.answered,
            reason: &about.reason,
            status,
        };
        let mut span = Span::new(self.context, &finished, self.received, SystemTime::now());
        let mut began = self.received;
        for (stage, took) in about.took {
            span.stage(stage, began, took);
            began += took;
        }
        if let (Some((id, began, _)), Some((took, outcome))) = (self.origin, self.origin_took) {
            span.origin_try(id, began, took, outcome);
        }
        self.sink.finished(span);
    }
}
