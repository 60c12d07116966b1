//! The body of every answer, ours or an origin's, on its way to the caller.
//!
//! INVARIANT: it owns the outcome of its decision and finishes it once, when the last byte was handed to the connection
//! or the origin failed; dropped earlier, the outcome says that it was aborted. The connection to the origin is used
//! again only if its answer was read to the end.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use portcullis_gate::OutcomeWriter;
use portcullis_request::headers;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::idle::Idle;
use crate::origins::Lease;

/// Why an answer ended before its end; the connection ends with it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerFault {
    /// The origin's body is broken or ended early.
    #[error("the origin's body is broken: {0}")]
    Broken(#[from] hyper::Error),
    /// Nothing came for too long.
    #[error("the origin's body paused for longer than {0:?}")]
    Stalled(Duration),
    /// The whole request took too long.
    #[error("the request took longer than it may")]
    TooLong,
}

/// A body that reports its end.
pub(crate) struct AnswerBody {
    content: Content,
    outcome: Option<OutcomeWriter>,
    idle: Idle,
    pause: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
}

enum Content {
    Ours(Full<Bytes>),
    Origin(Box<OriginBody>),
}

/// An origin's body, of which the part that came with the head may have been looked at.
pub(crate) struct OriginBody {
    incoming: Incoming,
    first: Option<Frame<Bytes>>,
    lease: Option<Lease>,
}

impl OriginBody {
    /// Looks at what came with the head. A body that is broken from its beginning is found while it can still be said.
    pub(crate) async fn begin(mut incoming: Incoming, lease: Lease) -> Result<Self, hyper::Error> {
        let first = if incoming.is_end_stream() {
            None
        } else {
            poll_fn(|context| match Pin::new(&mut incoming).poll_frame(context) {
                Poll::Ready(frame) => Poll::Ready(frame.transpose()),
                Poll::Pending => Poll::Ready(Ok(None)),
            })
            .await?
        };
        Ok(Self { incoming, first, lease: Some(lease) })
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerFault>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => Pin::new(&mut self.incoming).poll_frame(context).map_err(AnswerFault::from),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len);
        let first = u64::try_from(first).unwrap_or(u64::MAX);
        let rest = self.incoming.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint.set_lower(rest.lower().saturating_add(first));
        hint
    }
}

/// How long an origin's body may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Longest pause.
    pub(crate) pause: Duration,
    /// When all of it must be over.
    pub(crate) deadline: Option<Instant>,
}

impl AnswerBody {
    /// A body of ours. `sent`: whether the connection will carry it at all, which it will not for HEAD.
    pub(crate) fn ours(bytes: Bytes, sent: bool, outcome: OutcomeWriter) -> Self {
        let bytes = if sent { bytes } else { Bytes::new() };
        let patience = Patience { pause: Duration::MAX, deadline: None };
        Self::new(Content::Ours(Full::new(bytes)), Some(outcome), patience)
    }

    /// An origin's body.
    pub(crate) fn origin(body: OriginBody, outcome: OutcomeWriter, patience: Patience) -> Self {
        Self::new(Content::Origin(Box::new(body)), Some(outcome), patience)
    }

    /// No body, before a tunnel that has the outcome.
    pub(crate) fn none() -> Self {
        let patience = Patience { pause: Duration::MAX, deadline: None };
        Self::new(Content::Ours(Full::default()), None, patience)
    }

    fn new(content: Content, outcome: Option<OutcomeWriter>, patience: Patience) -> Self {
        let Patience { pause, deadline } = patience;
        let deadline = deadline.map(|at| Box::pin(sleep_until(at)));
        let mut body = Self { content, outcome, idle: Idle::new(pause), pause, deadline };
        body.finish_at_end();
        body
    }

    /// The connection does not ask a body that has ended, so the end is noticed here.
    fn finish_at_end(&mut self) {
        if self.is_end_stream() {
            self.finish();
        }
    }

    /// All of it was read.
    fn finish(&mut self) {
        if let Content::Origin(body) = &mut self.content
            && let Some(lease) = body.lease.take()
        {
            lease.keep();
        }
        if let Some(outcome) = self.outcome.take() {
            outcome.finish();
        }
    }

    fn failed(&mut self, fault: AnswerFault) -> AnswerFault {
        if let Some(mut outcome) = self.outcome.take() {
            outcome.fault(fault.to_string());
            outcome.finish();
        }
        fault
    }

    fn passed(&mut self, mut frame: Frame<Bytes>) -> Frame<Bytes> {
        self.idle.moved();
        if let Some(trailers) = frame.trailers_mut() {
            headers::remove_own(trailers);
        }
        let length = frame.data_ref().map_or(0, Bytes::len);
        if let Some(outcome) = self.outcome.as_mut() {
            outcome.add_bytes(u64::try_from(length).unwrap_or(u64::MAX));
        }
        self.finish_at_end();
        frame
    }

    /// Ready once waiting has lasted too long.
    fn poll_too_long(&mut self, context: &mut Context<'_>) -> Poll<AnswerFault> {
        if let Some(deadline) = self.deadline.as_mut()
            && deadline.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(AnswerFault::TooLong);
        }
        self.idle.poll_over(context).map(|()| AnswerFault::Stalled(self.pause))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = AnswerFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerFault>>> {
        // An answer that never pauses must end as well.
        if self.deadline.as_ref().is_some_and(|deadline| deadline.deadline() <= Instant::now()) {
            return Poll::Ready(Some(Err(self.failed(AnswerFault::TooLong))));
        }
        let polled = match &mut self.content {
            Content::Ours(bytes) => Pin::new(bytes).poll_frame(context).map_err(|never| match never {}),
            Content::Origin(body) => body.poll_frame(context),
        };
        match polled {
            Poll::Pending => self.poll_too_long(context).map(|fault| Some(Err(self.failed(fault)))),
            Poll::Ready(Some(Err(fault))) => Poll::Ready(Some(Err(self.failed(fault)))),
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(self.passed(frame)))),
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Ours(bytes) => bytes.is_end_stream(),
            Content::Origin(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Ours(bytes) => bytes.size_hint(),
            Content::Origin(body) => body.size_hint(),
        }
    }
}
