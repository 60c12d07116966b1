//! Makes one connection to one address: name, TCP, TLS, HTTP. It keeps none.
//!
//! INVARIANT: TLS is always verified, against the name the configuration gives or the host of the address; and nothing the
//! origin sent before the handshake's end is read as HTTP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec;

use http::Uri;
use http::uri::{Authority, Scheme};
use hyper::client::conn::{http1, http2};
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use portcullis_gate::{OriginProtocol, OriginTarget, OriginTls};
use rustls::pki_types::ServerName;
use tokio::net::lookup_host;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::fault::{ConnectFault, Unresolved, told};
use crate::Limits;
use crate::caller::CallerBody;

/// How connections to one origin are made.
pub(super) struct Connector {
    tcp: HttpConnector<SystemResolver>,
    pub(super) scheme: Scheme,
    protocol: OriginProtocol,
    tls: Option<Tls>,
    limit: Duration,
    head_bytes: usize,
    window: u32,
}

/// The configuration twice, since ALPN is part of it.
struct Tls {
    any: TlsConnector,
    http1: TlsConnector,
    server_name: Option<ServerName<'static>>,
}

/// Which versions of HTTP will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocols {
    /// Whatever the origin speaks.
    Any,
    /// HTTP/1.1 where the origin leaves the choice: a connection that is to leave HTTP.
    PreferHttp1,
}

/// A connection that takes requests.
pub(crate) enum Sender {
    Http1(http1::SendRequest<CallerBody>),
    Http2(Http2),
}

/// One of several holders of a connection over HTTP/2.
#[derive(Clone)]
pub(crate) struct Http2 {
    pub(crate) sender: http2::SendRequest<CallerBody>,
    /// Whether the origin takes extended CONNECT (RFC 8441 §3), as far as it had said when that was last looked at.
    tunnels: watch::Receiver<bool>,
    /// Has it looked at: the library tells nobody when it changes.
    look: Arc<Notify>,
}

impl Http2 {
    /// Whether the origin takes extended CONNECT. An origin that was just connected is given a moment to say so.
    pub(crate) async fn takes_tunnels(&self) -> bool {
        let mut tunnels = self.tunnels.clone();
        let enabled = async {
            loop {
                self.look.notify_one();
                if let Ok(waited) = timeout(LOOK_AGAIN, tunnels.wait_for(|enabled| *enabled)).await {
                    return waited.is_ok();
                }
            }
        };
        timeout(SETTINGS_TIME, enabled).await.unwrap_or(false)
    }
}

