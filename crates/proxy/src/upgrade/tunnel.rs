//! Bytes both ways between a caller and an origin that have left HTTP. Nothing looks at them.
//!
//! INVARIANT: a tunnel ends when both sides have, when nothing moves for too long, or when service ends. Its outcome is
//! written before its sides are closed, since the door waits for those before it closes the log.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use portcullis_gate::OutcomeWriter;
use portcullis_measure::Metrics;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, copy_bidirectional_with_sizes};
use tokio::time::{sleep, timeout};

use super::Granted;
use crate::origins::Lease;
use crate::serve::{Alive, Ending};

/// A tunnel that was granted, before the caller knows it.
pub(crate) struct Tunnel {
    pub(crate) granted: Granted,
    pub(crate) origin: OnUpgrade,
    /// What it holds of the origin.
    pub(crate) lease: Lease,
    pub(crate) outcome: OutcomeWriter,
    pub(crate) metrics: Arc<Metrics>,
    /// Longest time in which nothing moves.
    pub(crate) pause: Duration,
    /// Service ends. What else may cut a tunnel, a revoked identity for one, belongs beside it.
    pub(crate) ending: Ending,
    /// The door waits for it.
    pub(crate) alive: Alive,
}

/// Why a tunnel ended before both sides had.
#[derive(Debug, thiserror::Error)]
enum TunnelFault {
    #[error("the tunnel was not opened: {0}")]
    NotOpened(#[from] hyper::Error),
    #[error("the tunnel was not opened within {0:?}")]
    NotOpenedInTime(Duration),
    #[error("the tunnel broke: {0}")]
    Broken(#[from] io::Error),
    #[error("nothing moved in the tunnel for {0:?}")]
    Idle(Duration),
    #[error("the tunnel was cut off: service ends")]
    CutOff,
}

impl Tunnel {
    /// Copies until it ends.
    pub(crate) async fn run(self) {
        let Self { granted, origin, lease, mut outcome, metrics, pause, mut ending, alive } = self;
        let Granted { held, caller } = granted;
        let flow = Flow::default();
        let opened = tokio::select! {
            opened = timeout(OPENING, async { tokio::try_join!(caller, origin) }) => match opened {
                Ok(opened) => opened.map_err(TunnelFault::from),
                Err(_) => Err(TunnelFault::NotOpenedInTime(OPENING)),
            },
            () = ending.over() => Err(TunnelFault::CutOff),
        };
        let (ended, sides) = match opened {
            Ok((caller, origin)) => {
                if let Some(held) = held {
                    held.go_on_raw();
                }
                metrics.tunnel_opened();
                let mut caller = Side::new(caller, &flow.to_caller);
                let mut origin = Side::new(origin, &flow.to_origin);
                let ended = tokio::select! {
                    copied = copy_bidirectional_with_sizes(&mut caller, &mut origin, BUFFER, BUFFER) => {
                        copied.map(drop).map_err(TunnelFault::from)
                    }
                    () = flow.rests(pause) => Err(TunnelFault::Idle(pause)),
                    () = ending.over() => Err(TunnelFault::CutOff),
                };
                (ended, Some((caller, origin)))
            }
            Err(fault) => (Err(fault), None),
        };
        outcome.add_bytes(flow.to_caller.load(Ordering::Relaxed));
        if let Err(fault) = ended {
            outcome.fault(fault.to_string());
        }
        outcome.finish();
        if let Some((mut caller, mut origin)) = sides {
            metrics.tunnel_closed();
            let closed = async { tokio::join!(caller.shutdown(), origin.shutdown()) };
            if timeout(CLOSING, closed).await.is_err() {
                tracing::debug!("a side of a tunnel did not close in time");
            }
        }
        drop((lease, alive));
    }
}

/// Bytes that were handed on.
#[derive(Default)]
struct Flow {
    to_caller: Arc<AtomicU64>,
    to_origin: Arc<AtomicU64>,
}

impl Flow {
    /// Ready once nothing was handed on, in neither direction, for at least so long and less than twice as long.
    async fn rests(&self, pause: Duration) {
        let sum = || {
            let to_origin = self.to_origin.load(Ordering::Relaxed);
            self.to_caller.load(Ordering::Relaxed).wrapping_add(to_origin)
        };
        let mut seen = sum();
        loop {
            sleep(pause).await;
            let now = sum();
            if now == seen {
                return;
            }
            seen = now;
        }
    }
}

/// One side, whose written bytes are counted.
struct Side {
    stream: TokioIo<Upgraded>,
    written: Arc<AtomicU64>,
}

impl Side {
    fn new(stream: Upgraded, written: &Arc<AtomicU64>) -> Self {
        Self { stream: TokioIo::new(stream), written: Arc::clone(written) }
    }
}

impl AsyncRead for Side {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Side {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let length = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.written.fetch_add(u64::try_from(length).unwrap_or(u64::MAX), Ordering::Relaxed);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Bytes held in each direction: a WebSocket message of the usual size.
const BUFFER: usize = 8 * 1024;

/// Longest wait for the connection to carry the granting answer to the caller.
const OPENING: Duration = Duration::from_secs(10);

/// Longest wait for a side to take what was written and close.
const CLOSING: Duration = Duration::from_secs(1);
