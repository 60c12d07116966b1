//! A caller that writes bytes and reads what comes back.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for anything that should come; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// One connection of a caller.
pub(crate) struct Caller {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Caller {
    pub(crate) async fn connect(door: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(door).await.expect("the door is open"), unread: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the door reads");
    }

    /// Sends what may find the door's side closed, and says whether it did not.
    pub(crate) async fn may_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Reads until `end` was seen, and returns everything up to and with it.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        loop {
            let found = self.unread.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(at) = found {
                let rest = self.unread.split_off(at + end.len());
                return text(std::mem::replace(&mut self.unread, rest));
            }
            let length = timeout(PATIENCE, self.stream.read_buf(&mut self.unread))
                .await
                .unwrap_or_else(|_| panic!("no {end:?} came, only {:?}", text(self.unread.clone())))
                .expect("readable");
            assert!(length > 0, "ended before {end:?} with {:?}", text(self.unread.clone()));
        }
    }

    /// Everything until the door closes the connection. A reset counts as an end, and shows in what is missing.
    pub(crate) async fn rest(mut self) -> String {
        let read = async {
            loop {
                match self.stream.read_buf(&mut self.unread).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        };
        timeout(PATIENCE, read).await.expect("the door closes");
        text(self.unread)
    }

    /// Closes the sending side, and waits until the door has closed its own.
    pub(crate) async fn rest_after_finish(mut self) -> String {
        self.finish().await;
        self.rest().await
    }

    /// Closes the sending side alone.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.expect("still open");
    }
}

/// Sends one request on its own connection and reads until the door closes it.
pub(crate) async fn exchange(door: SocketAddr, request: impl AsRef<[u8]>) -> String {
    let mut caller = Caller::connect(door).await;
    caller.send(request).await;
    caller.rest().await
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}
