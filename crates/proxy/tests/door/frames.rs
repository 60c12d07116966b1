//! A caller of HTTP/2 that writes frames by hand, for what no library would send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::caller::PATIENCE;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// Error codes (RFC 9113 §7).
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// One frame.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The error code of RST_STREAM or GOAWAY.
    pub(crate) fn error(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().expect("four bytes"))
    }
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// An answer, by its body.
    Answered(String),
    /// The stream was reset with this code.
    Reset(u32),
    /// The connection was given up with this code.
    GoneAway(u32),
    /// The connection was closed without a word.
    Closed,
}

/// One connection.
pub(crate) struct Framer {
    stream: TcpStream,
}

impl Framer {
    /// Connects and greets, with settings that are sent as they stand.
    pub(crate) async fn connect(door: SocketAddr, settings: &[u8]) -> Self {
        let mut framer = Self { stream: TcpStream::connect(door).await.expect("the door is open") };
        framer.stream.write_all(PREFACE).await.expect("the door reads");
        framer.send(SETTINGS, 0, 0, settings).await;
        framer
    }

    /// Sends a frame; the door may have closed.
    pub(crate) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.send_raw(&frame(kind, flags, stream, payload)).await;
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes).await);
    }

    /// The next frame; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        let read =
            timeout(PATIENCE, self.stream.read_exact(&mut head)).await.expect("the door speaks or closes");
        read.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).expect("small")];
        let read = timeout(PATIENCE, self.stream.read_exact(&mut payload)).await.expect("a whole frame");
        read.ok()?;
        let stream = u32::from_be_bytes(head[5..].try_into().expect("four bytes"));
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// Reads until the request on `stream` has come to its end. Graceful GOAWAYs are passed over.
    pub(crate) async fn end_of(&mut self, stream: u32) -> End {
        let mut body = Vec::new();
        while let Some(frame) = self.next().await {
            match frame.kind {
                GOAWAY if frame.error() != NO_ERROR => return End::GoneAway(frame.error()),
                RST_STREAM if frame.stream == stream => return End::Reset(frame.error()),
                DATA if frame.stream == stream => body.extend_from_slice(&frame.payload),
                _ => {}
            }
            if matches!(frame.kind, DATA | HEADERS) && frame.stream == stream && frame.flags & END_STREAM != 0
            {
                return End::Answered(String::from_utf8(body).expect("text"));
            }
        }
        End::Closed
    }

    /// Reads until the connection ends; the code of the last GOAWAY, if there was one.
    pub(crate) async fn gone(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                code = Some(frame.error());
            }
        }
        code
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A header block of literal fields that stay out of the dynamic table (RFC 7541 §6.2.2), in exactly this order.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    block
}

/// RFC 7541 §5.1 and §5.2, without Huffman coding.
fn text(block: &mut Vec<u8>, text: &str) {
    if text.len() < 127 {
        block.push(u8::try_from(text.len()).expect("small"));
    } else {
        block.push(127);
        let mut rest = text.len() - 127;
        while rest >= 128 {
            block.push(u8::try_from(rest % 128).expect("small") | 128);
            rest /= 128;
        }
        block.push(u8::try_from(rest).expect("small"));
    }
    block.extend_from_slice(text.as_bytes());
}

/// The header block of a good request.
pub(crate) fn get(path: &str) -> Vec<u8> {
    block(&[(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", path)])
}
