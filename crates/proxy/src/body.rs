//! The body of every answer, ours or an origin's, on its way to the caller.
//!
//! INVARIANT: it owns the outcome of its decision and finishes it once, when the last byte was handed to the connection
//! or the origin failed; dropped earlier, the outcome says that it was aborted.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use portcullis_gate::OutcomeWriter;
use tokio::sync::OwnedSemaphorePermit;

use crate::idle::Idle;

/// Why an answer ended before its end; the connection ends with it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerFault {
    /// The origin's body is broken or ended early.
    #[error("the origin's body is broken: {0}")]
    Broken(#[from] hyper::Error),
    /// Nothing came for too long.
    #[error("the origin's body paused for longer than {0:?}")]
    Stalled(Duration),
}

/// A body that reports its end.
pub(crate) struct AnswerBody {
    content: Content,
    outcome: Option<OutcomeWriter>,
    idle: Idle,
    pause: Duration,
    /// The place at the origin, given back when the body is gone.
    _place: Option<OwnedSemaphorePermit>,
}

enum Content {
    Ours(Full<Bytes>),
    Origin(Incoming),
}

impl AnswerBody {
    /// A body of ours. `sent`: whether the connection will carry it at all, which it will not for HEAD.
    pub(crate) fn ours(bytes: Bytes, sent: bool, outcome: OutcomeWriter) -> Self {
        let bytes = if sent { bytes } else { Bytes::new() };
        Self::new(Content::Ours(Full::new(bytes)), outcome, Duration::MAX, None)
    }

    /// An origin's body.
    pub(crate) fn origin(
        incoming: Incoming,
        outcome: OutcomeWriter,
        pause: Duration,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self::new(Content::Origin(incoming), outcome, pause, Some(place))
    }

    fn new(
        content: Content,
        outcome: OutcomeWriter,
        pause: Duration,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let mut body = Self { content, outcome: Some(outcome), idle: Idle::new(pause), pause, _place: place };
        body.finish_at_end();
        body
    }

    /// The connection does not ask a body that has ended, so the end is noticed here.
    fn finish_at_end(&mut self) {
        if self.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(outcome) = self.outcome.take() {
            outcome.finish();
        }
    }

    fn failed(&mut self, fault: AnswerFault) -> AnswerFault {
        if let Some(outcome) = self.outcome.as_mut() {
            outcome.fault(fault.to_string());
        }
        self.finish();
        fault
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = AnswerFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerFault>>> {
        let polled = match &mut self.content {
            Content::Ours(bytes) => Pin::new(bytes).poll_frame(context).map_err(|never| match never {}),
            Content::Origin(incoming) => Pin::new(incoming).poll_frame(context).map_err(AnswerFault::from),
        };
        match polled {
            Poll::Pending => self.idle.poll_over(context).map(|()| {
                let pause = self.pause;
                Some(Err(self.failed(AnswerFault::Stalled(pause))))
            }),
            Poll::Ready(Some(Err(fault))) => Poll::Ready(Some(Err(self.failed(fault)))),
            Poll::Ready(Some(Ok(frame))) => {
                self.idle.moved();
                let length = frame.data_ref().map_or(0, Bytes::len);
                if let Some(outcome) = self.outcome.as_mut() {
                    outcome.add_bytes(u64::try_from(length).unwrap_or(u64::MAX));
                }
                self.finish_at_end();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Ours(bytes) => bytes.is_end_stream(),
            Content::Origin(incoming) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Ours(bytes) => bytes.size_hint(),
            Content::Origin(incoming) => incoming.size_hint(),
        }
    }
}
