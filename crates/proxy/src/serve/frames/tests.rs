#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "that is how a test fails")]

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;
use crate::serve::places::Places;

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let mut bytes = vec![0, 0, length, kind, flags, 0, 0, 0, 1];
    bytes.extend_from_slice(payload);
    bytes
}

fn streams() -> Streams {
    let (places, _vacated) = Places::new(1, 1);
    Streams::new(Duration::MAX, places.alive())
}

fn limits(resets: u32, idle_frames: u32) -> Limits {
    Limits { resets, idle_frames, ..Limits::default() }
}

/// Sends `bytes` in pieces of `size` and reads everything, at most `most` bytes.
async fn through(bytes: &[u8], size: usize, limits: &Limits, most: usize) -> Vec<u8> {
    let (mut caller, door) = duplex(size);
    let mut frames = Frames::new(door, limits, Arc::new(Metrics::new()), streams());
    let sent = bytes.to_vec();
    tokio::spawn(async move { caller.write_all(&sent).await });
    let mut read = vec![0; most];
    let mut length = 0;
    while length < most {
        match frames.read(&mut read[length..]).await {
            Ok(0) | Err(_) => break,
            Ok(more) => length += more,
        }
    }
    read.truncate(length);
    read
}

#[tokio::test]
async fn what_crosses_no_bound_passes_byte_for_byte() {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, &[]));
    for _ in 0..10 {
        bytes.extend(frame(HEADERS, 0, b"abc"));
        bytes.extend(frame(CONTINUATION, END_HEADERS, b"abc"));
        bytes.extend(frame(DATA, END_STREAM, b""));
        bytes.extend(frame(RST_STREAM, 0, &[0; 4]));
    }
    for size in [1, 2, 8, 9, 10, 4096] {
        assert_eq!(
            through(&bytes, size, &limits(10, 1), usize::from(u16::MAX)).await,
            bytes,
            "in pieces of {size}"
        );
    }
}

#[tokio::test]
async fn behind_a_bound_comes_a_head_without_end_however_it_is_cut() {
    let mut good = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    good.extend(frame(6, 0, &[7; 8]).repeat(3));
    let mut bytes = good.clone();
    bytes.extend(frame(6, 0, &[7; 8]));
    bytes.extend(frame(HEADERS, END_HEADERS, b"never read"));
    let mut expected = good;
    expected.extend(frame(6, 0, &[1; 8]));
    expected.extend([0, 0, 0, HEADERS, 0, 0x7f, 0xff, 0xff, 0xff]);
    expected.extend([0, 0, 0, CONTINUATION, 0, 0x7f, 0xff, 0xff, 0xff]);
    for size in [1, 2, 7, 9, 100, 4096] {
        let read = through(&bytes, size, &limits(1, 3), expected.len()).await;
        assert_eq!(read, expected, "in pieces of {size}");
    }
}

#[tokio::test]
async fn a_library_that_never_has_enough_gets_an_error() {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(RST_STREAM, 0, &[0; 4]).repeat(2));
    let read = through(&bytes, 4096, &limits(1, 1), 1 << 20).await;
    assert_eq!(read.len(), bytes.len() + ENOUGH);
}

/// A caller that reads much acknowledges often.
#[tokio::test]
async fn what_is_sent_earns_frames() {
    let (mut caller, door) = duplex(1 << 20);
    let mut frames = Frames::new(door, &limits(1, 2), Arc::new(Metrics::new()), streams());
    caller.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let ping = frame(6, 0, &[7; 8]);
    let mut read = vec![0; 24];
    frames.read_exact(&mut read).await.unwrap();
    for _ in 0..50 {
        caller.write_all(&ping).await.unwrap();
        let mut read = vec![0; ping.len()];
        frames.read_exact(&mut read).await.unwrap();
        assert_eq!(read, ping);
        frames.write_all(&[0; BYTES_FOR_A_FRAME]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_and_an_idle_connection_none_here() {
    let (mut caller, door) = duplex(4096);
    let mut frames = Frames::new(door, &limits(1, 1), Arc::new(Metrics::new()), streams());
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(HEADERS, END_HEADERS, b"abc"));
    caller.write_all(&bytes).await.unwrap();
    frames.read_exact(&mut vec![0; bytes.len()]).await.unwrap();
    let mut byte = [0];
    let long = 10 * Limits::default().head_time;
    assert!(tokio::time::timeout(long, frames.read(&mut byte)).await.is_err(), "idle is not late");
    caller.write_all(&frame(HEADERS, 0, b"")).await.unwrap();
    frames.read_exact(&mut [0; 9]).await.unwrap();
    let late = tokio::time::timeout(long, frames.read(&mut byte)).await.unwrap().unwrap_err();
    assert_eq!(late.kind(), io::ErrorKind::TimedOut);
}
