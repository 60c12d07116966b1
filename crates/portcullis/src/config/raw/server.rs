//! The listener that callers reach, as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, PathText, SizeText};

/// The listener that callers reach.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawServer {
    /// Address and port to listen on in plain text: HTTP/1.1, and HTTP/2 by prior knowledge. Loopback by default, so that
    /// nothing is reachable from outside before you say so; `"0.0.0.0:8080"` listens on every interface. `"none"`
    /// listens in TLS only.
    pub(crate) listen: String,
    /// The listener that speaks TLS. Without this table there is none, since there is no certificate that could be a
    /// default.
    pub(crate) tls: Option<RawTls>,
    /// Networks (CIDR) whose `Forwarded` and `X-Forwarded-*` fields count, that is: your own load balancers. None by
    /// default, since anybody can write those fields.
    pub(crate) trusted_peers: Vec<String>,
    /// Lets `trusted_peers` name every address there is (`0.0.0.0/0`, `::/0`). Every caller can then choose the address
    /// it is seen under; only right where nothing but your load balancer can reach the listener.
    pub(crate) dangerously_trust_everyone: bool,
    /// Networks (CIDR) whose connections begin with a PROXY protocol header (version 1 or 2) that says who is calling.
    /// None by default; a connection from there without such a header is closed, and one from elsewhere with it is
    /// refused.
    pub(crate) proxy_protocol_from: Vec<String>,
    /// Folder of the decision log and the state file; made if it is not there.
    pub(crate) data: PathText,
    /// Connections held at once; further ones wait in the system's queue. Ten thousand slow ones fit
    /// beside those that work, and a flood costs callers a wait rather than the machine its memory.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) max_connections: u32,
    /// Connections of one address (IPv6: of one /64) at once; further ones are closed. A thousand: more than a browser or
    /// an office behind one address needs, and a tenth of all. Peers named in `trusted_peers` and `proxy_protocol_from`
    /// are not counted, since everybody comes from there.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) max_connections_per_address: u32,
    /// Longest wait for a TLS handshake and a PROXY protocol header. Ten seconds are three lost packets on a slow line.
    pub(crate) handshake_timeout: DurationText,
    /// Longest wait for a whole request head, from its first byte on. Thirty seconds are more than a slow
    /// phone needs, and end connections that trickle bytes to hold a place.
    pub(crate) header_timeout: DurationText,
    /// How long a connection without a request is kept. Sixty seconds: longer than people look at a page, shorter than the
    /// load balancers' own limits, which then close first.
    pub(crate) idle_timeout: DurationText,
    /// Longest time of a whole request, from its head to the end of its answer; `"none"`, the default, since downloads and
    /// event streams may take as long as they move.
    pub(crate) request_timeout: DurationText,
    /// Most bytes of a request head. 64 KiB: the longest path and query, and as much again for tokens and cookies.
    pub(crate) max_header_size: SizeText,
    /// Longest pause within a body, in either direction. Sixty seconds are what the common servers use, so upstreams
    /// that stream events send a sign of life within it.
    pub(crate) body_timeout: DurationText,
    /// Longest time in which a caller reads nothing of what is sent. Sixty seconds, as above.
    pub(crate) write_timeout: DurationText,
    /// Requests at once on one HTTP/2 connection. A hundred are what RFC 9113 recommends at least, and browsers use.
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) max_streams: u32,
    /// Requests that one HTTP/2 connection may call off within ten seconds before it is closed. Two hundred: a browser that
    /// leaves a page calls off what it had under way, and an attack (rapid reset, CVE-2023-44487) thousands.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) max_stream_resets: u32,
    /// Requests at one upstream at once; further ones wait as long as for a connection. More than a thousand at once
    /// help no upstream.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) max_upstream_requests: u32,
    /// Longest time in which requests under way may end after we were told to stop. Thirty seconds are what process
    /// supervisors allow before they kill.
    pub(crate) drain_timeout: DurationText,
}

impl Default for RawServer {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            tls: None,
            trusted_peers: Vec::new(),
            dangerously_trust_everyone: false,
            proxy_protocol_from: Vec::new(),
            data: "data".into(),
            max_connections: 10_000,
            max_connections_per_address: 1_000,
            handshake_timeout: "10s".into(),
            header_timeout: "30s".into(),
            idle_timeout: "60s".into(),
            request_timeout: "none".into(),
            max_header_size: "64KiB".into(),
            body_timeout: "60s".into(),
            write_timeout: "60s".into(),
            max_streams: 100,
            max_stream_resets: 200,
            max_upstream_requests: 1024,
            drain_timeout: "30s".into(),
        }
    }
}

/// The listener that speaks TLS 1.2 and 1.3, with HTTP/1.1 and HTTP/2.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawTls {
    /// Address and port to listen on: `"0.0.0.0:443"`.
    #[schemars(required)]
    pub(crate) listen: Option<String>,
    /// Certificates, chosen by the name that callers ask for (SNI). A name that none of them holds ends the handshake.
    #[serde(default)]
    pub(crate) certificate: Vec<RawCertificate>,
}

/// A certificate and its key. Both files are taken up again when they change.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawCertificate {
    /// The chain in PEM, our own certificate first. Its subject alternative names say which hosts it is for.
    #[schemars(required)]
    pub(crate) chain: Option<PathText>,
    /// The private key in PEM; readable by its owner only.
    #[schemars(required)]
    pub(crate) key: Option<PathText>,
}