impl Connector {
    pub(super) fn new(target: &OriginTarget, limits: &Limits) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(SystemResolver);
        // Shared out among the addresses of a name, so that each is tried.
        tcp.set_connect_timeout(Some(target.connect_timeout));
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.enforce_http(false);
        Self {
            tcp,
            scheme: target.scheme.clone(),
            protocol: target.protocol,
            tls: target.tls.as_ref().map(|tls| Tls::new(tls, target.protocol)),
            limit: target.connect_timeout,
            head_bytes: limits.head_bytes,
            window: limits.connection_window,
        }
    }

    /// Whether connections made for `protocols` may turn out to be HTTP/2.
    pub(super) fn may_share(&self, protocols: Protocols) -> bool {
        match self.protocol {
            OriginProtocol::Http1 => false,
            OriginProtocol::Http2 => true,
            OriginProtocol::Negotiated => self.tls.is_some() && protocols == Protocols::Any,
        }
    }

    /// A new connection, within the time that the origin's description allows.
    pub(super) async fn connect(
        &self,
        address: &Authority,
        protocols: Protocols,
    ) -> Result<Sender, ConnectFault> {
        let connected = timeout(self.limit, self.connect_unbounded(address, protocols));
        connected.await.unwrap_or(Err(ConnectFault::TimedOut(self.limit)))
    }

    async fn connect_unbounded(
        &self,
        address: &Authority,
        protocols: Protocols,
    ) -> Result<Sender, ConnectFault> {
        let uri = Uri::builder().scheme(self.scheme.clone()).authority(address.clone()).path_and_query("/");
        let uri = uri.build().map_err(|fault| ConnectFault::Unreachable(fault.to_string()))?;
        let tcp = self.tcp.clone().call(uri).await;
        let tcp = tcp.map_err(|fault| ConnectFault::tcp(&fault, self.limit))?;
        let Some(tls) = &self.tls else {
            return if self.protocol == OriginProtocol::Http2 {
                self.http2(tcp).await
            } else {
                self.http1(tcp).await
            };
        };
        let name = match &tls.server_name {
            Some(name) => name.clone(),
            None => server_name(address)?,
        };
        let connector = if self.may_share(protocols) { &tls.any } else { &tls.http1 };
        let stream = connector.connect(name, tcp.into_inner()).await;
        let stream = stream.map_err(|fault| ConnectFault::tls(&fault))?;
        let agreed_on_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        match (self.protocol, agreed_on_http2) {
            (_, true) => self.http2(TokioIo::new(stream)).await,
            (OriginProtocol::Http2, false) => {
                Err(ConnectFault::Tls("HTTP/2 was not agreed on (ALPN)".to_owned()))
            }
            (_, false) => self.http1(TokioIo::new(stream)).await,
        }
    }

    async fn http1<S>(&self, stream: S) -> Result<Sender, ConnectFault>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(self.head_bytes.max(SMALLEST_BUFFER));
        let (sender, connection) =
            builder.handshake(stream).await.map_err(|fault| ConnectFault::Protocol(told(&fault)))?;
        tokio::spawn(async move {
            if let Err(fault) = connection.with_upgrades().await {
                tracing::debug!(fault = told(&fault), "connection to an origin ended");
            }
        });
        Ok(Sender::Http1(sender))
    }

    async fn http2<S>(&self, stream: S) -> Result<Sender, ConnectFault>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(self.head_bytes).unwrap_or(u32::MAX))
            .initial_stream_window_size(self.window)
            .initial_connection_window_size(self.window.saturating_mul(4))
            // An origin that vanished is noticed by its silence, not by each request's time running out.
            .keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(self.limit.max(SHORTEST_PING));
        let (sender, mut connection) =
            builder.handshake(stream).await.map_err(|fault| ConnectFault::Protocol(told(&fault)))?;
        let (tell, tunnels) = watch::channel(false);
        let look = Arc::new(Notify::new());
        let looked_at = Arc::clone(&look);
        tokio::spawn(async move {
            let ended = loop {
                tokio::select! {
                    ended = &mut connection => break ended,
                    () = looked_at.notified() => {
                        tell.send_replace(connection.is_extended_connect_protocol_enabled());
                    }
                }
            };
            if let Err(fault) = ended {
                tracing::debug!(fault = told(&fault), "connection to an origin ended");
            }
        });
        Ok(Sender::Http2(Http2 { sender, tunnels, look }))
    }
}

impl Tls {
    fn new(tls: &OriginTls, protocol: OriginProtocol) -> Self {
        let with = |protocols: &[&[u8]]| {
            let mut config = rustls::ClientConfig::clone(&tls.config);
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
            // A half-second-early request could be replayed by whoever recorded it.
            config.enable_early_data = false;
            TlsConnector::from(Arc::new(config))
        };
        let any = match protocol {
            OriginProtocol::Negotiated => with(&[b"h2", b"http/1.1"]),
            OriginProtocol::Http1 => with(&[b"http/1.1"]),
            OriginProtocol::Http2 => with(&[b"h2"]),
        };
        Self { any, http1: with(&[b"http/1.1"]), server_name: tls.server_name.clone() }
    }
}

/// The host of an address as the certificate must hold it.
fn server_name(address: &Authority) -> Result<ServerName<'static>, ConnectFault> {
    let host = address.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(ServerName::IpAddress(ip.into()));
    }
    ServerName::try_from(bare.to_owned())
        .map_err(|_| ConnectFault::Certificate(format!("`{host}` is a name that no certificate can hold")))
}

/// The resolver of the system, whose failures can be told from those of the network.
#[derive(Debug, Clone, Copy)]
struct SystemResolver;

impl Service<Name> for SystemResolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Unresolved>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move {
            let found: Vec<_> = lookup_host((name.as_str(), 0)).await.map_err(Unresolved)?.collect();
            if found.is_empty() {
                return Err(Unresolved(io::Error::other("the name has no address")));
            }
            Ok(found.into_iter())
        })
    }
}

/// Half a minute of silence, then it is asked whether anybody is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

const SHORTEST_PING: Duration = Duration::from_secs(5);

/// What the HTTP library needs at least.
const SMALLEST_BUFFER: usize = 8192;

/// How long an origin that was just connected may take to say what it can do.
const SETTINGS_TIME: Duration = Duration::from_secs(1);

const LOOK_AGAIN: Duration = Duration::from_millis(10);
