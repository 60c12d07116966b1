//! Tells HTTP/2 by prior knowledge from HTTP/1 on a plain stream, by its first bytes (RFC 9113 §3.4), and gives those
//! bytes back. It refuses nothing: what is not HTTP/2 is examined as HTTP/1.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;

/// What the other side begins to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    /// HTTP/1, or something that is to be refused as such.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A stream whose first bytes were read and are read once more.
#[derive(Debug)]
pub struct Rewound<S> {
    start: [u8; PREFACE.len()],
    /// Bytes of `start` that came, and of those the ones that were given back.
    length: usize,
    given: usize,
    stream: S,
}

/// Reads as far as is needed to tell. Who sends nothing but a part of the preface within `deadline` is taken to speak
/// HTTP/1, where a late head has its answer.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] if nothing came at all; whatever the stream fails with.
pub async fn sniff<S: AsyncRead + Unpin>(stream: S, deadline: Duration) -> io::Result<(Spoken, Rewound<S>)> {
    let mut rewound = Rewound { start: [0; PREFACE.len()], length: 0, given: 0, stream };
    match timeout(deadline, rewound.look()).await {
        Ok(spoken) => spoken.map(|spoken| (spoken, rewound)),
        Err(_) if rewound.length > 0 => Ok((Spoken::Http1, rewound)),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the caller sent nothing")),
    }
}

impl<S> Rewound<S> {
    /// The stream, for an orderly close. What was not given back is lost.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> Rewound<S> {
    async fn look(&mut self) -> io::Result<Spoken> {
        loop {
            let seen = self.start.get(..self.length).unwrap_or_default();
            if !PREFACE.starts_with(seen) {
                return Ok(Spoken::Http1);
            }
            let free = self.start.get_mut(self.length..).unwrap_or_default();
            if free.is_empty() {
                return Ok(Spoken::Http2);
            }
            match self.stream.read(free).await? {
                0 => return Ok(Spoken::Http1),
                more => self.length += more,
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let left = this.start.get(this.given..this.length).unwrap_or_default();
        if left.is_empty() {
            return Pin::new(&mut this.stream).poll_read(context, into);
        }
        let piece = left.get(..into.remaining()).unwrap_or(left);
        into.put_slice(piece);
        this.given += piece.len();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
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

/// RFC 9113 §3.4.
const PREFACE: [u8; 24] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests;
