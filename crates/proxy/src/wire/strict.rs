//! A stream of an HTTP/1 connection that lets only what passed the rules through to its reader. It follows the messages:
//! head, body, next head; it does not parse what it hands over into anything.
//!
//! INVARIANT: no read hands over bytes of two messages, and none hands over a byte that was not examined, unless it is
//! the data of a body or of a tunnel that the service has opened.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use http::StatusCode;
use hyper::server::conn::http1;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::chunked::Chunks;
use super::head::{Found, examine};
use super::heads::Decision;
use super::scan::Scan;
use super::{BodyFault, Framing, HeadShape, Heads};
use crate::idle::Idle;

/// How long and how large a head may be.
#[derive(Debug, Clone)]
pub struct HeadLimits {
    /// Most bytes of a head, an empty line before it included. At least 8,192, the smallest buffer of the HTTP library.
    pub head_bytes: usize,
    /// Longest time from the first byte of a head to its last; then it is answered 408.
    pub head_time: Duration,
    /// Longest wait for the first byte of a head; then the connection ends without a word.
    pub idle_time: Duration,
}

impl HeadLimits {
    /// Sets the HTTP library's own limits so that none of them speaks before ours: it would answer with a bare status and
    /// no record, or cut a slow head off. It must wait for heads without limit, take heads of `head_bytes`, and not read
    /// while it answers (`half_close`), since a read between two messages begins the wait for the next. Its limit of
    /// fields is left at its default, which is [`super::MOST_FIELDS`].
    pub fn configure(&self, builder: &mut http1::Builder) {
        let bytes = self.head_bytes.max(SMALLEST_BUFFER);
        builder.header_read_timeout(None).max_header_size(bytes).max_buf_size(bytes).half_close(true);
    }
}

/// A stream whose inbound bytes are examined; see the module. What is written passes through.
///
/// A head that is refused never reaches the reader: it gets [`STAND_IN`] instead, [`Heads::next`] says why, and nothing
/// more is read. A body that is refused fails the read with [`io::ErrorKind::InvalidData`] and a [`BodyFault`]. After a
/// head that asks to leave HTTP the reads are held until [`super::Upgrade`] says how to go on.
#[derive(Debug)]
pub struct Strict<S> {
    stream: S,
    limits: HeadLimits,
    heads: Heads,
    /// Heads handed over, stand-ins included.
    count: u64,
    state: State,
    /// Whether the message at hand asks to leave HTTP.
    held: bool,
    /// Read and not handed over. At most a head and one read beyond it.
    buffer: BytesMut,
    waiting: Idle,
    arriving: Idle,
}

#[derive(Debug)]
enum State {
    /// A head is due.
    Head(Scan),
    /// The head is good, and so much of it is not handed over.
    Handing {
        left: usize,
        body: Framing,
    },
    /// So much of a body is left.
    Length(u64),
    Chunked(Chunks),
    Broken(BodyFault),
    /// The service has to say how to go on.
    Held,
    /// No longer HTTP.
    Raw,
    /// The head is bad, and so much of its stand-in is handed over.
    StandIn(usize),
    /// Nothing more is read, and the reader is not told of an end: to some settings of the HTTP library that would mean
    /// that the caller has lost interest in the answer. The stand-in closes the connection.
    Refused,
    Ended,
}

impl<S> Strict<S> {
    /// Examines what `stream` brings. The other half is for the service.
    pub fn new(stream: S, limits: HeadLimits) -> (Self, Heads) {
        let heads = Heads::new();
        let strict = Self {
            stream,
            heads: heads.clone(),
            count: 0,
            state: State::Head(Scan::default()),
            held: false,
            buffer: BytesMut::new(),
            waiting: Idle::new(limits.idle_time),
            arriving: Idle::new(limits.head_time),
            limits,
        };
        (strict, heads)
    }

    /// The stream, for an orderly close. What was read and not handed over is lost.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// The head is over and good.
    fn accept(&mut self, start: usize, shape: HeadShape) {
        self.arriving.moved();
        self.buffer.advance(start);
        self.count += 1;
        self.held = shape.upgrade;
        if shape.upgrade {
            self.heads.hold(self.count);
        }
        self.state = State::Handing { left: shape.length.saturating_sub(start), body: shape.body };
    }

