//! One request at one origin: which address, which connection, how long, and what is tried again.
//!
//! INVARIANT: a request is sent again only where nothing of it was sent, or where its method is idempotent and its body
//! is still whole (RFC 9110 §9.2.2).

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use portcullis_gate::OriginTarget;
use portcullis_measure::{Metrics, OriginOutcome};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::fault::Fault;
use super::outgoing::Outgoing;
use super::retry::{Tries, is_idempotent};
use crate::caller::{CallerBody, Progress, Upload};
use crate::origins::{Address, ConnectFault, Lease, Origin, Protocols, Sender};
use crate::upgrade::Asked;

/// All tries of one request.
pub(super) struct Attempts<'a> {
    pub(super) outgoing: &'a Outgoing,
    pub(super) upload: &'a Upload,
    pub(super) asked: Option<&'a Asked>,
    pub(super) target: &'a OriginTarget,
    pub(super) origin: &'a Origin,
    pub(super) place: Arc<OwnedSemaphorePermit>,
    pub(super) metrics: &'a Metrics,
}

/// The head of an answer, and what its request holds of the origin.
pub(super) struct Answered {
    pub(super) response: Response<Incoming>,
    pub(super) lease: Lease,
    /// Whether it was asked for a tunnel; what its answer to that is worth is not looked at here.
    pub(super) asked: bool,
    /// Whether some of the caller's body was not read.
    pub(super) unread: bool,
}

/// A try that came to nothing.
struct Failure {
    fault: Fault,
    /// Whether the origin cannot have seen anything of the request.
    unsent: bool,
    /// Whether the connection had served other requests: it may just have been closed.
    used: bool,
}

impl Attempts<'_> {
    /// Tries until there is an answer or no further try would do.
    pub(super) async fn run(&self) -> Result<Answered, Fault> {
        let deadline = Instant::now() + self.target.connect_timeout + self.target.response_timeout;
        let mut tries = Tries::new(self.target.retries, deadline);
        let mut tried: Vec<Arc<Address>> = Vec::new();
        self.origin.budget.earn();
        loop {
            let Some(address) = self.origin.choose(&tried) else {
                return Err(ConnectFault::Unreachable("it has no address".to_owned()).into());
            };
            let mut lease = address.lease(Arc::clone(&self.place));
            let limit = match tried.is_empty() {
                true => self.target.response_timeout,
                false => self.target.response_timeout.min(deadline.saturating_duration_since(Instant::now())),
            };
            let failure = match self.once(&mut lease, limit, deadline).await {
                Ok(response) => {
                    self.metrics.origin_try(&self.target.app, OriginOutcome::Answered);
                    let unread = !self.upload.progress().ended();
                    return Ok(Answered { response, lease, asked: self.asked.is_some(), unread });
                }
                Err(failure) => failure,
            };
            drop(lease);
            tried.push(address);
            let elsewhere = failure.used || tried.len() < self.origin.addresses();
            let again = self.may_try(&failure).then(|| tries.again(elsewhere, &self.origin.budget)).flatten();
            let outcome = if again.is_some() { OriginOutcome::Retried } else { failure.fault.counted() };
            self.metrics.origin_try(&self.target.app, outcome);
            match again {
                Some(wait) => {
                    tracing::debug!(fault = %failure.fault, "tried again");
                    sleep(wait).await;
                }
                None => return Err(failure.fault),
            }
        }
    }

    fn may_try(&self, failure: &Failure) -> bool {
        let again = failure.unsent || is_idempotent(self.outgoing.method()) && self.asked.is_none();
        again && failure.fault.may_pass() && self.upload.is_whole()
    }

    /// One try. A connection that turns out to be closed before anything was sent is no try: the next one is taken.
    async fn once(
        &self,
        lease: &mut Lease,
        limit: Duration,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Failure> {
        let protocols = if self.asked.is_some() { Protocols::PreferHttp1 } else { Protocols::Any };
        let unsent = |fault| Failure { fault, unsent: true, used: false };
        let address = Arc::clone(lease.address());
        let mut closed = 0;
        loop {
            let taken = match timeout_at(deadline, address.connection(protocols)).await {
                Ok(taken) => taken.map_err(|fault| unsent(fault.into()))?,
                Err(_) => return Err(unsent(ConnectFault::TimedOut(self.target.connect_timeout).into())),
            };
            let used = taken.used;
            let interim = Arc::new(Interim::default());
            let request = self.request(&taken.sender, &address, &interim).await.map_err(unsent)?;
            let answered = lease.send(taken, request);
            match answer_in_time(answered, self.upload.progress(), &interim, limit).await {
                Ok(response) => return Ok(response),
                Err((_, true)) if used && closed < MOST_CLOSED => closed += 1,
                Err((fault, unsent)) => return Err(Failure { fault, unsent, used }),
            }
        }
    }

    /// The request in the form that this connection takes.
    async fn request(
        &self,
        sender: &Sender,
        address: &Address,
        interim: &Arc<Interim>,
    ) -> Result<Request<CallerBody>, Fault> {
        let body = self.upload.body().ok_or_else(|| Fault::Terminated("the body was begun".to_owned()))?;
        let made = match sender {
            Sender::Http1(_) => {
                let chunked = !self.upload.has_length();
                let mut made = self.outgoing.http1(&address.authority, body, chunked, self.asked);
                if let Ok(request) = &mut made {
                    let interim = Arc::clone(interim);
                    hyper::ext::on_informational(request, move |_| interim.came());
                }
                made
            }
            Sender::Http2(shared) => {
                if self.asked.is_some() && !shared.takes_tunnels().await {
                    return Err(Fault::Broken("it takes no extended CONNECT (RFC 8441)".to_owned()));
                }
                self.outgoing.http2(&address.authority, body, self.asked)
            }
        };
        made.map_err(|fault| Fault::Broken(format!("the request cannot be written: {fault}")))
    }
}

