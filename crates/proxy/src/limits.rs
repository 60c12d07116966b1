//! Every bound of this door, with the reason of its default.

use std::time::Duration;

/// How much and how long. Nothing at this door is unbounded.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once; further ones wait in the kernel's queue. Default 16,384: room for ten thousand slow
    /// connections beside those that work.
    pub connections: usize,
    /// Longest wait for a whole request head, on a new connection as on a kept one. Default 30 s: more than a slow
    /// phone needs, and as long as an idle connection is kept.
    pub head_time: Duration,
    /// Most bytes of a request head, at least 8,192. Default 64 KiB: the longest path and query, and as much again for
    /// tokens and cookies.
    pub head_bytes: usize,
    /// Longest pause within a body, in either direction. Default 60 s, what the common servers use, so that origins
    /// that stream events send a sign of life within it.
    pub body_pause: Duration,
    /// Longest time in which a caller reads nothing of what is sent. Default 60 s, as above.
    pub write_pause: Duration,
    /// Most bytes of a body that are read only to be thrown away, so that a refused caller may keep its connection.
    /// Default 64 KiB: a form fits, an upload does not.
    pub unread_bytes: u64,
    /// Longest time spent on that. Default 1 s.
    pub unread_time: Duration,
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
            head_time: Duration::from_secs(30),
            head_bytes: 64 * 1024,
            body_pause: Duration::from_secs(60),
            write_pause: Duration::from_secs(60),
            unread_bytes: 64 * 1024,
            unread_time: Duration::from_secs(1),
            origin_requests: 1024,
            drain: Duration::from_secs(30),
        }
    }
}
