//! One address of an origin: its connections, how many requests are under way there, and its standing.
//!
//! INVARIANT: a request under way is counted from before its connection is sought until its [`Lease`] is dropped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::uri::{Authority, Scheme};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::SendRequest;
use tokio::sync::OwnedSemaphorePermit;

use super::connect::{Connector, Http2};
use super::shelf::Shelf;
use super::standing::Standing;
use super::{ConnectFault, Protocols, Sender};
use crate::caller::CallerBody;

/// One address.
pub(crate) struct Address {
    pub(crate) authority: Authority,
    pub(super) standing: Standing,
    under_way: AtomicUsize,
    idle: Shelf,
    /// Connections over HTTP/2, which requests share. Locked to copy a handle, never across a wait.
    shared: Mutex<Vec<Shared>>,
    /// Held while one more of them is made, so that a burst of requests does not make one each.
    making: tokio::sync::Mutex<()>,
    connector: Arc<Connector>,
}

struct Shared {
    connection: Http2,
    streams: Arc<AtomicUsize>,
    /// How often in a row it was found without requests.
    quiet: u32,
}

/// One request's count on a shared connection.
struct Stream(Arc<AtomicUsize>);

/// A request under way: what it holds of the origin until its answer has ended.
pub(crate) struct Lease {
    address: Arc<Address>,
    connection: Option<SendRequest<CallerBody>>,
    stream: Option<Stream>,
    /// The place among the requests of the origin.
    _place: Arc<OwnedSemaphorePermit>,
}

/// A connection for one request.
pub(crate) struct Taken {
    pub(crate) sender: Sender,
    /// Whether other requests were sent on it before.
    pub(crate) used: bool,
    stream: Option<Stream>,
}

impl Address {
    pub(super) fn new(authority: Authority, connector: Arc<Connector>) -> Self {
        Self {
            authority,
            standing: Standing::new(),
            under_way: AtomicUsize::new(0),
            idle: Shelf::default(),
            shared: Mutex::default(),
            making: tokio::sync::Mutex::default(),
            connector,
        }
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Counts a request as under way.
    pub(crate) fn lease(self: &Arc<Self>, place: Arc<OwnedSemaphorePermit>) -> Lease {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Lease { address: Arc::clone(self), connection: None, stream: None, _place: place }
    }

    /// A connection: one that is there, else a new one.
    pub(crate) async fn connection(&self, protocols: Protocols) -> Result<Taken, ConnectFault> {
        if let Some(taken) = self.kept(protocols) {
            return Ok(taken);
        }
        if !self.connector.may_share(protocols) {
            return self.made(protocols).await;
        }
        let _making = self.making.lock().await;
        // Whoever held the lock may have made one that has room.
        match self.shared_with_room() {
            Some(taken) => Ok(taken),
            None => self.made(protocols).await,
        }
    }

    /// A new connection for somebody who keeps it. What becomes of it says nothing about the address here.
    pub(super) async fn fresh(&self, protocols: Protocols) -> Result<Sender, ConnectFault> {
        self.connector.connect(&self.authority, protocols).await
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.connector.scheme.clone()
    }

    /// A connection that is there.
    fn kept(&self, protocols: Protocols) -> Option<Taken> {
        if self.connector.may_share(protocols)
            && let Some(taken) = self.shared_with_room()
        {
            return Some(taken);
        }
        let sender = Sender::Http1(self.idle.take()?);
        Some(Taken { sender, used: true, stream: None })
    }

    async fn made(&self, protocols: Protocols) -> Result<Taken, ConnectFault> {
        match self.connector.connect(&self.authority, protocols).await {
            Ok(Sender::Http1(sender)) => {
                self.standing.succeeded();
                Ok(Taken { sender: Sender::Http1(sender), used: false, stream: None })
            }
            Ok(Sender::Http2(connection)) => {
                self.standing.succeeded();
                let streams = Arc::new(AtomicUsize::new(0));
                let stream = Some(Stream::new(&streams));
                self.shared().push(Shared { connection: connection.clone(), streams, quiet: 0 });
                Ok(Taken { sender: Sender::Http2(connection), used: false, stream })
            }
            Err(fault) => {
                self.standing.failed();
                Err(fault)
            }
        }
    }

    /// The shared connection with the fewest requests. Where all are full a further one is made, up to a bound; beyond
    /// it requests wait in the library for a stream.
    fn shared_with_room(&self) -> Option<Taken> {
        let mut shared = self.shared();
        shared.retain(|one| !one.connection.sender.is_closed());
        let most_made = shared.len() >= MOST_SHARED;
        let least = shared.iter().min_by_key(|one| one.streams.load(Ordering::Relaxed))?;
        if !most_made && least.streams.load(Ordering::Relaxed) >= STREAMS_EACH {
            return None;
        }
        let sender = Sender::Http2(least.connection.clone());
        Some(Taken { sender, used: true, stream: Some(Stream::new(&least.streams)) })
    }

    /// Closes what nobody uses.
    pub(super) fn close_idle(&self) {
        self.idle.close_old();
        // A connection ends with its last sender.
        self.shared().retain_mut(|one| {
            one.quiet = if one.streams.load(Ordering::Relaxed) > 0 { 0 } else { one.quiet.saturating_add(1) };
            !one.connection.sender.is_closed() && one.quiet < MOST_QUIET
        });
    }

    fn shared(&self) -> MutexGuard<'_, Vec<Shared>> {
        // Nothing that holds the lock can panic half-way.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    pub(crate) fn address(&self) -> &Arc<Address> {
        &self.address
    }

    /// Sends a request by this connection and waits for the head of the answer. What was not sent comes back.
    pub(crate) async fn send(
        &mut self,
        taken: Taken,
        request: Request<CallerBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<CallerBody>>> {
        let Taken { sender, stream, .. } = taken;
        self.stream = stream;
        match sender {
            Sender::Http1(connection) => {
                let connection = self.connection.insert(connection);
                connection.try_send_request(request).await
            }
            Sender::Http2(mut connection) => {
                self.connection = None;
                connection.sender.try_send_request(request).await
            }
        }
    }

    /// The answer was read to its end, so the connection may serve another request.
    pub(crate) fn keep(mut self) {
        if let Some(connection) = self.connection.take() {
            self.address.idle.put(connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.address.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Stream {
    fn new(streams: &Arc<AtomicUsize>) -> Self {
        streams.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(streams))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Requests on one shared connection before another is made: what HTTP/2 servers allow at least (RFC 9113 §6.5.2).
const STREAMS_EACH: usize = 100;

/// Most shared connections to one address.
const MOST_SHARED: usize = 8;

/// So often in a row without requests when idle connections are looked for, and a shared one is closed: half a minute.
const MOST_QUIET: u32 = 15;