/// Waits for the head of the answer. The time runs while neither the caller's body moves nor the caller is what the
/// origin waits for; its pauses have their own limit. A fault comes with whether nothing was sent.
async fn answer_in_time(
    answered: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<CallerBody>>>>,
    progress: &Progress,
    interim: &Interim,
    limit: Duration,
) -> Result<Response<Incoming>, (Fault, bool)> {
    let mut answered = pin!(answered);
    let mut seen = progress.frames();
    loop {
        let waited = tokio::select! {
            biased;
            waited = timeout(limit, answered.as_mut()) => waited,
            () = interim.flood() => {
                let flood = format!("more than {MOST_INTERIM} interim answers (1xx)");
                return Err((Fault::Broken(flood), false));
            }
        };
        match waited {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(mut error)) => {
                let unsent = error.take_message().is_some();
                return Err((Fault::of(error.error(), progress), unsent));
            }
            Err(_) if progress.starved() && !progress.ended() => {}
            Err(_) if progress.frames() != seen => seen = progress.frames(),
            Err(_) => return Err((Fault::NotAnsweredInTime(limit), false)),
        }
    }
}

/// Interim answers to one request. None is passed on: 100 is ours to say, and the others are hints.
#[derive(Debug, Default)]
struct Interim {
    count: AtomicU32,
    flooded: Notify,
}

impl Interim {
    fn came(&self) {
        if self.count.fetch_add(1, Ordering::Relaxed) == MOST_INTERIM {
            self.flooded.notify_one();
        }
    }

    async fn flood(&self) {
        self.flooded.notified().await;
    }
}

/// Interim answers to one request: a 100, a few 103, and a 102 each ten seconds (RFC 2518) over the usual time.
const MOST_INTERIM: u32 = 32;

/// Connections found closed before one more counts as a failure.
const MOST_CLOSED: u32 = 8;
