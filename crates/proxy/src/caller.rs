//! What the caller sends beyond the head, on its way to the origin, and what is known of it when something fails.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use portcullis_request::headers;

use crate::idle::Idle;

/// A caller's fault after its head was admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallerFault {
    /// The framing is broken, or the body ended before its length.
    #[error("the caller's body is broken: {0}")]
    Broken(String),
    /// Nothing came for too long.
    #[error("the caller's body paused for longer than {0:?}")]
    Stalled(Duration),
}

impl CallerFault {
    /// RFC 9110 §15.5.1 and §15.5.9.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Broken(_) => StatusCode::BAD_REQUEST,
            Self::Stalled(_) => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

/// What is known of a caller's body while the origin has it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    frames: AtomicU64,
    starved: AtomicBool,
    ended: AtomicBool,
    fault: OnceLock<CallerFault>,
}

impl Progress {
    /// Parts of the body that were handed on.
    pub(crate) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Whether the origin waits for the caller rather than the caller for the origin.
    pub(crate) fn starved(&self) -> bool {
        self.starved.load(Ordering::Relaxed)
    }

    /// Whether the body was read to its end.
    pub(crate) fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// What was wrong with it.
    pub(crate) fn fault(&self) -> Option<&CallerFault> {
        self.fault.get()
    }
}

/// A caller's body as the origin gets it: timed, watched, and without trailers that no caller may set.
#[derive(Debug)]
pub(crate) struct CallerBody {
    incoming: Incoming,
    idle: Idle,
    pause: Duration,
    progress: Arc<Progress>,
}

impl CallerBody {
    pub(crate) fn new(incoming: Incoming, pause: Duration) -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress::default());
        progress.ended.store(incoming.is_end_stream(), Ordering::Relaxed);
        (Self { incoming, idle: Idle::new(pause), pause, progress: Arc::clone(&progress) }, progress)
    }

    fn failed(&self, fault: CallerFault) -> CallerFault {
        self.progress.fault.get_or_init(|| fault).clone()
    }
}

impl Body for CallerBody {
    type Data = Bytes;
    type Error = CallerFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallerFault>>> {
        let polled = Pin::new(&mut self.incoming).poll_frame(context);
        self.progress.starved.store(polled.is_pending(), Ordering::Relaxed);
        match polled {
            Poll::Pending => self.idle.poll_over(context).map(|()| {
                let pause = self.pause;
                Some(Err(self.failed(CallerFault::Stalled(pause))))
            }),
            Poll::Ready(Some(Err(fault))) => {
                Poll::Ready(Some(Err(self.failed(CallerFault::Broken(fault.to_string())))))
            }
            Poll::Ready(Some(Ok(mut frame))) => {
                self.idle.moved();
                self.progress.frames.fetch_add(1, Ordering::Relaxed);
                if let Some(trailers) = frame.trailers_mut() {
                    headers::remove_unsettable_trailers(trailers);
                }
                self.progress.ended.store(self.incoming.is_end_stream(), Ordering::Relaxed);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                self.progress.ended.store(true, Ordering::Relaxed);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
