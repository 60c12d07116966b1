//! Origins: they note what arrives and answer with bytes.

use std::future::Future;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::caller::PATIENCE;

/// An origin that runs `serve` on each connection.
pub(crate) async fn on_connection<F>(serve: impl Fn(Connection) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(Connection { stream, unread: Vec::new() }));
        }
    });
    address
}

/// An origin that answers every request with the same bytes and closes; the heads it saw come from the receiver.
pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> (SocketAddr, Heads) {
    let (seen, heads) = unbounded_channel();
    let answer = answer.into();
    let address = on_connection(move |mut connection| {
        let (seen, answer) = (seen.clone(), answer.clone());
        async move {
            if let Some(head) = connection.head().await {
                drop(seen.send(head));
                connection.send(&answer).await;
            }
        }
    })
    .await;
    (address, Heads(heads))
}

/// The heads that an origin saw.
pub(crate) struct Heads(UnboundedReceiver<String>);

impl Heads {
    /// The next one; `None` if none comes: a request that was refused must fail a test, not keep it waiting.
    pub(crate) async fn recv(&mut self) -> Option<String> {
        timeout(PATIENCE, self.0.recv()).await.ok().flatten()
    }

    /// The next one, if it came already.
    pub(crate) fn try_recv(&mut self) -> Result<String, TryRecvError> {
        self.0.try_recv()
    }
}

/// An address where nobody listens.
pub(crate) async fn dead() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("bound")
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

/// One connection of an origin.
pub(crate) struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    /// The next head with its empty line, or `None` when the door closed.
    pub(crate) async fn head(&mut self) -> Option<String> {
        self.until("\r\n\r\n").await
    }

    /// Reads until `end` was seen, and returns everything up to and with it.
    pub(crate) async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            let found = self.unread.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(at) = found {
                let rest = self.unread.split_off(at + end.len());
                return String::from_utf8(std::mem::replace(&mut self.unread, rest)).ok();
            }
            match timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await {
                Ok(Ok(length)) if length > 0 => {}
                _ => return None,
            }
        }
    }

    /// Whatever comes within `time`, and is taken.
    pub(crate) async fn within(&mut self, time: std::time::Duration) -> String {
        let read = async {
            while let Ok(length) = self.stream.read_buf(&mut self.unread).await
                && length > 0
            {}
        };
        drop(timeout(time, read).await);
        String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned()
    }

    /// Everything until the door closes its side.
    pub(crate) async fn rest(mut self) -> String {
        while let Ok(Ok(length)) = timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await
            && length > 0
        {}
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    /// Ends the connection by a reset.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().expect("a socket");
    }

    /// Closes the sending side alone.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.ok();
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // The door may have given up on us, which its own answer shows.
        drop(self.stream.write_all(bytes.as_ref()).await);
    }
}
