//! Runs the streams of one HTTP/2 connection and watches whether their callers read. The library waits without limit for
//! a caller that gives no room (a zero window): nothing is asked of the answer's body meanwhile, so its own timer does not
//! run.
//!
//! INVARIANT: a stream whose caller takes nothing for too long is dropped, which resets that stream alone.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Response;
use http_body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use tokio::time::{Instant, sleep};

use super::places::Alive;
use crate::idle::Idle;

/// The streams of one connection. Cheap to clone.
#[derive(Clone)]
pub(super) struct Streams(Arc<Shared>);

struct Shared {
    /// Longest time in which a caller may take nothing.
    patience: Duration,
    under_way: AtomicUsize,
    begun: Instant,
    /// When the last of them ended, in milliseconds after `begun`.
    ended: AtomicU64,
    /// When something was last sent to the caller, likewise.
    sent: AtomicU64,
    _alive: Alive,
}

/// What one stream waits for.
#[derive(Debug, Default)]
struct Flow {
    /// The caller, rather than us or the origin.
    caller: AtomicBool,
    /// Parts of the answer that the library took, which it does only where the caller gives room.
    taken: AtomicU64,
}

tokio::task_local! {
    /// The flow of the stream that the task at hand runs.
    static FLOW: Arc<Flow>;
}

impl Streams {
    pub(super) fn new(patience: Duration, alive: Alive) -> Self {
        Self(Arc::new(Shared {
            patience,
            under_way: AtomicUsize::new(0),
            begun: Instant::now(),
            ended: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            _alive: alive,
        }))
    }

    /// Waits until there has been no stream for so long.
    pub(super) async fn idle(&self, time: Duration) {
        self.since(time, |shared| shared.ended.load(Ordering::Acquire)).await;
    }

    /// Waits until, besides, nothing was sent for so long: what has ended here may still be on its way to a slow caller.
    pub(super) async fn silent(&self, time: Duration) {
        let last =
            |shared: &Shared| shared.ended.load(Ordering::Acquire).max(shared.sent.load(Ordering::Acquire));
        self.since(time, last).await;
    }

    /// Something was sent to the caller.
    pub(super) fn has_sent(&self) {
        self.0.sent.store(self.0.now(), Ordering::Release);
    }

    async fn since(&self, time: Duration, last: impl Fn(&Shared) -> u64) {
        let shared = &self.0;
        loop {
            let quiet = match shared.under_way.load(Ordering::Acquire) {
                0 => Duration::from_millis(shared.now().saturating_sub(last(shared))),
                _ => Duration::ZERO,
            };
            match time.checked_sub(quiet) {
                Some(left) if !left.is_zero() => sleep(left).await,
                _ => return,
            }
        }
    }
}

impl Shared {
    /// Milliseconds since the connection began.
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The library spawns each stream, and each tunnel that a stream becomes, through this.
impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let flow = Arc::new(Flow::default());
        let under_way = UnderWay::new(Arc::clone(&self.0));
        let patience = self.0.patience;
        tokio::spawn(FLOW.scope(Arc::clone(&flow), async move {
            watched(stream, &flow, patience).await;
            drop(under_way);
        }));
    }
}

async fn watched(stream: impl Future<Output = ()>, flow: &Flow, patience: Duration) {
    let mut stream = pin!(stream);
    let mut idle = Idle::new(patience);
    let mut seen = 0;
    poll_fn(|context| {
        if stream.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let taken = flow.taken.load(Ordering::Relaxed);
        if taken != seen {
            seen = taken;
            idle.moved();
        }
        if flow.caller.load(Ordering::Relaxed) {
            return idle.poll_over(context).map(|()| tracing::debug!("a stream's caller reads nothing"));
        }
        idle.moved();
        Poll::Pending
    })
    .await;
}

/// Marks a response whose body, once handed to the library, is the caller's to take. To be called in the stream's task.
pub(super) fn flowing<B>(response: Response<B>) -> Response<Flowing<B>> {
    let flow = FLOW.try_with(Arc::clone).unwrap_or_default();
    flow.caller.store(true, Ordering::Relaxed);
    response.map(|body| Flowing { body, flow })
}

/// A body that notes who is waited for.
pub(super) struct Flowing<B> {
    body: B,
    flow: Arc<Flow>,
}

impl<B: Body + Unpin> Body for Flowing<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let poll = Pin::new(&mut self.body).poll_frame(context);
        self.flow.caller.store(poll.is_ready(), Ordering::Relaxed);
        if poll.is_ready() {
            self.flow.taken.fetch_add(1, Ordering::Relaxed);
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// INVARIANT: it holds what the door waits for before it has ended, so a stream's last words are recorded.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn new(shared: Arc<Shared>) -> Self {
        shared.under_way.fetch_add(1, Ordering::AcqRel);
        Self(shared)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.ended.store(self.0.now(), Ordering::Release);
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}
