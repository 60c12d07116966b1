//! Watches the frames that arrive on an HTTP/2 connection, for what the library does not bound: how *often* streams are
//! called off (it bounds only how many wait to be looked at: CVE-2023-44487), how often frames come that carry nothing
//! (CVE-2019-9512, 9513, 9515, 9518), and how long a head may take. It looks at frame heads alone and changes nothing
//! until a bound is crossed; floods of CONTINUATION, of header lists and of small DATA the library ends itself.
//!
//! INVARIANT: once a bound is crossed, nothing more of the caller's is handed over. The library is fed a head without an
//! end instead, which it answers with GOAWAY (ENHANCE_YOUR_CALM, RFC 9113 §10.5) as it would any other.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use portcullis_measure::{ConnectionRefused, Metrics};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::allowance::Allowance;
use super::streams::Streams;
use crate::Limits;
use crate::idle::Idle;

/// A stream whose inbound frames are counted.
pub(super) struct Frames<S> {
    stream: S,
    at: At,
    in_head: bool,
    /// For a head that is arriving.
    arriving: Idle,
    resets: Allowance,
    idle: Allowance,
    /// Bytes sent that have not yet earned an idle frame.
    sent: usize,
    metrics: Arc<Metrics>,
    streams: Streams,
}

/// Where in the stream of frames the next byte stands.
#[derive(Debug, Clone, Copy)]
enum At {
    /// So much of the connection preface is left.
    Preface(usize),
    /// In a frame's head, of which so much came.
    Head([u8; FRAME_HEAD], usize),
    /// So much of a frame's payload is left.
    Payload(usize),
    /// A bound was crossed. So much of the payload then begun is left to be made up.
    Flooded(usize),
    /// The head without an end is fed, and so many of its bytes were.
    Endless(usize),
}

impl<S> Frames<S> {
    /// `stream` begins with the preface.
    pub(super) fn new(stream: S, limits: &Limits, metrics: Arc<Metrics>, streams: Streams) -> Self {
        Self {
            stream,
            at: At::Preface(PREFACE),
            in_head: false,
            arriving: Idle::new(limits.head_time),
            resets: Allowance::new(limits.resets),
            idle: Allowance::new(limits.idle_frames),
            sent: 0,
            metrics,
            streams,
        }
    }

    /// Follows `bytes`; returns how many of them may be handed over, which is all unless a bound was crossed.
    fn follow(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() {
            let used = match self.at {
                At::Preface(left) => {
                    let used = left.min(rest.len());
                    self.at =
                        if used == left { At::Head([0; FRAME_HEAD], 0) } else { At::Preface(left - used) };
                    used
                }
                At::Head(mut head, filled) => {
                    let used = (FRAME_HEAD - filled).min(rest.len());
                    for (slot, byte) in head.iter_mut().skip(filled).zip(rest) {
                        *slot = *byte;
                    }
                    let filled = filled + used;
                    self.at = if filled == FRAME_HEAD { self.judge(head) } else { At::Head(head, filled) };
                    used
                }
                At::Payload(left) => {
                    let used = left.min(rest.len());
                    self.at = after_payload(left - used);
                    used
                }
                At::Flooded(_) | At::Endless(_) => return bytes.len() - rest.len(),
            };
            rest = rest.get(used..).unwrap_or_default();
        }
        bytes.len()
    }

    /// A frame's head is complete.
    fn judge(&mut self, head: [u8; FRAME_HEAD]) -> At {
        let [high, middle, low, kind, flags, ..] = head;
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        let crossed = match kind {
            HEADERS | CONTINUATION => {
                self.in_head = flags & END_HEADERS == 0;
                None
            }
            RST_STREAM => (!self.resets.take()).then_some(ConnectionRefused::Resets),
            DATA if length > 0 || flags & END_STREAM != 0 => None,
            _ => (!self.idle.take()).then_some(ConnectionRefused::IdleFrames),
        };
        if !self.in_head {
            self.arriving.moved();
        }
        match crossed {
            None => after_payload(length),
            Some(bound) => {
                tracing::debug!(?bound, "a caller floods its connection");
                self.metrics.connection_refused(bound);
                At::Flooded(length)
            }
        }
    }

    /// What the library gets after a bound was crossed: the rest of the frame at hand made up, then a HEADERS frame and
    /// CONTINUATION frames without end, all empty.
    fn feed(&mut self, into: &mut ReadBuf<'_>) -> io::Result<()> {
        while into.remaining() > 0 {
            match self.at {
                At::Flooded(0) => self.at = At::Endless(0),
                At::Flooded(left) => {
                    let ones = left.min(into.remaining()).min(ONES.len());
                    into.put_slice(ONES.get(..ones).unwrap_or_default());
                    self.at = At::Flooded(left - ones);
                }
                At::Endless(fed) if fed >= ENOUGH => break,
                At::Endless(fed) => {
                    let kind = if fed < FRAME_HEAD { HEADERS } else { CONTINUATION };
                    let frame = [0, 0, 0, kind, 0, 0x7f, 0xff, 0xff, 0xff];
                    let rest = frame.get(fed % FRAME_HEAD..).unwrap_or_default();
                    let piece = rest.get(..into.remaining()).unwrap_or(rest);
                    into.put_slice(piece);
                    self.at = At::Endless(fed + piece.len());
                }
                At::Preface(_) | At::Head(..) | At::Payload(_) => break,
            }
        }
        if into.filled().is_empty() { Err(flooded()) } else { Ok(()) }
    }

    fn has_sent(&mut self, bytes: usize) {
        self.streams.has_sent();
        self.sent += bytes;
        self.idle.add(self.sent / BYTES_FOR_A_FRAME);
        self.sent %= BYTES_FOR_A_FRAME;
    }
}

fn after_payload(left: usize) -> At {
    if left == 0 { At::Head([0; FRAME_HEAD], 0) } else { At::Payload(left) }
}

fn flooded() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the caller floods the connection with frames that carry nothing",
    )
}

impl<S: AsyncRead + Unpin> AsyncRead for Frames<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if into.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if matches!(this.at, At::Flooded(_) | At::Endless(_)) {
            return Poll::Ready(this.feed(into));
        }
        let before = into.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, into) {
            Poll::Ready(Ok(())) => {
                let good = this.follow(into.filled().get(before..).unwrap_or_default());
                into.set_filled(before + good);
                Poll::Ready(Ok(()))
            }
            Poll::Pending if this.in_head => this.arriving.poll_over(context).map(|()| {
                Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the rest of a request head did not come in time",
                ))
            }),
            other => other,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Frames<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(sent)) = poll {
            this.has_sent(sent);
        }
        poll
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        if let Poll::Ready(Ok(sent)) = poll {
            this.has_sent(sent);
        }
        poll
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Bytes of the preface (RFC 9113 §3.4).
const PREFACE: usize = 24;

/// Bytes of a frame's head (RFC 9113 §4.1).
const FRAME_HEAD: usize = 9;

/// Kinds of frames and flags (RFC 9113 §6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A caller that reads acknowledges with WINDOW_UPDATE, at most about every kilobyte, and measures with PING.
const BYTES_FOR_A_FRAME: usize = 512;

/// Bytes of the endless head after which the library must have had enough: many times what its own bound is for the
/// largest head that can be configured.
const ENOUGH: usize = FRAME_HEAD * 4096;

/// What the rest of a frame is made up of. Zeros would be a fault of their own in WINDOW_UPDATE.
const ONES: [u8; 256] = [1; 256];

#[cfg(test)]
mod tests;
