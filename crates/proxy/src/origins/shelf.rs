//! Connections over HTTP/1 that nobody uses at the moment. In several parts, each with its own short lock, so that no lock
//! is shared by all requests.
//!
//! INVARIANT: none is taken that is closed, busy, or older than origins keep theirs.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use crate::caller::CallerBody;

#[derive(Default)]
pub(super) struct Shelf {
    parts: [Mutex<Vec<Idle>>; PARTS],
}

struct Idle {
    connection: SendRequest<CallerBody>,
    since: Instant,
}

impl Shelf {
    /// A connection that may be used, the last one that was put here first: the others then grow old and are closed.
    pub(super) fn take(&self) -> Option<SendRequest<CallerBody>> {
        let own = own_part();
        let (before, after) = self.parts.split_at(own);
        after.iter().chain(before).find_map(|part| usable(&mut locked(part)))
    }

    /// Keeps a connection whose last answer was read to its end. It may still be about to find that out, or to send the
    /// rest of a request whose answer came early; it is not taken before it is done.
    pub(super) fn put(&self, connection: SendRequest<CallerBody>) {
        if connection.is_closed() {
            return;
        }
        let (_, after) = self.parts.split_at(own_part());
        if let Some(part) = after.first() {
            let mut part = locked(part);
            if part.len() < MOST_IDLE {
                part.push(Idle { connection, since: Instant::now() });
            }
        }
    }

    /// Closes what has been here for too long.
    pub(super) fn close_old(&self) {
        let now = Instant::now();
        for part in &self.parts {
            locked(part).retain(|idle| idle.is_fresh(now));
        }
    }
}

impl Idle {
    fn is_fresh(&self, now: Instant) -> bool {
        !self.connection.is_closed() && now.duration_since(self.since) < KEPT_FOR
    }
}

fn usable(part: &mut Vec<Idle>) -> Option<SendRequest<CallerBody>> {
    let now = Instant::now();
    let at = part.iter().rposition(|idle| idle.connection.is_ready() && idle.is_fresh(now))?;
    Some(part.remove(at).connection)
}

fn locked(part: &Mutex<Vec<Idle>>) -> MutexGuard<'_, Vec<Idle>> {
    // Nothing that holds the lock can panic half-way.
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The part that this thread looks into first.
fn own_part() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<Option<usize>> = const { Cell::new(None) };
    }
    OWN.with(|own| {
        let part = own.get().unwrap_or_else(|| THREADS.fetch_add(1, Ordering::Relaxed) % PARTS);
        own.set(Some(part));
        part
    })
}

const PARTS: usize = 4;

/// How long an unused connection is kept. Shorter than the five seconds after which Node and several Python servers
/// close theirs, since a request sent at that moment is lost.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(4);

/// Most unused connections in each part: together as many as a busy origin has requests at once.
const MOST_IDLE: usize = 64;
