//! Every bound of this door, with the reason of its default.
//!
//! Requests of one connection are not counted: nothing grows with them, each is decided on the snapshot of its moment,
//! and closing a busy connection costs its caller a handshake. What ends a connection is idleness, misuse, or the drain.
//! How long a whole request may take is a matter of its origin (`OriginTarget::whole_timeout`).

use std::time::Duration;

/// How much and how long. Nothing at this door is unbounded.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once; further ones wait in the kernel's queue. Default 16,384: room for ten thousand slow
    /// connections beside those that work.
    pub connections: usize,
    /// Connections of one address at once (IPv6: of one /64, which is what one customer gets); further ones are closed.
    /// Loopback, the peers whose forwarded fields count and those that send PROXY headers are not counted: everybody
    /// comes from there. Default 1,024: an office behind one address, and a sixteenth of all.
    pub connections_per_address: usize,
    /// Longest wait for a TLS handshake, and before it for a PROXY header. Default 10 s: three lost packets on a slow
    /// line.
    pub handshake_time: Duration,
    /// Longest wait for a whole request head, from its first byte on. Default 30 s: more than a slow phone needs.
    pub head_time: Duration,
    /// Most bytes of a request head, at least 8,192. Default 64 KiB: the longest path and query, and as much again for
    /// tokens and cookies. On HTTP/2 it is the size that RFC 9113 §6.5.2 defines.
    pub head_bytes: usize,
    /// How long a connection without a request is kept. Default 60 s: longer than people look at a page, and as long as
    /// the common load balancers, which then close first.
    pub idle_time: Duration,
    /// Longest pause within a body, in either direction. Default 60 s, what the common servers use, so that origins
    /// that stream events send a sign of life within it.
    pub body_pause: Duration,
    /// Longest time in which a caller reads nothing of what is sent, on HTTP/2 of one stream. Default 60 s, as above.
    pub write_pause: Duration,
    /// Most bytes of a body that are read only to be thrown away, so that a refused caller may keep its connection.
    /// Default 64 KiB: a form fits, an upload does not. On HTTP/2 none are: there, a body can be called off.
    pub unread_bytes: u64,
    /// Longest time spent on that. Default 1 s.
    pub unread_time: Duration,
    /// Requests at once on one HTTP/2 connection. Default 100: what RFC 9113 §6.5.2 recommends at least, and what
    /// browsers use.
    pub streams: u32,
    /// Requests that one HTTP/2 connection may call off, at once or within ten seconds, before it is closed. Default 200:
    /// whoever leaves a page calls off what was under way, which is at most [`Limits::streams`]; an attack calls off
    /// thousands (rapid reset, CVE-2023-44487).
    pub resets: u32,
    /// Frames that carry nothing (SETTINGS, PING, PRIORITY, WINDOW_UPDATE, empty and unknown ones) that one HTTP/2
    /// connection may send, at once or within ten seconds, before it is closed; one more for each 512 bytes that it was
    /// sent, since reading is acknowledged. Default 1,000: clients send a handful, an attack millions (CVE-2019-9512 and
    /// its kin).
    pub idle_frames: u32,
    /// Bytes of one HTTP/2 request body that may wait here for its origin. Default 256 KiB: 20 Mbit/s over a tenth of a
    /// second.
    pub stream_window: u32,
    /// The same of a whole connection. Default 1 MiB: four uploads at full speed, and no connection holds more.
    pub connection_window: u32,
    /// Bytes of one HTTP/2 answer that may wait here for its caller. Default 64 KiB: what the kernel takes at once.
    pub send_buffer: usize,
    /// How often an HTTP/2 caller is asked whether it is still there. Default 30 s: a caller that vanished holds its
    /// streams no longer than a silent one of HTTP/1.
    pub ping_interval: Duration,
    /// Longest wait for the answer to that. Default 20 s: a phone that changes its network.
    pub ping_time: Duration,
    /// Requests at one origin at once; further ones wait as long as for a connection. Default 1,024.
    pub origin_requests: usize,
    /// Longest time in which requests under way may end after shutdown began. Default 30 s, what process supervisors
    /// allow before they kill.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            connections_per_address: 1024,
            handshake_time: Duration::from_secs(10),
            head_time: Duration::from_secs(30),
            head_bytes: 64 * 1024,
            idle_time: Duration::from_secs(60),
            body_pause: Duration::from_secs(60),
            write_pause: Duration::from_secs(60),
            unread_bytes: 64 * 1024,
            unread_time: Duration::from_secs(1),
            streams: 100,
            resets: 200,
            idle_frames: 1000,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
            send_buffer: 64 * 1024,
            ping_interval: Duration::from_secs(30),
            ping_time: Duration::from_secs(20),
            origin_requests: 1024,
            drain: Duration::from_secs(30),
        }
    }
}
