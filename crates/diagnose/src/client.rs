//! Sends one request exactly as written and keeps what came back: the order and spelling of headers, the path byte for
//! byte, what DNS and TLS showed. It follows no redirect, tries nothing twice and is bounded in time and memory.

mod body;
mod http1;
mod http2;
mod resolve;
mod stream;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::answer::{Answer, Failure, Outcome};
use crate::asked::{Asked, Scheme, Version};

pub(crate) use resolve::by_hand;
pub use resolve::lookup;
use stream::Stream;

/// How long one step may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until a connection stands.
    pub connect: Duration,
    /// From the first byte sent to the last received.
    pub exchange: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), exchange: Duration::from_secs(10) }
    }
}

/// What the client needs besides the request.
#[derive(Debug, Clone)]
pub struct Client {
    /// Sent where the request names no `User-Agent`.
    pub agent: String,
    /// How long it waits.
    pub patience: Patience,
    trust: tls::Trust,
}

impl Client {
    /// With the system's trust store.
    #[must_use]
    pub fn new(agent: &str, patience: Patience) -> Self {
        Self { agent: agent.to_owned(), patience, trust: tls::Trust::of_the_system() }
    }

    /// Sends one request, to one address of the host where one is given.
    pub async fn send(&self, asked: &Asked, only: Option<IpAddr>) -> Outcome {
        let begun = Instant::now();
        let exchange = timeout(self.patience.exchange, self.exchange(asked, only)).await;
        let mut answer = exchange.unwrap_or(Err(Failure::Timeout("the answer")))?;
        answer.took = begun.elapsed();
        Ok(answer)
    }

    async fn exchange(&self, asked: &Asked, only: Option<IpAddr>) -> Outcome {
        let through = asked.proxy.as_ref().filter(|_| only.is_none());
        let (mut stream, peer) = match through {
            Some(proxy) => self.connect(&resolve::addresses_of_proxy(&proxy.url).await?).await?,
            None => self.connect(&resolve::addresses(asked, only).await?).await?,
        };
        let mut absolute = false;
        if let Some(proxy) = through {
            if proxy.url.scheme == Scheme::Https {
                let (wrapped, _) = self.trust.wrap(stream, &proxy.url.host, false, Version::One).await?;
                stream = wrapped;
            }
            if asked.url.scheme == Scheme::Https {
                if let Some(mut refused) = http1::connect(&mut stream, &asked.url, proxy, &self.agent).await?
                {
                    refused.peer = Some(peer);
                    refused.from_connect = true;
                    return Ok(refused);
                }
            } else {
                absolute = true;
            }
        }
        let mut seen = None;
        if asked.url.scheme == Scheme::Https {
            let (wrapped, handshake) =
                self.trust.wrap(stream, &asked.url.host, asked.insecure, asked.version).await?;
            stream = wrapped;
            seen = Some(handshake);
        }
        let two = seen.as_ref().and_then(|tls| tls.agreed.as_deref()) == Some("h2");
        let mut answer = if two {
            http2::exchange(stream, asked, &self.agent).await?
        } else {
            http1::exchange(&mut stream, asked, &self.agent, absolute).await?
        };
        answer.peer = Some(peer);
        answer.tls = seen;
        Ok(answer)
    }

    /// The first address that takes the connection.
    async fn connect(&self, addresses: &[SocketAddr]) -> Result<(Stream, SocketAddr), Failure> {
        let mut last = None;
        for address in addresses.iter().take(4) {
            match timeout(self.patience.connect, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    drop(stream.set_nodelay(true));
                    return Ok((Stream::Plain(stream), *address));
                }
                Ok(Err(fault)) if fault.kind() == std::io::ErrorKind::ConnectionRefused => {
                    last = last.or(Some(Failure::Refused(address.to_string())));
                }
                Ok(Err(fault)) => {
                    last = Some(Failure::Unreachable { at: address.to_string(), why: fault.to_string() });
                }
                Err(_) => last = last.or(Some(Failure::Timeout("the connection"))),
            }
        }
        Err(last.unwrap_or(Failure::Timeout("the connection")))
    }
}

/// Assembles what both versions of HTTP send: the headers that a client adds by itself, then those given.
fn headers(asked: &Asked, agent: &str) -> Vec<(String, String)> {
    let mut sent = Vec::with_capacity(asked.headers.len() + 4);
    let given = |name: &str| asked.header(name).is_some();
    let left_out = |name: &str| asked.left_out.iter().any(|left| left.eq_ignore_ascii_case(name));
    for (name, value) in [("User-Agent", agent), ("Accept", "*/*")] {
        if !given(name) && !left_out(name) {
            sent.push((name.to_owned(), value.to_owned()));
        }
    }
    for (name, value) in &asked.headers {
        if name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case("content-length") {
            continue;
        }
        // What we cannot unpack we do not ask for.
        let value = if name.eq_ignore_ascii_case("accept-encoding") {
            body::unpackable(value)
        } else {
            value.clone()
        };
        sent.push((name.clone(), value));
    }
    if asked.body.is_some() && !given("content-type") && !left_out("content-type") {
        sent.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    }
    sent
}

/// An empty answer of a version, to be filled.
fn begin(version: &str, status: u16, reason: String) -> Answer {
    Answer { version: version.to_owned(), status, reason, ..Answer::default() }
}
