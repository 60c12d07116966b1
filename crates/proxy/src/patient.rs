//! A caller's socket whose patience ends: a caller that reads nothing for too long is given up (compare the slow readers
//! of the Apache denial-of-service tools). Slow heads and bodies are timed elsewhere, by what is being read.
//!
//! INVARIANT: it owns the connection's place, so that the place is held for as long as the socket is, by whoever has it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::idle::Idle;
use crate::serve::Place;

/// A socket with bounded waits for writing.
pub(crate) struct Patient {
    stream: TcpStream,
    idle: Idle,
    place: Place,
}

impl Patient {
    pub(crate) fn new(stream: TcpStream, write_pause: Duration, place: Place) -> Self {
        Self { stream, idle: Idle::new(write_pause), place }
    }

    pub(crate) fn place(&mut self) -> &mut Place {
        &mut self.place
    }

    fn timed<T>(&mut self, context: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.idle.moved();
            return poll;
        }
        self.idle.poll_over(context).map(|()| {
            Err(io::Error::new(io::ErrorKind::TimedOut, "the caller reads nothing of what is sent"))
        })
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(context, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.timed(context, poll)
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
