//! What the reader of a connection tells the service about each head, and what the service tells the reader after a
//! wish to leave HTTP. One small lock per connection; nothing here reads or writes.
//!
//! INVARIANT: heads are counted alike on both sides, so a fault reaches the one request that stands in its place.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::HeadFault;

/// The heads of one connection, in the order in which the HTTP library gets them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Heads(Arc<Mutex<Shared>>);

/// What is known of one head.
#[derive(Debug)]
pub struct Head {
    /// Set if the request at hand is only a stand-in: its head was refused for this. Nothing in the request is the
    /// caller's, and nothing follows it.
    pub fault: Option<HeadFault>,
    /// Set if the head asks to leave HTTP. Nothing that follows it is read until this says how.
    pub upgrade: Option<Upgrade>,
}

/// What follows a head that asked to leave HTTP, held back: bytes sent after `Upgrade` must reach nobody before the
/// origin has agreed (Pingora CVE-2026-2833, Envoy CVE-2026-73548). Dropped undecided, it ends the reading, so that what
/// nobody decided on is read by nobody.
#[derive(Debug)]
#[must_use = "dropped undecided, it ends the reading of the connection"]
pub struct Upgrade {
    heads: Heads,
    number: u64,
}

#[derive(Debug, Default)]
struct Shared {
    /// Heads that the service has asked about.
    asked: u64,
    /// At most one in a connection: nothing is read after it.
    fault: Option<(u64, HeadFault)>,
    /// At most one at a time: nothing is read until it is decided.
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    number: u64,
    decision: Option<Decision>,
    reader: Option<Waker>,
}

/// How the reading goes on behind a held head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// With the next request.
    Http,
    /// With bytes that are not looked at.
    Raw,
    /// Not at all.
    End,
}

impl Heads {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Shared::default())))
    }

    /// What is known of the next head. To be called once for each request, before anything else and in their order.
    #[must_use]
    pub fn next(&self) -> Head {
        let mut shared = self.shared();
        shared.asked += 1;
        let number = shared.asked;
        let fault = shared.fault.take_if(|(refused, _)| *refused == number).map(|(_, fault)| fault);
        let held = shared.held.as_ref().is_some_and(|held| held.number == number);
        drop(shared);
        Head { fault, upgrade: held.then(|| Upgrade { heads: self.clone(), number }) }
    }

    /// The head of this number was refused. Told before its stand-in is handed over.
    pub(super) fn refuse(&self, number: u64, fault: HeadFault) {
        self.shared().fault = Some((number, fault));
    }

    /// Nothing behind the head of this number is handed over until it is decided. Told before the head is.
    pub(super) fn hold(&self, number: u64) {
        self.shared().held = Some(Held { number, decision: None, reader: None });
    }

    /// What was decided about the head that is held.
    pub(super) fn poll_decision(&self, context: &mut Context<'_>) -> Poll<Decision> {
        let mut shared = self.shared();
        let Some(held) = shared.held.as_mut() else { return Poll::Ready(Decision::End) };
        match held.decision {
            Some(decision) => {
                shared.held = None;
                Poll::Ready(decision)
            }
            None => {
                held.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn decide(&self, number: u64, decision: Decision) {
        let reader = match self.shared().held.as_mut() {
            Some(held) if held.number == number && held.decision.is_none() => {
                held.decision = Some(decision);
                held.reader.take()
            }
            _ => None,
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Nothing that holds the lock can panic half-way, so what a poisoned one protects is whole.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upgrade {
    /// The wish was not granted: what follows is read as the next request.
    pub fn go_on_http(self) {
        self.heads.decide(self.number, Decision::Http);
    }

    /// The wish was granted: what follows is handed over as it comes.
    pub fn go_on_raw(self) {
        self.heads.decide(self.number, Decision::Raw);
    }
}

impl Drop for Upgrade {
    fn drop(&mut self) {
        // The first decision counts.
        self.heads.decide(self.number, Decision::End);
    }
}

#[cfg(test)]
mod tests;
