//! The sockets everything listens on: handed over by a supervisor where they listen on a configured address, else bound
//! here.
//!
//! A supervisor that keeps the sockets (systemd's socket activation) restarts the gate without a refused connection: what
//! arrives meanwhile waits in their queues.

use std::net::{SocketAddr, TcpListener as Bound};

use listenfd::ListenFd;
use tokio::net::TcpListener;

use super::ServeFault;
use crate::config::Config;

/// Sockets that stood open when the process started.
#[derive(Debug, Default)]
pub(crate) struct HandedOver(Vec<Bound>);

/// Every socket of a running gate.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    /// Callers, in plain text.
    pub(crate) plain: Option<TcpListener>,
    /// Callers, in TLS.
    pub(crate) tls: Option<TcpListener>,
    /// Operators.
    pub(crate) admin: Option<TcpListener>,
    /// Proxies that ask before they forward.
    pub(crate) forward_auth: Option<TcpListener>,
}

impl HandedOver {
    /// Takes what the supervisor handed over (`LISTEN_FDS`, sd_listen_fds(3)). Call it once, before any thread starts: it
    /// takes the variables out of the environment, so that no child takes the sockets for its own.
    pub(crate) fn take() -> Self {
        let mut handed = ListenFd::from_env();
        let listeners = (0..handed.len()).filter_map(|index| match handed.take_tcp_listener(index) {
            Ok(listener) => listener,
            Err(fault) => {
                tracing::warn!(%fault, index, "a socket that was handed over is not one to listen on");
                None
            }
        });
        Self(listeners.collect())
    }

    fn claim(&mut self, address: SocketAddr) -> Option<Bound> {
        let there = |listener: &Bound| listener.local_addr().is_ok_and(|local| same(local, address));
        let index = self.0.iter().position(there)?;
        Some(self.0.swap_remove(index))
    }
}

/// A dual-stack socket on every interface is known as `[::]`.
fn same(local: SocketAddr, configured: SocketAddr) -> bool {
    let everywhere = local.ip().is_unspecified() && configured.ip().is_unspecified();
    local.port() == configured.port()
        && (everywhere || local.ip().to_canonical() == configured.ip().to_canonical())
}

impl Sockets {
    /// One listener in plain text and nothing else.
    #[cfg(test)]
    pub(crate) fn plain(listener: TcpListener) -> Self {
        Self { plain: Some(listener), ..Self::default() }
    }

    /// Opens what the configuration asks for, on sockets handed over where there are any for the address.
    pub(crate) async fn open(config: &Config, mut handed: HandedOver) -> Result<Self, ServeFault> {
        let mut sockets = Self::default();
        let server = &config.server;
        for (address, socket) in [
            (server.listen, &mut sockets.plain),
            (server.tls.as_ref().map(|tls| tls.listen), &mut sockets.tls),
            (config.admin.as_ref().map(|admin| admin.listen), &mut sockets.admin),
            (config.forward_auth.as_ref().map(|door| door.listen), &mut sockets.forward_auth),
        ] {
            if let Some(address) = address {
                *socket = Some(listen(address, &mut handed).await?);
            }
        }
        for unused in &handed.0 {
            let address = unused.local_addr().map(|address| address.to_string()).unwrap_or_default();
            tracing::warn!(address, "a socket was handed over that the configuration does not listen on");
        }
        Ok(sockets)
    }
}

async fn listen(address: SocketAddr, handed: &mut HandedOver) -> Result<TcpListener, ServeFault> {
    let opened = match handed.claim(address) {
        Some(bound) => bound.set_nonblocking(true).and_then(|()| TcpListener::from_std(bound)),
        None => TcpListener::bind(address).await,
    };
    opened.map_err(|fault| ServeFault::Listen { address, fault })
}
