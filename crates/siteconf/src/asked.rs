//! The request that was refused, as the caller knows it.

use std::net::IpAddr;

/// One request, as it was sent to the outermost server.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The method, `GET`.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The host of the URL: a name or an address.
    pub host: String,
    /// The port that was connected to.
    pub port: u16,
    /// Path and query as sent, `/a%20b?c=d`.
    pub target: String,
    /// Header fields as sent. One with an empty value was left out on purpose. What a client adds by itself
    /// (`User-Agent`, `Accept`) may be missing: it is then taken from the access log, or guessed.
    pub headers: Vec<(String, String)>,
    /// The address that the server sees, where it is known.
    pub client: Option<IpAddr>,
    /// When it was sent.
    pub at: Option<jiff::Timestamp>,
    /// The status that was answered.
    pub status: Option<u16>,
}
