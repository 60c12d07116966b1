//! What the caller sends beyond the head, on its way to the origin, and what is known of it when something fails. It does
//! not know which origin that is, nor how often the request is tried.
//!
//! INVARIANT: a body is handed out once. A further try gets one only while nothing of the first was asked for.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
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
    /// It has more bytes than are taken.
    #[error("the caller's body is larger than {0} bytes")]
    TooLarge(u64),
    /// A field behind it would say who the caller is.
    #[error("the caller's body ends with the trailer `{0}`, which no caller may send")]
    NamingTrailer(HeaderName),
}

/// What is known of a caller's body while the origin has it.
#[derive(Debug)]
pub(crate) struct Progress {
    frames: AtomicU64,
    starved: AtomicBool,
    ended: AtomicBool,
    fault: OnceLock<CallerFault>,
    kept: Mutex<Kept>,
}

/// The body while nobody has asked for it.
#[derive(Debug)]
enum Kept {
    Nothing,
    Incoming(Incoming),
    /// Read before, so it can be sent again.
    Whole(Bytes),
    Gone,
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

    fn failed(&self, fault: CallerFault) -> CallerFault {
        self.fault.get_or_init(|| fault).clone()
    }

    /// Nothing that holds the lock can panic half-way.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request's body, from which each try gets its own.
#[derive(Debug)]
pub(crate) struct Upload {
    progress: Arc<Progress>,
    hint: SizeHint,
    pause: Duration,
    largest: u64,
}

impl Upload {
    /// A body that is passed on as it comes: no more than `largest` bytes, no pause longer than `pause`.
    pub(crate) fn new(incoming: Incoming, pause: Duration, largest: u64) -> Self {
        let (empty, hint) = (incoming.is_end_stream(), incoming.size_hint());
        let kept = if empty { Kept::Nothing } else { Kept::Incoming(incoming) };
        Self::with(kept, empty, hint, pause, largest)
    }

    /// A body that was read whole.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        let hint = SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let kept = if bytes.is_empty() { Kept::Nothing } else { Kept::Whole(bytes) };
        Self::with(kept, true, hint, Duration::MAX, u64::MAX)
    }

    /// No body.
    pub(crate) fn nothing() -> Self {
        Self::whole(Bytes::new())
    }

    fn with(kept: Kept, ended: bool, hint: SizeHint, pause: Duration, largest: u64) -> Self {
        let progress = Progress {
            frames: AtomicU64::new(0),
            starved: AtomicBool::new(false),
            ended: AtomicBool::new(ended),
            fault: OnceLock::new(),
            kept: Mutex::new(kept),
        };
        Self { progress: Arc::new(progress), hint, pause, largest }
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Whether a further try can have it: nobody has asked for it yet.
    pub(crate) fn is_whole(&self) -> bool {
        !matches!(*self.progress.kept(), Kept::Gone)
    }

    /// Whether there is no body at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.hint.exact() == Some(0)
    }

    /// Whether its length was said beforehand.
    pub(crate) fn has_length(&self) -> bool {
        self.hint.exact().is_some()
    }

    /// The body for one try; `None` if an earlier one has begun to send it.
    pub(crate) fn body(&self) -> Option<CallerBody> {
        if !self.is_whole() {
            return None;
        }
        Some(CallerBody {
            stage: Stage::Fresh { empty: self.is_empty(), hint: self.hint },
            idle: Idle::new(self.pause),
            pause: self.pause,
            left: self.largest,
            largest: self.largest,
            progress: Arc::clone(&self.progress),
        })
    }
}

/// A caller's body as the origin gets it: timed, bounded, watched, and without trailers that no caller may set.
#[derive(Debug)]
pub(crate) struct CallerBody {
    stage: Stage,
    idle: Idle,
    pause: Duration,
    left: u64,
    largest: u64,
    progress: Arc<Progress>,
}

#[derive(Debug)]
enum Stage {
    /// Nobody has asked for it.
    Fresh {
        empty: bool,
        hint: SizeHint,
    },
    Streaming(Incoming),
    Over,
}

impl CallerBody {
    /// The first part of a body that nobody has asked for yet.
    fn begin(&mut self) -> Option<Bytes> {
        let mut kept = self.progress.kept();
        match std::mem::replace(&mut *kept, Kept::Gone) {
            Kept::Incoming(incoming) => self.stage = Stage::Streaming(incoming),
            Kept::Whole(bytes) => {
                *kept = Kept::Whole(bytes.clone());
                self.stage = Stage::Over;
                return Some(bytes);
            }
            Kept::Nothing => {
                *kept = Kept::Nothing;
                self.stage = Stage::Over;
            }
            Kept::Gone => self.stage = Stage::Over,
        }
        None
    }

    /// What one part of it comes to.
    fn passed(&mut self, mut frame: Frame<Bytes>, last: bool) -> Result<Frame<Bytes>, CallerFault> {
        self.idle.moved();
        self.progress.frames.fetch_add(1, Ordering::Relaxed);
        if let Some(trailers) = frame.trailers_mut() {
            if let Some(name) = headers::naming_caller(trailers) {
                return Err(self.progress.failed(CallerFault::NamingTrailer(name.clone())));
            }
            headers::remove_unsettable_trailers(trailers);
        }
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.left = self
            .left
            .checked_sub(u64::try_from(length).unwrap_or(u64::MAX))
            .ok_or_else(|| self.progress.failed(CallerFault::TooLarge(self.largest)))?;
        self.progress.ended.store(last, Ordering::Relaxed);
        Ok(frame)
    }
}

impl Body for CallerBody {
    type Data = Bytes;
    type Error = CallerFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallerFault>>> {
        if matches!(self.stage, Stage::Fresh { .. })
            && let Some(bytes) = self.begin()
        {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let Stage::Streaming(incoming) = &mut self.stage else { return Poll::Ready(None) };
        let polled = Pin::new(&mut *incoming).poll_frame(context);
        let last = incoming.is_end_stream();
        self.progress.starved.store(polled.is_pending(), Ordering::Relaxed);
        match polled {
            Poll::Pending => self.idle.poll_over(context).map(|()| {
                let pause = self.pause;
                Some(Err(self.progress.failed(CallerFault::Stalled(pause))))
            }),
            Poll::Ready(Some(Err(fault))) => {
                Poll::Ready(Some(Err(self.progress.failed(CallerFault::Broken(fault.to_string())))))
            }
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(self.passed(frame, last))),
            Poll::Ready(None) => {
                self.progress.ended.store(true, Ordering::Relaxed);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.stage {
            Stage::Fresh { empty, .. } => *empty,
            Stage::Streaming(incoming) => incoming.is_end_stream(),
            Stage::Over => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.stage {
            Stage::Fresh { hint, .. } => *hint,
            Stage::Streaming(incoming) => incoming.size_hint(),
            Stage::Over => SizeHint::with_exact(0),
        }
    }
}