    fn refuse(&mut self, found: Found, start: usize) {
        let fault = found.within(&self.buffer, start);
        self.count += 1;
        self.heads.refuse(self.count, fault);
        self.buffer = BytesMut::new();
        self.state = State::StandIn(0);
    }

    /// The message is over.
    fn next_message(&mut self) {
        self.state = if self.held { State::Held } else { State::Head(Scan::default()) };
        // Between two messages a connection holds no memory for either.
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    fn hand_head(&mut self, left: usize, body: Framing, into: &mut ReadBuf<'_>) {
        let left = left - self.hand_buffered(left, into);
        self.state = match (left, body) {
            (0, Framing::None) => return self.next_message(),
            (0, Framing::Length(length)) => State::Length(length),
            (0, Framing::Chunked) => State::Chunked(Chunks::default()),
            (left, body) => State::Handing { left, body },
        };
    }

    fn hand_buffered(&mut self, most: usize, into: &mut ReadBuf<'_>) -> usize {
        let handed = most.min(into.remaining()).min(self.buffer.len());
        into.put_slice(self.buffer.get(..handed).unwrap_or_default());
        self.buffer.advance(handed);
        handed
    }

    fn hand_stand_in(&mut self, at: usize, into: &mut ReadBuf<'_>) {
        let rest = STAND_IN.get(at..).unwrap_or_default();
        let piece = rest.get(..into.remaining()).unwrap_or(rest);
        into.put_slice(piece);
        let at = at + piece.len();
        self.state = if at < STAND_IN.len() { State::StandIn(at) } else { State::Refused };
    }

    /// Hands over what is good, or the fault if nothing is.
    fn chunks_read(&mut self, good: usize, outcome: Result<bool, BodyFault>) -> io::Result<()> {
        match outcome {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.next_message();
                Ok(())
            }
            Err(fault) => {
                self.state = State::Broken(fault);
                if good > 0 { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidData, fault)) }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> Strict<S> {
    /// Reads a head; ready when the state is another.
    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let State::Head(scan) = &mut self.state else { return Poll::Ready(Ok(())) };
            // No more than a head may have is looked at, so that it matters not in which pieces it comes.
            let seen = self.buffer.get(..self.limits.head_bytes).unwrap_or(&self.buffer);
            let scanned = scan.advance(seen);
            let (start, in_fields) = (scan.start(), scan.in_fields());
            let begun = self.buffer.len() > start;
            let examined = scanned.and_then(|end| match end {
                Some(end) => examine(seen.get(start..end).unwrap_or_default(), end).map(Some),
                None if self.buffer.len() >= self.limits.head_bytes => {
                    Err(too_large(in_fields, self.limits.head_bytes))
                }
                None => Ok(None),
            });
            match examined {
                Ok(Some(shape)) => self.accept(start, shape),
                Err(found) => self.refuse(found, start),
                Ok(None) => match self.poll_more(context, begun)? {
                    Poll::Ready(More::Bytes) => {}
                    Poll::Ready(More::Nothing) if begun => self.refuse(Found::cut_short(), start),
                    Poll::Ready(More::Nothing) => self.state = State::Ended,
                    Poll::Ready(More::TooLate) => self.refuse(too_late(self.limits.head_time), start),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    /// More of a head. Only a head that has begun can be late; before, there is nothing to answer.
    fn poll_more(&mut self, context: &mut Context<'_>, begun: bool) -> Poll<io::Result<More>> {
        // Onto the stack first: a connection that waits holds no memory for a head that has not begun.
        let mut space = [const { MaybeUninit::uninit() }; READ_AT_ONCE];
        let mut read = ReadBuf::uninit(&mut space);
        match Pin::new(&mut self.stream).poll_read(context, &mut read) {
            Poll::Ready(Ok(())) if read.filled().is_empty() => Poll::Ready(Ok(More::Nothing)),
            Poll::Ready(Ok(())) => {
                self.buffer.extend_from_slice(read.filled());
                self.waiting.moved();
                Poll::Ready(Ok(More::Bytes))
            }
            Poll::Ready(Err(fault)) => Poll::Ready(Err(fault)),
            Poll::Pending if begun => self.arriving.poll_over(context).map(|()| Ok(More::TooLate)),
            Poll::Pending => self.waiting.poll_over(context).map(|()| Ok(More::Nothing)),
        }
    }

    fn poll_length(
        &mut self,
        left: u64,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let handed = if self.buffer.is_empty() {
            let before = into.filled().len();
            // Into the reader's own buffer, and not beyond the body.
            ready!(Pin::new(&mut (&mut self.stream).take(left)).poll_read(context, into))?;
            into.filled().len() - before
        } else {
            self.hand_buffered(usize::try_from(left).unwrap_or(usize::MAX), into)
        };
        match left.saturating_sub(u64::try_from(handed).unwrap_or(u64::MAX)) {
            0 => self.next_message(),
            left => self.state = State::Length(left),
        }
        Poll::Ready(Ok(()))
    }

    fn poll_chunked(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let State::Chunked(chunks) = &mut self.state else { return Poll::Ready(Ok(())) };
        if !self.buffer.is_empty() {
            let piece = self.buffer.get(..into.remaining()).unwrap_or(&self.buffer);
            let (good, outcome) = chunks.advance(piece);
            self.hand_buffered(good, into);
            return Poll::Ready(self.chunks_read(good, outcome));
        }
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        let fresh = into.filled().get(before..).unwrap_or_default();
        let (good, outcome) = chunks.advance(fresh);
        // What follows a body is the next message; what follows a fault is nothing.
        self.buffer.extend_from_slice(fresh.get(good..).unwrap_or_default());
        into.set_filled(before + good);
        Poll::Ready(self.chunks_read(good, outcome))
    }

    fn poll_raw(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.buffer.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        self.hand_buffered(usize::MAX, into);
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if into.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            match &this.state {
                State::Head(_) => ready!(this.poll_head(context))?,
                State::Held => {
                    this.state = match ready!(this.heads.poll_decision(context)) {
                        Decision::Http => State::Head(Scan::default()),
                        Decision::Raw => State::Raw,
                        Decision::End => State::Ended,
                    };
                }
                State::Handing { left, body } => {
                    let (left, body) = (*left, *body);
                    this.hand_head(left, body, into);
                    return Poll::Ready(Ok(()));
                }
                State::StandIn(at) => {
                    let at = *at;
                    this.hand_stand_in(at, into);
                    return Poll::Ready(Ok(()));
                }
                State::Length(left) => {
                    let left = *left;
                    return this.poll_length(left, context, into);
                }
                State::Chunked(_) => return this.poll_chunked(context, into),
                State::Broken(fault) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, *fault)));
                }
                State::Raw => return this.poll_raw(context, into),
                State::Refused => return Poll::Pending,
                State::Ended => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
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

/// What came of waiting for more of a head.
enum More {
    Bytes,
    Nothing,
    TooLate,
}

/// RFC 9110 §15.5.15, RFC 6585 §5.
fn too_large(in_fields: bool, most: usize) -> Found {
    if in_fields {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let detail = format!("the head is longer than {most} bytes");
        return Found { code: "head_too_large", status, detail };
    }
    let detail = format!("the request line is longer than {most} bytes");
    Found { code: "target_too_long", status: StatusCode::URI_TOO_LONG, detail }
}

/// RFC 9110 §15.5.9.
fn too_late(most: Duration) -> Found {
    let detail = format!("the head took longer than {most:?}");
    Found { code: "head_timeout", status: StatusCode::REQUEST_TIMEOUT, detail }
}

/// What the HTTP library reads in place of a head that was refused. It ends the connection.
pub const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n";

/// Bytes asked for at a time while a head is read: most heads in one read.
const READ_AT_ONCE: usize = 4096;

/// What the HTTP library needs at least.
const SMALLEST_BUFFER: usize = 8192;

#[cfg(test)]
mod tests;
